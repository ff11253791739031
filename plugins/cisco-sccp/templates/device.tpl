<?xml version="1.0" encoding="UTF-8"?>
<device>
<loadInformation>{{ model.load }}</loadInformation>
<versionStamp>{{ data.stamp }}</versionStamp>
<addOnModules></addOnModules>

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
{% for number, manager in sccp_call_managers|numsort %}
<member priority="{{ number|int - 1 }}"><callManager>
<ports><ethernetPhonePort>{{ manager.port or 2000 }}</ethernetPhonePort></ports>
<processNodeName>{{ manager.ip }}</processNodeName>
</callManager></member>
{% endfor %}
</members>
</callManagerGroup>
<srstInfo><srstOption>Disable</srstOption></srstInfo>
</devicePool>

{% if data.locale[locale] %}
{% set texts, language, tones = data.locale[locale] %}
<userLocale>
<name>i18n/{{ texts }}</name>
<langCode>{{ language }}</langCode>
</userLocale>
<networkLocale>i18n/{{ tones }}</networkLocale>
{% endif %}

<directoryURL>{{ phonebook_url("cisco", entry="menu") }}</directoryURL>
{% for name in data.no_urls %}
<{{ name }}></{{ name }}>
{% endfor %}

<idleTimeout>0</idleTimeout>
<advertiseG722Codec>1</advertiseG722Codec>
<vendorConfig>
{% for name, value in data.vendor_config|items %}
<{{ name }}>{{ value }}</{{ name }}>
{% endfor %}
</vendorConfig>
</device>
