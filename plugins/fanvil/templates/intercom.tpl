<sysConf>
<Version>2.0000000000</Version>
{% include "upgrade.tpl" %}
<sip>
<STUNServer>{{ data.stun.server if data.stun }}</STUNServer>
<STUNPort>{{ data.stun.port if data.stun }}</STUNPort>
{% set fields = data.fixed.intercom_sip %}
{% include "fixed.tpl" %}
{% for line in lines %}
<line index="{{ line.n }}">
<DisplayName>{{ line.display_name }}</DisplayName>
<VoiceCodecMap>{{ data.codecs }}</VoiceCodecMap>
{% include "line.tpl" %}
{% set fields = data.fixed.intercom_line %}
{% include "fixed.tpl" %}
</line>
{% endfor %}
</sip>
<call>
<port index="1">
{% set fields = data.fixed.intercom_call %}
{% include "fixed.tpl" %}
</port>
</call>
<phone>
<MenuPassword>{{ menu_password }}</MenuPassword>
<KeyLockPassword>{{ menu_password }}</KeyLockPassword>
{% include "display.tpl" %}
<lineLed>
<LineIdleColor>0</LineIdleColor>
<LineIdleCtl>1</LineIdleCtl>
</lineLed>
<blfLed>
{% set fields = data.fixed.intercom_lamps %}
{% include "fixed.tpl" %}
</blfLed>
{% include "date.tpl" %}
<timeDisplay>
<EnableTimeDisplay>0</EnableTimeDisplay>
<TimeDisplayStyle>0</TimeDisplayStyle>
<DateDisplayStyle>9</DateDisplayStyle>
<DateSeparator>3</DateSeparator>
</timeDisplay>
{% if data.books %}
{% set book_name = directory %}
{% include "book.tpl" %}
{% endif %}
</phone>
{% include "cti.tpl" %}
{% include "web.tpl" %}
<qos>
{% if vlan_enabled %}
<EnableVLAN>1</EnableVLAN>
<VLANID>{{ vlan_id }}</VLANID>
{% for name in ["Signalling", "Voice", "Video", "LANPort"] %}
<{{ name }}Priority>{{ vlan_priority or 0 }}</{{ name }}Priority>
{% endfor %}
{% set fields = data.fixed.intercom_qos %}
{% include "fixed.tpl" %}
{% endif %}
</qos>
{% include "intercom_keys.tpl" %}
{% if model.door %}
<sip>
<line index="1">
<AutoAnswer>1</AutoAnswer>
</line>
</sip>
{% endif %}
<ap>
<DownloadCommonConf>1</DownloadCommonConf>
<SaveProvisionInfo>0</SaveProvisionInfo>
<CheckFailTimes>1</CheckFailTimes>
{% include "flash.tpl" %}
<updatePBInterval>720</updatePBInterval>
<APConfigPriority>0</APConfigPriority>
</ap>
{% include "media.tpl" %}
</sysConf>

