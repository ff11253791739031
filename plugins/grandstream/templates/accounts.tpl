{% for n, line in sip_lines|numsort %}
{% set password = "" if line.password == "autoprov" else line.password %}
{% if n == "1" %}
<P271>1</P271>
<P270>{{ line.display_name }}</P270>
<P47>{{ line.registrar_ip }}</P47>
<P2312>{{ line.backup_registrar_ip }}</P2312>
<P35>{{ line.auth_username }}</P35>
<P36>{{ line.auth_username }}</P36>
<P34>{{ password }}</P34>
<P3>{{ line.display_name }}</P3>
<P33>{{ exten_voicemail }}</P33>
<P2301>0</P2301>
<P2302>0</P2302>
<P2303>1</P2303>
{% if data.keys == "phone" %}
<P26015>1</P26015>
{% endif %}
<P191>0</P191>
{% else %}
{% set p = n|int + 2 %}
<P{{ p }}01>1</P{{ p }}01>
<P{{ p }}17>{{ line.display_name }}</P{{ p }}17>
<P{{ p }}02>{{ line.registrar_ip }}</P{{ p }}02>
<P2{{ p }}12>{{ line.backup_registrar_ip }}</P2{{ p }}12>
<P{{ p }}04>{{ line.auth_username }}</P{{ p }}04>
<P{{ p }}05>{{ line.auth_username }}</P{{ p }}05>
<P{{ p }}06>{{ password }}</P{{ p }}06>
<P{{ p }}07>{{ line.display_name }}</P{{ p }}07>
<P{{ p }}26>{{ exten_voicemail }}</P{{ p }}26>
<P2{{ p }}01>0</P2{{ p }}01>
<P2{{ p }}02>0</P2{{ p }}02>
<P2{{ p }}03>1</P2{{ p }}03>
{% if data.keys == "phone" %}
<P26{{ p }}15>1</P26{{ p }}15>
{% endif %}
<P{{ p }}20>0</P{{ p }}20>
{% endif %}
{% endfor %}
