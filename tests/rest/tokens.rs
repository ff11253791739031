//! Tokens that the settings name: who has none does nothing, and each does what its list gives.

use crate::site::{Reply, Site};
use ringboot::control::{Acl, Guard, Holder, Sum, Tenants};

const T1: &str = "11111111-0000-4000-8000-000000000001";
const T2: &str = "11111111-0000-4000-8000-000000000002";

fn holder(token: &str, acl: &[&str], tenant: &str, below: Tenants) -> Holder {
    let acl: Vec<_> = acl.iter().map(ToString::to_string).collect();
    let (name, tenant) = (token.to_owned(), tenant.into());
    Holder { name, sum: Sum::of(token), acl: Acl::new(&acl), tenant, below }
}

fn site(name: &str) -> Site {
    let master = crate::site::MASTER;
    let holders = [
        holder("root-token", &["provd.#"], master, Tenants::All),
        holder("t1-token", &["provd.#", "!provd.cfg_mgr.#"], T1, Tenants::Only(vec![T2.into()])),
        holder(
            "reader",
            &["provd.dev_mgr.devices.*.read", "provd.*.read"],
            T2,
            Tenants::Only(vec![]),
        ),
    ];
    Site::guarded(Site::new(name).stop(), Guard::Tokens(holders.into()))
}

fn ask(site: &Site, token: &str, tenant: &str, what: &str, body: &str) -> Reply {
    let fields = [
        format!("X-Auth-Token: {token}"),
        format!("Wazo-Tenant: {tenant}"),
        "Content-Type: application/json".to_owned(),
    ];
    site.ask(what, &fields.each_ref().map(|field| &**field), body)
}

#[test]
fn who_has_no_token_is_nobody() {
    let site = site("tokens-none");
    for what in ["GET /0.2", "GET /0.2/dev_mgr/devices/x", "POST /0.2/dev_mgr/devices"] {
        for fields in [&[][..], &["X-Auth-Token: "], &["X-Auth-Token: root-tokem"]] {
            let reply = site.ask(what, fields, "");
            assert_eq!((reply.status, &*reply.body), (401, "Unauthorized"), "{what} {fields:?}");
            assert_eq!(reply.field("content-type"), "text/html");
        }
    }
    // What nobody is asked for, and what is not there at all.
    assert_eq!(site.get("/0.2/api/api.yml").status, 200);
    assert_eq!(site.get("/0.2/nowhere").status, 404);
    assert_eq!(site.get("/0.2/pg_mgr/plugins/nobody/info").status, 404);
    assert_eq!(site.ask("PATCH /0.2/status", &[], "").status, 405);
    assert_eq!(site.ask("OPTIONS /0.2/status", &[], "").status, 200);
}

#[test]
fn a_token_gives_what_its_list_says() {
    let site = site("tokens-acl");
    for (token, what, status) in [
        ("root-token", "GET /0.2/cfg_mgr/configs", 200),
        ("t1-token", "GET /0.2/cfg_mgr/configs", 401),
        ("t1-token", "GET /0.2/dev_mgr/devices", 200),
        ("reader", "GET /0.2/status", 200),
        ("reader", "HEAD /0.2/status", 200),
        ("reader", "GET /0.2", 401),
        ("reader", "GET /0.2/dev_mgr/devices", 401),
        ("reader", "HEAD /0.2/dev_mgr/devices", 401),
        ("reader", "GET /0.2/dev_mgr/devices/x", 404),
        ("reader", "DELETE /0.2/dev_mgr/devices/x", 401),
    ] {
        assert_eq!(ask(&site, token, "", what, "").status, status, "{token} {what}");
    }
}

#[test]
fn a_token_acts_for_its_tenants_only() {
    let site = site("tokens-tenants");
    let create = |token: &str, tenant: &str, mac: &str| {
        let body = format!("{{\"device\":{{\"mac\":\"{mac}\"}}}}");
        let reply = ask(&site, token, tenant, "POST /0.2/dev_mgr/devices", &body);
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    };
    let [new, one, two] = [
        create("root-token", "", "00:15:65:00:00:01"),
        create("t1-token", "", "00:15:65:00:00:02"),
        create("t1-token", T2, "00:15:65:00:00:03"),
    ];
    let read = |token: &str, tenant: &str, id: &str| {
        ask(&site, token, tenant, &format!("GET /0.2/dev_mgr/devices/{id}"), "").status
    };
    assert_eq!((read("t1-token", "", &one), read("t1-token", "", &two)), (200, 200));
    assert_eq!((read("t1-token", T2, &one), read("t1-token", T2, &two)), (404, 200));
    assert_eq!(read("t1-token", "", &new), 404);
    assert_eq!((read("reader", "", &two), read("reader", "", &one)), (200, 404));
    assert_eq!(read("reader", T1, &one), 401);
    assert_eq!((read("root-token", "", &two), read("root-token", T1, &two)), (200, 404));
    let list = |token: &str, tenant: &str, query: &str| {
        let what = format!("GET /0.2/dev_mgr/devices?sort=mac{query}");
        ask(&site, token, tenant, &what, "").ids("devices")
    };
    assert_eq!(list("t1-token", "", ""), [&*one]);
    assert_eq!(list("t1-token", "", "&recurse=true"), [&*one, &*two]);
    assert_eq!(list("root-token", "", "&recurse=true"), [&*new, &*one, &*two]);
    let claim = |tenant: &str| {
        let what = format!("PUT /0.2/dev_mgr/devices/{new}");
        let body = r#"{"device":{"mac":"00:15:65:00:00:01"}}"#;
        ask(&site, "t1-token", tenant, &what, body).status
    };
    assert_eq!((claim("elsewhere"), claim(T2)), (401, 204));
    assert_eq!(read("reader", "", &new), 200);
}
