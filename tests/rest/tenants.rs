//! What follows wazo-auth's tenants: our own token, the master tenant, devices of tenants that are
//! gone.

use crate::auth::{ask, send};
use crate::site::{MASTER, Site};
use crate::wazo::{Act, T1, T2, TOP, Wazo, eventually, guard};
use ringboot::control::Guard;
use ringboot::device::Mac;
use ringboot::query::{Query, Source};
use ringboot::time::{self, Duration};
use ringboot::world::Barred;
use std::thread;

#[test]
fn devices_that_came_before_the_master_was_known_are_its_own() {
    let wazo = Wazo::new();
    let first = Site::new("master");
    let early = first.device(r#"{"mac":"00:15:65:00:00:01"}"#);
    wazo.act(Act::Status(500));
    let site = Site::guarded(first.stop(), wazo.guard(Duration::ZERO));
    // Without a token of our own nobody can be known.
    assert_eq!(ask(&site, "top", "", "GET /0.2").status, 503);
    assert_eq!(*site.world.settings().master_tenant, *MASTER);
    wazo.act(Act::Serve);
    eventually("it is told", || *site.world.settings().master_tenant == *TOP);
    let read = || ask(&site, "top", "", &format!("GET /0.2/dev_mgr/devices/{early}"));
    eventually("it is the master's", || read().status == 200);
    let device = read().json();
    assert_eq!(device["device"]["tenant_uuid"], TOP);
    assert_eq!(device["device"]["is_new"], true);
    eventually("it is noted", || {
        site.world.note("master_tenant").unwrap().as_deref() == Some(TOP.as_bytes())
    });
    // At the next start it is known before wazo-auth is.
    wazo.act(Act::Close);
    let site = Site::guarded(site.stop(), wazo.guard(Duration::ZERO));
    assert_eq!(*site.world.settings().master_tenant, *TOP);
    assert!(site.world.directory.get(&early).unwrap().is_new);
}

#[test]
fn a_master_that_was_set_keeps_its_devices() {
    let wazo = Wazo::new();
    let first = Site::new("set");
    let early = first.device(r#"{"mac":"00:15:65:00:00:01"}"#);
    let Guard::WazoAuth { session, mut keeping } = wazo.guard(Duration::ZERO) else { panic!() };
    keeping.stand_in = None;
    let site = Site::guarded(first.stop(), Guard::WazoAuth { session, keeping });
    eventually("it is told", || *site.world.settings().master_tenant == *TOP);
    eventually("it is new no more", || !site.world.directory.get(&early).unwrap().is_new);
    let device = site.world.directory.get(&early).unwrap();
    assert_eq!(device.tenant_uuid.as_deref(), Some(MASTER));
}

#[test]
fn our_own_token_is_renewed_in_time_and_when_it_is_refused() {
    let wazo = Wazo::new();
    let mut access = wazo.access(Duration::ZERO);
    access.token_time = Duration::from_millis(1500);
    let site = Site::guarded(Site::new("renew").stop(), guard(access));
    eventually("the first", || wazo.made() == 1);
    let began = time::now();
    eventually("the second", || wazo.made() == 2);
    let took = time::now().since(began);
    // 80 % of its time.
    assert!(took > Duration::from_millis(1000), "{took:?}");
    assert!(took < Duration::from_millis(1500), "{took:?}");
    eventually("it is used", || ask(&site, "top", "", "GET /0.2").status == 200);
}

#[test]
fn a_renewal_that_fails_is_tried_again_after_growing_pauses() {
    let wazo = Wazo::new();
    wazo.act(Act::Status(401));
    let site = Site::guarded(Site::new("retry").stop(), wazo.guard(Duration::ZERO));
    // At 0, 1 and 3 seconds.
    thread::sleep(Duration::from_millis(2500));
    wazo.act(Act::Serve);
    let began = time::now();
    eventually("it is made", || wazo.made() == 1);
    let took = time::now().since(began);
    assert!(took < Duration::from_millis(1500), "{took:?}");
    eventually("it is used", || ask(&site, "top", "", "GET /0.2").status == 200);
}

/// What the world says of a phone that asks under a key.
fn barred(site: &Site, key: &str) -> Option<Barred> {
    let query = Query {
        source: Source::Http,
        ip: [192, 0, 2, 7].into(),
        key: Some(key.as_bytes()),
        path: b"/001565000001.cfg",
        name: b"001565000001.cfg",
        args: b"",
        agent: None,
        form: None,
        vendor_class: None,
        mac: None,
    };
    site.world.decide(&query, &mut site.world.core(), time::now()).barred
}

#[test]
fn a_key_counts_from_when_it_is_set_until_its_tenant_is_gone() {
    let wazo = Wazo::new();
    let mut guard = wazo.guard(Duration::ZERO);
    if let Guard::WazoAuth { keeping, .. } = &mut guard {
        keeping.sweep_interval = Duration::from_millis(1);
    }
    let site = Site::keyed(Site::new("keyed").stop(), guard);
    eventually("the master tenant", || *site.world.settings().master_tenant == *TOP);
    let put = |key: &str| {
        let body = format!(r#"{{"param":{{"value":"{key}"}}}}"#);
        send(&site, "two", "", "PUT /0.2/configure/provisioning_key", &body).status
    };
    assert_eq!(barred(&site, "key-of-two"), Some(Barred::Key));
    assert_eq!((put("key-of-two"), barred(&site, "key-of-two")), (204, None));
    assert_eq!((put("short"), barred(&site, "key-of-two")), (400, None));
    assert_eq!((put("other-key"), barred(&site, "other-key")), (204, None));
    assert_eq!(barred(&site, "key-of-two"), Some(Barred::Key));
    assert_eq!((put(""), barred(&site, "other-key")), (204, Some(Barred::Key)));
    assert_eq!((put("last-key"), barred(&site, "last-key")), (204, None));
    let device = site.world.directory.by_mac(Mac([0, 0x15, 0x65, 0, 0, 1])).unwrap();
    assert_eq!(device.tenant_uuid.as_deref(), Some(T2));
    wazo.state().tenants.retain(|(tenant, _)| *tenant != T2);
    eventually("its key is none", || barred(&site, "last-key") == Some(Barred::Key));
    eventually("its phone is none", || site.world.directory.get(&device.id).is_none());
    assert!(site.world.directory.is_empty(), "it made no other one meanwhile");
}

/// A site that looks for tenants that are gone all the time.
fn swept(name: &str, wazo: &Wazo) -> Site {
    let mut guard = wazo.guard(Duration::ZERO);
    if let Guard::WazoAuth { keeping, .. } = &mut guard {
        keeping.sweep_interval = Duration::from_millis(1);
    }
    let site = Site::guarded(Site::new(name).stop(), guard);
    eventually("the master tenant", || *site.world.settings().master_tenant == *TOP);
    site
}

fn make(site: &Site, token: &str) -> String {
    let reply = send(site, token, "", "POST /0.2/dev_mgr/devices", r#"{"device":{}}"#);
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_tenants_that_are_gone_had_is_removed() {
    let wazo = Wazo::new();
    let site = swept("swept", &wazo);
    let [top, one, two] = ["top", "one", "two"].map(|token| make(&site, token));
    let key = r#"{"param":{"value":"key-of-two"}}"#;
    let put = "PUT /0.2/configure/provisioning_key";
    assert_eq!(send(&site, "two", "", put, key).status, 204);
    wazo.state().tenants.retain(|(tenant, _)| *tenant != T2);
    eventually("it is gone", || site.world.directory.get(&two).is_none());
    assert!(site.world.directory.get(&top).is_some());
    assert!(site.world.directory.get(&one).is_some());
    eventually("so is its key", || !site.is_stored("key-of-two"));
    assert!(!site.is_stored(&two));
    // Its key may be another's now.
    assert_eq!(send(&site, "one", "", put, key).status, 204);
}

#[test]
fn nothing_is_removed_where_it_is_not_certain() {
    let wazo = Wazo::new();
    let site = swept("unswept", &wazo);
    let all = ["top", "one", "two"].map(|token| make(&site, token));
    for act in [
        Act::NoTenants,
        Act::HalfTenants,
        Act::Status(500),
        Act::Status(401),
        Act::Status(404),
        Act::Close,
        Act::Silent,
    ] {
        wazo.calls();
        wazo.act(act);
        eventually("it is asked", || wazo.calls().iter().any(|call| call == "GET /0.1/tenants"));
        thread::sleep(Duration::from_millis(600));
        assert!(all.iter().all(|id| site.world.directory.get(id).is_some()));
    }
    wazo.act(Act::Serve);
    wazo.state().tenants.retain(|(tenant, _)| *tenant == TOP || *tenant == T1);
    eventually("and where it is", || site.world.directory.get(&all[2]).is_none());
    assert!(site.world.directory.get(&all[1]).is_some());
}
