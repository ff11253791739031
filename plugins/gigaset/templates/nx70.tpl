{% from "words.tpl" import directory, param, port %}
<?xml version="1.0" encoding="UTF-8"?>
<provisioning version="1.1" productID="e2">
  <firmware>
    <file version="{{ data.firmware.version }}" url="{{ server_url }}/Gigaset-Nx70-V{{ data.firmware.version }}-build.{{ data.firmware.build }}.bin"/>
  </firmware>
  <nvm>
    <oper name="DeleteNotProvisionedHS"/>
{% if admin_password %}
{{ param("WebUIAccounts.1.Password", admin_password) }}
{% endif %}
{{ param("Telephony.0.ToneScheme", data.tones[locale] or data.tone) }}
{{ param("Provisioning.global.ProvisioningServer", server_url) }}
{% for name, value in data.system|items %}
{{ param(name, value) }}
{% endfor %}
{% if ntp_enabled %}
{{ param("DmGlobal.0.NtpServer", ntp_ip) }}
{% endif %}
{% set zone = timezone and timezone|nearest_zone(data.zones) %}
{% if zone %}
{{ param("DmGlobal.0.TimeZone", zone) }}
{% endif %}
{% set transport = data.transport.udp if data.udp_only else data.transport[sip_transport] or data.transport.udp %}
{% set srtp = sip_srtp_mode in data.srtp if data.srtp else transport == data.transport.tls %}
{# Lines that share a server share a provider. #}
{% set providers = namespace(servers=[], lines=[]) %}
{% for line in lines if line.proxy_ip %}
{% set server = line.proxy_ip ~ ":" ~ port(line, "proxy_port") %}
{% if server not in providers.servers %}
{% set providers.servers = providers.servers + [server] %}
{% set providers.lines = providers.lines + [line] %}
{% endif %}
{% endfor %}

{% for line in lines %}
{% set id = line.n|zfill(5) %}
{% set account = "SipAccount." ~ id ~ "." %}
{% set tail = (line.number|string)[-4:] %}
    <oper value="{{ id }}" name="add_hs">
      <param name="hs.RegStatus" value="ToReg"/>
    </oper>
{{ param("hs." ~ id ~ ".DECT_AC", (tail if tail.isdigit() else 0)|zfill(4)) }}
{{ param(account ~ "AuthName", line.auth_username) }}
{{ param(account ~ "AuthPassword", line.password) }}
{% set server = line.proxy_ip ~ ":" ~ port(line, "proxy_port") %}
{% for other in providers.servers %}
{% if other == server %}
{{ param(account ~ "ProviderId", loop.index0) }}
{% endif %}
{% endfor %}
{{ param(account ~ "UserName", line.auth_username) }}
{{ param(account ~ "DisplayName", line.number if data.display == "number" else line.number ~ " " ~ line.display_name) }}
{% if line.voicemail %}
{{ param(account ~ "VoiceMailMailbox", line.voicemail) }}
{{ param(account ~ "VoiceMailActive", 1) }}
{% endif %}
{{ param("hs." ~ id ~ ".DirectAccessDir", 0) }}
{{ param("hs." ~ id ~ ".IntKeyDir", 20) }}
{% endfor %}

{% for line in providers.lines %}
{% set provider = "SipProvider." ~ loop.index0 ~ "." %}
{{ param(provider ~ "Name", "Wazo" ~ loop.index0) }}
{{ param(provider ~ "Domain", line.proxy_ip) }}
{{ param(provider ~ "ProxyServerAddress", line.proxy_ip) }}
{{ param(provider ~ "ProxyServerPort", port(line, "proxy_port")) }}
{% if sip_registrar_ip %}
{{ param(provider ~ "RegServerAddress", sip_registrar_ip) }}
{{ param(provider ~ "RegServerPort", sip_registrar_port or 5060) }}
{% endif %}
{{ param(provider ~ "TransportProtocol", transport) }}
{{ param(provider ~ "SRTP_Enabled", 1 if srtp else 0) }}
{% set mode = data.dtmf[line.dtmf_mode or sip_dtmf_mode] %}
{% if mode %}
{{ param(provider ~ "DTMFTransmission", mode) }}
{% endif %}
{{ param(provider ~ "FailoverServerEnabled", 1 if sip_backup_proxy_ip else 0) }}
{% if sip_backup_proxy_ip %}
{{ param(provider ~ "FailoverServerAddress", sip_backup_proxy_ip) }}
{{ param(provider ~ "FailoverServerPort", sip_backup_proxy_port or 5060) }}
{% endif %}
{% for name, value in data.provider|items %}
{{ param(provider ~ name, value) }}
{% endfor %}
{% endfor %}
{{ param("SipProvider.0.OutboundProxyMode", 0 if sip_outbound_proxy_ip else 2) }}
{% if sip_outbound_proxy_ip %}
{{ param("SipProvider.0.OutboundProxyAddress", sip_outbound_proxy_ip) }}
{{ param("SipProvider.0.OutboundProxyPort", sip_outbound_proxy_port or 5060) }}
{% endif %}
{{ param("SipProvider.0.MWISubscription", 1 if sip_subscribe_mwi else 0) }}

{{ param("XMLDir.1.ServerURL", directory()) }}
{% for name, value in data.directory|items %}
{{ param(name, value) }}
{% endfor %}

    <oper name="update_dm" value="local">
      <param name="RegDuration" value="900"/>
      <param name="DMPpasswd" value="Gigaset"/>
    </oper>
  </nvm>
</provisioning>
