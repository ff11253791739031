{# What the files of several bases are made of. -#}
{% macro item(id, value) %}
    <SYMB_ITEM ID="{{ id }}" class="symb_item" value='{{ value }}'/>
{%- endmacro %}
{% macro text(id, value) %}
    <SYMB_ITEM ID="{{ id }}" class="symb_item" value='"{{ value }}"'/>
{%- endmacro %}
{% macro link(name, url) %}
    <{{ name }} class="string" value='"{{ url }}"'/>
{%- endmacro %}
{% macro param(name, value) %}
    <param name="{{ name }}" value="{{ value }}"/>
{%- endmacro %}
{# A line with a proxy of its own takes no port of the global one. #}
{% macro port(line, key) %}
{% set own = sip_lines[line.n|string] %}
{{- (own if own.proxy_ip else line)[key] or 5060 -}}
{% endmacro %}
{% macro bit(n) %}
0x{{ [1, 2, 4, 8][n % 4] }}{% for _ in range(n // 4) %}0{% endfor %}
{% endmacro %}
{# An address as the number that it is. #}
{% macro address(text) %}
{% for part in (text or "").split(".") if part.isdigit() %}
{{- "0x" if loop.first }}{{ part|int|hex|zfill(2) -}}
{% else -%}
0
{%- endfor %}
{% endmacro %}
{% macro directory() %}
{% if X_xivo_phonebook_ip and X_xivo_user_uuid %}
{{- X_xivo_phonebook_scheme or "http" }}://{{ X_xivo_phonebook_ip }}:{{ X_xivo_phonebook_port or 9498 -}}
/0.1/directories/lookup/default/gigaset/{{ X_xivo_user_uuid }}?
{%- endif %}
{% endmacro %}
