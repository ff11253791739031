//! Slow, loud and curious clients cost themselves their answers, and good phones nothing.

use crate::http::Client;
use crate::on_both_drivers;
use crate::phones::stock_configs;
use crate::server::{Place, Server, eventually};
use crate::tftp;
use ringboot::time::{self, Duration};
use serde_json::json;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;

on_both_drivers!(
    slow_clients_keep_nobody_waiting,
    garbage_is_answered_or_dropped,
    who_walks_through_macs_is_refused,
    only_a_trusted_proxy_speaks_for_others,
);

const SLOW_CLIENTS: usize = 300;
/// The head's time (`HEAD_TIME_MAX`) and some for a busy machine.
const HEAD_TIME_MAX: Duration = Duration::from_secs(15);

/// An Aastra and its own file, by the last byte of its MAC.
fn aastra(last: u8) -> (String, String) {
    let agent = format!("Aastra6731i MAC:00-08-5D-23-00-{last:02X} V:3.3.1.4365-SIP");
    (format!("/Aastra/00085D2300{last:02X}.cfg"), agent)
}

fn slow_clients_keep_nobody_waiting(driver: &str) {
    let place = Place::new("slow");
    assert!(place.import(stock_configs()).status.success());
    let server = place.serve(driver);
    let (own, agent) = aastra(1);
    let connect = |_| Client::connect(place.http, [127, 0, 0, 66]).unwrap();
    let mut slow: Vec<_> = (0..SLOW_CLIENTS).map(connect).collect();
    let head = format!("GET {own} HTTP/1.1\r\nHost: prov\r\nUser-Agent: {agent}\r\n\r\n");
    let began = time::now();
    let mut waits = Vec::new();
    for byte in head.as_bytes() {
        let second = time::now();
        for client in &mut slow {
            // One that was told to go away may be closed already.
            let _ = client.stream.write_all(&[*byte]);
        }
        while time::now().since(second) < Duration::from_secs(1) {
            let asked = time::now();
            let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
            assert_eq!(phone.get(&own, &agent).unwrap().status, 200);
            waits.push(time::now().since(asked));
            thread::sleep(Duration::from_millis(10));
        }
        if time::now().since(began) > Duration::from_secs(12) {
            break;
        }
    }
    waits.sort_unstable();
    let p99 = waits[waits.len() * 99 / 100];
    println!("{driver}: {} good requests, p99 {p99:?}, max {:?}", waits.len(), waits.last());
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
    // A head has its time as a whole, not by the byte.
    for client in &mut slow {
        let answer = client.answer().unwrap();
        assert_eq!(answer.status, 408, "{}", answer.head);
    }
    assert!(time::now().since(began) < HEAD_TIME_MAX, "{}", server.log());
}

/// Bytes as they come, the same in every run.
fn noise(seed: usize, length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed as u64) << 17;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn garbage_is_answered_or_dropped(driver: &str) {
    let place = Place::new("garbage");
    assert!(place.import(stock_configs()).status.success());
    let server = place.serve(driver);
    let socket = tftp::socket([127, 0, 0, 67]);
    for seed in 0..300 {
        let mut client = Client::connect(place.http, [127, 0, 0, 67]).unwrap();
        let bytes = noise(seed, 1 + seed * 17);
        // Some as they are, some as the start of a TLS session, some behind a good beginning.
        let start: &[u8] = match seed % 3 {
            0 => b"",
            1 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            _ => b"GET / HTTP/1.1\r\nHost: ",
        };
        let _ = client.stream.write_all(&[start, &bytes, b"\r\n\r\n"].concat());
        let _ = client.stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        match client.stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{seed}"),
        }
        let answers = answer.windows(9).filter(|nine| nine == b"HTTP/1.1 ").count();
        assert!(answers <= 1, "{seed}: {}", String::from_utf8_lossy(&answer));
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));

        let opcode = [0, u8::try_from(seed % 8).unwrap()];
        let datagram = noise(seed, seed * 5 % 1400);
        socket.send_to(&datagram, place.tftp).unwrap();
        socket.send_to(&[&opcode, &datagram[..]].concat(), place.tftp).unwrap();
    }
    let (own, agent) = aastra(1);
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    assert_eq!(phone.get(&own, &agent).unwrap().status, 200);
    tftp::fetch(place.tftp, [127, 0, 0, 2], "/spa3102.cfg").unwrap();
    assert!(!server.log().contains("panic"), "{}", server.log());
}

