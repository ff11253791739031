{# What phones and adapters have in common. #}
{% macro clock(seconds) -%}
{{ seconds // 3600 }}:{{ seconds // 60 % 60 }}:{{ seconds % 60 }}
{%- endmacro %}
{# A day of -1 is the last such weekday of the month, another one the first from that day on. #}
{% macro change(on) -%}
{{ on.month }}/{{ -1 if on.last else on.week * 7 - 6 }}/{{ on.iso_weekday }}/{{ clock(on.time) }}
{%- endmacro %}
{% macro proxy(line) -%}
{% if line.proxy_ip -%}
{{ line.proxy_ip }}:{{ line.proxy_port or 5060 }}
{%- endif %}
{%- endmacro %}
{% if dns_enabled %}
<Primary_DNS>{{ dns_ip }}</Primary_DNS>
{% endif %}
{% if ntp_enabled %}
<Primary_NTP_Server>{{ ntp_ip }}</Primary_NTP_Server>
{% endif %}
{% if syslog_enabled %}
<Syslog_Server>{{ syslog_ip }}:{{ syslog_port }}</Syslog_Server>
{% endif %}
{% if vlan_enabled %}
<Enable_VLAN>Yes</Enable_VLAN>
<VLAN_ID>{{ vlan_id }}</VLAN_ID>
{% if vlan_pc_port_id %}
<Enable_PC_Port_VLAN_Tagging>Yes</Enable_PC_Port_VLAN_Tagging>
<PC_Port_VLAN_ID>{{ vlan_pc_port_id }}</PC_Port_VLAN_ID>
{% endif %}
{% endif %}

<Language_Selection>{{ data.language[locale] }}</Language_Selection>
<Locale>{{ data.locale[locale]|default("en-US") }}</Locale>
{% if tz %}
{% set minutes = (tz.offset|abs) // 60 %}
<Time_Zone>GMT{{ "-" if tz.offset < 0 else "+" }}{{ (minutes // 60)|zfill(2) }}:{{ (minutes % 60)|zfill(2) }}</Time_Zone>
<Daylight_Saving_Time_Enable>{{ "yes" if tz.dst else "no" }}</Daylight_Saving_Time_Enable>
{% if tz.dst %}
<Daylight_Saving_Time_Rule>start={{ change(tz.dst.start) }};end={{ change(tz.dst.end) }};save={{ clock(tz.dst.save) }}</Daylight_Saving_Time_Rule>
{% endif %}
{% endif %}

<Station_Name>{{ (lines|first|default({})).display_name }}</Station_Name>
{% if exten_voicemail %}
<Voice_Mail_Number>{{ exten_voicemail }}</Voice_Mail_Number>
{% endif %}
{% if exten_pickup_call %}
<Call_Pickup_Code>{{ exten_pickup_call }}</Call_Pickup_Code>
{% endif %}
{% if exten_pickup_group %}
<Group_Call_Pickup_Code>{{ exten_pickup_group }}</Group_Call_Pickup_Code>
{% endif %}
{% set directory = phonebook_url("cisco") %}
{% if directory %}
<XML_Directory_Service_Name>{{ data.directory[locale]|default("Wazo Directory") }}</XML_Directory_Service_Name>
<XML_Directory_Service_URL>{{ directory }}</XML_Directory_Service_URL>
{% endif %}

{% for line in lines %}
{# An adapter knows one server, a phone the one that stands in for it too. #}
{% set standby = proxy({"proxy_ip": line.backup_proxy_ip, "proxy_port": line.backup_proxy_port}) if model.family %}
<Line_Enable_{{ line.n }}_>Yes</Line_Enable_{{ line.n }}_>
<Proxy_{{ line.n }}_>
{%- if standby and line.proxy_ip %}xivo_proxies{{ line.n }}:SRV={{ proxy(line) }}:p=0|{{ standby }}:p=1{% else %}{{ proxy(line) }}{% endif -%}
</Proxy_{{ line.n }}_>
<Use_DNS_SRV_{{ line.n }}_>Yes</Use_DNS_SRV_{{ line.n }}_>
<Proxy_Fallback_Intvl_{{ line.n }}_>120</Proxy_Fallback_Intvl_{{ line.n }}_>
<Display_Name_{{ line.n }}_>{{ line.display_name }}</Display_Name_{{ line.n }}_>
<User_ID_{{ line.n }}_>{{ line.username }}</User_ID_{{ line.n }}_>
<Auth_ID_{{ line.n }}_>{{ line.auth_username }}</Auth_ID_{{ line.n }}_>
<Password_{{ line.n }}_>{{ line.password }}</Password_{{ line.n }}_>
<DTMF_Tx_Method_{{ line.n }}_>{{ data.dtmf[line.dtmf_mode or sip_dtmf_mode]|default("Auto") }}</DTMF_Tx_Method_{{ line.n }}_>
<Extension_{{ line.n }}_>{{ line.n }}</Extension_{{ line.n }}_>
<Short_Name_{{ line.n }}_>{{ line.number or "$USER" }}</Short_Name_{{ line.n }}_>
<Extended_Function_{{ line.n }}_></Extended_Function_{{ line.n }}_>
{% endfor %}
