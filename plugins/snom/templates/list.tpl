<?xml version="1.0" encoding="UTF-8"?>
<setting-files>
{% for file in ["snom-general", "snom" ~ model_name, "gui_lang", "web_lang"] %}
  <file url="{{ server_url }}/{{ file }}.xml"/>
{% endfor %}
</setting-files>
