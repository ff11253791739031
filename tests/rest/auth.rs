//! wazo-auth is asked who callers are: what it is asked to the letter, and what each answer means.

use crate::site::{Reply, Site};
use crate::wazo::{Act, T1, T2, TOP, Wazo, eventually};
use ringboot::time::{self, Duration};
use std::thread;

/// A site that asks this server, as soon as it has a token of its own.
pub fn site(name: &str, wazo: &Wazo, cache: Duration) -> Site {
    let site = Site::guarded(Site::new(name).stop(), wazo.guard(cache));
    eventually("a token of our own", || ask(&site, "top", "", "GET /0.2").status == 200);
    eventually("the master tenant", || *site.world.settings().master_tenant == *TOP);
    wazo.calls();
    site
}

pub fn ask(site: &Site, token: &str, tenant: &str, what: &str) -> Reply {
    send(site, token, tenant, what, "")
}

pub fn send(site: &Site, token: &str, tenant: &str, what: &str, body: &str) -> Reply {
    let token = format!("X-Auth-Token: {token}");
    let mut fields = vec![&*token, "Content-Type: application/json"];
    let tenant = (!tenant.is_empty()).then(|| format!("Wazo-Tenant: {tenant}"));
    fields.extend(tenant.as_deref());
    site.ask(what, &fields, body)
}

/// Method, path and access of every row of the predecessor's table that is here.
const ROWS: &str = "
GET /0.2 provd.read
GET /0.2/configure provd.configure.read
GET /0.2/configure/NAT provd.configure.{tenant}.NAT.read
PUT /0.2/configure/NAT provd.configure.{tenant}.NAT.update
GET /0.2/status provd.status.read
GET /0.2/dev_mgr provd.dev_mgr.read
GET /0.2/dev_mgr/devices provd.dev_mgr.devices.read
POST /0.2/dev_mgr/devices provd.dev_mgr.devices.create
GET /0.2/dev_mgr/devices/a.b provd.dev_mgr.devices.a_b.read
PUT /0.2/dev_mgr/devices/a.b provd.dev_mgr.devices.a_b.update
DELETE /0.2/dev_mgr/devices/a.b provd.dev_mgr.devices.a_b.delete
POST /0.2/dev_mgr/reconfigure provd.dev_mgr.reconfigure.create
POST /0.2/dev_mgr/dhcpinfo provd.dev_mgr.dhcpinfo.create
GET /0.2/cfg_mgr provd.cfg_mgr.read
GET /0.2/cfg_mgr/configs provd.cfg_mgr.configs.read
POST /0.2/cfg_mgr/configs provd.cfg_mgr.configs.create
GET /0.2/cfg_mgr/configs/c1 provd.cfg_mgr.configs.c1.read
PUT /0.2/cfg_mgr/configs/c1 provd.cfg_mgr.configs.c1.update
DELETE /0.2/cfg_mgr/configs/c1 provd.cfg_mgr.configs.c1.delete
GET /0.2/cfg_mgr/configs/c1/raw provd.cfg_mgr.configs.c1.raw.read
POST /0.2/cfg_mgr/autocreate provd.cfg_mgr.autocreate.create
GET /0.2/pg_mgr provd.pg_mgr.read
GET /0.2/pg_mgr/plugins provd.pg_mgr.plugins.read
GET /0.2/pg_mgr/plugins/wazo-yealink-v86 provd.pg_mgr.plugins.wazo-yealink-v86.read
GET /0.2/pg_mgr/plugins/wazo-yealink-v86/info provd.pg_mgr.plugins.wazo-yealink-v86.info.read
GET /0.2/pg_mgr/plugins/wazo-yealink-v86/install provd.pg_mgr.plugins.wazo-yealink-v86.install.read
POST /0.2/pg_mgr/plugins/wazo-yealink-v86/install/install \
provd.pg_mgr.plugins.wazo-yealink-v86.install.install.create
POST /0.2/pg_mgr/plugins/wazo-yealink-v86/install/uninstall \
provd.pg_mgr.plugins.wazo-yealink-v86.install.uninstall.create
GET /0.2/pg_mgr/plugins/wazo-yealink-v86/install/installed \
provd.pg_mgr.plugins.wazo-yealink-v86.install.installed.read
GET /0.2/pg_mgr/plugins/wazo-yealink-v86/install/installable \
provd.pg_mgr.plugins.wazo-yealink-v86.install.installable.read
GET /0.2/pg_mgr/install provd.pg_mgr.install.read
POST /0.2/pg_mgr/install/install provd.pg_mgr.install.install.create
POST /0.2/pg_mgr/install/upgrade provd.pg_mgr.install.upgrade.create
POST /0.2/pg_mgr/install/update provd.pg_mgr.install.update.create
POST /0.2/pg_mgr/install/uninstall provd.pg_mgr.install.uninstall.create
GET /0.2/pg_mgr/install/installed provd.pg_mgr.install.installed.read
GET /0.2/pg_mgr/install/installable provd.pg_mgr.install.installable.read
POST /0.2/pg_mgr/reload provd.pg_mgr.reload.create
";

