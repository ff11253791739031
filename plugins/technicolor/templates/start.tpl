[application]
fwurl={{ server_url }}/binary/{{ data.firmware }}
dspurl={{ server_url }}/binary/{{ data.dsp }}
booturl={{ server_url }}/binary/{{ data.boot }}

[config]
telcfg={{ server_url }}/telconf-{{ data.shared }}.txt
common_config={{ server_url }}/comconf-{{ data.shared }}.txt
config={{ server_url }}/

