{#- A line's account and servers. -#}
{% set own = sip_lines[line.n|string] or {} %}
<PhoneNumber>{{ line.username }}</PhoneNumber>
<RegisterAddr>{{ line.registrar_ip }}</RegisterAddr>
<RegisterPort>{{ own.registrar_port if own.registrar_ip else line.registrar_port }}</RegisterPort>
<RegisterUser>{{ line.username }}</RegisterUser>
<RegisterPswd>{{ line.password if line.password != "autoprov" }}</RegisterPswd>
<RegisterTTL>60</RegisterTTL>
<EnableReg>1</EnableReg>
<Transport>{{ transport }}</Transport>
<DTMFMode>{{ data.dtmf[line.dtmf_mode or sip_dtmf_mode]|default(2) }}</DTMFMode>
<ProxyAddr>{{ line.proxy_ip }}</ProxyAddr>
<ProxyPort>{{ line.proxy_port or 5060 }}</ProxyPort>
<ProxyUser>{{ line.username }}</ProxyUser>
<ProxyPswd>{{ line.password if line.password != "autoprov" }}</ProxyPswd>
<BackupAddr>{{ line.backup_proxy_ip }}</BackupAddr>
<BackupPort>{{ line.backup_proxy_port if line.backup_proxy_ip }}</BackupPort>
<BackupTransport>{{ transport if line.backup_proxy_ip else 0 }}</BackupTransport>
<BackupTTL>{{ 60 if line.backup_proxy_ip else 3600 }}</BackupTTL>
<BackupMode>0</BackupMode>

