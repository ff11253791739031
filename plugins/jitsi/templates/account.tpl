{# Properties of Java: a backslash stands for what is behind it. #}
{% macro text(value) -%}
{{ (value or "")|replace("\\", "\\\\") }}
{%- endmacro %}
{% for line in lines %}
{% set account = "acc" ~ line.n %}
{% set name = "net.java.sip.communicator.impl.protocol.sip." ~ account %}
{% set user = text(line.username) ~ "@" ~ line.proxy_ip %}
{{ name }}={{ account }}
{{ name }}.ACCOUNT_UID=SIP\:{{ user }}
{{ name }}.USER_ID={{ user }}
{{ name }}.AUTHORIZATION_NAME={{ text(line.auth_username) }}
{{ name }}.PASSWORD={{ text(line.password) }}
{{ name }}.DISPLAY_NAME={{ text(line.display_name) }}
{{ name }}.SERVER_ADDRESS={{ line.proxy_ip }}
{{ name }}.SERVER_PORT={{ line.proxy_port or 5060 }}
{% for key, value in data.account|items %}
{{ name }}.{{ key }}={{ value }}
{% endfor %}
{% endfor %}
