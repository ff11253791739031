//! Devices: tenants, lists, revisions, and that what was answered is on the disk.

use crate::site::{MASTER, Site};

#[test]
fn a_new_device_has_a_name_and_a_place() {
    let site = Site::new("new");
    let body = r#"{"device":{"ip":"10.0.0.1","mac":"00:11:22:33:44:55"}}"#;
    let reply = site.send("POST /0.2/dev_mgr/devices", body);
    assert_eq!(reply.status, 201);
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    assert_eq!(reply.field("location"), format!("/0.2/dev_mgr/devices/{id}"));
    assert_eq!(reply.body, format!("{{\"id\":\"{id}\"}}"));
    assert!(site.is_stored(&id));
    let device = site.get(reply.field("location")).json();
    assert_eq!(device["device"]["tenant_uuid"], MASTER);
    assert_eq!(device["device"]["is_new"], true);
}

#[test]
fn odd_names_are_served_at_their_place() {
    let site = Site::new("odd");
    let reply = site.send("POST /0.2/dev_mgr/devices", r#"{"device":{"id":"é b?"}}"#);
    assert_eq!(reply.field("location"), "/0.2/dev_mgr/devices/%C3%A9%20b%3F");
    assert_eq!(reply.body, r#"{"id":"\u00e9 b?"}"#);
    assert_eq!(site.get(reply.field("location")).json()["device"]["id"], "é b?");
    for id in ["", "../../x", "a/b"] {
        let body = format!("{{\"device\":{{\"id\":{id:?}}}}}");
        assert_eq!(site.send("POST /0.2/dev_mgr/devices", &body).status, 400, "{id}");
    }
}

#[test]
fn a_tenant_sees_its_own_and_takes_over_new_ones() {
    let site = Site::new("tenants");
    let new = site.device(r#"{"id":"new"}"#);
    let own = site.send_for("t1", "POST /0.2/dev_mgr/devices", r#"{"device":{"id":"own"}}"#);
    assert_eq!(own.status, 201);
    let get = |tenant: &str, path: &str| site.send_for(tenant, &format!("GET {path}"), "");
    let list = |tenant: &str, query: &str| {
        get(tenant, &format!("/0.2/dev_mgr/devices{query}")).ids("devices")
    };
    assert_eq!(
        (list("t1", ""), list("t2", ""), list(MASTER, "")),
        (vec!["own".to_owned()], vec![], vec!["new".to_owned()])
    );
    assert_eq!(list(MASTER, "?recurse=true"), ["new", "own"]);
    assert_eq!(list(MASTER, "?recurse=TRUE"), ["new"]);
    assert_eq!(list("t1", "?recurse=True&q=%7B%22tenant_uuid%22:%22t2%22%7D"), ["own"]);
    assert_eq!(get("t2", "/0.2/dev_mgr/devices/own").status, 404);
    assert_eq!(get("t1", "/0.2/dev_mgr/devices/new").status, 404);
    let put = |tenant: &str, id: &str, body: &str| {
        site.send_for(tenant, &format!("PUT /0.2/dev_mgr/devices/{id}"), body)
    };
    // Not its own, not new.
    assert_eq!(put("t2", "own", r#"{"device":{}}"#).status, 404);
    // New: whoever writes it has it.
    assert_eq!(put("t2", &new, r#"{"device":{"tenant_uuid":"t9"}}"#).status, 204);
    let claimed = get("t2", "/0.2/dev_mgr/devices/new").json();
    assert_eq!(claimed["device"]["tenant_uuid"], "t2");
    assert_eq!(claimed["device"]["is_new"], false);
    // A tenant moves nothing to where it may not act; the master does.
    let refused = put("t2", &new, r#"{"device":{"tenant_uuid":"t9"}}"#);
    assert_eq!((refused.status, &*refused.body), (400, "Tenant invalid for device"));
    assert_eq!(put("t2", &new, r#"{"device":{"description":"x"}}"#).status, 204);
    assert_eq!(get("t2", "/0.2/dev_mgr/devices/new").status, 200);
    assert_eq!(put(MASTER, &new, r#"{"device":{"tenant_uuid":"t1"}}"#).status, 204);
    assert_eq!(list("t1", ""), ["new", "own"]);
    let refused = site.send_for("t2", "POST /0.2/dev_mgr/reconfigure", r#"{"id":"new"}"#);
    assert_eq!((refused.status, &*refused.body), (400, "Tenant invalid for device"));
    assert_eq!(site.send_for("t2", "DELETE /0.2/dev_mgr/devices/new", "").status, 404);
    assert_eq!(site.send_for("t1", "DELETE /0.2/dev_mgr/devices/new", "").status, 204);
}

#[test]
fn an_update_replaces_all_and_leaves_nothing_behind() {
    let site = Site::new("replace");
    let id = site.device(
        r#"{"id":"d","mac":"00:15:65:4a:a9:37","plugin":"wazo-yealink-v86","vendor":"Yealink",
        "model":"T46S","config":"own","X_note":"é","options":{"switchboard":true}}"#,
    );
    site.config(r#"{"id":"own","parent_ids":["base"],"raw_config":{},"transient":true}"#);
    let get = || site.get("/0.2/dev_mgr/devices/d").json()["device"].clone();
    assert_eq!((&get()["configured"], &get()["X_note"]), (&true.into(), &"é".into()));
    let body = r#"{"device":{"id":"other","mac":"00:15:65:4a:a9:37","configured":true}}"#;
    assert_eq!(site.send(&format!("PUT /0.2/dev_mgr/devices/{id}"), body).status, 204);
    let keys: Vec<_> = get().as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "mac", "tenant_uuid", "configured", "is_new"]);
    assert_eq!(get()["configured"], false);
    // Its transient configuration went with the same write.
    assert_eq!(site.get("/0.2/cfg_mgr/configs/own").status, 404);
    assert!(!site.is_stored("\"own\""));
}

#[test]
fn a_write_can_say_what_it_rests_on() {
    let site = Site::new("match");
    site.device(r#"{"id":"d"}"#);
    let path = "/0.2/dev_mgr/devices/d";
    let first = site.get(path).field("etag").to_owned();
    assert!(first.starts_with('"') && first.ends_with('"'), "{first}");
    let json = format!("Content-Type: {}", crate::site::JSON);
    let put = |tag: &str, body: &str| {
        site.ask(&format!("PUT {path}"), &[&json, &format!("If-Match: {tag}")], body)
    };
    let reply = put(&first, r#"{"device":{"description":"one"}}"#);
    assert_eq!(reply.status, 204);
    let second = site.get(path).field("etag").to_owned();
    assert_eq!(reply.field("etag"), second);
    assert_ne!(second, first);
    assert_eq!(put(&first, r#"{"device":{"description":"two"}}"#).status, 412);
    assert_eq!(put("W/\"x\", \"y\"", r#"{"device":{}}"#).status, 412);
    assert_eq!(site.get(path).json()["device"]["description"], "one");
    assert_eq!(put(&format!("\"y\", {second}"), r#"{"device":{"description":"3"}}"#).status, 204);
    assert_eq!(put("*", r#"{"device":{"description":"4"}}"#).status, 204);
    let delete =
        |tag: &str| site.ask(&format!("DELETE {path}"), &[&format!("If-Match: {tag}")], "");
    assert_eq!(delete(&second).status, 412);
    assert_eq!(delete(site.get(path).field("etag")).status, 204);
    // Of another start, a tag is nobody's.
    site.device(r#"{"id":"d"}"#);
    let old = site.get(path).field("etag").to_owned();
    let site = Site::open(site.stop());
    let reply = site.ask(&format!("DELETE {path}"), &[&format!("If-Match: {old}")], "");
    assert_eq!(reply.status, 412);
    assert_eq!(site.ask(&format!("DELETE {path}"), &[], "").status, 204);
}

#[test]
fn of_writers_at_once_one_wins_each_time() {
    let site = Site::new("race");
    site.device(r#"{"id":"d","description":"0"}"#);
    let json = format!("Content-Type: {}", crate::site::JSON);
    let write = || {
        let mut won = 0;
        for _ in 0..10 {
            let now = site.get("/0.2/dev_mgr/devices/d");
            let count: u32 = now.json()["device"]["description"].as_str().unwrap().parse().unwrap();
            let tag = format!("If-Match: {}", now.field("etag"));
            let body = format!(r#"{{"device":{{"description":"{}"}}}}"#, count + 1);
            match site.ask("PUT /0.2/dev_mgr/devices/d", &[&json, &tag], &body).status {
                204 => won += 1,
                status => assert_eq!(status, 412),
            }
        }
        won
    };
    let all: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(write)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let last = site.get("/0.2/dev_mgr/devices/d").json();
    assert_eq!(last["device"]["description"], all.to_string());
}

#[test]
fn lists_are_narrowed_paged_and_sorted() {
    let site = Site::new("lists");
    for (id, vendor, mac) in [("a", "Snom", "01"), ("b", "Yealink", "02"), ("c", "Aastra", "03")] {
        let options = r#"{"x":1,"y":2}"#;
        let mac = format!("00:15:65:00:00:{mac}");
        site.device(&format!(
            r#"{{"id":"{id}","vendor":"{vendor}","mac":"{mac}","options":{options}}}"#
        ));
    }
    let list = |query: &str| site.get(&format!("/0.2/dev_mgr/devices?{query}")).ids("devices");
    assert_eq!(list(""), ["a", "b", "c"]);
    assert_eq!(list("q=%7B%22vendor%22%3A%22Snom%22%7D"), ["a"]);
    assert_eq!(list("q=%7B%22mac%22%3A%2200:15:65:00:00:03%22%7D"), ["c"]);
    assert_eq!(list("q=%7B%22id%22%3A%22b%22,%22options.x%22%3A1%7D"), ["b"]);
    // {"vendor":"Aastra"}; it goes over q.
    assert_eq!(list("q64=eyJ2ZW5kb3IiOiJBYXN0cmEifQ%3D%3D&q=%7B%22id%22:%22a%22%7D"), ["c"]);
    assert_eq!(list("q=nothing"), ["a", "b", "c"]);
    assert_eq!(list("sort=vendor"), ["c", "a", "b"]);
    assert_eq!(list("sort=vendor&sort_ord=DESC&limit=1"), ["b"]);
    assert_eq!(list("skip=1&limit=1"), ["b"]);
    assert_eq!(list("limit=0&skip=-1"), ["a", "b", "c"]);
    let fields = site.get("/0.2/dev_mgr/devices?fields=options.y,vendor,nothing&limit=1");
    assert_eq!(fields.body, r#"{"devices":[{"id":"a","options":{"y":2},"vendor":"Snom"}]}"#);
}
