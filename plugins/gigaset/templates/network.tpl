{# What the N510 and N720 share; `place` is where the network settings live. #}
{% from "words.tpl" import address, directory, item, text %}
{% for id, value in data.items|items %}
{{ item(id, value|safe) }}
{% endfor %}
{% if vlan_enabled %}
{{ item(place ~ ".ucB_VLAN_ENABLED", 1) }}
{{ item(place ~ ".ucI_VLAN_PRIORITY", vlan_priority) }}
{{ item(place ~ ".uiI_VLAN_ID", "0x" ~ vlan_id|int|hex) }}
{% endif %}
{% if dns_enabled %}
{{ item(place ~ ".ulI_DNS_SERVER_1", address(dns_ip)) }}
{{ item(place ~ ".ulI_DNS_SERVER_2", 0) }}
{% endif %}
{% set url = directory() %}
{% if url %}
{% for id, value in data.directory_items|items %}
{{ item("BS_XML_Netdirs." ~ id, value|safe) }}
{% endfor %}
{{ text("BS_XML_Netdirs.astNetdirProvider[0].aucServerURL" ~ suffix, url) }}
{% endif %}
