{% for n in range(1, model.keys|default(0) + 1) %}
{% set key = funckeys[n|string]|default({}) %}
{% set type, label, value = data.key_types[key.type]|default(0), key.label, key.value %}
{% if n|string in sip_lines %}
{% set type, label, value = 1, sip_lines[n|string].number, "" %}
{% endif %}
{% set p = 41199 + n if n < 5 else 20175 + 5 * n if n < 37 else 22815 + 5 * n %}
{% set step = 100 if n < 5 else 1 %}
<P{{ p }} para="LineKey{{ n }}_Type">{{ type }}</P{{ p }}>
<P{{ p + step }} para="LineKey{{ n }}_Value">{{ value }}</P{{ p + step }}>
<P{{ p + 2 * step }} para="LineKey{{ n }}_Label">{{ label }}</P{{ p + 2 * step }}>
<P{{ p + 3 * step }} para="LineKey{{ n }}_Account">255</P{{ p + 3 * step }}>
<P{{ p + 4 * step }} para="LineKey{{ n }}_Extension">{{ value }}</P{{ p + 4 * step }}>
<P{{ 20599 + n }} para="LineKey{{ n }}_Mode">0</P{{ 20599 + n }}>
{% endfor %}
