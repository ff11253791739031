<web>
<WebServerType>0</WebServerType>
<WebPort>80</WebPort>
<HttpsWebPort>443</HttpsWebPort>
<RemoteControl>1</RemoteControl>
<EnableMMIFilter>0</EnableMMIFilter>
<WebAuthentication>0</WebAuthentication>
{% if dialect == "x" or dialect == "video" %}
<EnableTelnet>0</EnableTelnet>
{% endif %}
<TelnetPort>23</TelnetPort>
<TelnetPrompt></TelnetPrompt>
<LogonTimeout>15</LogonTimeout>
{% for n, name, password, level in accounts if password %}
<account index="{{ n }}">
<Name>{{ name }}</Name>
<Password>{{ password }}</Password>
<Level>{{ level }}</Level>
</account>
{% endfor %}
</web>

