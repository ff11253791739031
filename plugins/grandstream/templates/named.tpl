<?xml version="1.0" encoding="UTF-8"?>
<gs_provision version="1">
<config version="2">
{% if admin_password %}
<item name="users.admin.password">{{ admin_password }}</item>
{% endif %}
{% if ntp_enabled %}
<item name="dateTime.ntp.server.1">{{ ntp_ip }}</item>
{% endif %}
{% if timezone in data.zones %}
<item name="dateTime.timezone">{{ data.zones[timezone] }}</item>
{% endif %}
{% if locale in data.languages %}
<item name="language.gui">{{ data.languages[locale] }}</item>
{% endif %}
{% if vlan_enabled %}
<item name="network.port.eth.1.vlan.tag">{{ vlan_id }}</item>
{% endif %}
{% if vlan_priority is defined %}
<item name="network.port.eth.1.vlan.priority">{{ vlan_priority }}</item>
{% endif %}
{% set dns = (dns_ip or "").split(".") %}
{% if dns_enabled and dns|length == 4 %}
{% for byte in dns %}
<item name="network.dns.preferred.ip.{{ loop.index }}">{{ byte }}</item>
{% endfor %}
{% endif %}
<item name="provisioning.auto.mode">YesUpgradeHourOfDay</item>
<item name="provisioning.auto.randomTime.enable">Yes</item>
<item name="provisioning.auto.hour">23</item>
<item name="provisioning.auto.endHour">1</item>
<item name="provisioning.firmware.confirm.enable">No</item>
{% set dtmf = data.dtmf[sip_dtmf_mode] if sip_dtmf_mode in data.dtmf else ["", "", ""] %}
{% for n, line in sip_lines|numsort %}
{% set account = "account." ~ n %}
<item name="{{ account }}.enable">Yes</item>
<item name="{{ account }}.sip.registration">Yes</item>
<item name="{{ account }}.sip.unregisterOnReboot">Yes</item>
<item name="{{ account }}.sip.allowSipReset">Yes</item>
<item name="{{ account }}.call.dialplan">{ [*x]+ }</item>
<item name="{{ account }}.intercom.allowAutoAnswer">Yes</item>
<item name="{{ account }}.featureCodes.callFeatures">No</item>
<item name="{{ account }}.name">{{ line.display_name }}</item>
<item name="{{ account }}.sip.accountDisplay">User Name</item>
<item name="{{ account }}.sip.transport">{{ data.transports[sip_transport] }}</item>
<item name="{{ account }}.sip.server.1.address">{{ line.registrar_ip }}</item>
<item name="{{ account }}.sip.server.2.address">{{ line.backup_registrar_ip }}</item>
<item name="{{ account }}.sip.userid">{{ line.auth_username }}</item>
<item name="{{ account }}.sip.subscriber.userid">{{ line.auth_username }}</item>
<item name="{{ account }}.sip.subscriber.password">{{ "" if line.password == "autoprov" else line.password }}</item>
<item name="{{ account }}.sip.subscriber.name">{{ line.display_name }}</item>
<item name="{{ account }}.sip.voicemail.number">{{ exten_voicemail }}</item>
{% if exten_pickup_call %}
<item name="{{ account }}.sip.blf.callPickup.prefix">{{ exten_pickup_call }}</item>
{% endif %}
<item name="{{ account }}.dtmf.sendInAudio">{{ dtmf[0] }}</item>
<item name="{{ account }}.dtmf.sendInRtp">{{ dtmf[1] }}</item>
<item name="{{ account }}.dtmf.sendInSip">{{ dtmf[2] }}</item>
{% endfor %}
{% set vpk, mpk = model.vpk|default(0), model.mpk|default(0) %}
{% for n in range(1, vpk + mpk + 1) if n|string not in sip_lines %}
{% set key = funckeys[n|string]|default({}) %}
{% set name = "pks.vpk." ~ n if n <= vpk else "pks.mpk." ~ (n - vpk) %}
<item name="{{ name }}.account">{{ 0 if n <= vpk else "Account1" }}</item>
<item name="{{ name }}.keyMode">{{ data.key_types[key.type]|default("None") }}</item>
<item name="{{ name }}.description">{{ key.label }}</item>
<item name="{{ name }}.value">{{ key.value }}</item>
{% endfor %}
</config>
</gs_provision>
