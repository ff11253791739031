{# The port is the line's own: the global one does not fall in for it. #}
{% set line = lines|first or {} %}
{% set own = (sip_lines or {})[line.n|string] or line %}
{% set language = "Mlf_" ~ (model.language or model_name) ~ "_ParisianFrench.xml" %}
{% for name, value in data.settings.items() %}
SET {{ name }} {{ value }}
{% endfor %}
SET LANGUAGES firmware/{{ language }}
SET LANGUAGES_RESOURCE_LIST English=res://Mlf_English.xml,Parisian French=lang/{{ language }}
SET LANGUAGE_FILE_IN_USE {{ language }}
SET SYSTEM_LANGUAGE {{ language }}
SET HTTPPORT {{ http_port }}
SET HTTPSRVR {{ ip }}
SET HTTPSRVR_IN_USE {{ ip }}
SET HTTPUSED {{ ip }}
{% if ntp_enabled and ntp_ip %}
SET SNTPSRVR {{ ntp_ip }}
SET SNTPSRVR_IN_USE {{ ntp_ip }}
{% endif %}
{% if admin_password %}
SET FORCE_WEB_ADMIN_PASSWORD {{ admin_password }}
{% endif %}
SET SIPDOMAIN {{ line.proxy_ip }}
SET SIPPROXYSRVR {{ line.proxy_ip }}
SET SIPPROXYSRVR_IN_USE {{ line.proxy_ip }}
SET SIP_CONTROLLER_LIST {{ line.proxy_ip }}:{{ own.proxy_port }};transport=udp
SET MWISRVR {{ line.proxy_ip }}
SET DISPLAY_NAME {{ line.display_name }}
SET PRIMARY_LINE_EXTENSION "{{ line.display_name }}"
SET SIP_USER_ACCOUNT {{ line.username }}@{{ line.proxy_ip }}
SET PREV_SIP_USER_ACCOUNT {{ line.username }}@{{ line.proxy_ip }}
SET SIP_USER_ID {{ line.auth_username }}
SET FORCE_SIP_EXTENSION "{{ line.auth_username }}"
SET FORCE_SIP_USERNAME "{{ line.auth_username }}"
SET FORCE_SIP_PASSWORD "{{ line.password }}"

