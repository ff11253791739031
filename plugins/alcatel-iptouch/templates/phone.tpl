{# These phones have one account: the first line in the order of the texts of their numbers. #}
{% set number = lines|map(attribute="n")|map("string")|sort|first or 0 %}
{% set line = lines|selectattr("n", "equalto", number|int)|first or {} %}
{% set proxy = line.proxy_ip %}
{% set voicemail = line.voicemail or exten_voicemail %}
{% set password = (admin_password or data.password)|string %}
{% if data.digits_only and not password.isdigit() %}
{% set password = data.password %}
{% endif %}
{% macro change(at) %}
{% set day = data.days[at.month - 1] - 3 if at.last else at.week * 7 - 3 %}
{{ at.month|zfill(2) }}{{ day|zfill(2) }}{{ at.hour|zfill(2) -}}
{% endmacro %}
[dns]
dns_addr={{ dns_ip if dns_enabled and dns_ip else data.dns or proxy }}

[sip]
domain_name={{ proxy }}
proxy_addr={{ proxy }}
proxy_port={{ line.proxy_port }}
proxy2_addr={{ line.backup_proxy_ip }}
proxy2_port={{ line.backup_proxy_port }}
registrar_addr={{ line.registrar_ip }}
registrar_port={{ line.registrar_port }}
registrar2_addr={{ line.backup_registrar_ip }}
registrar2_port={{ line.backup_registrar_port }}
outbound_proxy_addr={{ line.outbound_proxy_ip }}
outbound_proxy_port={{ line.outbound_proxy_port }}
sip_transport_mode={{ data.transport[sip_transport] }}
user_name={{ line.username }}
display_name={{ line.display_name }}
authentication_realm={{ proxy }}
authentication_name={{ line.auth_username }}
authentication_password={{ line.password }}
voice_mail_uri={{ voicemail }}
message_waiting_indication_uri={{ voicemail ~ "@" ~ proxy if voicemail }}

[sntp]
sntp_addr={{ ntp_ip if ntp_enabled }}
timezone=
{%- if tz %}
UT::{{ tz.offset // 60 }}:
{%- if tz.dst %}
{{ change(tz.dst.start) }}:{{ change(tz.dst.end) }}
{%- else %}
000000:000000
{%- endif %}
{% endif %}


[telnet]
telnet_password={{ password }}

[audio]
tone_country={{ data.tones[(locale or "").split("_")|last] }}
dtmf_type={{ data.dtmf[sip_dtmf_mode] }}

[appl]
admin_password={{ password }}
{% for key, entry in funckeys|numsort %}
{% if entry.type == "speeddial" and key.isdigit() and 1 <= key|int and key|int <= (model.keys or data.keys) %}
speed_dial_{{ key }}_first_name={{ entry.value if entry.label is undefined or entry.label is none else entry.label }}
speed_dial_{{ key }}_uri={{ entry.value }}
{% endif %}
{% endfor %}
