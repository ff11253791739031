{% set line = sip_lines["1"] %}
{% if line %}
[sip]
nick_name={{ line.display_name }}
sip_id={{ line.username }}
sip_domain={{ line.proxy_ip }}
sip_domain2={{ line.backup_proxy_ip }}
auth_user={{ line.auth_username }}
auth_pwd={{ line.password }}
{% endif %}
[call]
{% for n, key in funckeys|numsort if n in ["1", "2", "3"] and key.type == "speeddial" %}
speeddial_{{ n }}_c1={{ key.value }}
{% endfor %}

