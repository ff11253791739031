{% extends "phone.tpl" %}
{% block element %}polycomConfig{% endblock %}
{% block phone %}
{{ set_device("prov.tagSerialNo", 1) }}
{{ set_device("auth.localAdminPassword", admin_password or "9486") }}
{{ set_device("auth.localUserPassword", user_password or "123") }}
  qos.ip.callControl.dscp="46"
  qos.ip.rtp.dscp="46"
{% endblock %}
{% block dtmf %}
  tone.dtmf.viaRtp="1"
  tone.dtmf.rfc2833Control="{{ 0 if sip_dtmf_mode == 'RTP-in-band' else 1 }}"
  voIpProt.SIP.dtmfViaSignaling.rfc2976="0"
{% endblock %}
{% block services %}
{{ keys(data.keys.vvx[device.model] or data.keys.soundpoint[device.model], ["blf", "speeddial", "park"]) }}
{% set directory = phonebook_url("polycom") %}
{% if directory and device.model not in data.directory.without %}
  mb.main.home="{{ directory }}"
  softkey.1.enable="1"
  softkey.1.label="{{ data.directory.label[(locale or '')[:2]] or data.directory.label.en }}"
  softkey.1.action="{{ directory }}"
  softkey.1.use.idle="1"
{% endif %}
{% set switchboard = device.options and device.options.switchboard %}
  apps.push.messageType="{{ 5 if switchboard else 0 }}"
  apps.push.username="{{ 'xivo_switchboard' if switchboard }}"
  apps.push.password="{{ 'xivo_switchboard' if switchboard }}"
  call.callWaiting.enable="{{ 0 if switchboard else 1 }}"
{% endblock %}
