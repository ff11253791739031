{# How far a zone's standard time is from UTC: +1:00, -3:30. #}
{% macro offset(tz) %}
{% if tz %}
{% set minutes = tz.offset|abs // 60 %}
{{- "-" if tz.offset < 0 else "+" }}{{ minutes // 60 }}:{{ (minutes % 60)|zfill(2) -}}
{% endif %}
{% endmacro %}
