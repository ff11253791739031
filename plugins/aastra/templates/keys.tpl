{# A key that the model always has. #}
{% macro fixed_key(key, dial, words, quoted, book) %}
{% set mark = '"' if quoted else "" %}
{% set label = key.label or words[key.word] %}
{% set kind = "speeddial" if key.dial else "xml" if key.book else key.type %}
{% set value = dial[key.dial] if key.dial else book if key.book %}
{% if key.unlocked %}
{{ key.key }} locked: 0
{% if book %}
{{ key.key }} type: none
{% endif %}
{% elif key.type or value %}
{{ key.key }} type: {{ kind }}
{% if value %}
{{ key.key }} value: {{ value }}
{% endif %}
{% if label %}
{{ key.key }} label: {{ mark }}{{ label }}{{ mark }}
{% endif %}
{% endif %}
{% endmacro %}

{# Where the function key of that number lies: in a bank of the phone, in a module, or nowhere. #}
{% macro place(number, phone) %}
{% set at = namespace(left=number, name="") %}
{% for bank, size in phone.keys %}
{% if not at.name and at.left <= size %}
{% set at.name = bank ~ at.left %}
{% endif %}
{% set at.left = at.left - size %}
{% endfor %}
{% if not at.name and phone.modules %}
{% set module = (at.left - 1) // phone.modules[1] + 1 %}
{% if module <= phone.modules[0] %}
{% set at.name = "expmod" ~ module ~ " key" ~ ((at.left - 1) % phone.modules[1] + 1) %}
{% endif %}
{% endif %}
{{- at.name -}}
{% endmacro %}

{# A key that somebody gave the phone. The softkeys of a 6800i cannot watch, so they dial. #}
{% macro function_key(number, key, phone, model) %}
{% set name = place(number|int, phone) if number.isdigit() and number|int > 0 else "" %}
{% set dials = key.type == "blf" and model.startswith("68") and name.startswith("softkey") %}
{% if name and key.type in ["speeddial", "blf", "park"] and (key.value or key.value == "") %}
{{ name }} type: {{ "speeddial" if dials else key.type }}
{{ name }} value: {{ "asterisk;" if key.type == "park" }}{{ key.value }}
{{ name }} label: {{ key.value if key.label is undefined or key.label is none else key.label }}
{{ name }} line: {{ key.line or 1 }}
{% endif %}
{% endmacro %}
