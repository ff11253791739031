<log>
<OutputDevice>stdout</OutputDevice>
<FileName>platform.log</FileName>
<FileSize>512KB</FileSize>
<SyslogTag>platform</SyslogTag>
<Level>{{ syslog_level if syslog_enabled else "ERROR" }}</Level>
<Style>level,tag</Style>
<SyslogServer>{{ syslog_ip if syslog_enabled else "0.0.0.0" }}</SyslogServer>
<SyslogServerPort>{{ syslog_port if syslog_enabled else 514 }}</SyslogServerPort>
</log>

