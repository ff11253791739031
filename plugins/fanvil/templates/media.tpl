<mm>
<SelectYourTone>{{ data.tones[locale] or 11 if locale }}</SelectYourTone>
<capability>
{% if dialect == "video" %}
<AudioCodecSets>G722,PCMU,PCMA</AudioCodecSets>
<VideoCodecSets>H264</VideoCodecSets>
<VideoFrameRate>30</VideoFrameRate>
<VideoBitRate>2000000</VideoBitRate>
<VideoResolution>7</VideoResolution>
<VideoNegotiateDir>0</VideoNegotiateDir>
{% else %}
<AudioCodecSets>PCMU,PCMA,G722</AudioCodecSets>
{% endif %}
</capability>
</mm>

