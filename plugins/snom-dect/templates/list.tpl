<?xml version="1.0" encoding="UTF-8"?>
<setting-files>
{% for file in ["snom" ~ model_name ~ "-firmware." ~ data.firmware_list, "snom-general.xml", "snom" ~ model_name ~ ".xml"] %}
  <file url="{{ server_url }}/{{ file }}"/>
{% endfor %}
</setting-files>
