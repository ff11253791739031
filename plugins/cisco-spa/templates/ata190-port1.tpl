{% set line = lines|first|default({}) %}
{% include "ata190.tpl" %}
