{% set account = "Account" ~ line.n %}
{% set dtmf = data.dtmf[line.dtmf_mode or sip_dtmf_mode] %}
<setting id="{{ account }}RegName" value="{{ line.auth_username }}" />
<setting id="{{ account }}UserName" value="{{ line.auth_username }}" />
<setting id="{{ account }}Password" value="{{ line.password }}" />
<setting id="{{ account }}Label" value="{{ line.number }} - {{ line.display_name }}" />
<setting id="{{ account }}DisplayName" value="{{ line.display_name }}" />
<setting id="{{ account }}Server1Address" value="{{ line.proxy_ip }}" />
<setting id="{{ account }}Server1Port" value="{{ line.proxy_port }}" />
<setting id="{{ account }}Server1Transport" value="{{ sip_transport }}" />
<setting id="{{ account }}Server2Address" value="{{ line.backup_proxy_ip }}" />
<setting id="{{ account }}Server2Port" value="{{ line.backup_proxy_port if line.backup_proxy_ip else 5060 }}" />
<setting id="{{ account }}OutboundProxy1Address" value="{{ line.outbound_proxy_ip }}" />
<setting id="{{ account }}OutboundProxy1Port" value="{{ line.outbound_proxy_port if line.outbound_proxy_ip else 5060 }}" />
<setting id="{{ account }}DtmfMode" value="{{ "off" if dtmf is undefined else dtmf }}" />
<setting id="{{ account }}VmNumber" value="{{ exten_voicemail }}" />
<setting id="{{ account }}MwiUri" value="{{ line.voicemail or exten_voicemail }}" />
<setting id="{{ account }}AutoAnswerEnable" value="{{ "true" if (device.options or {}).switchboard else "false" }}" />
<setting id="{{ account }}AudioCodec" value="{{ data.codecs }}" />
{% for id, value in data.account.items() %}
<setting id="{{ account }}{{ id }}" value="{{ value }}" />
{% endfor %}
{% for prefix, names in data.account_empty.items() %}
{% for name in names %}
<setting id="{{ account }}{{ prefix }}{{ name }}" value="" />
{% endfor %}
{% endfor %}
