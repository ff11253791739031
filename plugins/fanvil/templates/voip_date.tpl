<Enable_SNTP>{{ 1 if ntp_enabled else 0 }}</Enable_SNTP>
{% if ntp_enabled %}
<SNTP_Server>{{ ntp_ip }}</SNTP_Server>
<SNTP_Timeout>60</SNTP_Timeout>
{% endif %}
{% set hours = tz.offset // 3600 if tz else 99 %}
{% if -12 <= hours and hours <= 12 %}
{% if data.zones %}
<Time_Zone>{{ data.zones[hours + 12][1] }}</Time_Zone>
<Time_Zone_Name>{{ data.zones[hours + 12][0] }}</Time_Zone_Name>
{% else %}
<Time_Zone>{{ hours * 4 }}</Time_Zone>
<Time_Zone_Name>{% include "zone.tpl" %}</Time_Zone_Name>
{% endif %}
<Enable_DST>{{ 2 if tz.dst else 0 }}</Enable_DST>
{% if tz.dst %}
<DST_Min_Offset>{{ [tz.dst.save // 60, 60]|min }}</DST_Min_Offset>
{% for name, change in [["Start", tz.dst.start], ["End", tz.dst.end]] %}
<DST_{{ name }}_Mon>{{ change.month }}</DST_{{ name }}_Mon>
<DST_{{ name }}_Hour>{{ change.hour }}</DST_{{ name }}_Hour>
<DST_{{ name }}_Wday>{{ change.weekday }}</DST_{{ name }}_Wday>
<DST_{{ name }}_Week>{{ -1 if change.last else change.week }}</DST_{{ name }}_Week>
<DST_{{ name }}_Min>{{ change.minute }}</DST_{{ name }}_Min>
{% endfor %}
{% endif %}
{% endif %}

