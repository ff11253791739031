{% for line in lines %}
<line index="{{ line.n }}">
<DisplayName>{{ line.number }} {{ line.display_name }}</DisplayName>
<MWINum>{{ line.voicemail or exten_voicemail }}</MWINum>
{% include "line.tpl" %}
</line>
{% endfor %}

