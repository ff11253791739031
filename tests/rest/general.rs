//! What holds for every path: fixed fields, order of checks, media types, pages.

use crate::site::{FAILED, JSON, MASTER, NOWHERE, Site};

const CORS: [(&str, &str); 5] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS"),
    (
        "access-control-allow-headers",
        "Origin, X-Requested-With, Accept, Content-Type, X-Auth-Token, Wazo-Tenant",
    ),
    ("access-control-allow-credentials", "false"),
    ("access-control-expose-headers", "Location"),
];

#[test]
fn every_answer_has_the_fixed_fields_first() {
    let site = Site::new("fields");
    for (what, status) in [
        ("GET /0.2", 200),
        ("GET /0.2/nowhere", 404),
        ("PATCH /0.2/status", 405),
        ("POST /0.2/dev_mgr/devices", 415),
        ("GET /0.2/dev_mgr/devices/x", 404),
        ("OPTIONS /0.2/dev_mgr/devices", 200),
        ("DELETE /0.2/cfg_mgr/configs/base", 403),
    ] {
        let reply = site.ask(what, &[], "");
        assert_eq!(reply.status, status, "{what}");
        for (place, (name, value)) in CORS.iter().enumerate() {
            assert_eq!(reply.fields[place], ((*name).to_owned(), (*value).to_owned()), "{what}");
        }
        assert!(reply.field("server").starts_with("ringboot/"));
        assert!(reply.field("date").ends_with(" GMT"));
        assert_eq!(reply.field("content-length"), reply.body.len().to_string(), "{what}");
    }
}

#[test]
fn options_are_answered_anywhere() {
    let site = Site::new("options");
    for path in ["/", "/0.2", "/0.2/nowhere", "/0.2/dev_mgr/devices/x", "*"] {
        let reply = site.ask(&format!("OPTIONS {path}"), &[], "");
        assert_eq!((reply.status, &*reply.body), (200, ""), "{path}");
        assert_eq!(reply.field("content-type"), "text/html");
    }
}

#[test]
fn paths_come_first_and_a_slash_makes_another() {
    let site = Site::new("paths");
    for path in [
        "/",
        "/0.2/",
        "/0.2/dev_mgr/",
        "/0.2/dev_mgr/devices/",
        "/0.2/configure/",
        "/0.2/pg_mgr/plugins/nobody",
        "/0.2/pg_mgr/plugins/nobody/info",
        "/0.2/dev_mgr/synchronize/1",
        "/0.1/dev_mgr",
    ] {
        let reply = site.ask(&format!("GET {path}"), &["Accept: text/html"], "");
        assert_eq!((reply.status, &*reply.body), (404, NOWHERE), "{path}");
        assert_eq!(reply.field("content-type"), "text/html; charset=utf-8");
    }
}

#[test]
fn methods_that_are_not_there_are_told() {
    let site = Site::new("methods");
    for (what, allow) in [
        ("POST /0.2/status", "HEAD, OPTIONS, GET"),
        ("DELETE /0.2/dev_mgr/devices", "HEAD, OPTIONS, GET, POST"),
        ("PATCH /0.2/dev_mgr/devices/x", "HEAD, OPTIONS, GET, PUT, DELETE"),
        ("GET /0.2/dev_mgr/dhcpinfo", "OPTIONS, POST"),
        ("HEAD /0.2/dev_mgr/dhcpinfo", "OPTIONS, POST"),
    ] {
        let reply = site.ask(what, &[], "");
        assert_eq!((reply.status, reply.field("allow")), (405, allow), "{what}");
        assert_eq!(reply.field("content-type"), "text/html; charset=utf-8");
    }
    let head = site.ask("HEAD /0.2/status", &[], "");
    let get = site.get("/0.2/status");
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(head.field("content-length"), get.body.len().to_string());
}

