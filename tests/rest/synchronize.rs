//! Synchronize: what wazo-amid and Asterisk are asked, what becomes of the operation, and the pace.

use ringboot::notify::Settings;
use ringboot::time::{self, Duration};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::thread;

use crate::asterisk::{Act, Request, Script, amid, asterisk};
use crate::site::{NOWHERE, Site};

const PATH: &str = "POST /0.2/dev_mgr/synchronize";
const GOOD: (u16, &str) = (200, r#"[{"Response":"Success","Message":"Command sent"}]"#);

fn site(name: &str, settings: &str) -> Site {
    let settings: Settings = toml::from_str(settings).unwrap();
    settings.check().unwrap();
    Site::with(name, settings.way(None).map(|way| (way, settings.pace())))
}

fn by_amid(name: &str, script: &Script<Request>, more: &str) -> Site {
    let address = script.address;
    site(name, &format!("via = \"amid\"\namid = \"http://{address}/\"\nrate = 1000.0\n{more}"))
}

fn by_ami(name: &str, address: SocketAddr, secret: &str) -> Site {
    let user = format!("ami_user = \"ringboot\"\nami_secret = \"{secret}\"");
    site(name, &format!("via = \"ami\"\nami = \"{address}\"\n{user}\nrate = 1000.0"))
}

/// A device of the Yealink plugin that is configured, with these keys more.
fn device(site: &Site, id: &str, keys: &Value) -> String {
    let mut device = json!({
        "id": id, "plugin": "wazo-yealink-v86", "vendor": "Yealink", "model": "T46S",
        "mac": format!("00:15:65:00:00:{:02x}", site.world.directory.all().len()),
        "config": "base", "ip": "10.9.9.9"
    });
    for (key, value) in keys.as_object().unwrap() {
        device[key] = value.clone();
    }
    let id = site.device(&device.to_string());
    assert_eq!(
        site.get(&format!("/0.2/dev_mgr/devices/{id}")).json()["device"]["configured"],
        true
    );
    id
}

/// Asks for a synchronization and waits for its end.
fn outcome(site: &Site, body: &Value) -> Value {
    let reply = site.send(PATH, &body.to_string());
    assert_eq!((reply.status, &*reply.body), (201, ""), "{reply:?}");
    end(site, reply.field("location"))
}

fn end(site: &Site, path: &str) -> Value {
    let until = time::now() + Duration::from_secs(20);
    loop {
        let told = site.get(path).json();
        if !told["status"].as_str().unwrap().starts_with("progress") {
            return told;
        }
        assert!(time::now() < until, "{told}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn amid_is_asked_as_the_predecessor_asked_it() {
    let amid = amid(&[GOOD]);
    let site = by_amid("amid", &amid, "amid_token = \"t0k\"");
    device(&site, "account", &json!({"remote_state_sip_username": "anna"}));
    device(&site, "shared", &json!({"remote_state_sip_username": "ap0123abcd"}));
    for id in ["account", "shared"] {
        assert_eq!(outcome(&site, &json!({"id": id})), json!({"status": "success"}), "{id}");
    }
    let asked = amid.asked.lock().unwrap();
    let (head, _) = &asked[0].0;
    assert!(head.starts_with("POST /1.0/action/PJSIPNotify HTTP/1.1\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("\r\nx-auth-token: t0k\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
    let bodies: Vec<_> = asked.iter().map(|((_, body), _)| body).collect();
    assert_eq!(
        bodies,
        [
            &json!({"Variable": ["Event=check-sync"], "Endpoint": "anna"}),
            &json!({"Variable": ["Event=check-sync"], "URI": "sip:anonymous@10.9.9.9"}),
        ]
    );
}

#[test]
fn what_fails_is_told_in_the_operation_alone() {
    let refusal = r#"[{"Response":"Success"},{"Response":"Error","Message":"no endpoint"}]"#;
    let amid = amid(&[(200, refusal), (401, "[]"), GOOD]);
    let site = by_amid("failures", &amid, "");
    device(&site, "d", &json!({}));
    device(&site, "nowhere", &json!({"ip": null}));
    site.device(r#"{"id":"raw"}"#);
    for (id, reason) in [
        ("d", "refused: no endpoint"),
        ("d", "refused: wazo-amid answers 401 Unauthorized"),
        ("nowhere", "not enough information to synchronize device"),
        ("raw", "Can't synchronize not configured device raw"),
    ] {
        let told = outcome(&site, &json!({ "id": id }));
        assert_eq!(told, json!({"status": "fail", "reason": reason}), "{id}");
    }
    assert_eq!(outcome(&site, &json!({"id": "d"}))["status"], "success");
    // Without a token, none is shown.
    let asked = amid.asked.lock().unwrap();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|((head, _), _)| !head.to_ascii_lowercase().contains("x-auth-token")));
}

#[test]
fn who_may_not_see_a_device_cannot_synchronize_it() {
    let amid = amid(&[GOOD]);
    let site = by_amid("tenants", &amid, "");
    device(&site, "d", &json!({}));
    for (tenant, body) in [("t1", r#"{"id":"d"}"#), ("t1", r#"{"ids":["d"]}"#)] {
        assert_eq!(site.send_for(tenant, PATH, body).status, 404, "{body}");
    }
    for (body, status, text) in [
        (r#"{"id":"x"}"#, 404, "No such resource"),
        (r#"{"ids":["d","x"]}"#, 404, "No such resource: \"x\""),
        ("{}", 400, "Missing \"id\" key"),
        (r#"{"ids":[]}"#, 400, "\"ids\" is empty"),
        (r#"{"ids":[1]}"#, 400, "an id of \"ids\" is no text"),
        (r#"{"ids":"d"}"#, 400, "\"ids\" is no list"),
        (r#"{"id":"d","ids":["d"]}"#, 400, "\"id\" or \"ids\", not both"),
    ] {
        let reply = site.send(PATH, body);
        assert_eq!((reply.status, &*reply.body), (status, text), "{body}");
    }
    assert_eq!(amid.asked.lock().unwrap().len(), 0);
}

#[test]
fn without_a_way_every_operation_fails() {
    let site = Site::new("no-way");
    device(&site, "d", &json!({}));
    let reply = site.send(PATH, r#"{"id":"d"}"#);
    assert_eq!(reply.field("location"), "/0.2/dev_mgr/synchronize/1");
    let told = site.get("/0.2/dev_mgr/synchronize/1").json();
    assert_eq!(told, json!({"status": "fail", "reason": "Incompatible sync service: None"}));
    assert_eq!(site.ask("DELETE /0.2/dev_mgr/synchronize/1", &[], "").status, 204);
    assert_eq!(site.get("/0.2/dev_mgr/synchronize/1").body, NOWHERE);
}

#[test]
fn a_list_is_one_operation_and_leaves_at_the_pace() {
    let amid = amid(&[GOOD]);
    let address = amid.address;
    let slow = format!("via = \"amid\"\namid = \"http://{address}\"\nrate = 5.0\njitter = 0.0");
    let site = site("pace", &slow);
    let ids: Vec<_> = (0..8).map(|n| device(&site, &format!("d{n}"), &json!({}))).collect();
    site.device(r#"{"id":"raw"}"#);
    let mut many = ids.clone();
    many.extend(["d0".to_owned(), "raw".to_owned()]);
    let list = site.send(PATH, &json!({ "ids": many }).to_string());
    // While d7 waits, it is asked for twice more: it is told once.
    let others = [(); 2].map(|()| site.send(PATH, r#"{"id":"d7"}"#));
    let now = site.get(list.field("location")).json();
    assert!(now["status"].as_str().unwrap().starts_with("progress;"), "{now}");
    assert!(now["status"].as_str().unwrap().ends_with("/9"), "{now}");
    let told = end(&site, list.field("location"));
    let reason = "raw: Can't synchronize not configured device raw";
    assert_eq!(told, json!({"status": "fail;9/9", "reason": reason}));
    for other in others {
        assert_eq!(end(&site, other.field("location")), json!({"status": "success"}));
    }
    let asked = amid.asked.lock().unwrap();
    assert_eq!(asked.len(), 8);
    let took = asked[7].1.since(asked[0].1);
    assert!(took >= Duration::from_millis(7 * 200 - 240), "{took:?}");
}

#[test]
fn asterisk_is_asked_by_itself() {
    let asterisk = asterisk(&[Act::Take, Act::Refuse, Act::Take]);
    let site = by_ami("ami", asterisk.address, "se cret");
    device(&site, "d", &json!({"remote_state_sip_username": "anna"}));
    device(&site, "ip", &json!({}));
    assert_eq!(outcome(&site, &json!({"id": "d"})), json!({"status": "success"}));
    let refused = json!({"status": "fail", "reason": "refused: Unable to retrieve endpoint"});
    assert_eq!(outcome(&site, &json!({"id": "d"})), refused);
    assert_eq!(outcome(&site, &json!({"id": "ip"})), json!({"status": "success"}));
    let asked = asterisk.asked.lock().unwrap();
    let lines: Vec<_> = asked.iter().map(|(action, _)| action.join("|")).collect();
    // One connection, one login: the actions are numbered on.
    assert_eq!(
        lines,
        [
            "Action: PJSIPNotify|Variable: Event=check-sync|Endpoint: anna|ActionID: ringboot-2",
            "Action: PJSIPNotify|Variable: Event=check-sync|Endpoint: anna|ActionID: ringboot-3",
            "Action: PJSIPNotify|Variable: Event=check-sync|URI: sip:anonymous@10.9.9.9|\
             ActionID: ringboot-4",
        ]
    );
}

#[test]
fn an_asterisk_that_was_started_anew_is_asked_again() {
    let asterisk = asterisk(&[Act::Take, Act::Close, Act::Take]);
    let site = by_ami("ami-anew", asterisk.address, "se cret");
    device(&site, "d", &json!({}));
    for _ in 0..2 {
        assert_eq!(outcome(&site, &json!({"id": "d"})), json!({"status": "success"}));
    }
    let asked = asterisk.asked.lock().unwrap();
    let names: Vec<_> = asked.iter().map(|(action, _)| &**action.last().unwrap()).collect();
    assert_eq!(names, ["ActionID: ringboot-2", "ActionID: ringboot-3", "ActionID: ringboot-2"]);
}

#[test]
fn a_secret_that_is_wrong_is_told() {
    let asterisk = asterisk(&[]);
    let site = by_ami("ami-secret", asterisk.address, "wrong");
    device(&site, "d", &json!({}));
    let told = outcome(&site, &json!({"id": "d"}));
    let reason = "refused: login: Authentication failed";
    assert_eq!(told, json!({"status": "fail", "reason": reason}));
    assert_eq!(asterisk.asked.lock().unwrap().len(), 0);
}

#[test]
fn an_account_cannot_add_lines_of_its_own() {
    let asterisk = asterisk(&[]);
    let site = by_ami("ami-lines", asterisk.address, "se cret");
    let name = "x\r\nAction: Originate";
    device(&site, "d", &json!({ "remote_state_sip_username": name }));
    let told = outcome(&site, &json!({"id": "d"}));
    assert_eq!(told["status"], "fail");
    assert!(told["reason"].as_str().unwrap().ends_with("has control characters"), "{told}");
    assert_eq!(asterisk.asked.lock().unwrap().len(), 0);
}
