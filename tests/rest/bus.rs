//! What the message bus says of tenants is done at once, durably, and no more than it may.

use crate::auth::{ask, send};
use crate::broker::{Broker, long, short};
use crate::site::{MASTER, Site};
use crate::wazo::{Act, T1, T2, TOP, Wazo, eventually};
use ringboot::control::Guard;
use ringboot::device::Device;
use ringboot::time::{self, Duration};
use serde_json::json;
use std::thread;

/// A site that listens to this broker. It looks by itself only when it is told.
fn site(name: &str, wazo: &Wazo, broker: &Broker) -> Site {
    let mut guard = wazo.guard(Duration::ZERO);
    if let Guard::WazoAuth { keeping, .. } = &mut guard {
        keeping.bus = Some(broker.settings());
        keeping.sweep_start = Duration::from_secs(3600);
        keeping.sweep_interval = Duration::from_secs(3600);
    }
    let site = Site::guarded(Site::new(name).stop(), guard);
    eventually("the master tenant", || *site.world.settings().master_tenant == *TOP);
    eventually("the bus is heard", || standing(&site) == "ok");
    assert!(broker.has_consumer());
    site
}

fn standing(site: &Site) -> String {
    let status = ask(site, "top", "", "GET /0.2/status").json();
    assert_eq!(status["rest_api"], "ok");
    status["bus_consumer"]["status"].as_str().unwrap().to_owned()
}

