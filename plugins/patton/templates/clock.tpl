{% macro offset(seconds) %}
{{ "-" if seconds < 0 else "+" }}{{ (seconds|abs // 3600)|zfill(2) }}:{{ (seconds|abs // 60 % 60)|zfill(2) }}
{%- endmacro %}
{% macro change(at) %}
{{ at.hour|zfill(2) }}:{{ at.minute|zfill(2) }} {{ data.months[at.month - 1] }} {{ data.weeks[at.week - 1] }} {{ data.days[at.weekday] }}
{%- endmacro %}
clock local default-offset {{ offset(tz.offset) }}
{% if tz.dst %}
clock local dst-rule DSTRULE {{ offset(tz.offset + tz.dst.save) }} from {{ change(tz.dst.start) }} until {{ change(tz.dst.end) }}
{% endif %}
