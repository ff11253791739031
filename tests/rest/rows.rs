//! One conversation over all paths: what is asked, and status, type and body of its answer.

use crate::site::{JSON, NOWHERE, Site};

/// Method and path, body, status, type, body of the answer.
type Row = (&'static str, &'static str, u16, &'static str, &'static str);

const TEXT: &str = "text/plain; charset=ascii";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("GET /0.2", "", 200, JSON, r#"{"links":[{"rel":"dev","href":"/0.2/dev_mgr"},{"rel":"cfg","href":"/0.2/cfg_mgr"},{"rel":"pg","href":"/0.2/pg_mgr"},{"rel":"status","href":"/0.2/status"},{"rel":"srv.configure","href":"/0.2/configure"}]}"#),
    ("GET /0.2/status", "", 200, JSON, r#"{"bus_consumer":{"status":"fail"},"rest_api":"ok"}"#),
    ("GET /0.2/dev_mgr", "", 200, JSON, r#"{"links":[{"rel":"dev.synchronize","href":"/0.2/dev_mgr/synchronize"},{"rel":"dev.reconfigure","href":"/0.2/dev_mgr/reconfigure"},{"rel":"dev.dhcpinfo","href":"/0.2/dev_mgr/dhcpinfo"},{"rel":"dev.devices","href":"/0.2/dev_mgr/devices"}]}"#),
    ("GET /0.2/cfg_mgr", "", 200, JSON, r#"{"links":[{"rel":"cfg.configs","href":"/0.2/cfg_mgr/configs"},{"rel":"cfg.autocreate","href":"/0.2/cfg_mgr/autocreate"}]}"#),
    ("GET /0.2/pg_mgr", "", 200, JSON, r#"{"links":[{"rel":"srv.install","href":"/0.2/pg_mgr/install"},{"rel":"pg.plugins","href":"/0.2/pg_mgr/plugins"},{"rel":"pg.reload","href":"/0.2/pg_mgr/reload"}]}"#),
    ("GET /0.2/pg_mgr/install", "", 200, JSON, r#"{"links":[{"rel":"srv.install.install","href":"/0.2/pg_mgr/install/install"},{"rel":"srv.install.uninstall","href":"/0.2/pg_mgr/install/uninstall"},{"rel":"srv.install.installed","href":"/0.2/pg_mgr/install/installed"},{"rel":"srv.install.installable","href":"/0.2/pg_mgr/install/installable"},{"rel":"srv.install.upgrade","href":"/0.2/pg_mgr/install/upgrade"},{"rel":"srv.install.update","href":"/0.2/pg_mgr/install/update"}]}"#),
    ("GET /0.2/pg_mgr/plugins/wazo-yealink-v86", "", 200, JSON, r#"{"links":[{"rel":"pg.info","href":"/0.2/pg_mgr/plugins/wazo-yealink-v86/info"},{"rel":"srv.install","href":"/0.2/pg_mgr/plugins/wazo-yealink-v86/install"}]}"#),
    ("GET /0.2/pg_mgr/plugins/wazo-yealink-v86/install", "", 200, JSON, r#"{"links":[{"rel":"srv.install.install","href":"/0.2/pg_mgr/plugins/wazo-yealink-v86/install/install"},{"rel":"srv.install.uninstall","href":"/0.2/pg_mgr/plugins/wazo-yealink-v86/install/uninstall"},{"rel":"srv.install.installed","href":"/0.2/pg_mgr/plugins/wazo-yealink-v86/install/installed"},{"rel":"srv.install.installable","href":"/0.2/pg_mgr/plugins/wazo-yealink-v86/install/installable"}]}"#),
    ("GET /0.2/pg_mgr/plugins/wazo-yealink-v86/install/installed", "", 200, JSON, r#"{"pkgs":{}}"#),
    ("GET /0.2/pg_mgr/plugins/wazo-yealink-v86/install/installable", "", 200, JSON, r#"{"pkgs":{}}"#),
    ("POST /0.2/pg_mgr/plugins/wazo-yealink-v86/install/install", r#"{"id":"x"}"#, 400, TEXT, "package not found"),
    ("POST /0.2/pg_mgr/plugins/wazo-yealink-v86/install/uninstall", r#"{"id":"x"}"#, 400, TEXT, "'x'"),
    ("POST /0.2/pg_mgr/plugins/nobody/install/install", r#"{"id":"x"}"#, 404, "text/html; charset=utf-8", NOWHERE),
    ("GET /0.2/pg_mgr/install/installable", "", 200, JSON, r#"{"pkgs":{}}"#),
    ("POST /0.2/pg_mgr/install/install", r#"{"id":"zzz"}"#, 400, TEXT, "'zzz'"),
    ("POST /0.2/pg_mgr/install/install", r#"{"id":"wazo-yealink-v86"}"#, 400, TEXT, "plugin wazo-yealink-v86 is already installed"),
    ("POST /0.2/pg_mgr/install/install", "{}", 400, TEXT, "Missing \"id\" key"),
    ("POST /0.2/pg_mgr/install/upgrade", r#"{"id":"zzz"}"#, 400, TEXT, "plugin zzz is not already installed"),
    ("POST /0.2/pg_mgr/install/update", "{}", 500, TEXT, "'server' has no value set"),
    ("POST /0.2/pg_mgr/install/uninstall", r#"{"id":"zzz"}"#, 400, TEXT, "plugin not found"),
    ("POST /0.2/pg_mgr/reload", r#"{"id":"zzz"}"#, 400, TEXT, "plugin zzz is not installed"),
    ("POST /0.2/pg_mgr/reload", r#"{"id":"wazo-yealink-v86"}"#, 204, "", ""),
    ("GET /0.2/configure/NAT", "", 200, JSON, r#"{"param":{"value":0}}"#),
    ("PUT /0.2/configure/NAT", r#"{"param":{"value":1}}"#, 400, TEXT, "1"),
    ("PUT /0.2/configure/NAT", r#"{"param":{"value":"1"}}"#, 204, "", ""),
    ("GET /0.2/configure/NAT", "", 200, JSON, r#"{"param":{"value":1}}"#),
    ("PUT /0.2/configure/NAT", r#"{"param":{"value":null}}"#, 204, "", ""),
    ("PUT /0.2/configure/plugin_server", r#"{"param":{"value":"foo"}}"#, 400, TEXT, "no scheme: foo"),
    ("PUT /0.2/configure/plugin_server", r#"{"param":{}}"#, 400, TEXT, "Wrong information in entity"),
    ("PUT /0.2/configure/locale", r#"{"param":{"value":"fr_FR"}}"#, 204, "", ""),
    ("GET /0.2/configure/locale", "", 200, JSON, r#"{"param":{"value":"fr_FR"}}"#),
    ("GET /0.2/configure/nothing", "", 404, TEXT, "No such resource"),
    ("PUT /0.2/configure/tenants", r#"{"param":{"value":{}}}"#, 404, TEXT, "No such resource"),
    ("GET /0.2/cfg_mgr/configs/base", "", 200, JSON, "{\"config\":{\"id\":\"base\",\"parent_ids\":[],\"raw_config\":{\"X_site\":\"\\u00e9\"},\"deletable\":false}}"),
    ("GET /0.2/cfg_mgr/configs/base/raw", "", 200, JSON, "{\"raw_config\":{\"ip\":\"192.0.2.1\",\"X_site\":\"\\u00e9\"}}"),
    ("GET /0.2/cfg_mgr/configs/nobody/raw", "", 404, TEXT, "No such resource"),
    ("DELETE /0.2/cfg_mgr/configs/autoprov", "", 403, TEXT, "The document autoprov is not deletable"),
    ("POST /0.2/cfg_mgr/configs", r#"{"config":{"id":"a","raw_config":{}}}"#, 400, TEXT, "missing \"parent_ids\" field in config"),
    ("POST /0.2/cfg_mgr/configs", r#"{"config":{"id":"a","parent_ids":[],"raw_config":{}}}"#, 201, JSON, r#"{"id":"a"}"#),
    ("POST /0.2/cfg_mgr/configs", r#"{"config":{"id":"a","parent_ids":[],"raw_config":{}}}"#, 400, TEXT, "a"),
    ("PUT /0.2/cfg_mgr/configs/a", r#"{"config":{"parent_ids":["base"],"raw_config":{"ntp_enabled":true}}}"#, 500, TEXT, "1 validation error for ConfigSchema\nraw_config -> __root__\n  Field `ip_ntp` is required if ip is enabled (type=value_error)"),
    ("PUT /0.2/cfg_mgr/configs/a", r#"{"config":{"id":"b","parent_ids":["base"],"raw_config":{"X_a":1}}}"#, 204, "", ""),
    ("GET /0.2/cfg_mgr/configs/a", "", 200, JSON, r#"{"config":{"id":"a","parent_ids":["base"],"raw_config":{"X_a":1}}}"#),
    ("DELETE /0.2/cfg_mgr/configs/a", "", 204, "", ""),
    ("DELETE /0.2/cfg_mgr/configs/a", "", 404, TEXT, "No such resource"),
    ("PUT /0.2/cfg_mgr/configs/a", r#"{"config":{"parent_ids":[],"raw_config":{}}}"#, 404, TEXT, "No such resource"),
    ("POST /0.2/dev_mgr/devices", r#"{"device":{"id":"d","ip":"10.0.0.1","mac":"00:11:22:33:44:55"}}"#, 201, JSON, r#"{"id":"d"}"#),
    ("POST /0.2/dev_mgr/devices", r#"{"device":{"id":"d"}}"#, 400, TEXT, "d"),
    ("POST /0.2/dev_mgr/devices", r#"{"device":{"mac":"001122334455"}}"#, 400, TEXT, "Non-normalized MAC address 001122334455"),
    ("POST /0.2/dev_mgr/devices", r#"{"device":{"id":null}}"#, 400, TEXT, "invalid ID null"),
    ("GET /0.2/dev_mgr/devices/d", "", 200, JSON, r#"{"device":{"id":"d","mac":"00:11:22:33:44:55","ip":"10.0.0.1","tenant_uuid":"00000000-0000-4000-8000-000000000001","configured":false,"is_new":true}}"#),
    ("PUT /0.2/dev_mgr/devices/d", r#"{"device":{"model":{}}}"#, 500, TEXT, "1 validation error for DeviceSchema\nmodel\n  str type expected (type=type_error.str)"),
    ("PUT /0.2/dev_mgr/devices/nobody", r#"{"device":{}}"#, 404, TEXT, "No such resource"),
    ("POST /0.2/dev_mgr/reconfigure", r#"{"id":"d"}"#, 204, "", ""),
    ("POST /0.2/dev_mgr/reconfigure", r#"{"id":"nope"}"#, 400, TEXT, "invalid device ID \"nope\""),
    ("POST /0.2/dev_mgr/reconfigure", "{}", 400, TEXT, "Missing \"id\" key"),
    ("DELETE /0.2/dev_mgr/devices/d", "", 204, "", ""),
    ("DELETE /0.2/dev_mgr/devices/d", "", 404, TEXT, "No such resource"),
    ("GET /0.2/dev_mgr/devices", "", 200, JSON, r#"{"devices":[]}"#),
    ("POST /0.2/dev_mgr/dhcpinfo", r#"{"dhcp_info":{"op":"expiry","ip":"10.0.0.5"}}"#, 204, "", ""),
    ("POST /0.2/dev_mgr/dhcpinfo", r#"{"dhcp_info":{"op":"release","ip":"10.0.0.500"}}"#, 400, TEXT, "'%s' is not a valid dotted quad IPv4 address"),
    ("POST /0.2/dev_mgr/dhcpinfo", r#"{"dhcp_info":{"op":"dance","ip":"10.0.0.5"}}"#, 400, TEXT, "invalid operation value"),
    ("POST /0.2/dev_mgr/dhcpinfo", r#"{"dhcp_info":{"op":"commit","ip":"10.0.0.5"}}"#, 400, TEXT, "'mac'"),
    ("POST /0.2/dev_mgr/dhcpinfo", r#"{"dhcp_info":{"op":"commit","ip":"10.0.0.5","mac":"x","options":[]}}"#, 400, TEXT, "invalid MAC string"),
    ("POST /0.2/dev_mgr/dhcpinfo", "{}", 400, TEXT, "'dhcp_info'"),
    ("POST /0.2/dev_mgr/dhcpinfo", r#"{"dhcp_info":{"op":"commit","ip":"10.55","mac":"0015654AA937","options":["06079.65.61.6c.69.6e.6b"]}}"#, 204, "", ""),
];

#[test]
fn each_path_and_method_says_what_clients_know() {
    let site = Site::new("rows");
    for (what, body, status, kind, answer) in ROWS {
        let reply = if body.is_empty() { site.ask(what, &[], "") } else { site.send(what, body) };
        assert_eq!((reply.status, &*reply.body), (*status, *answer), "{what} {body}");
        assert_eq!(reply.field("content-type"), *kind, "{what} {body}");
        if *status == 204 {
            assert_eq!(reply.field("content-length"), "", "{what}");
        }
    }
}

#[test]
fn a_lease_makes_a_device_of_the_master_tenant() {
    let site = Site::new("lease");
    let lease = r#"{"dhcp_info":{"op":"commit","ip":"10.55","mac":"0015654AA937",
        "options":["06079.65.61.6c.69.6e.6b"]}}"#;
    assert_eq!(site.send_for("t1", "POST /0.2/dev_mgr/dhcpinfo", lease).status, 204);
    let devices = site.get("/0.2/dev_mgr/devices?fields=mac,ip,is_new,added").json();
    let device = &devices["devices"][0];
    assert_eq!(device["mac"], "00:15:65:4a:a9:37");
    assert_eq!(device["ip"], "10.0.0.55");
    assert_eq!((&device["is_new"], &device["added"]), (&true.into(), &"auto".into()));
}

#[test]
fn plugins_tell_what_they_are() {
    let site = Site::new("plugins");
    let plugins = site.get("/0.2/pg_mgr/plugins").json();
    let href = &plugins["plugins"]["wazo-yealink-v86"]["links"][0];
    assert_eq!(href["rel"], "pg.plugin");
    assert_eq!(href["href"], "/0.2/pg_mgr/plugins/wazo-yealink-v86");
    let info = site.get("/0.2/pg_mgr/plugins/wazo-yealink-v86/info").json();
    let keys: Vec<_> = info["plugin_info"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["version", "description", "capabilities"]);
    let installed = site.get("/0.2/pg_mgr/install/installed").json();
    assert_eq!(installed["pkgs"]["wazo-yealink-v86"], info["plugin_info"]);
    let refused = site.send("POST /0.2/pg_mgr/install/uninstall", r#"{"id":"wazo-yealink-v86"}"#);
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("plugin.toml"), "{}", refused.body);
}

#[test]
fn parameters_are_listed_in_their_order() {
    let site = Site::new("params");
    let document = site.get("/0.2/configure").json();
    let ids: Vec<_> = document["params"].as_array().unwrap().iter().map(|p| &p["id"]).collect();
    assert_eq!(
        ids,
        [
            "plugin_server",
            "http_proxy",
            "ftp_proxy",
            "https_proxy",
            "locale",
            "NAT",
            "provisioning_key"
        ]
    );
    assert_eq!(document["params"][5]["value"], 0);
    let link = &document["params"][5]["links"][0];
    assert_eq!(
        (&link["rel"], &link["href"]),
        (&"srv.configure.param".into(), &"/0.2/configure/NAT".into())
    );
}
