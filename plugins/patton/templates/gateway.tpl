{% from "identity.tpl" import identity %}
{# Lines with all that is theirs: a line with a proxy of its own takes nothing of the global ones.
   Servers are numbered as lines name them, each line's first one first; the first port counts. #}
{% set all = namespace(lines=[], servers=[], ports=[]) %}
{% for line in lines if line.proxy_ip %}
{% set own = sip_lines[line.n|string] %}
{% set at = own if own.proxy_ip else line %}
{% for rank in ["", "backup_"] if at[rank ~ "proxy_ip"] %}
{% if at[rank ~ "proxy_ip"] not in all.servers %}
{% set all.servers = (all.servers + [at[rank ~ "proxy_ip"]])|list %}
{% set all.ports = (all.ports + [at[rank ~ "proxy_port"] or 5060])|list %}
{% endif %}
{% endfor %}
{% set all.lines = (all.lines + [{"line": line, "at": at, "port": line.n - 1}])|list %}
{% endfor %}
cli version 3.20
{% if tz %}
{% include "clock.tpl" %}
{% endif %}

timer PROVISIONING_CONFIG now + 1 minute "provisioning execute PF_PROVISIONING_CONFIG"
timer PROVISIONING_FIRMWARE now + 1 minute "provisioning execute PF_PROVISIONING_FIRMWARE"
{% if ntp_enabled and ntp_ip %}

sntp-client
sntp-client server primary {{ ntp_ip }}
{% endif %}
{% if admin_password %}

administrator {{ admin_username or "administrator" }} password {{ admin_password }}
{% endif %}
{% if user_username and user_password %}
operator {{ user_username }} password {{ user_password }}
{% endif %}

profile provisioning PF_PROVISIONING_CONFIG
  destination configuration
  location 1 $(dhcp.66)/$(system.mac).cfg
  activation reload graceful

actions
  rule ACT_CHECK_SYNC
    condition sip gateway:GW_SIP NOTIFY_CHECK_SYNC_RELOAD
    action "provisioning execute PF_PROVISIONING_CONFIG"
{% if syslog_enabled and syslog_ip %}

syslog-client
  remote {{ syslog_ip }} {{ syslog_port }}
    facility kernel severity informational
    facility sip severity {{ data.severity[syslog_level] or syslog_level }}
{% endif %}

system
  ic voice 0
    low-bitrate-codec g729
{% for tone in data.tones %}

profile call-progress-tone {{ tone.name }}
  play 1 {{ tone.play }} 440 -10
{% if tone.pause %}
  pause 2 {{ tone.pause }}
{% endif %}
{% endfor %}

profile tone-set default
{% for tone in data.tones %}
{% for use in tone.uses %}
  map call-progress-tone {{ use }} {{ tone.name }}
{% endfor %}
{% endfor %}

profile voip default
  codec 1 g711alaw64k rx-length 20 tx-length 20
  codec 2 g711ulaw64k rx-length 20 tx-length 20
  dtmf-relay {{ data.dtmf[sip_dtmf_mode] or "default" }}
  ced net-side-detection
  fax transmission 1 relay t38-udp
  fax transmission 2 bypass g711alaw64k rx-length 20 tx-length 20

context ip router
  interface eth0
    ipaddress dhcp
    tcp adjust-mss rx mtu
    tcp adjust-mss tx mtu
{% if vlan_enabled and vlan_priority %}

profile service-policy SP_VLAN_PRIO
  source traffic-class default
    set layer2 cos {{ vlan_priority }}

context ip router
  interface eth0
    use profile service-policy SP_VLAN_PRIO out
{% endif %}

port ethernet 0 0
  medium auto
{% if vlan_enabled %}
  vlan {{ vlan_id }}
    encapsulation ip
    bind interface eth0 router
    no shutdown
{% else %}
  encapsulation ip
  bind interface eth0 router
{% endif %}

port ethernet 0 0
  no shutdown

context cs switch
  routing-table called-uri RT_FROM_SIP
{% for each in all.lines %}
    route sip:{{ each.line.username }}@.% dest-interface IF_FXS{{ each.port }}
{% endfor %}
{% for server in all.servers %}

  interface sip IF_SIP_SERVER{{ loop.index }}
    bind context sip-gateway GW_SIP
    route call dest-table RT_FROM_SIP
    remote {{ server }} {{ all.ports[loop.index0] }}
{% endfor %}
{% for each in all.lines %}

  service hunt-group HG_FROM_FXS{{ each.port }}
    timeout 3
{% set first = each.at.proxy_ip %}
{% set second = each.at.backup_proxy_ip %}
{% for wanted in [first, second if second != first else none] %}
{% for server in all.servers %}
{% if server == wanted %}
    route call dest-interface IF_SIP_SERVER{{ loop.index }}
{% endif %}
{% endfor %}
{% endfor %}

  routing-table called-e164 RT_FROM_FXS{{ each.port }}
    route .T dest-service HG_FROM_FXS{{ each.port }}

  interface fxs IF_FXS{{ each.port }}
    route call dest-table RT_FROM_FXS{{ each.port }}
    message-waiting-indication stutter-dial-tone
    message-waiting-indication frequency-shift-keying
    call-transfer
    subscriber-number {{ each.line.username }}
{% endfor %}

context cs switch
  no shutdown

authentication-service AUTH
{% for each in all.lines %}
  username {{ each.line.auth_username }} password {{ each.line.password }}
{% endfor %}
{% for server in all.servers %}

location-service LOC_SERVER{{ loop.index }}
  domain {{ server }}
{% for each in all.lines %}
{% set at = each.at %}
{% if server == at.proxy_ip %}
{{ identity(each.line, at.registrar_ip or server, at.registrar_port) -}}
{% elif server == at.backup_proxy_ip %}
{{ identity(each.line, at.backup_registrar_ip or server, at.backup_registrar_port) -}}
{% endif %}
{% endfor %}
{% endfor %}

context sip-gateway GW_SIP
  interface TRANSPORT_ETH0
    bind interface eth0 port 5060

context sip-gateway GW_SIP
{% for server in all.servers %}
  bind location-service LOC_SERVER{{ loop.index }}
{% endfor %}
  notify check-sync accept
  no shutdown
{% for each in all.lines %}

port fxs 0 {{ each.port }}
  encapsulation cc-fxs
  bind interface IF_FXS{{ each.port }} switch
  no shutdown
{% endfor %}
{% if model.firmware %}

profile provisioning PF_PROVISIONING_FIRMWARE
  destination script
  location 1 $(dhcp.66)/{{ model.firmware }}/bw
  activation reload graceful
{% endif %}
