<?xml version="1.0" encoding="UTF-8"?>
<hl_provision version="1">
<config version="1">
{% include "profile.tpl" %}
{% for line in lines %}
{% set p = data.accounts[line.n|string] %}
{% if p %}
{% set n = line.n|int %}
<P{{ p.active }} para="Account{{ n }}_Active">1</P{{ p.active }}>
<P{{ 24081 + n }} para="Account{{ n }}_Profile">0</P{{ 24081 + n }}>
<P{{ 19999 + n }} para="Account{{ n }}_Label">{{ line.number }}</P{{ 19999 + n }}>
<P{{ p.user }} para="Account{{ n }}_SipUserId">{{ line.username }}</P{{ p.user }}>
<P{{ p.auth }} para="Account{{ n }}_AuthenticateID">{{ line.auth_username }}</P{{ p.auth }}>
<P{{ p.password }} para="Account{{ n }}_AuthenticatePassword">{{ line.password }}</P{{ p.password }}>
<P{{ p.name }} para="Account{{ n }}_DispalyName">{{ line.display_name }}</P{{ p.name }}>
<P{{ p.port }} para="Account{{ n }}_UseRandomPort">1</P{{ p.port }}>
<P{{ p.voicemail }} para="Account{{ n }}_VoiceMailId">{{ line.voicemail or exten_voicemail }}</P{{ p.voicemail }}>
<P{{ 4199 + n }} para="Account{{ n }}_DialPlan">{[x*]+}</P{{ 4199 + n }}>
{% if exten_pickup_call %}
<P{{ 4695 + 10 * n }} para="Account{{ n }}_DirectCallPickupCode">{{ exten_pickup_call }}</P{{ 4695 + 10 * n }}>
{% endif %}
{% if exten_pickup_group %}
<P{{ 4696 + 10 * n }} para="Account{{ n }}_GroupCallPickupCode">{{ exten_pickup_group }}</P{{ 4696 + 10 * n }}>
{% endif %}
{% endif %}
{% endfor %}
{% for number, name, value in data.fixed.phone %}
<P{{ number }} para="{{ name }}">{{ value }}</P{{ number }}>
{% endfor %}
<P30 para="UrlOrIpAddress">{{ ntp_ip if ntp_enabled and ntp_ip else "pool.ntp.org" }}</P30>
<P64 para="Preference_TimeZone">{{ data.zones[(tz.offset // 60)|string]|default(18) if tz else 33 }}</P64>
<P24053 para="Network_Advanced_Vlan_WANVlan">{{ 1 if vlan_enabled else 0 }}</P24053>
<P229 para="DataVLANTag">{{ vlan_id|default(0) if vlan_enabled else 0 }}</P229>
<P51 para="Layer2QoS_802_1Q_VLANTag">{{ vlan_id|default(0) if vlan_enabled else 0 }}</P51>
<P87 para="Layer2QoS_802_1pPriorityValue">{{ vlan_priority|default(0) if vlan_enabled else 0 }}</P87>
<P331 para="PhonebookXmlDownload_ServerPath">{{ phonebook_url("htek", entry="lookup") }}</P331>
<P4401 para="RemotePhoneBook1_Url">{{ phonebook_url("htek", entry="lookup") }}&amp;term=</P4401>
<P3316 para="RemotePhoneBook1_Name">Wazo</P3316>
{% for n in range(2, 6) %}
<P{{ 4400 + n }} para="RemotePhoneBook{{ n }}_Url"/>
<P{{ 3310 + n }} para="RemotePhoneBook{{ n }}_Name"/>
{% endfor %}
{% for n in range(4) %}
<P{{ 43200 + n }} para="SoftKey{{ n + 1 }}_Type">{{ data.soft_keys[n] }}</P{{ 43200 + n }}>
<P{{ 43300 + n }} para="SoftKey{{ n + 1 }}_Account">255</P{{ 43300 + n }}>
<P{{ 43400 + n }} para="SoftKey{{ n + 1 }}_Value"/>
<P{{ 20043 + n }} para="ProgrammableKey{{ n + 1 }}_Label">{{ data.labels[n] }}</P{{ 20043 + n }}>
{% endfor %}
{% include "keys.tpl" %}
</config>
</hl_provision>
