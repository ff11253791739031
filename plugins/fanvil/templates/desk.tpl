<sysConf>
<Version>2.0000000000</Version>
{% include "upgrade.tpl" %}
<sip>
<SIPPort>5060</SIPPort>
{% include "lines.tpl" %}
</sip>
{% include "call.tpl" %}
<phone>
<MenuPassword>{{ menu_password }}</MenuPassword>
{% set fields = data.fixed.desk_phone %}
{% include "fixed.tpl" %}
{% include "display.tpl" %}
{% set fixed_dst = true %}
{% include "date.tpl" %}
<timeDisplay>
<EnableTimeDisplay>0</EnableTimeDisplay>
<TimeDisplayStyle>0</TimeDisplayStyle>
<DateDisplayStyle>2</DateDisplayStyle>
<DateSeparator>0</DateSeparator>
</timeDisplay>
<softkey>
<DesktopClick>history;status;xml;none;menu;</DesktopClick>
<DesktopSoftkey>history;;;menu;</DesktopSoftkey>
</softkey>
{% set book_name = directory %}
{% include "book.tpl" %}
</phone>
{% include "cti.tpl" %}
<dsskey>
<dssSide index="1">
{% for line in lines %}
<Fkey index="{{ line.n }}">
<Type>2</Type>
<Value>SIP{{ line.n }}</Value>
<Title></Title>
</Fkey>
{% endfor %}
</dssSide>
{% if highest > 0 and model.keys %}
<FuncKeyPageNum>{{ (highest - 1) // model.keys + 1 }}</FuncKeyPageNum>
{% for page in range(0, (highest - 1) // model.keys + 1) %}
<dssSide index="{{ page + 1 }}">
{% for index in range(1, model.keys + 1) %}
{% set n = page * model.keys + index %}
{% if n <= highest %}
<Fkey index="{{ index }}">
{% for line in lines %}
{% set place = "@SIP" ~ line.n %}
{% include "key.tpl" %}
{% endfor %}
</Fkey>
{% endif %}
{% endfor %}
</dssSide>
{% endfor %}
{% endif %}
</dsskey>
{% include "web.tpl" %}
{% include "log.tpl" %}
<vpn>
{% set fields = data.fixed.desk_vpn %}
{% include "fixed.tpl" %}
</vpn>
{% include "ap.tpl" %}
{% include "qos.tpl" %}
{% include "media.tpl" %}
</sysConf>

