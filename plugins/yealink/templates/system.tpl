{% if family >= 82 and dect != "bare" %}
static.auto_provision.server.url = {{ server_url }}/
{% endif %}
{% if dect != "bare" %}
{{ "static." if family >= 82 }}firmware.url = {{ server_url }}/firmware/{{ model.firmware }}
{% endif %}
{% if model.handset %}
over_the_air.url = {{ server_url }}/firmware/{{ model.handset }}
{% endif %}
{% if model.handsets %}
{% for handset, file in data.handsets|items %}
over_the_air.url.{{ handset }} = {{ server_url }}/firmware/{{ file }}
{% endfor %}
{% endif %}
{% if model.handset or model.handsets %}
over_the_air.handset_tip = 0
{% endif %}
{% if phone or family < 87 and dect != "slave" %}
{{ static }}auto_provision.pnp_enable = 0
{{ static }}auto_provision.custom.protect = 1
{% if dect %}
{{ "static." if family >= 83 }}auto_provision.handset_configured.enable = 1
{% endif %}
{% endif %}
sip.notify_reboot_enable = {{ 1 if dect and family == 87 else 0 }}

{{ static }}network.vlan.internet_port_enable = {{ 1 if vlan_enabled else 0 }}
{{ static }}network.vlan.internet_port_vid = {{ or_null(vlan_id if vlan_enabled) }}
{{ static }}network.vlan.internet_port_priority = {{ or_null(vlan_priority if vlan_enabled) }}
{% if phone %}
{% set pc_port = vlan_pc_port_id if vlan_enabled %}
{{ static }}network.vlan.pc_port_enable = {{ 1 if pc_port else 0 }}
{{ static }}network.vlan.pc_port_vid = {{ or_null(pc_port) }}
{% endif %}
{% if phone and family == 84 %}
static.network.qos.audiotos 46
static.network.qos.signaltos 46
{% endif %}

{% set switch = "enable" if family >= 81 and (phone or family == 81) else "mode" %}
{{ static }}syslog.{{ switch }} = {{ 1 if syslog_enabled else 0 }}
{{ static }}syslog.server = {{ or_null(syslog_ip if syslog_enabled) }}

{% set user = user_username or "user" %}
{% set admin = admin_username or "admin" %}
{{ static }}security.user_name.user = {{ user }}
{{ static }}security.user_name.admin = {{ admin }}
{{ static }}security.user_password = {{ user }}:{{ user_password or "user" }}
{{ static }}security.user_password = {{ admin }}:{{ admin_password or "admin" }}
{% if phone and family >= 85 %}
static.usb.power.enable = 1
{% endif %}
{% if phone and family >= 80 or dect == "slave" or family >= 85 and dect in ["base", "multi"]
    or dect and family == 87 %}
transfer.dsskey_deal_type = 1
{% endif %}
