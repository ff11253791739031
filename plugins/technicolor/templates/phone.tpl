{# A phone takes its file only when the serial number is another than that of the file before. #}
{% set body %}
{% include "settings.tpl" %}
{% endset %}
{{ body }}config_sn={{ body|checksum }}

