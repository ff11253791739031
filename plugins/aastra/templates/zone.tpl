{% macro change(edge, at) %}
dst {{ edge }} month: {{ at.month }}
dst {{ edge }} week: {{ -1 if at.last else at.week }}
dst {{ edge }} day: {{ at.weekday + 1 }}
dst {{ edge }} hour: {{ at.hour }}
{% endmacro %}
time zone name: Custom
time zone minutes: {{ -(tz.offset // 60) }}
{% if tz.dst %}
dst config: 3
dst minutes: {{ [tz.dst.save // 60, 60]|min }}
dst [start|end] relative date: 1
{{ change("start", tz.dst.start) -}}
{{ change("end", tz.dst.end) -}}
{% else %}
dst config: 0
{% endif %}