#[test]
fn each_path_and_method_needs_the_access_that_lists_name() {
    let wazo = Wazo::new();
    let site = site("auth-rows", &wazo, Duration::ZERO);
    wazo.state().refused = None;
    let rows = ROWS.trim().lines().map(|row| row.rsplit_once(' ').unwrap());
    for (what, access) in rows {
        let reply = ask(&site, "one", "", what);
        assert_eq!((reply.status, &*reply.body), (401, "Unauthorized"), "{what}");
        let access = access.replace("{tenant}", T1);
        let scope = format!("HEAD /0.1/token/one?scope={access}");
        assert_eq!(wazo.calls(), ["GET /0.1/token/one".to_owned(), scope], "{what}");
    }
}

#[test]
fn what_is_asked_of_a_device_is_what_the_predecessor_asked() {
    let wazo = Wazo::new();
    let site = site("auth-trace", &wazo, Duration::ZERO);
    assert_eq!(ask(&site, "top", T1, "GET /0.2/dev_mgr/devices/X").status, 404);
    assert_eq!(
        wazo.calls(),
        [
            format!("HEAD /0.1/token/top?tenant={T1}"),
            format!("HEAD /0.1/token/top?scope=provd.dev_mgr.devices.X.read&tenant={T1}"),
            format!("GET /0.1/tenants ({T1})"),
        ]
    );
    // What needs no tenants below does not ask for them.
    assert_eq!(ask(&site, "top", "", "GET /0.2/dev_mgr/devices").status, 200);
    assert_eq!(wazo.calls().len(), 2);
    assert_eq!(ask(&site, "top", "", "GET /0.2/dev_mgr/devices?recurse=true").status, 200);
    assert_eq!(wazo.calls().pop(), Some(format!("GET /0.1/tenants ({TOP})")));
    // Signs that mean something in a URL do so no more.
    assert_eq!(ask(&site, "top", "", "GET /0.2/cfg_mgr/configs/a%26scope=x%23").status, 404);
    let scope = "HEAD /0.1/token/top?scope=provd.cfg_mgr.configs.a%26scope%3Dx%23.read";
    assert_eq!(wazo.calls().pop(), Some(scope.to_owned()));
}

#[test]
fn who_is_not_known_or_acts_for_others_is_told_401() {
    let wazo = Wazo::new();
    let site = site("auth-401", &wazo, Duration::ZERO);
    for (token, tenant) in [("nobody", ""), ("two", T1), ("one", "elsewhere"), ("one", TOP)] {
        for what in ["GET /0.2", "HEAD /0.2/status", "GET /0.2/dev_mgr/devices/x"] {
            let reply = ask(&site, token, tenant, what);
            assert_eq!(reply.status, 401, "{token} {tenant} {what}");
        }
    }
    assert_eq!(ask(&site, "one", T2, "GET /0.2").status, 200);
    wazo.calls();
    // These are nobody's, and wazo-auth is not even asked.
    for token in ["", "..", "../tenants", "top?scope=x", "top/", "%2e%2e"] {
        assert_eq!(ask(&site, token, "", "GET /0.2").status, 401, "{token}");
    }
    assert_eq!(ask(&site, "top", "../..", "GET /0.2").status, 401);
    assert_eq!(wazo.calls(), [""; 0]);
    // Nor where there is no such path, or nobody needs to be known.
    assert_eq!(site.get("/0.2/pg_mgr/plugins/nobody").status, 404);
    assert_eq!(site.get("/0.2/api/api.yml").status, 200);
    assert_eq!(wazo.calls(), [""; 0]);
    wazo.state().refused = Some(vec!["provd.status.read".to_owned()]);
    assert_eq!(ask(&site, "one", "", "GET /0.2/status").status, 401);
    assert_eq!(ask(&site, "one", "", "HEAD /0.2/status").status, 401);
    assert_eq!(ask(&site, "one", "", "GET /0.2").status, 200);
}

