{#- The first keys are line keys beside the screen, on pages; a line takes the one of its number.
    The others are on pages of their own. -#}
{% set numbers = funckeys|list|map("int")|list %}
{% set top = model.keys[0] if model.keys else 0 %}
{% set last_top = numbers|select("le", top)|max or 0 %}
{% set below = highest - top if model.keys else 0 %}
{% set line_numbers = lines|map(attribute="n")|list %}
<dsskey>
{% for page in range(1, (last_top - 1) // model.keys[1] + 2 if last_top else 0) %}
<dssSide index="{{ page }}">
{% for index in range(1, model.keys[1] + 1) %}
{% set n = (page - 1) * model.keys[1] + index %}
{% if n <= last_top %}
<Fkey index="{{ index }}">
{% if page * index in line_numbers %}
<Type>2</Type>
<Value>SIP{{ page * index }}</Value>
<Title></Title>
{% else %}
{% include "key.tpl" %}
{% endif %}
</Fkey>
{% endif %}
{% endfor %}
</dssSide>
{% endfor %}
{% if below > 0 %}
<FuncKeyPageNum>{{ (below - 1) // model.keys[2] + 1 }}</FuncKeyPageNum>
{% set first = top %}
{% set per_page = model.keys[2] %}
{% set first_page = 1 %}
{% include "pages.tpl" %}
{% endif %}
{% set book = phonebook_url("fanvil", entry="lookup", suffix="&term=") if has_book %}
{% if book %}
<dssSoft index="1">
<Type>21</Type>
<Value>{{ book }}</Value>
<Title>{{ directory }}</Title>
</dssSoft>
{% endif %}
</dsskey>

