{# Without a line 2 both ports have the first one. #}
{% set line = lines|selectattr("n", "equalto", 2)|first|default(lines|first) %}
{% include "ata190.tpl" %}
