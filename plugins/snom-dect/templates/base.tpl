{% set directory = phonebook_url("snom") %}
{% set spoken = data.locales[locale] %}
<?xml version="1.0" encoding="UTF-8"?>
<settings>
  <phone-settings>
    <vlan_id>{{ vlan_id if vlan_enabled }}</vlan_id>
    <vlan_qos>{{ vlan_priority or 0 if vlan_enabled }}</vlan_qos>
    <codec_tos>184</codec_tos>
    <signaling_tos>184</signaling_tos>
    <codec_priority_list perm="R">pcma,pcmu,g722,g729,telephone-event</codec_priority_list>
    <ntp_server>{{ ntp_ip if ntp_enabled }}</ntp_server>

{% if model.engineer %}
    <http_user>{{ admin_username or "admin" }}</http_user>
    <http_pass>{{ admin_password or "wazo!2025" }}</http_pass>
    <http_engineer_user>Engineer</http_engineer_user>
    <http_engineer_pass>{{ admin_password or "wazo!2025" }}</http_engineer_pass>
    <http_basic_user>{{ user_username or "User" }}</http_basic_user>
    <http_basic_pass>{{ user_password or "wazo!2025" }}</http_basic_pass>
{% else %}
    <http_user>{{ admin_username or "guest" }}</http_user>
    <http_pass>{{ admin_password or "guest" }}</http_pass>
    <admin_mode_password>{{ admin_password or "12345" }}</admin_mode_password>
{% endif %}

{% for line in lines %}
{% set number = loop.index %}
{% set same = lines|selectattr("proxy_ip", "equalto", line.proxy_ip)|selectattr("proxy_port", "equalto", line.proxy_port)|list %}
{% if same[0].n == line.n %}
    <srv_sip_server_alias idx="{{ number }}">Wazo {{ number }}</srv_sip_server_alias>
    <user_host idx="{{ number }}">{{ line.proxy_ip }}</user_host>
    <user_dtmf_info idx="{{ number }}">{{ "sip_info_only" if (line.dtmf_mode or sip_dtmf_mode) == "SIP-INFO" else "off" }}</user_dtmf_info>
    <srv_srtp_auth idx="{{ number }}">off</srv_srtp_auth>
{% for other in same %}
    <subscr_sip_ua_data_server_id idx="{{ other.n }}">{{ number }}</subscr_sip_ua_data_server_id>
{% endfor %}

{% endif %}
{% endfor %}
{% for line in lines %}
    <user_active idx="{{ line.n }}">on</user_active>
    <user_realname idx="{{ line.n }}">{{ line.display_name }}</user_realname>
    <user_name idx="{{ line.n }}">{{ line.username }}</user_name>
    <user_pname idx="{{ line.n }}">{{ line.auth_username }}</user_pname>
    <user_pass idx="{{ line.n }}">{{ line.password }}</user_pass>
{% if model.engineer %}
    <user_mailbox idx="{{ line.n }}">Messagerie</user_mailbox>
    <user_mailnumber idx="{{ line.n }}">{{ line.voicemail or exten_voicemail }}</user_mailnumber>
    <subscr_sip_line_name idx="{{ line.n }}">{{ line.number }}</subscr_sip_line_name>
{% else %}
    <user_mailbox idx="{{ line.n }}">{{ line.voicemail or exten_voicemail }}</user_mailbox>
{% endif %}
    <subscr_sip_hs_idx idx="{{ line.n }}">{{ line.n }}</subscr_sip_hs_idx>
    <subscr_dect_ac_code idx="{{ line.n }}">{{ line.n|zfill(4) }}</subscr_dect_ac_code>
    <codec_priority_list idx="{{ line.n }}" perm="R">pcma,pcmu,g722,g729,telephone-event</codec_priority_list>

{% endfor %}
{% if spoken %}
    <language>{{ spoken.language }}</language>
    <web_language>{{ spoken.language }}</web_language>
    <tone_scheme>{{ spoken.country }}</tone_scheme>
{% endif %}
{% if directory %}
    <phonebook_server_location perm="R">3</phonebook_server_location>
    <phonebook_location perm="R">{{ directory }}</phonebook_location>
{% endif %}
  </phone-settings>
</settings>
