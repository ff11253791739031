<display>
<DefaultLanguage>{{ data.languages[locale] }}</DefaultLanguage>
{% for line in lines %}
<LCDTitle>{{ line.display_name }} {{ line.number }}</LCDTitle>
{% endfor %}
{% if dialect == "intercom" %}
{% set fields = data.fixed.intercom_display %}
{% include "fixed.tpl" %}
{% endif %}
</display>

