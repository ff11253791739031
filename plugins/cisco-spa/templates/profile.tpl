{% macro clock(seconds) -%}
{{ seconds // 3600 }}:{{ seconds // 60 % 60 }}:{{ seconds % 60 }}
{%- endmacro %}
{# A day of -1 is the last such weekday of the month, another one the first from that day on. #}
{% macro change(on) -%}
{{ on.month }}/{{ -1 if on.last else on.week * 7 - 6 }}/{{ on.iso_weekday }}/{{ clock(on.time) }}
{%- endmacro %}
{% macro proxy(line) -%}
{% set main = line.proxy_ip ~ ":" ~ (line.proxy_port or 5060) %}
{% set backup = line.backup_proxy_ip ~ ":" ~ (line.backup_proxy_port or 5060) %}
{% if line.proxy_ip and line.backup_proxy_ip -%}
xivo_proxies{{ line.n }}:SRV={{ main }}:p=0|{{ backup }}:p=1
{%- elif line.proxy_ip -%}
{{ main }}
{%- endif %}
{%- endmacro %}
{% macro label(key) -%}
{{ key.label if key.label is string else key.value }}
{%- endmacro %}
{% macro function(key) -%}
{{ "fnc=sd;ext=" if key.type == "speeddial" else "fnc=sd+blf+cp;sub=" }}{{ key.value }}@$PROXY;nme={{ label(key) }}
{%- endmacro %}
{% set image = data.image[model.image]|default({}) %}
{% set firmware = server_url ~ "/firmware/" %}
<?xml version="1.0" encoding="{{ data.encoding }}"?>
<flat-profile>
{% if admin_password %}
<Admin_Passwd>{{ admin_password }}</Admin_Passwd>
{% endif %}
{% if user_password %}
<User_Password>{{ user_password }}</User_Password>
{% endif %}
{% if image.file %}
<Upgrade_Rule>
{%- if image.bridge %}($SWVER lt {{ image.bridge.below }}) ? {{ firmware }}{{ image.bridge.file }} | {% endif %}
{{ firmware }}{{ image.file }}</Upgrade_Rule>
{% endif %}

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

<Dictionary_Server_Script>
{%- if image.dictionary %}serv={{ server_url }}/i18n/
{%- for name, code in data.dictionaries -%}
;d{{ loop.index0 }}={{ name }};x{{ loop.index0 }}={{ image.dictionary|replace("{}", code) }}
{%- endfor %}
{% endif -%}
</Dictionary_Server_Script>
<Language_Selection>{{ data.language[locale] }}</Language_Selection>
<Locale>{{ data.locale[locale]|default("en-US") }}</Locale>
{% if tz %}
{% set west = tz.offset < 0 %}
{% set minutes = (tz.offset|abs) // 60 %}
<Time_Zone>GMT{{ "-" if west else "+" }}{{ (minutes // 60)|zfill(2) }}:{{ (minutes % 60)|zfill(2) }}</Time_Zone>
<Daylight_Saving_Time_Enable>{{ "yes" if tz.dst else "no" }}</Daylight_Saving_Time_Enable>
{% if tz.dst %}
<Daylight_Saving_Time_Rule>start={{ change(tz.dst.start) }};end={{ change(tz.dst.end) }};save={{ clock(tz.dst.save) }}</Daylight_Saving_Time_Rule>
{% endif %}
{% endif %}

<Station_Name>{{ (lines|first|default({})).display_name }}</Station_Name>
<Voice_Mail_Number>{{ exten_voicemail }}</Voice_Mail_Number>
<Call_Pickup_Code>{{ exten_pickup_call }}</Call_Pickup_Code>
<Attendant_Console_Call_Pickup_Code>{{ exten_pickup_call }}</Attendant_Console_Call_Pickup_Code>
{% set directory = phonebook_url("cisco") %}
{% if directory %}
<XML_Directory_Service_Name>{{ data.directory[locale]|default("Wazo Directory") }}</XML_Directory_Service_Name>
<XML_Directory_Service_URL>{{ directory }}</XML_Directory_Service_URL>
{% endif %}

{% for line in lines %}
<Line_Enable_{{ line.n }}_>Yes</Line_Enable_{{ line.n }}_>
<Proxy_{{ line.n }}_>{{ proxy(line) }}</Proxy_{{ line.n }}_>
<Use_DNS_SRV_{{ line.n }}_>Yes</Use_DNS_SRV_{{ line.n }}_>
<Proxy_Fallback_Intvl_{{ line.n }}_>120</Proxy_Fallback_Intvl_{{ line.n }}_>
<Display_Name_{{ line.n }}_>{{ line.display_name }}</Display_Name_{{ line.n }}_>
<User_ID_{{ line.n }}_>{{ line.username }}</User_ID_{{ line.n }}_>
<Auth_ID_{{ line.n }}_>{{ line.auth_username }}</Auth_ID_{{ line.n }}_>
<Password_{{ line.n }}_>{{ line.password }}</Password_{{ line.n }}_>
<DTMF_Tx_Method_{{ line.n }}_>{{ data.dtmf[line.dtmf_mode or sip_dtmf_mode]|default("Auto") }}</DTMF_Tx_Method_{{ line.n }}_>
{% endfor %}

{# Before the lines' own keys: of two settings of one key the last one counts. #}
{% for name, key in funckeys|numsort if key.type in ["speeddial", "blf"] %}
{% set n = name|int %}
{% set beyond = n - model.line_keys|default(0) - 1 %}
{% if beyond < 0 %}
<Extension_{{ n }}_>Disabled</Extension_{{ n }}_>
<Short_Name_{{ n }}_>{{ label(key) }}</Short_Name_{{ n }}_>
<Extended_Function_{{ n }}_>{{ function(key) }}</Extended_Function_{{ n }}_>
{% elif beyond < model.units|default(0) * data.unit_keys %}
{% set place = "Unit_" ~ (beyond // data.unit_keys + 1) ~ "_Key_" ~ (beyond % data.unit_keys + 1) %}
<{{ place }}>{{ function(key) }}</{{ place }}>
{% endif %}
{% endfor %}
{% for line in lines %}
<Extension_{{ line.n }}_>{{ line.n }}</Extension_{{ line.n }}_>
<Short_Name_{{ line.n }}_>{{ line.number or "$USER" }}</Short_Name_{{ line.n }}_>
<Extended_Function_{{ line.n }}_></Extended_Function_{{ line.n }}_>
{% endfor %}

{# Adapters with a router read this part, the others leave it out. #}
<router-configuration>
<Time_Setup>
<Time_Zone>+01 2 2</Time_Zone>
<Time_Server>{{ ntp_ip if ntp_enabled }}</Time_Server>
</Time_Setup>
<WAN_VLAN_Setting>
<WAN_VLAN_Enable>{{ 1 if vlan_enabled else 0 }}</WAN_VLAN_Enable>
<WAN_VLAN_ID>{{ vlan_id if vlan_enabled else 1 }}</WAN_VLAN_ID>
</WAN_VLAN_Setting>
<Web_Login_Admin_Name>{{ admin_username or "admin" }}</Web_Login_Admin_Name>
<Web_Login_Admin_Password>{{ admin_password or "admin" }}</Web_Login_Admin_Password>
<Web_Login_Guest_Name>{{ user_username or "cisco" }}</Web_Login_Guest_Name>
<Web_Login_Guest_Password>{{ user_password or "cisco" }}</Web_Login_Guest_Password>
</router-configuration>
</flat-profile>
