{% from "identity.tpl" import identity, spare %}
{% set directory = phonebook_url("snom") %}
{% set spoken = data.locales[locale] %}
{% set doubled = lines|selectattr("backup_proxy_ip")|list %}
{% set numbers = lines|map(attribute="n")|list %}
<?xml version="1.0" encoding="UTF-8"?>
<settings>
  <phone-settings>
    <setting_server perm="RW">{{ server_url }}/</setting_server>

{% if vlan_enabled %}
    <vlan_id perm="R">{{ vlan_id }}</vlan_id>
    <vlan_qos perm="R">{{ vlan_priority or 0 }}</vlan_qos>
    <vlan_pc_id perm="R">{{ vlan_pc_port_id or 0 }}</vlan_pc_id>
{% endif %}
    <codec_tos perm="R">184</codec_tos>
    <signaling_tos perm="R">184</signaling_tos>
{% if ntp_enabled %}
    <ntp_server perm="R">{{ ntp_ip }}</ntp_server>
{% endif %}

{% if admin_username %}
    <http_user perm="R">{{ admin_username }}</http_user>
    <webserver_admin_name perm="R">{{ admin_username }}</webserver_admin_name>
{% endif %}
{% if admin_password %}
    <http_pass perm="R">{{ admin_password }}</http_pass>
    <admin_mode_password perm="R">{{ admin_password }}</admin_mode_password>
    <webserver_admin_password perm="R">{{ admin_password }}</webserver_admin_password>
{% endif %}
{% if user_username %}
    <webserver_user_name perm="R">{{ user_username }}</webserver_user_name>
{% endif %}
{% if user_password %}
    <webserver_user_password perm="R">{{ user_password }}</webserver_user_password>
{% endif %}

{% for line in lines %}
{{ identity(line, line.n, line.display_name, line.proxy_ip) }}
    <user_idle_number idx="{{ line.n }}" perm="R">{{ line.number }}</user_idle_number>
    <codec_priority_list idx="{{ line.n }}" perm="R">pcma,pcmu,g722,g729,telephone-event</codec_priority_list>

{% endfor %}
{% for line in doubled %}
{% set n = spare(line.n, numbers, loop.index) %}
    <user_failover_identity idx="{{ line.n }}" perm="R">{{ n }}</user_failover_identity>
{{ identity(line, n, [line.display_name, line.number]|select|join(" "), line.backup_proxy_ip) }}
    <hide_identity idx="{{ n }}" perm="R">true</hide_identity>

{% endfor %}
    <status_msgs_that_are_blocked perm="R">
{%- for line in doubled %}
{{ " " if not loop.first }}Identity{{ spare(line.n, numbers, loop.index)|zfill(2) }}IsNotRegistered
{%- endfor -%}
    </status_msgs_that_are_blocked>
    <call_waiting perm="R">{{ "off" if (device.options or {}).switchboard else "on" }}</call_waiting>

{% if spoken %}
    <language perm="R">{{ spoken.language }}</language>
    <web_language perm="R">{{ spoken.language }}</web_language>
    <tone_scheme perm="R">{{ spoken.country }}</tone_scheme>
{% if tz %}
{% set hours = tz.offset // 3600 %}
    <timezone perm="R">{{ spoken.country }}{{ "+" if hours >= 0 }}{{ hours }}</timezone>
{% endif %}
{% endif %}
{% if model_name.startswith("D8") %}
    <locale perm="R">{{ locale }}</locale>
{% endif %}

{% if directory %}
    <dkey_directory perm="R">url {{ directory }}</dkey_directory>
{% endif %}
{% include "soft-keys.tpl" %}
  </phone-settings>
  <functionKeys>
{% include "keys.tpl" %}
  </functionKeys>
</settings>
