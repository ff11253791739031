<?xml version="1.0" encoding="UTF-8"?>
<gui-languages>
{% for code, name in data.packs|strsort %}
  <language url="{{ server_url }}/i18n/gui_lang_{{ code }}.xml" name="{{ name }}"/>
{% endfor %}
</gui-languages>
