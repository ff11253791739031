{# A line's registration with one of its servers. #}
{% macro identity(line, registrar, port) %}
  identity {{ line.username }}
    authentication outbound
      authenticate authentication-service AUTH username {{ line.auth_username }}
    call outbound
      preferred-transport-protocol {{ "tcp" if sip_transport == "tcp" else "udp" }}
    message inbound
      subscribe implicit
    registration outbound
      register auto
      registrar {{ registrar }} {{ port or 5060 }}
      preferred-transport-protocol {{ "tcp" if sip_transport == "tcp" else "udp" }}
{% endmacro %}
