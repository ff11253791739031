{% set switchboard = device.options and device.options.switchboard %}
{% set desk = phone or dect == "multi" %}
{% if phone %}
{% for n in range(1, 9) %}
distinctive_ring_tones.alert_info.{{ n }}.text = ring{{ n }}
distinctive_ring_tones.alert_info.{{ n }}.ringer = {{ n }}
{% endfor %}
{{ static }}directory_setting.url = {{ server_url }}/directory_setting.xml
{% if family <= 80 %}
push_xml.sip_notify = {{ 1 if switchboard else 0 }}
{% endif %}
{% endif %}
{% if phone or family >= 83 %}
call_waiting.enable = {{ 0 if switchboard else 1 }}
{% endif %}
{% if desk and family >= 80 %}
features.caller_name_type_on_dialing = 1
{% endif %}
{% if desk and family >= 85 %}
features.text_message.enable = 0
features.text_message_popup.enable = 0
features.config_dsskey_length = 1
features.dnd.large_icon.enable = 1
features.direct_ip_call_enable = 1
sip.trust_ctrl = 1
{% endif %}
{% if desk and family >= 83 and family != 84 %}
{% for line in active %}
features.action_uri_limit_ip = {{ line.proxy_ip }}
{% endfor %}
features.show_action_uri_option = 0
{% endif %}
{% set dnd_on = service_url("yealink", "dnd", "enable") %}
{% if phone and family >= 83 and dnd_on %}
action_url.dnd_on = {{ dnd_on }}
action_url.dnd_off = {{ service_url("yealink", "dnd", "disable") }}
{% endif %}

{% set book = phonebook_url("yealink", entry="lookup", suffix="&term=#SEARCH") %}
remote_phonebook.data.1.url = {{ or_null(book) }}
remote_phonebook.data.1.name = {{ "Wazo" if book else "%NULL%" }}
