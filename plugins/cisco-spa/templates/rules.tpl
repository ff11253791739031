<?xml version="1.0" encoding="{{ data.encoding }}"?>
<flat-profile>
<Profile_Rule_B>{{ server_url }}/{{ data.defaults }}</Profile_Rule_B>
<Profile_Rule_C>{{ server_url }}/$MA.xml</Profile_Rule_C>
</flat-profile>
