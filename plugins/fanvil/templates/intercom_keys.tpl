{#- Doors have their keys in one row, again and again; panels from their second page on, as the
    first shows the phone; handsets on pages; hotel phones have keys of their own. -#}
<dsskey>
{% if model.door %}
{% for n in range(1, highest + 1) %}
<dssSoft index="{{ (n - 1) % model.keys + 1 }}">
{% include "key.tpl" %}
</dssSoft>
{% endfor %}
{% elif data.keys_from and highest %}
{% set first = 0 %}
{% set per_page = model.keys or 8 %}
{% set first_page = data.keys_from %}
{% if first_page == 2 %}
<FuncKeyPageNum>{{ (highest - 1) // per_page + 1 }}</FuncKeyPageNum>
{% endif %}
{% include "pages.tpl" %}
{% endif %}
</dsskey>

