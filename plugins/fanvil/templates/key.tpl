{#- A function key's settings; a number that has no key, or one that the phones do not know, is an
    empty one. `place` is what goes behind the number. -#}
{% set key = funckeys[n|string] or {} %}
{% set kind = data.keys[key.type] if key.value is defined else none %}
<Type>{{ kind.type if kind else 0 }}</Type>
<Value>
{%- if kind %}{{ key.value }}@{{ key.line or 1 }}{{ kind.does }}
{%- if key.type == "blf" and exten_pickup_call %}{{ exten_pickup_call }}{{ key.value }}{% endif %}
{%- endif %}{{ place }}</Value>
<Title>{{ key.label|words if kind }}</Title>