fn who_walks_through_macs_is_refused(driver: &str) {
    let place = Place::new("walk");
    assert!(place.import(stock_configs()).status.success());
    let settings = place.folder.join("ringboot.toml");
    let security = place.folder.join("security.log");
    fs::write(&settings, format!("security_log = '{}'\n", security.display())).unwrap();
    let mut command = place.serving(driver);
    let _server = Server::start(command.arg("--config").arg(&settings));
    let here = [127, 0, 0, 68];
    let (own, agent) = aastra(200);
    let gateway = "ipst_config_00_13_cb_00_44_77.cfg";
    let mut known = Client::connect(place.http, here).unwrap();
    assert_eq!(known.get(&own, &agent).unwrap().status, 200);
    tftp::fetch(place.tftp, here, gateway).unwrap();

    // Both of them were new and count; the 65th is one too many, over HTTP and TFTP alike.
    for last in 0..62 {
        let (path, agent) = aastra(last);
        let mut walker = Client::connect(place.http, here).unwrap();
        assert_eq!(walker.get(&path, &agent).unwrap().status, 200, "{last}");
    }
    let (path, walking) = aastra(62);
    let mut walker = Client::connect(place.http, here).unwrap();
    assert_eq!(walker.get(&path, &walking).unwrap().status, 429);
    assert!(walker.is_closed());
    let socket = tftp::socket(here);
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    socket.send_to(b"\x00\x01ipst_config_00_13_cb_00_44_aa.cfg\0octet\0", place.tftp).unwrap();
    assert!(socket.recv(&mut [0; 600]).is_err(), "silence");

    assert_eq!(known.get(&own, &agent).unwrap().status, 200, "a known phone at the same address");
    tftp::fetch(place.tftp, here, gateway).unwrap();
    let mut elsewhere = Client::connect(place.http, [127, 0, 0, 69]).unwrap();
    assert_eq!(elsewhere.get(&path, &walking).unwrap().status, 200, "another address");
    let log = fs::read_to_string(&security).unwrap();
    let refusals: Vec<_> = log.lines().filter(|line| line.contains("unknown MACs")).collect();
    assert_eq!(refusals.len(), 1, "{log}");
    assert!(refusals[0].contains("More than 64 unknown MACs from 127.0.0.68: "), "{log}");
}

fn only_a_trusted_proxy_speaks_for_others(driver: &str) {
    let place = Place::new("proxies");
    assert!(place.import(stock_configs()).status.success());
    let mut command = place.serving(driver);
    command.args(["--proxies", "1", "--trusted-proxy", "127.0.0.9"]);
    let _server = Server::start(&mut command);
    let ask = |last: u8, from: [u8; 4], forwarded: &str| {
        let (own, agent) = aastra(last);
        let mut client = Client::connect(place.http, from).unwrap();
        let request =
            format!("GET {own} HTTP/1.1\r\nHost: prov\r\nUser-Agent: {agent}\r\n{forwarded}\r\n");
        assert_eq!(client.ask(&request).unwrap().status, 200);
    };
    ask(1, [127, 0, 0, 9], "X-Forwarded-For: 192.0.2.77\r\n");
    // What stands before the proxy's own word is the peer's, and nobody's truth.
    ask(2, [127, 0, 0, 9], "X-Forwarded-For: 198.51.100.1, 192.0.2.78\r\n");
    ask(3, [127, 0, 0, 8], "X-Forwarded-For: 192.0.2.79\r\n");
    ask(4, [127, 0, 0, 9], "");
    let wanted = json!([
        ["00:08:5d:23:00:01", "192.0.2.77"],
        ["00:08:5d:23:00:02", "192.0.2.78"],
        ["00:08:5d:23:00:03", "127.0.0.8"],
        ["00:08:5d:23:00:04", "127.0.0.9"],
    ]);
    eventually(Duration::from_secs(10), || {
        let devices = place.devices();
        let mut told: Vec<_> = devices.iter().map(|d| json!([d["mac"], d["ip"]])).collect();
        told.sort_by_key(ToString::to_string);
        assert!(told.len() <= 4);
        (told.len() == 4).then(|| assert_eq!(json!(told), wanted))
    });
}
