{% from "words.tpl" import bit, item, link, port, text %}
{% set mac = device.mac|mac(upper=true) %}
{% set place = "BS_IP_Data1" %}
<?xml version="1.0" encoding="UTF-8"?>
<ProviderFrame xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="N510.xsd">
  <Provider>
    <MAC_ADDRESS value="{{ mac }}"/>
    <PROFILE_NAME class="string" value="N510"/>
{{ link("S_SPECIAL_DATA_SRV", server_url ~ "/42/fw262.bin?mac=" ~ mac ~ "&fw262.bin") }}
{{ link("S_CONFIGFILE_URL", server_url_without_scheme ~ "/" ~ mac ~ ".xml") }}
    <SYMB_ITEM ID="BS_IP_Data1.aucS_USER_FIRMWARE_URL" class="string" value='"{{ server_url_without_scheme }}/42/fw262.bin"'/>
{{ text("BS_IP_Data1.aucS_DATA_SERVER[0]", server_url_without_scheme) }}
{% include "network.tpl" %}
{% set code = data.offsets[(tz.offset if tz else 0)|string] %}
{% if code is defined %}
{{ item("BS_IP_Data1.uiI_TIME_TIMEZONE", "0x" ~ code|hex) }}
{% endif %}
{% if ntp_enabled %}
{{ text("BS_IP_Data1.aucS_TIME_NTP_SERVER", ntp_ip) }}
{% endif %}

{% for line in lines %}
{% set nth = "_" ~ line.n if line.n > 1 else "" %}
{% set account = "BS_Accounts.astAccounts[" ~ (line.n - 1) ~ "]." %}
{% set name = line.display_name ~ " " ~ line.number %}
{{ text(account ~ "aucAccountName[0]", name) }}
{{ item(account ~ "uiSendMask", bit(line.n - 1)) }}
{{ item(account ~ "uiReceiveMask", bit(line.n - 1)) }}
{{ text("BS_AE_Subscriber.stMtDat[" ~ (line.n - 1) ~ "].aucTlnName", line.number) }}
{{ item("BS_IP_Data1.ucB_SIP_ACCOUNT_IS_ACTIVE_" ~ line.n, "0x1") }}
{{ text("BS_IP_Data1.aucS_SIP_ACCOUNT_NAME_" ~ line.n, name) }}
{{ text("BS_IP_Data1.aucS_SIP_DISPLAYNAME" ~ nth, name) }}
{{ text("BS_IP_Data3.aucS_SIP_LOGIN_ID" ~ nth, line.auth_username) }}
{{ text("BS_IP_Data1.aucS_SIP_USER_ID" ~ nth, line.auth_username) }}
{{ text("BS_IP_Data1.aucS_SIP_PASSWORD" ~ nth, line.password) }}
{{ text("BS_IP_Data1.aucS_SIP_DOMAIN" ~ nth, line.proxy_ip) }}
{{ text("BS_IP_Data1.aucS_SIP_SERVER" ~ nth, line.proxy_ip) }}
{{ text("BS_IP_Data1.aucS_SIP_REGISTRAR" ~ nth, line.proxy_ip) }}
{% set number = "0x" ~ port(lines[0], "proxy_port")|int|hex %}
{{ item("BS_IP_Data1.uiI_SIP_SERVER_PORT" ~ nth, number) }}
{{ item("BS_IP_Data1.uiI_SIP_REGISTRAR_PORT" ~ nth, number) }}
{% for id, value in data.line_items|items %}
{{ item("BS_IP_Data1." ~ id ~ nth, value|safe) }}
{% endfor %}
{% if exten_voicemail %}
{{ text("BS_IP_Data1.aucS_VOIP_NET_AM_NUMBER_" ~ line.n, exten_voicemail) }}
{{ item("BS_IP_Data1.ucB_VOIP_NET_AM_ENABLED_" ~ line.n, "0x1") }}
{% endif %}
{% endfor %}
  </Provider>
</ProviderFrame>