#[test]
fn a_tenant_sees_what_lies_below_it() {
    let wazo = Wazo::new();
    let site = site("auth-below", &wazo, Duration::ZERO);
    let create = |token: &str, tenant: &str| {
        let reply = send(&site, token, tenant, "POST /0.2/dev_mgr/devices", r#"{"device":{}}"#);
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    };
    let [new, one, two] = [create("top", ""), create("top", T1), create("two", "")];
    let read = |token: &str, tenant: &str, id: &str| {
        ask(&site, token, tenant, &format!("GET /0.2/dev_mgr/devices/{id}")).status
    };
    assert_eq!(
        (read("one", "", &one), read("one", "", &two), read("one", "", &new)),
        (200, 200, 404)
    );
    assert_eq!((read("one", T2, &one), read("one", T2, &two)), (404, 200));
    assert_eq!((read("two", "", &one), read("two", "", &two)), (404, 200));
    assert_eq!(
        (read("top", "", &one), read("top", "", &two), read("top", "", &new)),
        (200, 200, 200)
    );
    let count = |token: &str, query: &str| {
        ask(&site, token, "", &format!("GET /0.2/dev_mgr/devices{query}")).ids("devices").len()
    };
    assert_eq!(
        (count("one", ""), count("one", "?recurse=true"), count("top", "?recurse=True")),
        (1, 2, 3)
    );
    let reconfigure = |token: &str, id: &str| {
        send(&site, token, "", "POST /0.2/dev_mgr/reconfigure", &format!("{{\"id\":\"{id}\"}}"))
            .status
    };
    assert_eq!((reconfigure("one", &two), reconfigure("two", &one)), (204, 400));
    // A new device is whose claims it; one that is claimed is nobody else's.
    let put = |token: &str| {
        send(&site, token, "", &format!("PUT /0.2/dev_mgr/devices/{new}"), r#"{"device":{}}"#)
            .status
    };
    assert_eq!((put("two"), read("two", "", &new)), (204, 200));
    let device = ask(&site, "two", "", &format!("GET /0.2/dev_mgr/devices/{new}")).json();
    assert_eq!(device["device"]["tenant_uuid"], T2);
    assert_eq!(device["device"]["is_new"], false);
    let delete =
        |token: &str| ask(&site, token, "", &format!("DELETE /0.2/dev_mgr/devices/{two}")).status;
    wazo.state().tokens.push(("beside".to_owned(), "70000000-0000-4000-8000-000000000009"));
    assert_eq!((delete("beside"), delete("one")), (404, 204));
}

#[test]
fn where_it_does_not_answer_nobody_comes_in_and_everybody_does_again() {
    let wazo = Wazo::new();
    let site = site("auth-503", &wazo, Duration::ZERO);
    for act in [Act::Status(500), Act::Status(401), Act::Close, Act::Silent] {
        wazo.act(act);
        let reply = ask(&site, "top", "", "GET /0.2");
        assert_eq!(reply.status, 503);
        assert_eq!(reply.body, "The authentication server does not answer. Try again.");
        assert_eq!(reply.field("content-type"), "text/plain; charset=ascii");
    }
    // After a time-out nobody else waits for one.
    let began = time::now();
    assert_eq!(ask(&site, "top", "", "GET /0.2").status, 503);
    assert!(time::now().since(began) < Duration::from_millis(400));
    // What needs no token is there all the while.
    assert_eq!(site.get("/0.2/api/api.yml").status, 200);
    wazo.act(Act::Serve);
    eventually("it is there again", || ask(&site, "top", "", "GET /0.2").status == 200);
}

#[test]
fn many_callers_do_not_wait_in_a_line_for_a_silent_one() {
    let wazo = Wazo::new();
    let site = site("auth-line", &wazo, Duration::ZERO);
    wazo.act(Act::Silent);
    let began = time::now();
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert_eq!(ask(&site, "top", "", "GET /0.2").status, 503));
        }
    });
    let took = time::now().since(began);
    // One time-out is half a second; in a line they would take five of them.
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn answers_are_kept_for_a_moment() {
    let wazo = Wazo::new();
    let site = site("auth-cache", &wazo, Duration::from_secs(5));
    assert_eq!(ask(&site, "one", "", "GET /0.2").status, 200);
    assert_eq!(wazo.calls().len(), 2);
    assert_eq!(ask(&site, "one", "", "GET /0.2").status, 200);
    assert_eq!(wazo.calls(), [""; 0]);
    // Another access, another tenant, another token are other questions.
    assert_eq!(ask(&site, "one", "", "GET /0.2/status").status, 200);
    assert_eq!(wazo.calls(), ["HEAD /0.1/token/one?scope=provd.status.read"]);
    assert_eq!(ask(&site, "one", T2, "GET /0.2").status, 200);
    assert_eq!(wazo.calls().len(), 2);
    assert_eq!(ask(&site, "on", "", "GET /0.2").status, 401);
    // A token that is taken back opens nothing when the moment is over.
    wazo.state().tokens.retain(|(token, _)| token != "one");
    eventually("it opens nothing", || ask(&site, "one", "", "GET /0.2").status == 401);
    // One that is given opens after a shorter one.
    wazo.state().tokens.push(("one".to_owned(), T1));
    eventually("it opens again", || ask(&site, "one", "", "GET /0.2").status == 200);
    // And what is known needs nobody.
    wazo.act(Act::Close);
    assert_eq!(ask(&site, "one", "", "GET /0.2").status, 200);
}
