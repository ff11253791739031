<sysConf>
<Version>2.0000000000</Version>
{% include "upgrade.tpl" %}
<ap>
<DefaultUsername></DefaultUsername>
<DefaultPassword></DefaultPassword>
<InputCfgFileName></InputCfgFileName>
<DeviceCfgFileKey></DeviceCfgFileKey>
<CommonCfgFileKey></CommonCfgFileKey>
<DownloadCommonConf>1</DownloadCommonConf>
<SaveProvisionInfo>0</SaveProvisionInfo>
<CheckFailTimes>5</CheckFailTimes>
{% include "flash.tpl" %}
<updatePBInterval>720</updatePBInterval>
<pnp>
<PNPEnable>1</PNPEnable>
<PNPIP>224.0.1.75</PNPIP>
<PNPPort>5060</PNPPort>
<PNPTransport>0</PNPTransport>
<PNPInterval>1</PNPInterval>
</pnp>
<opt>
<DHCPOption>66</DHCPOption>
<DhcpOption120>0</DhcpOption120>
<DHCPv6Option>0</DHCPv6Option>
</opt>
</ap>
<phone>
<MenuPassword>{{ menu_password }}</MenuPassword>
{% include "display.tpl" %}
{% include "date.tpl" %}
<timeDisplay>
<EnableTimeDisplay>0</EnableTimeDisplay>
<TimeDisplayStyle>0</TimeDisplayStyle>
{% if locale %}
<DateDisplayStyle>{{ data.dates[locale] or 10 }}</DateDisplayStyle>
{% endif %}
<DateSeparator>0</DateSeparator>
</timeDisplay>
<softKeyConfig>
{% set fields = data.fixed.video_softkeys %}
{% include "fixed.tpl" %}
</softKeyConfig>
{% set book_name = directory %}
{% include "book.tpl" %}
</phone>
{% include "cti.tpl" %}
{% include "web.tpl" %}
{% include "qos.tpl" %}
{% include "log.tpl" %}
<sip>
<SIPPort>5060</SIPPort>
{% include "lines.tpl" %}
</sip>
{% include "call.tpl" %}
<dsskey>
<dssSide index="1">
{% for n in range(1, [highest, 11]|min + 1) %}
<Fkey index="{{ n }}">
{% include "key.tpl" %}
</Fkey>
{% endfor %}
</dssSide>
{% set first = 0 %}
{% set per_page = model.keys %}
{% set first_page = 1 %}
{% include "pages.tpl" %}
</dsskey>
{% include "media.tpl" %}
</sysConf>

