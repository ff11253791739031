<cti>
{% set dnd_on = service_url("fanvil", "dnd", "enable") %}
{% if dnd_on %}
<DNDOnUrl>{{ dnd_on }}</DNDOnUrl>
<DNDOffUrl>{{ service_url("fanvil", "dnd", "disable") }}</DNDOffUrl>
{% endif %}
</cti>

