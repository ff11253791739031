<?xml version="1.0" encoding="UTF-8"?>
<hl_provision version="1">
<config version="1">
<P8682 para="LogUser_User">{{ user_username or "user" }}</P8682>
<P196 para="UserPassword">{{ user_password }}</P196>
<P8681 para="LogUser_Admin">{{ admin_username or "admin" }}</P8681>
<P2 para="AdminPassword">{{ admin_password }}</P2>
<P212 para="FirmwareUpGrade_UrgradeMode">1</P212>
<P192 para="FirmwareUpGrade_FirmwareServerPath">{{ server_url }}/firmware</P192>
<P237 para="FirmwareUpGrade_ConfigServerPath">{{ server_url }}/</P237>
</config>
</hl_provision>
