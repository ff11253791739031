{# What both generations of the application are told; each fills in the blocks. -#}
{% macro set_device(name, value) %}
  device.{{ name }}.set="1"
  device.{{ name }}="{{ value }}"
{%- endmacro %}
{% macro change(name, at) %}
  tcpIpApp.sntp.daylightSavings.{{ name }}.month="{{ at.month }}"
  tcpIpApp.sntp.daylightSavings.{{ name }}.dayOfWeek="{{ at.weekday + 1 }}"
  tcpIpApp.sntp.daylightSavings.{{ name }}.dayOfWeek.lastInMonth="{{ 1 if at.last else 0 }}"
{% if not at.last %}
  tcpIpApp.sntp.daylightSavings.{{ name }}.date="{{ 7 * at.week - 6 }}"
{% endif %}
  tcpIpApp.sntp.daylightSavings.{{ name }}.time="{{ at.hour }}"
{%- endmacro %}
{% macro server(line, rank, address, port) %}
  reg.{{ line.n }}.server.{{ rank }}.address="{{ address }}"
  reg.{{ line.n }}.server.{{ rank }}.port="{{ port }}"
  reg.{{ line.n }}.server.{{ rank }}.transport="{{ data.transport[sip_transport] or 'UDPOnly' }}"
  reg.{{ line.n }}.server.{{ rank }}.expires="3600"
{%- endmacro %}
{% macro keys(count, types) %}
{% set funckeys = funckeys or {} %}
{% for n in range(1, (count or 0) + 1) %}
{% set key = funckeys[n|string] %}
{% if key and key.type in types %}
  attendant.resourceList.{{ n }}.address="{{ key.value }}"
  attendant.resourceList.{{ n }}.label="{{ key.value if key.label is none else key.label|default(key.value) }}"
{% endif %}
{% endfor %}
{% endmacro %}
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<{% block element %}{% endblock %}

  device.set="1"
{{ set_device("net.vlanId", vlan_id if vlan_enabled) }}
{{ set_device("syslog.serverName", syslog_ip if syslog_enabled) }}
{{ set_device("syslog.transport", 1 if syslog_enabled else 0) }}
{{ set_device("syslog.renderLevel", syslog_enabled and data.syslog_level[syslog_level] or 1) }}
{% block phone %}{% endblock %}

  lcl.ml.lang="{{ data.language[locale] }}"
  tcpIpApp.sntp.address="{{ ntp_ip if ntp_enabled }}"
  tcpIpApp.sntp.address.overrideDHCP="{{ 1 if ntp_enabled else 0 }}"
{% if tz %}
  tcpIpApp.sntp.gmtOffset="{{ tz.offset }}"
  tcpIpApp.sntp.daylightSavings.enable="{{ 1 if tz.dst else 0 }}"
{% if tz.dst %}
  tcpIpApp.sntp.daylightSavings.fixedDayEnable="0"
{{ change("start", tz.dst.start) }}
{{ change("stop", tz.dst.end) }}
{% endif %}
{% endif %}

{% set srtp = sip_srtp_mode in ["preferred", "required"] %}
  sec.srtp.enable="{{ 1 if srtp else 0 }}"
  sec.srtp.offer="{{ 1 if srtp else 0 }}"
  sec.srtp.require="{{ 1 if sip_srtp_mode == 'required' else 0 }}"
{% block dtmf %}{% endblock %}
{% for line in lines %}

  reg.{{ line.n }}.displayName="{{ line.display_name }}"
  reg.{{ line.n }}.label="{{ line.number }}"
  reg.{{ line.n }}.address="{{ line.username }}"
  reg.{{ line.n }}.auth.userId="{{ line.auth_username }}"
  reg.{{ line.n }}.auth.password="{{ line.password }}"
{{ server(line, 1, line.proxy_ip, line.proxy_port) }}
  reg.{{ line.n }}.server.1.register="1"
  reg.{{ line.n }}.server.1.retryMaxCount="2"
{% if line.backup_proxy_ip %}
{{ server(line, 2, line.backup_proxy_ip, line.backup_proxy_port) }}
{% endif %}
  msg.mwi.{{ line.n }}.subscribe="{{ line.number if sip_subscribe_mwi }}"
  msg.mwi.{{ line.n }}.callBackMode="contact"
  msg.mwi.{{ line.n }}.callBack="{{ line.voicemail or exten_voicemail }}"
{% endfor %}

{% if exten_pickup_call %}
  call.directedCallPickupString="{{ exten_pickup_call }}"
{% endif %}
{% block services %}{% endblock %}
/>
