//! One conversation over all paths: what is asked, and status, type and body of its answer.

use crate::site::{JSON, NOWHERE, Site};

/// An exchange of the conversation.
#[derive(Default)]
struct Row {
    what: String,
    body: String,
    status: u16,
    kind: String,
    answer: Vec<String>,
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in include_str!("rows.txt").lines() {
        let Some((mark, rest)) = line.split_once(' ') else { continue };
        if mark == ">" {
            rows.push(Row { what: rest.to_owned(), ..Row::default() });
        }
        let Some(row) = rows.last_mut() else { continue };
        match mark {
            "+" => row.body = rest.to_owned(),
            "<" => {
                let (status, kind) = rest.split_once(' ').unwrap();
                row.status = status.parse().unwrap();
                row.kind = kind.to_owned();
            }
            "|" => row.answer.push(rest.to_owned()),
            _ => assert_eq!(mark, ">", "{line}"),
        }
    }
    rows
}

#[test]
fn each_path_and_method_says_what_clients_know() {
    let site = Site::new("rows");
    for Row { what, body, status, kind, answer } in rows() {
        let (what, body) = (&*what, &*body);
        let reply = if body.is_empty() { site.ask(what, &[], "") } else { site.send(what, body) };
        let (kind, answer) = match &*kind {
            "json" => (JSON, answer.join("\n")),
            "text" => ("text/plain; charset=ascii", answer.join("\n")),
            "page" => ("text/html; charset=utf-8", NOWHERE.to_owned()),
            _ => ("", String::new()),
        };
        assert_eq!((reply.status, &*reply.body), (status, &*answer), "{what} {body}");
        assert_eq!(reply.field("content-type"), kind, "{what} {body}");
        if status == 204 {
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
