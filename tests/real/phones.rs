//! Two phones that boot for the first time become one device each, with all that they tell.

use crate::http::Client;
use crate::on_both_drivers;
use crate::server::Place;
use crate::tftp;
use ringboot::wire::tftp::{ErrorCode, Failure};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};

on_both_drivers!(
    an_aastra_is_known_by_its_mac,
    a_gateway_that_moved_stays_one_device,
    each_address_of_a_server_answers_for_itself,
);

/// What a new phone's configuration is made from.
pub fn stock_configs() -> Vec<String> {
    let settings = json!({
        "sip_proxy_ip": "192.0.2.1", "sip_registrar_ip": "192.0.2.1", "locale": "fr_FR",
        "admin_username": "admin", "admin_password": "1234", "ntp_ip": "192.0.2.1",
    });
    let line = json!({
        "username": "autoprov", "password": "autoprov", "number": "autoprov",
        "display_name": "Autoprov", "proxy_ip": "192.0.2.1", "registrar_ip": "192.0.2.1",
    });
    let configs = [
        json!({"id": "base", "parent_ids": [], "raw_config": settings, "X_type": "internal"}),
        json!({"id": "defaultconfigdevice", "parent_ids": [], "raw_config": {},
               "X_type": "device"}),
        json!({"id": "autoprov", "parent_ids": ["base", "defaultconfigdevice"],
               "X_type": "internal", "role": "autocreate",
               "raw_config": {"sip_lines": {"1": line}}}),
    ];
    configs.map(|config| json!({ "config": config }).to_string()).to_vec()
}

fn field<'v>(device: &'v Value, key: &str) -> &'v str {
    device[key].as_str().unwrap_or_default()
}

fn an_aastra_is_known_by_its_mac(driver: &str) {
    let place = Place::new("aastra");
    let _server = place.serve(driver);
    let agent = "Aastra6731i MAC:00-11-22-33-44-55 V:3.2.2.1136-SIP";
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    let answer = phone.get("/Aastra/aastra.cfg", agent).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.head);

    let device = place.device_that(|_| true);
    let told = ["vendor", "model", "version", "mac", "ip", "added"].map(|key| field(&device, key));
    let wanted = ["Aastra", "6731i", "3.2.2.1136", "00:11:22:33:44:55", "127.0.0.1", "auto"];
    assert_eq!(told, wanted);

    // The next request comes from elsewhere, and on another path: the MAC alone is the same.
    let mut phone = Client::connect(place.http, [127, 0, 0, 77]).unwrap();
    phone.get("/Aastra/001122334455.cfg", agent).unwrap();
    let moved = place.device_that(|device| field(device, "ip") == "127.0.0.77");
    assert_eq!(field(&moved, "id"), field(&device, "id"));
    assert_eq!(field(&moved, "mac"), "00:11:22:33:44:55");
}

fn a_gateway_that_moved_stays_one_device(driver: &str) {
    let place = Place::new("gateway");
    assert!(place.import(stock_configs()).status.success());
    let server = place.serve(driver);
    let boot = |from: [u8; 4]| {
        let rules = tftp::fetch(place.tftp, from, "/spa3102.cfg").unwrap();
        let rules = String::from_utf8(rules).unwrap();
        assert!(rules.contains("/$MA.xml"), "{rules}");
        let own = tftp::fetch(place.tftp, from, "/001122334477.xml").unwrap();
        let own = String::from_utf8(own).unwrap();
        assert!(own.contains("autoprov") && own.trim_end().ends_with("</flat-profile>"), "{own}");
    };
    boot([127, 0, 1, 1]);
    let device = place.device_that(|device| field(device, "ip") == "127.0.1.1");
    assert_eq!(field(&device, "plugin"), "wazo-cisco-spa3102-5.1.10");
    // Days pass: nothing that is in memory alone may be needed to know it again.
    drop(server);
    let _server = place.serve(driver);
    boot([127, 0, 1, 2]);
    let moved = place.device_that(|device| field(device, "ip") == "127.0.1.2");
    let told = ["id", "mac", "vendor", "model"].map(|key| field(&moved, key));
    assert_eq!(told, [field(&device, "id"), "00:11:22:33:44:77", "Cisco", "SPA3102"]);
}

/// A server listens on all its addresses, as is the default: `fetch` takes nothing that comes from
/// another one than it asked. A phone's firewall would not let it in.
fn each_address_of_a_server_answers_for_itself(driver: &str) {
    let mut place = Place::new("addresses");
    place.tftp.set_ip(Ipv4Addr::UNSPECIFIED.into());
    assert!(place.import(stock_configs()).status.success());
    let _server = place.serve(driver);
    let here = [127, 0, 2, 1];
    for last in 2..10 {
        let asked = SocketAddr::from(([127, 0, 0, last], place.tftp.port()));
        tftp::fetch(asked, here, "/spa3102.cfg").unwrap();
        tftp::fetch(asked, here, "/001122334477.xml").unwrap();
        let missing = tftp::fetch(asked, here, "/no-such-file.bin");
        assert_eq!(missing, Err(Failure::Refused(ErrorCode::FILE_NOT_FOUND)));
    }
}
