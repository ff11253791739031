{% from "words.tpl" import item, link, port, text %}
{% set mac = device.mac|mac(upper=true) %}
{% set place = "BS_IP_Data" %}
{% set suffix = "[%]" %}
{% set provider = "BS_VOIP_Data.astVoipProviders[0]." %}
<?xml version="1.0" encoding="UTF-8"?>
<ProviderFrame xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="N720_general.xsd">
  <Provider>
    <MAC_ADDRESS value="{{ mac }}"/>
    <PROFILE_NAME class="string" value="N720"/>
{% for name, file, as in data.firmware %}
{{ link("S_SPECIAL_DATA_SRV_" ~ name, server_url ~ "/Gigaset/" ~ file ~ "?mac=" ~ mac ~ "&" ~ as) }}
{% endfor %}
{{ text("BS_CUSTOM.WebUIPassword", admin_password) }}
{% include "network.tpl" %}
{{ item("BS_AE_SwConfig.ucCountryCodeTone", data.countries[locale] or 0) }}
{% if ntp_enabled %}
{{ text("BS_IP_Data.aucS_TIME_NTP_SERVER[%]", ntp_ip) }}
{{ item("BS_IP_Data.ucB_TIME_USE_AUTOMATIC_NTP_SYN", 1) }}
{{ item("BS_IP_Data.ulI_TIME_LAST_SYN", 0) }}
{{ item("BS_IP_Data.uiI_TIME_COUNTRY", "0xff") }}
{% set code = data.offsets[(tz.offset if tz else 0)|string] %}
{% if code is defined %}
{{ item("BS_IP_Data.uiI_TIME_TIMEZONE", "0x" ~ code|hex) }}
{% endif %}
{{ item("BS_IP_Data.ucB_TIME_USE_AUTOMATIC_DST", 1) }}
{{ item("BS_IP_Data.ucI_DIALING_PLAN_COUNTRY_ID", "0xff") }}
{% endif %}

{% for line in lines[:1] %}
{% set number = "0x" ~ port(line, "proxy_port")|int|hex %}
{{ item("BS_VOIP_Data.uiI_SIP_LOCAL_PORT", number) }}
{{ text(provider ~ "aucSIP_DOMAIN[%]", line.proxy_ip) }}
{{ text(provider ~ "aucSIP_SERVER[%]", line.proxy_ip) }}
{{ item(provider ~ "uiSIP_SERVER_PORT", number) }}
{{ text(provider ~ "aucSIP_REGISTRAR[%]", line.registrar_ip) }}
{{ item(provider ~ "uiSIP_REGISTRAR_PORT", "0x" ~ port(line, "registrar_port")|int|hex) }}
{% endfor %}
{% if sip_outbound_proxy_ip %}
{{ text(provider ~ "aucOUTBOUND_PROXY[%]", sip_outbound_proxy_ip) }}
{{ item(provider ~ "uiOUTBOUND_PROXY_PORT", "0x" ~ (sip_outbound_proxy_port or 5060)|int|hex) }}
{% endif %}
{% for code, number in [["DND", exten_dnd], ["CFU", exten_fwd_unconditional], ["CFB", exten_fwd_busy], ["CFNR", exten_fwd_no_answer]] if number %}
{{ text("BS_VOIP_Data.astVoipProviders[%].NetCode" ~ code ~ "_ON[%]", number) }}
{{ text("BS_VOIP_Data.astVoipProviders[%].NetCode" ~ code ~ "_OFF[%]", number) }}
{% endfor %}

{% for line in lines %}
{% set account = "BS_VOIP_Data.astVoipAccounts[" ~ (line.n - 1) ~ "]." %}
{{ text(account ~ "aucS_SIP_DISPLAYNAME[0]", line.number ~ " " ~ line.display_name) }}
{{ text(account ~ "aucS_SIP_LOGIN_ID[0]", line.auth_username) }}
{{ text(account ~ "aucS_SIP_PASSWORD[0]", line.password) }}
{{ text(account ~ "aucS_SIP_USER_ID[0]", line.auth_username) }}
{{ item(account ~ "ucB_SIP_ACCOUNT_IS_ACTIVE_1", 1) }}
{% if exten_voicemail %}
{{ text(account ~ "aucS_VOIP_NET_AM_NUMBER_1[%]", exten_voicemail) }}
{{ item(account ~ "ucB_VOIP_NET_AM_ENABLED_1", 1) }}
{% endif %}
{% endfor %}
  </Provider>
</ProviderFrame>
