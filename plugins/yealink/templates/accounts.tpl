{#- Accounts. DECT managers hold their servers in SIP templates that accounts refer to; such a
    template has the place of the first line with its servers. A multi-cell base has one template
    for each line. -#}
{% set shared = dect in ["manager", "bare"] %}
{% set transport = data.transport[sip_transport] or 0 %}
{% set numbers = range(1, size.accounts + 1) if size.accounts else lines|map(attribute="n") %}
{% if shared %}

{% endif %}
{% for line in lines if shared %}
{% set same = lines|selectattr("proxy_ip", "eq", line.proxy_ip)
    |selectattr("proxy_port", "eq", line.proxy_port)|list %}
{% if same[0].n == line.n %}
{% set server = "template." ~ loop.index ~ ".sip_server." %}
template.{{ loop.index }}.name = Wazo{{ loop.index }}
{{ server }}1.address = {{ line.proxy_ip }}
{{ server }}1.port = {{ or_null(line.proxy_port) }}
{{ server }}1.transport_type = {{ transport }}
{% if line.backup_proxy_ip %}
{{ server }}2.address = {{ line.backup_proxy_ip }}
{{ server }}2.port = {{ or_null(line.backup_proxy_port) }}
{{ server }}2.transport_type = {{ transport }}
{% endif %}
{% endif %}
{% endfor %}
{% for n in numbers %}
{% set line = lines|selectattr("n", "eq", n)|first %}
{% set account = "account." ~ n ~ "." %}

{% if line %}
{% set own = sip_lines[n|string] or {} %}
{% set number_and_name = (line.number or "") ~ " " ~ (line.display_name or "") %}
{{ account }}enable = 1
{% if dect and family == 87 %}
{{ account }}label = {{ number_and_name|trim }}
{% elif family >= 86 %}
{{ account }}label = {{ line.display_name }}
{% else %}
{{ account }}label = {{ line.number or line.display_name }}
{% endif %}
{% if dect or family < 86 %}
{{ account }}display_name = {{ line.display_name }}
{% endif %}
{{ account }}auth_name = {{ line.auth_username or line.username }}
{{ account }}user_name = {{ line.username }}
{{ account }}password = {{ line.password }}
{% if shared %}
{% set same = lines|selectattr("proxy_ip", "eq", line.proxy_ip)
    |selectattr("proxy_port", "eq", line.proxy_port)|list %}
{{ account }}sip_server.template = {{ lines|selectattr("n", "le", same[0].n)|list|length }}
{% else %}
{% if dect == "multi" %}
template.{{ n }}.name = Wazo Line {{ n }}
{{ account }}sip_server.template = {{ n }}
{% endif %}
{% set server = ("template." ~ n ~ "." if dect == "multi" else account) ~ "sip_server." %}
{{ server }}1.address = {{ line.proxy_ip }}
{{ server }}1.port = {{ or_null(line.proxy_port) }}
{{ server }}2.address = {{ or_null(own.backup_proxy_ip) }}
{{ server }}2.port = {{ or_null(own.backup_proxy_port) }}
{% endif %}
{% if phone and family == 73 %}
{{ account }}transport = {{ transport }}
{% elif phone %}
{{ account }}sip_server.1.transport_type = {{ transport }}
{{ account }}sip_server.2.transport_type = {{ transport }}
{% endif %}
{% if family >= 86 %}
{% set encrypted = sip_transport == "tls" and line.number != "autoprov" %}
{{ account }}srtp_encryption = {{ 2 if encrypted else 0 }}
{% endif %}
{% set through_nat = dect != "multi" and (dect != "base" or family == 83) %}
{{ account }}nat.udp_update_enable = {{ 1 if through_nat else 0 }}
{{ account }}fallback.redundancy_type = 1
{{ account }}cid_source = 2
{{ account }}alert_info_url_enable = 0
{{ account }}dtmf.type = {{ data.dtmf[line.dtmf_mode or sip_dtmf_mode]|default(2) }}
{{ account }}dtmf.info_type = 1
{% for codec, on in data.codecs|items %}
{{ account }}codec.{{ codec }}.enable = {{ 0 if codec == "g729" and dect and family == 87 else on }}
{% endfor %}
{% if sip_subscribe_mwi %}
{{ account }}subscribe_mwi = 1
{% endif %}
{% else %}
{{ account }}enable = 0
{% for name in ["label", "display_name", "auth_name", "user_name", "password"] %}
{{ account }}{{ name }} = %NULL%
{% endfor %}
{% if shared %}
{{ account }}sip_server.template = %NULL%
{% else %}
{% for server in [1, 2] %}
{{ account }}sip_server.{{ server }}.address = %NULL%
{{ account }}sip_server.{{ server }}.port = %NULL%
{% if phone and family >= 80 %}
{{ account }}sip_server.{{ server }}.transport_type = %NULL%
{% endif %}
{% endfor %}
{% if phone and family == 73 %}
{{ account }}transport = %NULL%
{% endif %}
{% endif %}
{{ account }}subscribe_mwi = %NULL%
{% endif %}
voice_mail.number.{{ n }} = {{ or_null((line.voicemail or exten_voicemail) if line) }}
{% endfor %}
