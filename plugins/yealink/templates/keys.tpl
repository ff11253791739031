{#- Keys, one after the other: line keys, memory keys, those of expansion modules. Every place is
    written, so that a key that is taken away goes from the phone too. -#}
{% macro key(place, n) %}
{% set key = funckeys[n|string] %}
{% set line = sip_lines[n|string] %}
{% set types = {"speeddial": 13, "blf": 16, "park": 10} %}
{% set type = 11 if key and key.type == "speeddial" and key.value == "*3"
    else types[key.type] if key else 15 if line %}
{% if type == 15 %}
{{ place }}.type = 15
{{ place }}.line = {{ n }}
{{ place }}.value = {{ line.number }}
{{ place }}.label = {{ line.number }}
{% elif type %}
{{ place }}.type = {{ type }}
{{ place }}.line = {{ key.line or 1 }}
{{ place }}.value = {{ key.value }}
{{ place }}.label = {{ key.label }}
{% if type == 16 and exten_pickup_call %}
{{ place }}.extension = {{ exten_pickup_call }}
{% if family <= 82 %}
{{ place }}.pickup_value = {{ exten_pickup_call }}
{% endif %}
{% endif %}
{% elif not key or family >= 85 %}
{{ place }}.type = 0
{{ place }}.line = %NULL%
{{ place }}.value = %NULL%
{{ place }}.label = %NULL%
{% endif %}
{% endmacro %}
{% set keys = size.keys or 0 %}
{% set memory = size.memory or 0 %}
{% set module = data.modules[size.modules or data.series[(model_name or "")[:2]]] %}
{% for n in range(1, keys + 1) %}
{{ key("linekey." ~ n, n) -}}
{% endfor %}
{% for n in range(1, memory + 1) %}
{{ key("memorykey." ~ n, keys + n) -}}
{% endfor %}
{% if module %}
{% for unit in range(module.count) %}
{% for n in range(1, module.keys + 1) %}
{{ key("expansion_module." ~ (unit + 1) ~ ".key." ~ n, keys + memory + unit * module.keys + n) -}}
{% endfor %}
{% endfor %}
{% endif %}