fn make(site: &Site, token: &str) -> String {
    let reply = send(site, token, "", "POST /0.2/dev_mgr/devices", r#"{"device":{}}"#);
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_deleted_tenant_goes_with_all_it_has_before_the_message_is_acknowledged() {
    let (wazo, broker) = (Wazo::new(), Broker::new());
    let site = site("bus-gone", &wazo, &broker);
    let [top, one, two] = ["top", "one", "two"].map(|token| make(&site, token));
    let key = r#"{"param":{"value":"key-of-two"}}"#;
    assert_eq!(send(&site, "two", "", "PUT /0.2/configure/provisioning_key", key).status, 204);
    wazo.state().tenants.retain(|(tenant, _)| *tenant != T2);
    let tag = broker.say_deleted(T2);
    eventually("it is acknowledged", || broker.acknowledged() == [tag]);
    // By then it is durable.
    assert!(!site.is_stored(&two) && !site.is_stored("key-of-two"));
    assert!(site.world.directory.get(&two).is_none());
    assert!(site.is_stored(&top) && site.is_stored(&one));
    // Of one without devices nothing follows; the same may be said twice.
    broker.say_deleted(T2);
    eventually("it is acknowledged too", || broker.acknowledged().len() == 2);
}

#[test]
fn what_is_declared_is_what_the_predecessor_declares() {
    let (wazo, broker) = (Wazo::new(), Broker::new());
    let site = site("bus-declared", &wazo, &broker);
    let methods = broker.state().methods.clone();
    let sent = |class, method| {
        let mut fit = methods.iter().filter(|(c, m, _)| (*c, *m) == (class, method));
        let (_, _, arguments) = fit.next().unwrap();
        assert!(fit.next().is_none());
        arguments.clone()
    };
    let has = |arguments: &[u8], part: &[u8]| arguments.windows(part.len()).any(|at| at == part);
    assert!(has(&sent(10, 11), &[short("PLAIN"), long("\0guest\0guest")].concat()));
    assert!(sent(10, 40).starts_with(&short("wazo")));
    // Durable, and nothing else; no arguments.
    let exchange = [&[0, 0][..], &short("wazo-headers"), &short("headers"), &[0b10], &[0; 4]];
    assert_eq!(sent(40, 10), exchange.concat());
    // Goes with its consumer, and nothing else.
    let queue = sent(50, 10);
    let name = std::str::from_utf8(&queue[3..3 + usize::from(queue[2])]).unwrap();
    let digits = name.strip_prefix("wazo-provd.").unwrap();
    assert!(digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{name}");
    assert_eq!(queue[3 + name.len()..], [0b1000, 0, 0, 0, 0]);
    let bound = sent(50, 20);
    let names = [&[0, 0][..], &short(name), &short("wazo-headers"), &short(""), &[0]].concat();
    assert!(bound.starts_with(&names));
    for (key, value) in [("x-match", "all"), ("name", "auth_tenant_deleted")] {
        assert!(has(&bound, &[&*short(key), b"S", &*long(value)].concat()), "{key}");
    }
    // One message at a time, each acknowledged.
    assert_eq!(sent(60, 10), [0, 0, 0, 0, 0, 1, 0]);
    let consumed = sent(60, 20);
    assert_eq!(consumed[consumed.len() - 5..], [0; 5], "{consumed:?}");
    drop(site);
}

#[test]
fn nothing_is_removed_that_wazo_auth_still_has_and_the_master_never() {
    let (wazo, broker) = (Wazo::new(), Broker::new());
    let site = site("bus-stays", &wazo, &broker);
    let all = ["top", "one", "two"].map(|token| make(&site, token));
    // One of the tenant that the settings name for the master, as it was not the stand-in.
    let set = json!({"id": "set", "mac": "00:15:65:00:00:09", "tenant_uuid": MASTER});
    let set = Device::from_document(serde_json::from_value(set).unwrap()).unwrap();
    let set = site.world.insert_device(set).unwrap().id.to_string();
    let stay = || all.iter().chain([&set]).all(|id| site.world.directory.get(id).is_some());
    // What cannot be understood, and whom nobody may remove, is done with.
    let bad = ["", "{", r#"{"name":"auth_tenant_deleted","data":{"uuid":null}}"#, "\u{1}"];
    let mut tags: Vec<u64> = Vec::new();
    for body in bad {
        tags.push(broker.say(body));
        eventually("it is acknowledged", || broker.acknowledged() == tags);
    }
    for master in [TOP, MASTER] {
        tags.push(broker.say_deleted(master));
        eventually("it is acknowledged", || broker.acknowledged() == tags);
    }
    assert!(stay());
    // One that is still there, or may be, is asked for again until it is not.
    let tag = broker.say_deleted(T2);
    thread::sleep(Duration::from_millis(500));
    assert!(stay() && broker.acknowledged() == tags);
    wazo.act(Act::NoTenants);
    thread::sleep(Duration::from_millis(1000));
    assert!(stay() && broker.acknowledged() == tags);
    wazo.state().tenants.retain(|(tenant, _)| *tenant != T2);
    wazo.act(Act::Serve);
    tags.push(tag);
    eventually("it is acknowledged", || broker.acknowledged() == tags);
    assert!(site.world.directory.get(&all[2]).is_none());
    assert!(all[..2].iter().chain([&set]).all(|id| site.world.directory.get(id).is_some()));
}

#[test]
fn a_lost_connection_is_made_anew_and_what_was_missed_is_found() {
    let (wazo, broker) = (Wazo::new(), Broker::new());
    let site = site("bus-lost", &wazo, &broker);
    let [one, two] = ["one", "two"].map(|token| make(&site, token));
    broker.cut();
    eventually("the status says so", || standing(&site) == "fail");
    // Nobody is told of this one.
    wazo.state().tenants.retain(|(tenant, _)| *tenant != T2);
    let began = time::now();
    eventually("it is heard again", || standing(&site) == "ok");
    assert!(time::now().since(began) < Duration::from_secs(4));
    eventually("what was missed is found", || site.world.directory.get(&two).is_none());
    assert!(site.world.directory.get(&one).is_some());
    // A queue that was taken away is as good as a lost connection.
    broker.cancel();
    eventually("there is another", || broker.has_consumer());
    eventually("it is heard again", || standing(&site) == "ok");
    wazo.state().tenants.retain(|(tenant, _)| *tenant != T1);
    broker.say_deleted(T1);
    eventually("and listened to", || site.world.directory.get(&one).is_none());
}
