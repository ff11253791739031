<?xml version="1.0" encoding="UTF-8"?>
<firmware-settings>
  <firmware-status>{{ server_url }}/snom{{ model_name }}-firmware.{{ data.firmware_list }}</firmware-status>
</firmware-settings>
