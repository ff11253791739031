{% set prefix = "sip line" ~ line.n %}
{% set dtmf = data.dtmf[line.dtmf_mode or sip_dtmf_mode] or {} %}
{{ prefix }} proxy ip: {{ line.proxy_ip }}
{{ prefix }} proxy port: {{ line.proxy_port or 5060 }}
{{ prefix }} backup proxy ip: {{ line.backup_proxy_ip or "0.0.0.0" }}
{{ prefix }} backup proxy port: {{ line.backup_proxy_port or 5060 }}
{{ prefix }} registrar ip: {{ line.registrar_ip or line.proxy_ip }}
{{ prefix }} registrar port: {{ line.registrar_port or 5060 }}
{{ prefix }} backup registrar ip: {{ line.backup_registrar_ip or "0.0.0.0" }}
{{ prefix }} backup registrar port: {{ line.backup_registrar_port or 5060 }}
{{ prefix }} user name: {{ line.username }}
{{ prefix }} auth name: {{ line.auth_username or line.username }}
{{ prefix }} password: {{ line.password }}
{{ prefix }} display name: {{ line.display_name }}
{{ prefix }} screen name: {{ line.display_name }}
{{ prefix }} screen name 2: {{ line.number }}
{{ prefix }} dtmf method: {{ dtmf.method or 0 }}
{{ prefix }} srtp mode: {{ data.srtp[line.srtp_mode or sip_srtp_mode] or 0 }}
{% if line.voicemail or exten_voicemail %}
{{ prefix }} vmail: {{ line.voicemail or exten_voicemail }}
{% endif %}
