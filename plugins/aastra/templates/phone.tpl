{% from "keys.tpl" import fixed_key, function_key %}
{% set phone = data.phones[model_name] or {} %}
# Network
{% if dns_enabled and dns_ip %}
dns1: {{ dns_ip }}
{% endif %}
{% if vlan_enabled and vlan_id %}
tagging enabled: 1
vlan id: {{ vlan_id }}
{% if vlan_priority is defined and vlan_priority is not none %}
priority non-ip: {{ vlan_priority }}
{% endif %}
vlan id port 1: {{ vlan_pc_port_id or 4095 }}
{% else %}
tagging enabled: 0
{% endif %}

# Time
{% if ntp_enabled and ntp_ip %}
time server disabled: 0
time server1: {{ ntp_ip }}
{% else %}
time server disabled: 1
{% endif %}
{% if tz %}
{% include "zone.tpl" %}
{% endif %}

# Management
{% if ntp_enabled and ntp_ip %}
{# The time server is taken for the one that provisions. #}
upgrade uri: http://{{ ntp_ip }}:8667/Aastra
contact rcs: 0
inactive minet present: 1
download protocol: HTTP
http server: {{ ntp_ip }}
http port: 8667
http path: Aastra
{% endif %}
{% if admin_password %}
admin password: {{ admin_password }}
{% endif %}
{% if user_password %}
user password: {{ user_password }}
{% endif %}
{% if syslog_enabled and syslog_ip %}
log server ip: {{ syslog_ip }}
log server port: {{ syslog_port or 514 }}
{% for module in data.log_modules %}
log module {{ module }}: {{ data.log_level[syslog_level]|default(data.log_level.warning) }}
{% endfor %}
{% endif %}

# Language and display
{% set spoken = data.locale[locale] %}
{% if spoken %}
language: 1
language 1: {{ data.language_folder }}{{ spoken.file }}
tone set: {{ spoken.tones }}
input language: {{ spoken.input }}
{% endif %}
{% for setting in data.display[phone.display] %}
{{ setting }}
{% endfor %}
{% if phone.display and phonebook_url("aastra") %}
directory script: {{ phonebook_url("aastra") }}
{% endif %}

# SIP
{% if data.dtmf[sip_dtmf_mode] %}
sip out-of-band dtmf: {{ data.dtmf[sip_dtmf_mode].out_of_band }}
sip dtmf method: {{ data.dtmf[sip_dtmf_mode].method }}
{% endif %}
{% if sip_subscribe_mwi is defined %}
sip explicit mwi subscription: {{ 1 if sip_subscribe_mwi else 0 }}
{% endif %}
sip transport protocol: {{ data.transport[sip_transport]|default(data.transport.udp) }}
{% if sip_servers_root_and_intermediate_certificates %}
sips trusted certificates: {{ device.mac|mac(upper=true) }}-ca_servers.crt
{% endif %}
{% if exten_pickup_call %}
directed call pickup prefix: {{ exten_pickup_call }}
{% endif %}
{% if (device.options or {}).switchboard %}
sip xml notify event: 1
call waiting: 0
{% endif %}

# Lines
{% for line in lines %}
{% include "line.tpl" %}
{% endfor %}

# Keys
{% set lots = funckeys|strsort|selectattr("1.type", "equalto", "park")|map(attribute="1.value")|select|list %}
{% if lots %}
{% for line in lines %}
sip line{{ line.n }} park pickup config: {{ lots[0] }};{{ lots[0] }};asterisk
{% endfor %}
{% endif %}
{% set dial = {
    "voicemail": exten_voicemail,
    "forward": exten_fwd_unconditional,
    "dnd": exten_dnd,
    "pickup": exten_pickup_call,
} %}
{% set words = data.words[(locale or "").split("_")[0]] or data.words.en %}
{% for key in data.fixed[phone.fixed] %}
{{ fixed_key(key, dial, words, phone.quoted, phonebook_url("aastra")) -}}
{% endfor %}
{% for number, key in funckeys|strsort %}
{{ function_key(number, key, phone, model_name) -}}
{% endfor %}

# Media
tos sip: 46
tos rtp: 46
sip customized codec: payload=9;ptime=20;silsupp=on,payload=18;ptime=20;silsupp=on,,payload=0;ptime=20;silsupp=on,payload=8;ptime=20;silsupp=on

