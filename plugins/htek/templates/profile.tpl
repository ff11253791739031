{% for number, name, value in data.fixed.profile %}
<P{{ number }} para="Profile1_{{ name }}">{{ value }}</P{{ number }}>
{% endfor %}
<P130 para="Profile1_SipTransport">{{ data.transports[sip_transport]|default(0) }}</P130>
{% if lines %}
{% set first = lines[0] %}
{% set own = sip_lines[first.n|string] %}
{% if first.proxy_ip %}
<P47 para="Profile1_Sipserver">{{ first.proxy_ip }}:{{ first.proxy_port or 5060 }}</P47>
{% endif %}
{% if own.backup_proxy_ip %}
<P967 para="Profile1_FailoverSipserver">{{ own.backup_proxy_ip }}:{{ own.backup_proxy_port or 5060 }}</P967>
{% endif %}
{% if own.outbound_proxy_ip %}
<P48 para="Profile1_OutboundProxy">{{ own.outbound_proxy_ip }}:{{ own.outbound_proxy_port or 5060 }}</P48>
{% endif %}
<P20166 para="Profile1_DtmfMode">{{ data.dtmf[first.dtmf_mode or sip_dtmf_mode] }}</P20166>
{% endif %}
