//! Under `url_key` a phone is given files under its own tenant's key alone; nobody is shown a key.

use crate::http::{Answer, Client};
use crate::on_both_drivers;
use crate::phones::stock_configs;
use crate::rest::ask_with;
use crate::server::{Place, Server, eventually};
use crate::tftp;
use ringboot::time::Duration;
use std::fs;

on_both_drivers!(
    a_key_opens_its_tenants_files_alone,
    a_phone_without_a_key_is_claimed_by_one,
    shared_files_lead_back_under_the_key,
);

/// It tells no MAC: that stands in the path, at its start.
const AGENT: &str = "Yealink-T46G 28.72.0.25 28.1.0.128";
const OWN: &str = "/001565000001.cfg";
const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";
const KEYS: [&str; 3] = ["first-key$of.1", "second~key-of-1", "first-key-of-2"];

/// A server that asks for keys, with stock configurations.
fn keyed(place: &Place, driver: &str) -> Server {
    let file = place.folder.join("ringboot.toml");
    let text = "http_auth_strategy = \"url_key\"\nrest_auth = \"none\"\n";
    fs::write(&file, text).unwrap();
    Server::start(place.serving(driver).arg("--config").arg(file))
}

/// Asks the REST API for a tenant.
fn rest(place: &Place, tenant: &str, what: &str, body: &str) -> String {
    ask_with(&format!("Wazo-Tenant: {tenant}"), place.rest, what, body)
}

fn set_key(place: &Place, tenant: &str, key: &str) {
    let body = format!(r#"{{"param":{{"value":"{key}"}}}}"#);
    let reply = rest(place, tenant, "PUT /0.2/configure/provisioning_key", &body);
    assert!(reply.starts_with("HTTP/1.1 204 "), "{reply}");
}

fn is_nowhere(answer: &Answer) -> bool {
    (answer.status, &*answer.text()) == (404, "Nowhere to route this request.\r\n")
}

fn a_key_opens_its_tenants_files_alone(driver: &str) {
    let place = Place::new("keys");
    assert!(place.import(stock_configs()).status.success());
    let server = keyed(&place, driver);
    server.says("no tenant has a provisioning key", 1);
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    let mut get = |path: &str| phone.get(path, AGENT).unwrap();
    let under = |key: &str| format!("/{key}{OWN}");
    assert!(is_nowhere(&get(&under(KEYS[0]))));
    set_key(&place, ONE, KEYS[0]);
    set_key(&place, TWO, KEYS[2]);
    let own = get(&under(KEYS[0]));
    assert_eq!(own.status, 200, "{}", own.head);
    let url = |key: &str| format!("http://{}/{key}/", place.http);
    assert!(own.text().contains(&url(KEYS[0])), "{}", own.text());
    assert_eq!(get(&format!("/first-key%24of.1{OWN}")).body, own.body);
    for path in [OWN, "/", "//", "/wrong-key-of-1/001565000001.cfg", &format!("/{OWN}")] {
        assert!(is_nowhere(&get(path)), "{path}");
    }
    assert!(is_nowhere(&get(&format!("/{}", &under(KEYS[0])[..10]))));
    // Another tenant's key is one, and opens nothing of this phone.
    assert_eq!(get(&under(KEYS[2])).status, 404);
    let line = format!("of tenant {ONE} requested from 127.0.0.1 with the key of tenant {TWO}");
    server.says(&line, 1);
    let listed = |tenant: &str| rest(&place, tenant, "GET /0.2/dev_mgr/devices", "");
    assert!(listed(ONE).contains("00:15:65:00:00:01"), "{}", listed(ONE));
    assert!(!listed(TWO).contains("00:15:65:00:00:01"));
    // The path of Cisco's phones is all that they tell.
    get(&format!("/{}/SEP001EBEA1B2C3.cnf.xml", KEYS[2]));
    assert!(listed(TWO).contains("00:1e:be:a1:b2:c3"), "{}", listed(TWO));
    // A key counts from when it is set.
    set_key(&place, ONE, KEYS[1]);
    assert!(is_nowhere(&get(&under(KEYS[0]))));
    let new = get(&under(KEYS[1])).text();
    assert!(new.contains(&url(KEYS[1])) && !new.contains(KEYS[0]), "{new}");
    assert_eq!(own.text().replace(KEYS[0], KEYS[1]), new);
    // Nobody is shown it.
    let trace = rest(&place, ONE, "GET /ringboot/trace/001565000001", "");
    assert!(trace.contains(OWN) && trace.contains("another tenant than the phone"), "{trace}");
    let strays = rest(&place, "", "GET /ringboot/trace/127.0.0.1", "");
    assert!(strays.contains("does not begin with a tenant's key"), "{strays}");
    let figures = rest(&place, "", "GET /metrics", "");
    server.signal("USR1");
    server.says("answers", 1);
    for shown in [trace, strays, figures, server.log()] {
        assert!(KEYS.iter().all(|key| !shown.contains(key)), "{shown}");
    }
    drop(server);
    let _server = keyed(&place, driver);
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    let again = eventually(Duration::from_secs(10), || {
        let answer = phone.get(&under(KEYS[1]), AGENT).unwrap();
        (answer.status == 200).then_some(answer)
    });
    assert_eq!(again.text(), new, "the same after a restart");
}

fn a_phone_without_a_key_is_claimed_by_one(driver: &str) {
    let place = Place::new("claimed");
    assert!(place.import(stock_configs()).status.success());
    let server = keyed(&place, driver);
    set_key(&place, ONE, KEYS[0]);
    let own = "/001122334477.xml";
    let by_tftp = || {
        tftp::fetch(place.tftp, [127, 0, 3, 1], "/spa3102.cfg").unwrap();
        let file = tftp::fetch(place.tftp, [127, 0, 3, 1], own).unwrap();
        String::from_utf8(file).unwrap()
    };
    let before = by_tftp();
    assert!(before.contains("autoprov") && !before.contains(KEYS[0]), "{before}");
    server.says("a tenant without a provisioning key", 1);
    let listed = |tenant: &str| rest(&place, tenant, "GET /0.2/dev_mgr/devices", "");
    assert!(!listed(ONE).contains("00:11:22:33:44:77"));
    let mut phone = Client::connect(place.http, [127, 0, 3, 1]).unwrap();
    let agent = "Cisco/SPA3102-5.1.10(GW) (001122334477)";
    let answer = phone.get(&format!("/{}{own}", KEYS[0]), agent).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert!(answer.text().contains("autoprov"), "{}", answer.text());
    server.says("a device that nobody had becomes a tenant's", 1);
    assert!(listed(ONE).contains("00:11:22:33:44:77"), "{}", listed(ONE));
    assert_eq!(by_tftp(), answer.text(), "no key is asked for by TFTP");
    assert_eq!(server.log().matches("a tenant without a provisioning key").count(), 1);
}

fn shared_files_lead_back_under_the_key(driver: &str) {
    let place = Place::new("shared-keys");
    assert!(place.import(stock_configs()).status.success());
    let _server = keyed(&place, driver);
    set_key(&place, ONE, KEYS[0]);
    set_key(&place, TWO, KEYS[2]);
    let agent = "Mozilla/4.0 (compatible; snom710-SIP 8.7.5.35 1.1.5-IFX-05.01.12 000413741767)";
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    for key in [KEYS[0], KEYS[2]] {
        let answer = phone.get(&format!("/{key}/snom710.htm"), agent).unwrap();
        let url = format!("http://{}/{key}/", place.http);
        assert_eq!(answer.status, 200, "{}", answer.head);
        assert!(answer.text().contains(&url), "{}", answer.text());
    }
}
