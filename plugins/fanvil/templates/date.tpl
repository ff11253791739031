{#- Clock and time zone, in quarters of an hour; the phones know whole hours up to twelve. -#}
<date>
<EnableSNTP>{{ 1 if ntp_enabled else 0 }}</EnableSNTP>
{% if ntp_enabled %}
<SNTPServer>{{ ntp_ip }}</SNTPServer>
<SNTPTimeout>60</SNTPTimeout>
{% endif %}
{% set hours = tz.offset // 3600 if tz else 99 %}
{% if -12 <= hours and hours <= 12 %}
<TimeZone>{{ hours * 4 }}</TimeZone>
<TimeZoneName>{% include "zone.tpl" %}</TimeZoneName>
<EnableDST>{{ 2 if tz.dst else 0 }}</EnableDST>
{% if tz.dst %}
{% if fixed_dst %}
<DSTFixedType>2</DSTFixedType>
{% endif %}
<DSTMinOffset>{{ [tz.dst.save // 60, 60]|min }}</DSTMinOffset>
{% for name, change in [["Start", tz.dst.start], ["End", tz.dst.end]] %}
<DST{{ name }}Mon>{{ change.month }}</DST{{ name }}Mon>
<DST{{ name }}Hour>{{ change.hour }}</DST{{ name }}Hour>
<DST{{ name }}Wday>{{ change.weekday }}</DST{{ name }}Wday>
<DST{{ name }}Week>{{ -1 if change.last else change.week }}</DST{{ name }}Week>
{% endfor %}
{% endif %}
{% endif %}
</date>

