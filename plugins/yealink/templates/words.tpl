{% macro or_null(value) %}
{{- "%NULL%" if value is undefined or value is none or value == "" else value -}}
{% endmacro %}
