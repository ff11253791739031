{% set texts, language, tones = data.ata_locale[locale] or data.ata_locale[data.standard_locale] %}
{# The servers of all lines count where the line has none: both address and port, or neither. #}
{% set own = (sip_lines or {})[line.n|string]|default({}) %}
{% set port = (own.proxy_port if own.proxy_ip else line.proxy_port) or 5060 %}
<?xml version="1.0" encoding="UTF-8"?>
<device>
<deviceProtocol>SIP</deviceProtocol>
<loadInformation>{{ data.load }}</loadInformation>
<userLocale>
<name>i18n/{{ texts }}</name>
<langCode>{{ language }}</langCode>
</userLocale>
<networkLocale>i18n/{{ tones }}</networkLocale>
<devicePool>
<dateTimeSetting>
<dateTemplate>YA.M.D</dateTemplate>
{% if timezone %}
<timeZone>{{ timezone }}</timeZone>
{% endif %}
<olsonTimeZone>America/Toronto</olsonTimeZone>
{% if ntp_enabled %}
<ntps><ntp><name>{{ ntp_ip }}</name><ntpMode>Unicast</ntpMode></ntp></ntps>
{% endif %}
</dateTimeSetting>
<callManagerGroup>
<name>Default</name>
<tftpDefault>true</tftpDefault>
<members><member><callManager>
<name>{{ line.proxy_ip }}</name>
<description></description>
<ports><sipPort>{{ port }}</sipPort></ports>
<processNodeName>{{ line.proxy_ip }}</processNodeName>
</callManager></member></members>
</callManagerGroup>
<srstInfo>
<userModifiable>false</userModifiable>
<isSecure>false</isSecure>
</srstInfo>
</devicePool>
<sipProfile>
<phoneLabel>{{ line.number }}</phoneLabel>
<sipLines>
<line>
<featureID>9</featureID>
<featureLabel>{{ line.display_name }}</featureLabel>
<proxy>{{ line.proxy_ip }}</proxy>
<port>{{ port }}</port>
<displayName>{{ line.number }}</displayName>
<contact>{{ line.number }}</contact>
<name>{{ line.username }}</name>
<authName>{{ line.auth_username }}</authName>
<authPassword>{{ line.password }}</authPassword>
<sharedLine>false</sharedLine>
</line>
</sipLines>
<dialTemplate>dialplan.xml</dialTemplate>
<sipCallFeatures>
{% for name, value in data.ata_features|items %}
<{{ name }}>{{ value }}</{{ name }}>
{% endfor %}
</sipCallFeatures>
<sipStack>
{% for name, value in data.ata_stack|items %}
<{{ name }}>{{ value }}</{{ name }}>
{% endfor %}
</sipStack>
</sipProfile>
</device>
