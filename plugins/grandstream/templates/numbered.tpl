<?xml version="1.0" encoding="UTF-8"?>
<gs_provision version="1">
<config version="1">
{% if admin_password %}
<P2>{{ admin_password }}</P2>
{% endif %}
{% if ntp_enabled %}
<P30>{{ ntp_ip }}</P30>
{% endif %}
{% if timezone in data.zones %}
<P64>{{ data.zones[timezone] }}</P64>
{% endif %}
{% if locale in data.languages %}
<P1362>{{ data.languages[locale] }}</P1362>
{% endif %}
{% if exten_pickup_call %}
<P1347>{{ exten_pickup_call }}</P1347>
{% endif %}
{% if vlan_enabled %}
<P51>{{ vlan_id }}</P51>
{% endif %}
{% if vlan_priority is defined %}
<P87>{{ vlan_priority }}</P87>
{% endif %}
{% set dns = (dns_ip or "").split(".") %}
{% if dns_enabled and dns|length == 4 %}
{% for byte in dns %}
<P{{ 91 + loop.index }}>{{ byte }}</P{{ 91 + loop.index }}>
{% endfor %}
{% endif %}
<P298>1</P298>
<P290>{ [*x]+ }</P290>
<P81>1</P81>
<P194>2</P194>
<P8458>1</P8458>
<P285>23</P285>
<P8459>1</P8459>
<P8375>0</P8375>
{% if model.ports %}
{% include "ports.tpl" %}
{% else %}
{% include "accounts.tpl" %}
{% endif %}
{% if data.keys == "none" %}
<P863>0</P863>
<P854>{{ 4 if model.ports else 3 }}</P854>
<P228>0</P228>
<P4417>1</P4417>
{% endif %}
{% for number, key in funckeys|numsort %}
{% set n = number|int %}
{% if data.keys == "video" and key.type in data.key_types %}
{% set p = 22995 + 5 * n %}
<P{{ p }}>{{ data.key_types[key.type] }}</P{{ p }}>
<P{{ p + 1 }}>{{ (key.line or 1)|int - 1 }}</P{{ p + 1 }}>
{% if key.label is defined %}
<P{{ p + 2 }}>{{ key.label }}</P{{ p + 2 }}>
{% endif %}
<P{{ p + 3 }}>{{ key.value }}</P{{ p + 3 }}>
{% elif data.keys == "phone" and key.type in data.key_types %}
{% set account, label, value = (3 * n - 2)|zfill(2), (3 * n - 1)|zfill(2), (3 * n)|zfill(2) %}
<P32{{ n + 2 }}>{{ data.key_types[key.type] }}</P32{{ n + 2 }}>
<P3{{ account }}>{{ (key.line or 1)|int - 1 }}</P3{{ account }}>
{% if key.label is defined %}
<P3{{ label }}>{{ key.label }}</P3{{ label }}>
{% endif %}
<P3{{ value }}>{{ key.value }}</P3{{ value }}>
{% endif %}
{% endfor %}
</config>
</gs_provision>
