//! Configurations: layers, their devices, and the template.

use crate::site::Site;

#[test]
fn layers_are_one_in_raw() {
    let site = Site::new("layers");
    site.config(r#"{"id":"top","parent_ids":["base","nobody"],"raw_config":{"X_top":1}}"#);
    let raw = site.get("/0.2/cfg_mgr/configs/top/raw").body;
    assert_eq!(raw, "{\"raw_config\":{\"ip\":\"192.0.2.1\",\"X_site\":\"\\u00e9\",\"X_top\":1}}");
    let list = site.get("/0.2/cfg_mgr/configs?fields=parent_ids&q=%7B%22id%22:%22top%22%7D");
    assert_eq!(list.body, r#"{"configs":[{"id":"top","parent_ids":["base","nobody"]}]}"#);
    assert_eq!(site.get("/0.2/cfg_mgr/configs").ids("configs"), ["base", "autoprov", "top"]);
}

#[test]
fn a_template_makes_a_configuration_or_says_why_not() {
    let site = Site::new("template");
    let reply = site.send("POST /0.2/cfg_mgr/autocreate", "{}");
    assert_eq!(reply.status, 201);
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("autoprov") && id.len() == 8 + 36, "{id}");
    assert_eq!(reply.field("location"), format!("/0.2/cfg_mgr/configs/{id}"));
    let made = site.get(reply.field("location")).json();
    assert_eq!(made["config"]["parent_ids"], serde_json::json!(["autoprov"]));
    assert_eq!(made["config"]["transient"], true);
    assert!(site.is_stored(&id));
    let bare = r#"{"config":{"parent_ids":[],"role":"autocreate","raw_config":{}}}"#;
    assert_eq!(site.send("PUT /0.2/cfg_mgr/configs/autoprov", bare).status, 204);
    assert_eq!(site.send("POST /0.2/cfg_mgr/autocreate", "{}").status, 400);
}

#[test]
fn devices_follow_their_layers() {
    let site = Site::new("follow");
    site.config(r#"{"id":"own","parent_ids":["base"],"raw_config":{}}"#);
    for id in ["d1", "d2"] {
        site.device(&format!(
            r#"{{"id":"{id}","plugin":"wazo-yealink-v86","vendor":"Yealink","model":"T46S",
            "mac":"00:15:65:00:00:01","config":"own"}}"#
        ));
    }
    let configured = || {
        ["d1", "d2"].map(|id| {
            site.get(&format!("/0.2/dev_mgr/devices/{id}")).json()["device"]["configured"] == true
        })
    };
    assert_eq!(configured(), [true, true]);
    let base = r#"{"config":{"parent_ids":[],"raw_config":{"X_site":2}}}"#;
    assert_eq!(site.send("PUT /0.2/cfg_mgr/configs/base", base).status, 204);
    assert_eq!(configured(), [true, true]);
    assert_eq!(site.ask("DELETE /0.2/cfg_mgr/configs/own", &[], "").status, 204);
    assert_eq!(configured(), [false, false]);
    assert!(!site.is_stored("\"parent_ids\":[\"base\"],\"raw_config\":{}"));
}

#[test]
fn a_write_can_say_what_it_rests_on() {
    let site = Site::new("config-match");
    let path = "/0.2/cfg_mgr/configs/c";
    site.config(r#"{"id":"c","parent_ids":[],"raw_config":{}}"#);
    let json = format!("Content-Type: {}", crate::site::JSON);
    let put = |tag: &str, note: u32| {
        let body = format!(r#"{{"config":{{"parent_ids":[],"raw_config":{{"X_a":{note}}}}}}}"#);
        site.ask(&format!("PUT {path}"), &[&json, &format!("If-Match: {tag}")], &body)
    };
    let first = site.get(path).field("etag").to_owned();
    let second = put(&first, 1);
    assert_eq!(second.status, 204);
    assert_eq!(put(&first, 2).status, 412);
    let delete =
        |tag: &str| site.ask(&format!("DELETE {path}"), &[&format!("If-Match: {tag}")], "");
    assert_eq!(delete(&first).status, 412);
    assert_eq!(delete(second.field("etag")).status, 204);
}
