{% for n, line in sip_lines|numsort %}
{% set password = "" if line.password == "autoprov" else line.password %}
{% if n == "1" %}
<P47>{{ line.registrar_ip }}</P47>
<P967>{{ line.backup_registrar_ip }}</P967>
<P35>{{ line.auth_username }}</P35>
<P36>{{ line.auth_username }}</P36>
<P34>{{ password }}</P34>
<P3>{{ line.display_name }}</P3>
<P191>0</P191>
<P854>4</P854>
<P40>5067</P40>
<P20501>1</P20501>
{% elif n == "2" and model.ports == 2 %}
<P747>{{ line.registrar_ip }}</P747>
<P987>{{ line.backup_registrar_ip }}</P987>
<P735>{{ line.auth_username }}</P735>
<P736>{{ line.auth_username }}</P736>
<P734>{{ password }}</P734>
<P703>{{ line.display_name }}</P703>
<P751>0</P751>
<P864>4</P864>
<P740>5068</P740>
<P20502>1</P20502>
{% endif %}
{% endfor %}
{% if model.ports == 1 %}
<P20502>1</P20502>
{% endif %}
<P6767>1</P6767>
<P192>{{ server_url_without_scheme }}/Grandstream/</P192>
