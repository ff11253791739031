{# Ports and the second server are the line's own: the others' do not fall in for them. #}
{% set own = sip_lines[line.n|string] or line %}
<account index="{{ line.n - 1 }}" status="1" register="1"
  account_id="{{ line.username }}" username="{{ line.username }}"
  authname="{{ line.auth_username }}" password="{{ line.password }}"
  line_label="{{ line.display_name }}" dial_plan="x.T6" visual_voicemail="0"
  voicemail="{{ "sip:" ~ exten_voicemail ~ "@" ~ line.proxy_ip if exten_voicemail }}" conflict="replace">
<host_primary server="{{ line.proxy_ip }}" port="{{ own.proxy_port or 5060 }}"
  transport="udp" reregister="3600" retry="25" num_retries="5" />
{% if own.backup_proxy_ip %}
<host_alternate server="{{ own.backup_proxy_ip }}" port="{{ own.backup_proxy_port or 5060 }}"
  transport="udp" reregister="3600" retry="25" num_retries="5" />
{% endif %}
</account>

