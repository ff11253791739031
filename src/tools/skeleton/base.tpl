{% for line in lines if line.n <= (model.lines or 1) %}
line.{{ line.n }}.user = {{ line.username }}
line.{{ line.n }}.auth = {{ line.auth_username }}
line.{{ line.n }}.secret = {{ line.password }}
line.{{ line.n }}.name = {{ line.display_name }}
line.{{ line.n }}.number = {{ line.number }}
line.{{ line.n }}.proxy = {{ line.proxy_ip }}:{{ line.proxy_port or 5060 }}
{% endfor %}
{% if tz %}
time.offset = {{ tz.offset // 60 }}
{% endif %}
{% if ntp_enabled %}
time.server = {{ ntp_ip }}
{% endif %}
{% if vlan_enabled %}
vlan.id = {{ vlan_id }}
{% endif %}
{% for number, key in funckeys|numsort %}
key.{{ number }} = {{ key.type }} {{ key.value }}
{% endfor %}
