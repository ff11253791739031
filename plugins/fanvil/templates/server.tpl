<?xml version="1.0" encoding="UTF-8" ?>
<sysConf>
<Version>2.0000000000</Version>
{% include "upgrade.tpl" %}
</sysConf>
<<END OF FILE>>

