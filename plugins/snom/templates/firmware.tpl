{% set folder = server_url ~ "/firmware/" %}
{% set image %}snom{{ model_name }}-{{ data.firmware }}-SIP-{{ model.kind or "r" }}.{{ "swu" if model_name.startswith("D8") else "bin" }}{% endset %}
<?xml version="1.0" encoding="UTF-8"?>
<firmware-settings>
{% if not data.chained %}
  <firmware>{{ folder }}{{ image }}?mac={mac}&amp;chained_url={{ folder }}#CHAINED_FILENAME#%3Fmac%3D{mac}</firmware>
  <firmware_uxm>{{ folder }}#UXMC_FILENAME#?mac={mac}</firmware_uxm>
{% else %}
{% if model_name in data.at_once %}
  <firmware>{{ folder }}{{ image }}?mac={mac}</firmware>
{% else %}
  <firmware>{{ folder }}snom{{ model_name }}-ramdisk-chained-update-r.bin?mac={mac}&amp;chained_url={{ folder }}{{ image }}%3Fmac%3D{mac}</firmware>
{% endif %}
{% if data.modules[model_name] %}
  <firmware_uxm>{{ folder }}{{ data.modules[model_name] }}?mac={mac}</firmware_uxm>
{% endif %}
{% endif %}
</firmware-settings>
