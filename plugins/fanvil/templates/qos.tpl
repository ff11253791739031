<qos>
{% set mark = "" if vlan_enabled else "_" %}
<Enable{{ mark }}VLAN>{{ 1 if vlan_enabled else 0 }}</Enable{{ mark }}VLAN>
<VLAN{{ mark }}ID>{{ vlan_id if vlan_enabled else 256 }}</VLAN{{ mark }}ID>
{% for name in ["Signalling", "Voice"] %}
<{{ name }}{{ mark }}Priority>{{ vlan_priority or 0 if vlan_enabled else 0 }}</{{ name }}{{ mark }}Priority>
{% endfor %}
</qos>

