{#- One phone's configuration. What is in it depends on the firmware's family (data.family) and,
    for DECT, on the kind of station (model.dect): a "base" has its servers in its accounts; a
    "multi" cell base has a SIP template for each line; a "manager" shares SIP templates between
    lines, and so does a "bare" one that is told no firmware; a "slave" has no lines. -#}
{% from "words.tpl" import or_null %}
{% set family = data.family %}
{% set dect = model.dect or "" %}
{% set phone = not dect %}
{% set static = "static." if family >= 81 else "" %}
{% set words = data.locales[locale] or {} %}
{% set size = data.phones[model_name] or {} %}
{% set active = lines|selectattr("n", "le", size.accounts)|list if size.accounts else lines %}
#!version:1.0.0.1

{% include "system.tpl" %}
{% if dect != "slave" %}

{% include "features.tpl" %}


{% include "region.tpl" %}
{% include "accounts.tpl" %}
{% endif %}
{% if phone %}

{% include "keys.tpl" %}
{% for name in data.blank or [] %}
{{ name }} =
{% endfor %}
{% for line in active if model.video %}
{% for name, on in data.video|items %}
account.{{ line.n }}.{{ name }}.enable = {{ on }}
{% endfor %}
{% endfor %}
{% if model.language %}
{% set folder, number = model.language.split("/") %}
gui_lang.url = {{ server_url }}/lang/{{ folder }}/{{ number }}.GUI.French.lang
{% endif %}
{% endif %}

# end