#[test]
fn media_types_are_checked_before_documents() {
    let site = Site::new("types");
    let accept = |value: &str| site.ask("GET /0.2", &[&format!("Accept: {value}")], "");
    let refused = accept("text/html");
    assert_eq!(refused.status, 406);
    assert_eq!(refused.field("content-type"), "text/plain; charset=ascii");
    let text = "You must accept the \"application/vnd.proformatique.provd+json\" MIME type.";
    assert_eq!(refused.body, text);
    for good in ["*/*", "application/*;q=0", "application/json", "text/html, */*"] {
        let reply = accept(good);
        assert_eq!((reply.status, reply.field("content-type")), (200, JSON), "{good}");
    }
    let post = |kind: &str, body: &str| {
        site.ask("POST /0.2/dev_mgr/devices", &[&format!("Content-Type: {kind}")], body)
    };
    let refused = post("text/plain", "{");
    assert_eq!(refused.status, 415);
    let text = "Entity must be in media type \"application/vnd.proformatique.provd+json\".";
    assert_eq!(refused.body, text);
    let refused = post(JSON, "{");
    assert_eq!(refused.status, 400);
    assert!(refused.body.starts_with("Invalid JSON document: "), "{}", refused.body);
    for shape in ["[]", "{}", "{\"device\":[]}", "1"] {
        let reply = post(JSON, shape);
        assert_eq!((reply.status, &*reply.body), (500, FAILED), "{shape}");
    }
    assert_eq!(post("application/json; charset=utf-8", "{\"device\":{}}").status, 201);
}

#[test]
fn documents_are_ascii_without_blanks() {
    let site = Site::new("ascii");
    let reply = site.get("/0.2/cfg_mgr/configs/base");
    assert_eq!(
        reply.body,
        "{\"config\":{\"id\":\"base\",\"parent_ids\":[],\"raw_config\":{\"X_site\":\"\\u00e9\"},\
         \"deletable\":false}}"
    );
}

#[test]
fn a_connection_takes_many_requests() {
    let site = Site::new("many");
    let one = "GET /0.2/status HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /0.2/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let text = site.raw([one, one, last].concat().as_bytes());
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3);
}

#[test]
fn what_is_too_long_is_refused() {
    let site = Site::new("long");
    let length = ringboot::limits::REST_BODY_BYTES_MAX + 1;
    let head = format!(
        "POST /0.2/dev_mgr/devices HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: {JSON}\r\nContent-Length: {length}\r\n\r\n"
    );
    assert!(site.raw(head.as_bytes()).starts_with("HTTP/1.1 413 "));
}

#[test]
fn the_description_needs_nobody_and_names_every_path() {
    let site = Site::new("api");
    let reply = site.ask("GET /0.2/api/api.yml", &["Accept: text/html"], "");
    assert_eq!((reply.status, reply.field("content-type")), (200, "application/yaml"));
    let document = reply.json();
    for path in ["/0.2", "/0.2/dev_mgr/devices/{id}", "/0.2/cfg_mgr/configs/{id}/raw"] {
        assert!(document["paths"][path]["get"].is_object(), "{path}");
    }
}

#[test]
fn parameters_stay_over_a_restart() {
    let site = Site::new("restart");
    let put = |name: &str, value: &str| {
        let body = format!("{{\"param\":{{\"value\":{value}}}}}");
        site.send(&format!("PUT /0.2/configure/{name}"), &body).status
    };
    assert_eq!(put("NAT", "\"1\""), 204);
    assert!(site.world.settings().nat);
    assert_eq!(put("provisioning_key", "\"secret-key\""), 204);
    let body = "{\"param\":{\"value\":\"secret-key\"}}";
    let taken = site.send_for("t1", "PUT /0.2/configure/provisioning_key", body);
    assert_eq!(taken.status, 400);
    let site = Site::open(site.stop());
    assert!(site.world.settings().nat);
    assert_eq!(site.get("/0.2/configure/NAT").body, "{\"param\":{\"value\":1}}");
    let key = site.get("/0.2/configure/provisioning_key");
    assert_eq!(key.body, "{\"param\":{\"value\":\"secret-key\"}}");
    let other = site.send_for("t1", "GET /0.2/configure/provisioning_key", "");
    assert_eq!(other.body, "{\"param\":{\"value\":null}}");
    assert_eq!(site.world.settings().master_tenant, MASTER.into());
}
