# Panasonic SIP Phone Standard Format File #
VLAN_ENABLE="{{ 'Y' if vlan_enabled else 'N' }}"
{% if vlan_enabled %}
VLAN_ID_IP_PHONE="{{ vlan_id }}"
{% if vlan_pc_port_id %}
VLAN_ID_PC="{{ vlan_pc_port_id }}"
{% endif %}
{% endif %}
NTP_ADDR="{{ ntp_ip if ntp_enabled }}"
{% if syslog_enabled %}
SYSLOG_ADDR="{{ syslog_ip }}"
SYSLOG_PORT="{{ syslog_port }}"
{% endif %}
{% for n, line in sip_lines|numsort %}
PHONE_NUMBER_{{ n }}="{{ line.number }}"
DISPLAY_NAME_{{ n }}="{{ line.display_name }}"
VM_NUMBER_{{ n }}="{{ line.voicemail }}"
SIP_URI_{{ n }}="sip:{{ line.auth_username }}@{{ line.registrar_ip }}"
SIP_PRXY_ADDR_{{ n }}="{{ line.proxy_ip }}"
SIP_2NDPROXY_ADDR_{{ n }}="{{ line.backup_proxy_ip }}"
SIP_RGSTR_ADDR_{{ n }}="{{ line.registrar_ip }}"
SIP_2NDRGSTR_ADDR_{{ n }}="{{ line.backup_registrar_ip }}"
SIP_AUTHID_{{ n }}="{{ line.auth_username }}"
SIP_PASS_{{ n }}="{{ line.password }}"
{% endfor %}

