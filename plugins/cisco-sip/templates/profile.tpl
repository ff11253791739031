{% macro label(key) -%}
{{ key.label if key.label is string else key.value }}
{%- endmacro %}
{% macro function(key) -%}
{{ "fnc=sd;ext=" if key.type == "speeddial" else "fnc=sd+blf+cp;sub=" }}{{ key.value }}@$PROXY;nme={{ label(key) }}
{%- endmacro %}
<?xml version="1.0" encoding="UTF-8"?>
<flat-profile>
{# Of two settings of one name the last one counts: these are for where nothing else is said. #}
{% for name, value in data.hidden|items %}
<{{ name }} ua="na">{{ value }}</{{ name }}>
{% endfor %}
<Enable_Web_Server ua="na">{{ data.web }}</Enable_Web_Server>
<Device_Administration ua="na">{{ data.web }}</Device_Administration>
{% for name, value in data.open|items %}
<{{ name }} ua="rw">{{ value }}</{{ name }}>
{% endfor %}
<User_Password></User_Password>
{% if admin_password %}
<Admin_Password>{{ admin_password }}</Admin_Password>
{% endif %}

{% if model.family %}
<Upgrade_Rule>{{ server_url }}/sip{{ model.family }}.{{ data.load }}.loads</Upgrade_Rule>
<Dictionary_Server_Script>serv={{ server_url }}/locales/
{%- for name, code in data.dictionaries -%}
;d{{ loop.index0 }}={{ name }};x{{ loop.index0 }}={{ code }}_{{ data.texts[model.family] }}.xml
{%- endfor -%}
</Dictionary_Server_Script>
{% endif %}

{# Before the lines' own keys, for the same reason. #}
{% set beside = namespace(units=false) %}
{% for name, key in funckeys|numsort if key.type in ["speeddial", "blf"] %}
{% set n = name|int %}
{% set beyond = n - model.line_keys|default(0) - 1 %}
{% if beyond < 0 %}
<Extension_{{ n }}_>Disabled</Extension_{{ n }}_>
<Short_Name_{{ n }}_>{{ label(key) }}</Short_Name_{{ n }}_>
<Extended_Function_{{ n }}_>{{ function(key) }}</Extended_Function_{{ n }}_>
{% elif beyond < model.units|default(0) * data.unit_keys %}
{% set beside.units = true %}
{% set place = "Unit_" ~ (beyond // data.unit_keys + 1) ~ "_Key_" ~ (beyond % data.unit_keys + 1) ~ data.unit_tail %}
<{{ place }}{% if data.units %} ua="na"{% endif %}>{{ function(key) }}</{{ place }}>
{% endif %}
{% endfor %}
{% if data.units %}
<PoE_Power_Required ua="na">{{ "Maximum" if beside.units else "Normal" }}</PoE_Power_Required>
{% endif %}

{% include "common.tpl" %}
</flat-profile>
