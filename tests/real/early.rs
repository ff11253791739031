//! A start with many devices: phones ask while the store is being read, and each gets its own.

use crate::http::Client;
use crate::on_both_drivers;
use crate::phones::stock_configs;
use crate::server::{Place, Server};
use crate::tftp;
use ringboot::time::{self, Duration};
use serde_json::json;
use std::thread;

on_both_drivers!(phones_ask_while_the_store_is_read);

const PHONES: u32 = 40_000;

fn mac(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    format!("00:11:22:{a:02x}:{b:02x}:{c:02x}")
}

fn path(number: u32) -> String {
    format!("/{}.xml", mac(number).replace(':', ""))
}

fn fleet() -> impl Iterator<Item = String> {
    let phone = |number: u32| {
        let line = json!({"username": format!("user{number}"), "proxy_ip": "192.0.2.1"});
        json!({
            "device": {
                "id": format!("{number:08}"), "mac": mac(number), "vendor": "Cisco",
                "model": "SPA504G", "version": "7.5.5", "plugin": "wazo-cisco-spa-7.5.5",
                "config": format!("c{number}"), "configured": true,
            },
            "config": {
                "id": format!("c{number}"), "parent_ids": ["base"],
                "raw_config": {"sip_lines": {"1": line}},
            },
        })
        .to_string()
    };
    stock_configs().into_iter().chain((0..PHONES).map(phone))
}

fn phones_ask_while_the_store_is_read(driver: &str) {
    let place = Place::new("early");
    let imported = place.import(fleet());
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let began = time::now();
    let server = Server::start(&mut place.serving(driver));
    thread::scope(|scope| {
        let place = &place;
        for asker in 0..4_u8 {
            // From the first to the last, so that some are asked for before they are there.
            scope.spawn(move || {
                for step in 0..20 {
                    let number = (u32::from(asker) * 20 + step) * (PHONES / 80);
                    let wanted = format!("user{number}");
                    let text = if asker == 3 {
                        tftp::fetch(place.tftp, [127, 0, 3, asker], &path(number)).unwrap()
                    } else {
                        let mut phone = Client::connect(place.http, [127, 0, 3, asker]).unwrap();
                        let mac = mac(number).replace(':', "").to_uppercase();
                        let agent = format!("Cisco/SPA504G-7.5.5 ({mac})(CBT{number})");
                        let answer = phone.get(&path(number), &agent).unwrap();
                        assert_eq!(answer.status, 200, "{number}: {}", answer.head);
                        answer.body
                    };
                    let text = String::from_utf8(text).unwrap();
                    assert!(text.contains(&wanted), "{number}: {text}");
                }
            });
        }
    });
    let took = time::now().since(began);
    server.says("the store is loaded", 1);
    assert!(took < Duration::from_secs(60), "{took:?}");
    let log = server.log();
    let ready = log.find("phones can boot").unwrap();
    assert!(ready < log.find("the store is loaded").unwrap(), "{log}");
    drop(server);
    assert_eq!(place.devices().len(), PHONES as usize, "no phone is taken for a new one");
}
