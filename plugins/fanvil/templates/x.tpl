<sysConf>
<Version>2.0002</Version>
<AUTOUPDATE_CONFIG_MODULE>
<Download_Mode>1</Download_Mode>
{% if model.image %}
<Auto_Image_URL>{{ server_url }}/Fanvil/firmware/{{ model.image }}</Auto_Image_URL>
{% endif %}
<Save_Provision_Info>1</Save_Provision_Info>
</AUTOUPDATE_CONFIG_MODULE>
{% include "ap.tpl" %}
{% include "upgrade.tpl" %}
<phone>
<MenuPassword>{{ menu_password }}</MenuPassword>
<display>
{% set code = data.other_languages[language] or language %}
<DefaultLanguage>{{ code if code in data.short_languages }}</DefaultLanguage>
{% if lines %}
<LCDTitle>{{ lines[0].display_name }} {{ lines[0].number }}</LCDTitle>
{% endif %}
</display>
{% set fixed_dst = true %}
{% include "date.tpl" %}
<timeDisplay>
<TimeDisplayStyle>0</TimeDisplayStyle>
{% if locale %}
<DateDisplayStyle>{{ data.dates[locale] or 10 }}</DateDisplayStyle>
{% endif %}
</timeDisplay>
<softkey>
<DesktopSoftkey>history;dss1;;menu;</DesktopSoftkey>
</softkey>
{% set book_name = "Wazo" %}
{% include "book.tpl" %}
</phone>
{% include "cti.tpl" %}
{% include "web.tpl" %}
{% include "qos.tpl" %}
{% include "media.tpl" %}
{% include "log.tpl" %}
<sip>
<SIPPort>5060</SIPPort>
{% include "lines.tpl" %}
</sip>
{% include "call.tpl" %}
{% include "x_keys.tpl" %}
</sysConf>

