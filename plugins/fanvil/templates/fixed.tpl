{#- Settings that are always the same: `fields` is a table of values and names. -#}
{% for value, names in fields|items %}
{% for name in names %}
<{{ name }}>{{ value }}</{{ name }}>
{% endfor %}
{% endfor %}

