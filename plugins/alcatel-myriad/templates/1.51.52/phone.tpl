{% from "shared.tpl" import offset %}
{% set vlan = vlan_id if vlan_enabled %}
{% set language = data.language[(locale or "").split("_")[0]] or 0 %}
<?xml version="1.0" encoding="UTF-8" ?>
<settings>
<setting id="LocalEnetcfgDmUrl" value="{{ server_url }}" override="true" />
<setting id="EdsEnetcfgDmUrl" value="{{ server_url }}" override="true" />
<setting id="LocalEnetcfgVlanEnabl" value="{{ "true" if vlan else "false" }}" override="true" />
<setting id="LocalEnetcfgVlan" value="{{ vlan }}" override="true" />
<setting id="LocalEnetcfgSntp" value="{{ ntp_ip if ntp_enabled }}" override="true" />
{% if ntp_enabled %}
<setting id="DmAdmcfgTimeZone" value="{{ offset(tz) }}" override="true" />
{% endif %}
<setting id="SipAppRunMode" value="0" override="true" />
<setting id="LocalAdmcfgRunMode" value="SIP" override="true" />
<setting id="WebUserPasswd" value="123789" override="true" />
<setting id="DmAdminPasswd" value="123456" override="true" />
<setting id="language" value="{{ language }}" override="true" />
<setting id="language_local" value="{{ language }}" override="true" />
<setting id="language_choice" value="true" override="true" />
<setting id="AudioToneCountry" value="{{ language }}" override="true" />
<setting id="DialingRuleCountryCode" value="*FR" override="true" />
<setting id="DialingRuleAreaCode" value="*{{ timezone }}" override="true" />
<setting id="DialingRuleExternalPrefix" value="0" override="true" />
<setting id="SIPSrtpAuthentication" value="0" override="true" />
<setting id="SIPPreferredVocoder" value="{{ data.codecs }}" />
<setting id="SIPRegisterExpire" value="180" />
<setting id="SIPRegisterRetry" value="60" />
<setting id="SIPAutoAnsweredAllowed" value="{{ "true" if (device.options or {}).switchboard else "false" }}" />
<setting id="TelephonyVmNumber" value="{{ exten_voicemail }}" />
{% for line in lines %}
{% set group = "SIPGroup" ~ line.n %}
<setting id="SIPServer{{ line.n }}Address" value="{{ line.proxy_ip }}" override="true" />
<setting id="{{ group }}DomainName" value="{{ line.proxy_ip }}" override="true" />
<setting id="{{ group }}AuthenticationName" value="{{ line.auth_username }}" override="true" />
<setting id="{{ group }}AuthenticationRealm" value="{{ line.auth_username }}" override="true" />
<setting id="{{ group }}AuthenticationPassword" value="{{ line.password }}" override="true" />
<setting id="{{ group }}LabelName" value="{{ line.display_name }}" override="true" />
<setting id="{{ group }}DisplayName" value="{{ line.display_name }}" override="true" />
<setting id="{{ group }}ServerType" value="7" override="true" />
<setting id="{{ group }}DeviceUri" value="{{ line.auth_username }}" override="true" />
<setting id="{{ group }}OutBoundProxyAddress" value="{{ line.outbound_proxy_ip }}" override="true" />
<setting id="{{ group }}OutBoundProxyPort" value="{{ line.outbound_proxy_port if line.outbound_proxy_ip else 5060 }}" />
<setting id="SIPMessageWaitingIndicationUri" value="{{ line.voicemail or exten_voicemail }}" />
{% endfor %}
{% for number, key in funckeys|numsort %}
{% set at = number|int + 1 if number.isdigit() else 0 %}
{% if 1 < at and at <= (model.keys or data.keys) and (key.value or key.value == "") %}
<setting id="SIPUseDeviceKey{{ at }}" value="{{ key.value }}" />
{% endif %}
{% endfor %}
</settings>
