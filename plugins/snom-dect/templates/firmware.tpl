<?xml version="1.0" encoding="UTF-8"?>
<firmware-settings>
  <firmware perm="">{{ server_url }}</firmware>
  <fp_fwu_sw_version>{{ data.firmware.version }}</fp_fwu_sw_version>
  <fp_fwu_branch_version>{{ data.firmware.branch }}</fp_fwu_branch_version>
{% for handset in data.handsets %}
  <pp_fwu_sw_version type="{{ handset }}">{{ data.firmware.version }}</pp_fwu_sw_version>
  <pp_fwu_branch_version type="{{ handset }}">{{ data.firmware.branch }}</pp_fwu_branch_version>
{% endfor %}
</firmware-settings>
