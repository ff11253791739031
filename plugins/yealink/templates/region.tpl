{% set lang = "static.lang" if family in [81, 82] else "lang" %}
{{ lang }}.wui = {{ or_null(words.language) }}
{% if phone %}
{{ lang }}.gui = {{ or_null(words.language) }}
{% else %}
custom.handset.language = {{ or_null(words.number) }}
{% endif %}
{% if dect and family < 87 %}
{% set fixed = dect in ["base", "bare"] or model.date_format %}
custom.handset.date_format = {{ 2 if fixed else or_null(words.number) }}
custom.handset.screen_saver.enable = 0
{% endif %}
{% if phone or dect == "multi" %}
local_time.date_format = {{ words.number if phone and family >= 85 and words else 2 }}
{% endif %}
voice.tone.country = {{ or_null(words.country) }}

local_time.ntp_server1 = {{ ntp_ip or "pool.ntp.org" }}
{% if tz %}
{% set hours = [[tz.offset // 3600, -11]|max, 12]|min %}
local_time.time_zone = {{ "+" if hours >= 0 }}{{ hours }}
local_time.summer_time = {{ 1 if tz.dst else 0 }}
{% if tz.dst %}
{% set from, to = tz.dst.start, tz.dst.end %}
local_time.dst_time_type = 1
local_time.start_time = {{ from.month }}/{{ from.week }}/{{ from.iso_weekday }}/{{ from.hour }}
local_time.end_time = {{ to.month }}/{{ to.week }}/{{ to.iso_weekday }}/{{ to.hour }}
local_time.offset_time = {{ tz.dst.save // 60 }}
{% endif %}
{% else %}
local_time.time_zone = %NULL%
local_time.time_zone_name = %NULL%
local_time.summer_time = %NULL%
{% endif %}
