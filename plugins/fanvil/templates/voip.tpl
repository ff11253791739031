<VOIP_CONFIG_FILE>
<version>2.0002</version>
<GLOBAL_CONFIG_MODULE>
<Language>{{ data.languages[locale] }}</Language>
{% include "voip_date.tpl" %}
</GLOBAL_CONFIG_MODULE>
<MMI_CONFIG_MODULE>
<Web_Port>80</Web_Port>
<Web_Server_Type>0</Web_Server_Type>
<Https_Web_Port>443</Https_Web_Port>
<Enable_MMI_Filter>0</Enable_MMI_Filter>
<Web_Authentication>0</Web_Authentication>
<Default_WEB_User>0</Default_WEB_User>
<MMI_Account>
{% for n, name, password, level in accounts if password %}
<MMI_Account_Entry>
<ID>Account{{ n }}</ID>
<Name>{{ name }}</Name>
<Password>{{ password }}</Password>
<Level>{{ level }}</Level>
</MMI_Account_Entry>
{% endfor %}
</MMI_Account>
</MMI_CONFIG_MODULE>
<SIP_CONFIG_MODULE>
<SIP__Port>5060</SIP__Port>
<SIP_Line_List>
{% for line in lines %}
{% set own = sip_lines[line.n|string] or {} %}
{% set password = line.password if line.password != "autoprov" %}
<SIP_Line_List_Entry>
<ID>SIP{{ line.n }}</ID>
<Phone_Number>{{ line.username }}</Phone_Number>
<Display_Name>{{ line.number }} {{ line.display_name }}</Display_Name>
<Register_Addr>{{ line.registrar_ip }}</Register_Addr>
<Register_Port>{{ own.registrar_port if own.registrar_ip else line.registrar_port }}</Register_Port>
<Register_User>{{ line.username }}</Register_User>
<Register_Pswd>{{ password }}</Register_Pswd>
<Register_TTL>60</Register_TTL>
<Proxy_Addr>{{ line.proxy_ip }}</Proxy_Addr>
<Proxy_Port>{{ line.proxy_port or 5060 }}</Proxy_Port>
<Proxy_User>{{ line.username }}</Proxy_User>
<Proxy_Pswd>{{ password }}</Proxy_Pswd>
<Backup_Addr>{{ line.backup_proxy_ip }}</Backup_Addr>
<Backup_Port>{{ line.backup_proxy_port if line.backup_proxy_ip }}</Backup_Port>
<Backup_Transpo>{{ transport if line.backup_proxy_ip else 0 }}</Backup_Transpo>
<Backup_TTL>{{ 60 if line.backup_proxy_ip else 3600 }}</Backup_TTL>
<Backup_Mode>0</Backup_Mode>
<Register_TTL>60</Register_TTL>
<Enable_Reg>1</Enable_Reg>
<Transport>{{ transport }}</Transport>
<DTMF_Mode>{{ data.dtmf[line.dtmf_mode or sip_dtmf_mode]|default(2) }}</DTMF_Mode>
<MWI_Num>{{ line.voicemail or exten_voicemail }}</MWI_Num>
</SIP_Line_List_Entry>
{% endfor %}
</SIP_Line_List>
</SIP_CONFIG_MODULE>
<QOS_CONFIG_MODULE>
<Enable_VLAN>{{ 1 if vlan_enabled else 0 }}</Enable_VLAN>
<VLAN_ID>{{ vlan_id if vlan_enabled else 256 }}</VLAN_ID>
<Signalling_Priority>{{ vlan_priority or 0 if vlan_enabled else 0 }}</Signalling_Priority>
<Voice_Priority>{{ vlan_priority or 0 if vlan_enabled else 0 }}</Voice_Priority>
</QOS_CONFIG_MODULE>
<AAA_CONFIG_MODULE>
<Enable_Syslog>{{ 1 if syslog_enabled else 0 }}</Enable_Syslog>
<Syslog_address>{{ syslog_ip if syslog_enabled else "0.0.0.0" }}</Syslog_address>
<Syslog_port>{{ syslog_port if syslog_enabled else 514 }}</Syslog_port>
</AAA_CONFIG_MODULE>
<DEBUG_CONFIG_MODULE>
<MGR_Trace_Level>{{ syslog_level if syslog_enabled else 0 }}</MGR_Trace_Level>
<SIP_Trace_Level>{{ syslog_level if syslog_enabled else 0 }}</SIP_Trace_Level>
<Trace_File_Info>0</Trace_File_Info>
<Enable_Watch_Dog>1</Enable_Watch_Dog>
<Enable_Memory_Info>0</Enable_Memory_Info>
</DEBUG_CONFIG_MODULE>
<PHONE_CONFIG_MODULE>
<Menu_Password>{{ menu_password }}</Menu_Password>
{% for line in lines %}
<LCD_Title>{{ line.display_name }} {{ line.number }}</LCD_Title>
{% endfor %}
<Time_Display_Style>0</Time_Display_Style>
<Date_Display_Style>2</Date_Display_Style>
<Function_Key>
{% for n in range(1, highest + 1) %}
<Function_Key_Entry>
<ID>Fkey{{ n }}</ID>
{% include "key.tpl" %}
</Function_Key_Entry>
{% endfor %}
</Function_Key>
{% set book = phonebook_url("fanvil", entry="lookup", suffix="&term=") if has_book %}
{% if book %}
<Soft_Dss_Key>
<Soft_Dss_Key_Entry>
<ID>SoftFkey1</ID>
<Type>7</Type>
<Value>{{ book }}</Value>
<Title>{{ directory }}</Title>
</Soft_Dss_Key_Entry>
</Soft_Dss_Key>
{% endif %}
</PHONE_CONFIG_MODULE>
{% if book %}
<SCREEN_KEY_CONFIG_MODULE>
<Desktop_Softkey>history;dsskey1;;menu;</Desktop_Softkey>
</SCREEN_KEY_CONFIG_MODULE>
{% endif %}
<TELE_CONFIG_MODULE>
<Port_Config>
<Port_Config_Entry>
<ID>P1</ID>
<Auto_Onhook>1</Auto_Onhook>
<Auto_Onhook_Time>0</Auto_Onhook_Time>
</Port_Config_Entry>
</Port_Config>
</TELE_CONFIG_MODULE>
</VOIP_CONFIG_FILE>

