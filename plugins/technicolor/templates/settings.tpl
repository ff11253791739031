{% set spoken = data.locale[locale] or data.locale.en_US %}
{% set zone = namespace(name=timezone|nearest_zone(data.zones) if tz, number=data.standard_zone) %}
{% for name in data.zones %}
{% if name == zone.name %}
{% set zone.number = loop.index0 %}
{% endif %}
{% endfor %}
[ipp]
LanguageType={{ spoken.language }}

[net]
DNSSrv1={{ dns_ip if dns_enabled and dns_ip else "0.0.0.0" }}
VLAN={{ 1 if vlan_enabled else 0 }}

[qos]
{% if vlan_enabled %}
VLANid1={{ vlan_id }}
{% if vlan_pc_port_id %}
VLANid2={{ vlan_pc_port_id }}
{% endif %}
{% if vlan_priority is defined and vlan_priority is not none %}
VLANTag1={{ vlan_priority }}
{% endif %}
{% endif %}

[ntp]
NTPFlag={{ 1 if ntp_enabled else 0 }}
{% if ntp_enabled %}
NtpIP={{ ntp_ip }}
{% endif %}
NtpZoneNum={{ zone.number }}

[sip]
{% for n in range(1, data.lines + 1) %}
{% set line = lines|selectattr("n", "equalto", n)|first or {} %}
TEL0{{ n }}Use={{ 1 if line else 0 }}
TEL{{ n }}Number={{ line.username }}
DisplayNumFlag{{ n }}={{ 1 if line else 0 }}
DisplayNum{{ n }}={{ line.number }}
DisplayName{{ n }}={{ line.display_name }}
regid{{ n }}={{ line.auth_username }}
regpwd{{ n }}={{ line.password }}
ProxyServerMP{{ n }}={{ line.proxy_ip }}
ProxyServerBK{{ n }}={{ line.backup_proxy_ip }}
RegisterServerMP{{ n }}={{ line.registrar_ip }}
RegisterServerBK{{ n }}={{ line.backup_registrar_ip }}
{% endfor %}
{% for n in range(1, 5) %}
TransportFlgMP{{ n }}={{ data.transport[sip_transport] or 0 }}
TransportFlgBK{{ n }}={{ data.transport[sip_transport] or 0 }}
{% endfor %}
subscribe_event={{ 1 if sip_subscribe_mwi else 0 }}
VoiceMailTelNum={{ exten_voicemail }}
CallPkupFlg=sc
{% if exten_pickup_call %}
CallPkupSC={{ exten_pickup_call }}X
{% endif %}

[sys]
CountryCode={{ spoken.country }}
dtmf_mode_flag={{ data.dtmf[sip_dtmf_mode]|default(1) }}
Phonebook1_url={{ phonebook_url("thomson", entry="lookup", suffix="&term=#SEARCH") }}
Phonebook1_name={{ data.directory[(locale or "").split("_")[0]] }}
{% if user_username %}
UserID={{ user_username }}
{% endif %}
{% if user_password %}
UserPWD={{ user_password }}
{% endif %}
{% if admin_username %}
TelnetID={{ admin_username }}
{% endif %}
{% if admin_password %}
TelnetPWD={{ admin_password }}
WebPWD={{ admin_password }}
{% endif %}
{% for n in range(1, data.keys + 1) %}
{% set key = (funckeys or {})[n|string] or {} %}
FeatureKeyExt{{ n|zfill(2) }}={{ "S" if key.type == "blf" else "L" }}/<sip:{{ key.value if key.type in ["blf", "speeddial"] }}>
{% endfor %}
