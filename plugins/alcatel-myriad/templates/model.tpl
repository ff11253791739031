<?xml version="1.0" encoding="UTF-8" ?>
<settings>
{% include "upgrade.tpl" %}
</settings>
