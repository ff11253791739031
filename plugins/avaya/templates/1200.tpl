{# The phone reads lines below 80 characters only. The second server must be a name that it finds. #}
{% set line = lines|first or {} %}
{% if ntp_enabled and ntp_ip %}
SNTP_ENABLE YES
SNTP_SERVER {{ ntp_ip }}
{% endif %}
{% if admin_password %}
ADMIN_PASSWORD {{ admin_password }}
{% endif %}
{% if tz %}
TIMEZONE_OFFSET {{ tz.offset }}
{% endif %}
SIP_DOMAIN1 {{ line.proxy_ip }}
SERVER_IP1_1 {{ line.proxy_ip }}
SERVER_IP1_2 {{ line.backup_proxy_ip or line.proxy_ip }}
SERVER_PORT1_1 {{ line.proxy_port or 5060 }}
SERVER_PORT1_2 {{ line.backup_proxy_port or line.proxy_port or 5060 }}
AUTOLOGIN_ENABLE USE_AUTOLOGIN_ID
AUTOLOGIN_ID_KEY01 {{ line.username }}@{{ line.proxy_ip }}
AUTOLOGIN_AUTHID_KEY01 {{ line.auth_username }}
AUTOLOGIN_PASSWD_KEY01 {{ line.password }}
{% if exten_voicemail %}
VMAIL {{ exten_voicemail }}
{% endif %}
