{#- One phone's configuration, in the dialect of its series. -#}
{% set dialect = model.dialect or data.dialect %}
{% set language = (locale or "").split("_")[0] %}
{% set directory = "Annuaire" if language == "fr" else "Directory" %}
{% set has_book = (config_version or 0) >= 1 %}
{% set menu_password = admin_password or 123 %}
{% set accounts = [[1, "admin", admin_password, 10], [2, "guest", user_password, 5]] %}
{% set transport = data.transport[sip_transport] or 0 %}
{% set highest = [funckeys|list|map("int")|max or 0, 512]|min %}
<?xml version="1.0" encoding="UTF-8" ?>
{% if dialect == "voip" %}
{% include "voip.tpl" %}
{% elif dialect == "x" %}
{% include "x.tpl" %}
{% elif dialect == "desk" %}
{% include "desk.tpl" %}
{% elif dialect == "video" %}
{% include "video.tpl" %}
{% else %}
{% include "intercom.tpl" %}
{% endif %}

