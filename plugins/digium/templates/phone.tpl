{% set folder = server_url ~ "/Digium/" %}
<?xml version="1.0" ?>
<config>
<setting id="login_password" value="{{ admin_password or 789 }}" />
{% if tz %}
<setting id="time_zone" value="{{ timezone }}" />
{% endif %}
{% if ntp_enabled and ntp_ip %}
<setting id="time_source" value="ntp" />
<setting id="ntp_server" value="{{ ntp_ip }}" />
<setting id="ntp_resync" value="86400" />
{% endif %}
{% if locale %}
<setting id="locale" value="{{ locale }}" />
{% endif %}
<setting id="network_vlan_id" value="{{ vlan_id or 0 if vlan_enabled else 0 }}" />
<setting id="network_vlan_qos" value="{{ vlan_priority or 0 if vlan_enabled else 0 }}" />
{% for id, value in data.settings.items() %}
<setting id="{{ id }}" value="{{ value }}" />
{% endfor %}
<ringtones>
<alerts>
{% for alert in data.alerts %}
<alert alert_info="{{ alert.info }}" ringtone_id="{{ alert.tone }}" ring_type="{{ alert.type }}" />
{% endfor %}
</alerts>
</ringtones>
<contacts id="internal" url="{{ folder }}{{ device.mac|mac }}-contacts.xml" />
<accounts>
{% for line in lines %}
{% include "account.tpl" %}
{% endfor %}
</accounts>
<firmwares>
{% for name in data.images %}
<firmware model="{{ name }}" version="{{ data.firmware }}" url="{{ folder }}firmware/{{ data.firmware }}_{{ name }}_firmware.eff" />
{% endfor %}
</firmwares>
</config>
