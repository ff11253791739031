<?xml version="1.0" encoding="UTF-8"?>
<web-languages>
{% for code, name in data.packs|strsort %}
  <language url="{{ server_url }}/i18n/web_lang_{{ code }}.xml" name="{{ name }}"/>
{% endfor %}
</web-languages>
