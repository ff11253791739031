{% set proxy = (lines|first or {}).proxy_ip %}
<?xml version="1.0" ?>
<phonebooks>
<contacts group_name="Default" editable="0">
{% for number, key in funckeys|numsort %}
{% if key.value or key.value == "" %}
<contact first_name="{{ key.value if key.label is undefined or key.label is none else key.label }}" last_name=""
{%- if key.type == "blf" and proxy %} subscribe_to="sip:{{ key.value }}@{{ proxy }}"{% endif %}>
<numbers><number dial="{{ key.value }}" label="Extension" primary="1" /></numbers>
</contact>
{% endif %}
{% endfor %}
</contacts>
</phonebooks>
