<?xml version="1.0" encoding="UTF-8"?>
<flat-profile>
{% if admin_password %}
<Web_Login_Admin_Name>admin</Web_Login_Admin_Name>
<Web_Login_Admin_Password>{{ admin_password }}</Web_Login_Admin_Password>
{% endif %}
{% if user_password %}
<Web_Login_Guest_Name>cisco</Web_Login_Guest_Name>
<Web_Login_Guest_Password>{{ user_password }}</Web_Login_Guest_Password>
{% endif %}
<Upgrade_Rule>{{ server_url }}/{{ data.image }}</Upgrade_Rule>

{% include "common.tpl" %}
</flat-profile>
