Version={{ model.version }}
Firmware={{ server_url }}/Fanvil/firmware/{{ model.image }}
BuildTime={{ model.built|replace("-", ".") if data.mark == "_" else model.built }}
Info=TXT|XML
{{ model.label or model_name }}{{ data.mark }}{{ model.version }}
Fanvil

