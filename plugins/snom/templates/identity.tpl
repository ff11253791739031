{# One identity of the phone: a line, or the same line at its other server. #}
{% macro identity(line, n, text, host) %}
    <user_active idx="{{ n }}" perm="R">on</user_active>
    <user_idle_text idx="{{ n }}" perm="R">{{ text }}</user_idle_text>
    <user_realname idx="{{ n }}" perm="R">{{ line.display_name }}</user_realname>
    <user_name idx="{{ n }}" perm="R">{{ line.username }}</user_name>
    <user_pname idx="{{ n }}" perm="R">{{ line.auth_username }}</user_pname>
    <user_pass idx="{{ n }}" perm="R">{{ line.password }}</user_pass>
    <user_host idx="{{ n }}" perm="R">{{ host }}</user_host>
    <user_outbound idx="{{ n }}" perm="R">{{ line.proxy_ip }}:{{ line.proxy_port }};transport={{ sip_transport if sip_transport in ["tcp", "tls"] else "udp" }}</user_outbound>
    <user_srtp idx="{{ n }}" perm="R">{{ "on" if sip_transport == "tls" else "off" }}</user_srtp>
    <user_savp idx="{{ n }}" perm="R">mandatory</user_savp>
    <user_auth_tag idx="{{ n }}" perm="R">off</user_auth_tag>
    <user_dtmf_info idx="{{ n }}" perm="R">{{ "sip_info_only" if (line.dtmf_mode or sip_dtmf_mode) == "SIP-INFO" else "off" }}</user_dtmf_info>
    <user_mailbox idx="{{ n }}" perm="R">{{ line.voicemail or exten_voicemail }}</user_mailbox>
    <mac_info_in_sip_register idx="{{ n }}" perm="R">on</mac_info_in_sip_register>
{%- endmacro %}
{# Which identity a line's other server has: the next one, where that is no line of its own. #}
{% macro spare(n, numbers, index) %}
{{ n + 1 if n + 1 not in numbers else (numbers|last) + 1 + index }}
{%- endmacro %}
