{% extends "phone.tpl" %}
{% block element %}config{% endblock %}
{% block dtmf %}
{% if sip_dtmf_mode == "SIP-INFO" %}
  tone.dtmf.viaRtp="0"
  voIpProt.SIP.dtmfViaSignaling.rfc2976="1"
{% elif sip_dtmf_mode %}
  tone.dtmf.viaRtp="1"
  tone.dtmf.rfc2833Control="{{ 0 if sip_dtmf_mode == 'RTP-in-band' else 1 }}"
  voIpProt.SIP.dtmfViaSignaling.rfc2976="0"
{% endif %}
{% endblock %}
{% block services %}
{{ keys(data.keys.soundpoint[device.model], ["blf", "speeddial"]) }}
{% if X_xivo_phonebook_ip %}
  mb.main.home="http://{{ X_xivo_phonebook_ip }}/service/ipbx/web_services.php/phonebook/search/"
{% endif %}
{% endblock %}
