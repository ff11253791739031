{% from "shared.tpl" import offset %}
{% set vlan = vlan_id if vlan_enabled %}
{% set pc_vlan = vlan_pc_port_id if vlan_enabled %}
<?xml version="1.0" encoding="UTF-8" ?>
<settings>
{% for line in lines %}
{% include "account.tpl" %}
{% endfor %}
<setting id="DeviceProvisionServerUrl" value="{{ server_url }}" />
{% include "upgrade.tpl" %}
<setting id="DeviceSecurityUserName" value="{{ user_username or "user" }}" />
<setting id="DeviceSecurityUserPwd" value="{{ user_password or "user" }}" />
<setting id="DeviceSecurityVarPwd" value="{{ user_password or "var" }}" />
<setting id="DeviceSecurityAdminName" value="{{ admin_username or "admin" }}" />
<setting id="DeviceSecurityAdminPwd" value="{{ admin_password or "123456" }}" />
<setting id="DeviceNetworkDns1" value="{{ dns_ip if dns_enabled }}" />
<setting id="DeviceNetworkLanVlanEnable" value="{{ "true" if vlan else "false" }}" />
<setting id="DeviceNetworkLanVlanNumber" value="{{ vlan }}" />
<setting id="DeviceNetworkPcVlanEnable" value="{{ "true" if pc_vlan else "false" }}" />
<setting id="DeviceNetworkPcVlanNumber" value="{{ pc_vlan }}" />
<setting id="SettingTimeZone" value="{{ offset(tz) }}" />
<setting id="SettingTimeZoneLocation" value="{{ timezone if tz }}" />
<setting id="SettingSntpServer" value="{{ ntp_ip if ntp_enabled }}" />
<setting id="SettingLanguage" value="{{ data.language[(locale or "").split("_")[0]] or 0 }}" />
<setting id="DeviceBackupUrl" value="" override="" />
{% for id, value in data.phone.items() %}
<setting id="{{ id }}" value="{{ value }}" />
{% endfor %}
{% for prefix, names in data.phone_empty.items() %}
{% for name in names %}
<setting id="{{ prefix }}{{ name }}" value="" />
{% endfor %}
{% endfor %}
{% for number, key in funckeys|numsort %}
{% set at = number|int + 1 if number.isdigit() else 0 %}
{% if 1 < at and at <= (model.keys or data.keys) and (key.value or key.value == "") %}
<setting id="ProgramKey{{ at }}Type" value="{{ 59 if key.type == "blf" else 1 }}" />
<setting id="ProgramKey{{ at }}Account" value="1" />
<setting id="ProgramKey{{ at }}Label" value="{{ key.value if key.label is undefined or key.label is none else key.label }}" />
<setting id="ProgramKey{{ at }}Value" value="{{ key.value }}" />
<setting id="ProgramKey{{ at }}Extension" value="{{ key.value }}" />
{% endif %}
{% endfor %}
{% for key in data.key_empty %}
{% for name in key.names %}
{% for part in key.parts %}
<setting id="{{ name }}{{ part }}" value="" />
{% endfor %}
{% endfor %}
{% endfor %}
</settings>
