{#- Pages of keys from the key behind `first` up to the highest; `first_page` is their first. -#}
{% for page in range(0, (highest - first - 1) // per_page + 1) %}
<internal index="{{ page + first_page }}">
{% for index in range(1, per_page + 1) %}
{% set n = first + page * per_page + index %}
{% if n <= highest %}
<Fkey index="{{ index }}">
{% include "key.tpl" %}
</Fkey>
{% endif %}
{% endfor %}
</internal>
{% endfor %}

