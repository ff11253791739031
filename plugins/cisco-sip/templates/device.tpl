{% macro settings(table) %}
{% for name, value in table|items %}
<{{ name }}>{{ value }}</{{ name }}>
{% endfor %}
{% endmacro %}
{% macro member(priority, host, port) %}
<member priority="{{ priority }}"><callManager>
<ports>
<ethernetPhonePort>2000</ethernetPhonePort>
<sipPort>{{ port }}</sipPort>
<securedSipPort>5061</securedSipPort>
</ports>
<processNodeName>{{ host }}</processNodeName>
</callManager></member>
{% endmacro %}
{# The first line's servers are the phone's. #}
{% set main = lines|first|default({}) %}
<?xml version="1.0" encoding="UTF-8"?>
<device>
<fullConfig>true</fullConfig>
<deviceProtocol>SIP</deviceProtocol>
<loadInformation>{{ data.load }}</loadInformation>
<transportLayerProtocol>{{ data.transport[sip_transport]|default(2) }}</transportLayerProtocol>
<sshUserId>admin</sshUserId>
<sshPassword>{{ admin_password }}</sshPassword>

<devicePool>
<dateTimeSetting>
<dateTemplate>D-M-YA</dateTemplate>
<timeZone>{{ data.zones[timezone|nearest_zone(data.zones) or "US/Eastern"] }}</timeZone>
<ntps>
{%- if ntp_enabled %}<ntp><name>{{ ntp_ip }}</name><ntpMode>Unicast</ntpMode></ntp>{% endif -%}
</ntps>
</dateTimeSetting>
<callManagerGroup>
<members>
{{ member(0, main.proxy_ip, main.proxy_port or 5060) -}}
{% if main.backup_proxy_ip %}
{{ member(1, main.backup_proxy_ip, main.backup_proxy_port) -}}
{% endif %}
</members>
</callManagerGroup>
</devicePool>

{% if data.texts[locale] %}
{% set texts, language, tones = data.texts[locale] %}
<userLocale>
<name>i18n/{{ texts }}</name>
<langCode>{{ language }}</langCode>
</userLocale>
<networkLocale>i18n/{{ tones }}</networkLocale>
{% endif %}
<networkLocaleInfo>
<name></name>
<uid></uid>
<version>1.0.0.0-1</version>
</networkLocaleInfo>

<sipProfile>
<phoneLabel>{{ main.display_name }}</phoneLabel>
<externalNumberMask>{{ main.number }}</externalNumberMask>
<voipControlPort>{{ main.proxy_port or 5060 }}</voipControlPort>
<sipProxies>
<outboundProxy>{{ main.outbound_proxy_ip }}</outboundProxy>
<outboundProxyPort>{{ main.outbound_proxy_port }}</outboundProxyPort>
<registerWithProxy>true</registerWithProxy>
</sipProxies>
<sipCallFeatures>
{{ settings(data.call_features) -}}
</sipCallFeatures>
<sipStack>
{{ settings(data.stack) -}}
</sipStack>
{{ settings(data.profile) -}}
<sipLines>
{% for line in lines %}
<line button="{{ line.n }}" lineIndex="{{ line.n }}">
<featureID>9</featureID>
<featureLabel>{{ line.number }}</featureLabel>
<proxy>USECALLMANAGER</proxy>
<port>{{ line.proxy_port or 5060 }}</port>
<displayName>{{ line.display_name }}</displayName>
<contact>{{ line.number }}</contact>
<name>{{ line.username }}</name>
<authName>{{ line.auth_username }}</authName>
<authPassword>{{ line.password }}</authPassword>
{% if line.voicemail or exten_voicemail %}
<messagesNumber>{{ line.voicemail or exten_voicemail }}</messagesNumber>
{% endif %}
<autoAnswer><autoAnswerEnabled>2</autoAnswerEnabled></autoAnswer>
{% for name, value in data.line|items %}
<{{ name }}>{{ value }}</{{ name }}>
{% endfor %}
<forwardCallInfoDisplay>
{% for name, value in data.line_shows|items %}
<{{ name }}>{{ value }}</{{ name }}>
{% endfor %}
</forwardCallInfoDisplay>
</line>
{% endfor %}
{# Keys come behind the last line. #}
{% set last = (lines|last|default({})).n|default(0) %}
{% for name, key in funckeys|numsort if data.features[key.type] %}
{% set button = last + name|int %}
<line button="{{ button }}" lineIndex="{{ button }}">
<featureID>{{ data.features[key.type] }}</featureID>
<featureLabel>{{ key.label }}</featureLabel>
<speedDialNumber>{{ key.value }}</speedDialNumber>
{% if key.type == "blf" %}
<featureOptionMask>1</featureOptionMask>
{% endif %}
</line>
{% endfor %}
</sipLines>
</sipProfile>

<commonProfile>
{% if admin_password %}
<phonePassword>{{ admin_password }}</phonePassword>
{% endif %}
<backgroundImageAccess>true</backgroundImageAccess>
<callLogBlfEnabled>2</callLogBlfEnabled>
</commonProfile>
<vendorConfig>
{% if vlan_enabled %}
<voiceVlanAccess>{{ vlan_id }}</voiceVlanAccess>
{% endif %}
{{ settings(data.vendor_config) -}}
</vendorConfig>
<capfList><capf><phonePort>3804</phonePort></capf></capfList>
<directoryURL>{{ phonebook_url("cisco", entry="menu") }}</directoryURL>
{{ settings(data.device) -}}
</device>
