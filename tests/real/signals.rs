//! Signals cost no phone its answer: new plugins on SIGHUP, a clean end on SIGTERM.

use crate::http::Client;
use crate::on_both_drivers;
use crate::phones::stock_configs;
use crate::server::{PLUGINS, Place, Server, eventually};
use crate::tftp;
use ringboot::time::Duration;
use ringboot::wire::tftp::Options;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

on_both_drivers!(
    new_plugins_drop_no_request,
    operators_files_are_found_after_hup,
    a_stop_finishes_what_is_being_sent,
    a_stop_does_not_wait_for_who_does_not_read,
);

const AGENT: &str = "Aastra6731i MAC:00-08-5D-23-00-01 V:3.3.1.4365-SIP";
const OWN: &str = "/Aastra/00085D230001.cfg";
const PLUGIN: &str = "wazo-aastra-3.3.1-SP4";
const GATEWAY_PLUGIN: &str = "wazo-cisco-spa3102-5.1.10";
/// A clean end takes no longer (`SHUTDOWN_TIME_MAX`), with some time for a busy machine.
const STOP_TIME_MAX: Duration = Duration::from_millis(6500);

fn new_plugins_drop_no_request(driver: &str) {
    let mut place = Place::new("hup");
    let vendor = place.copy_plugins("aastra");
    let template = vendor.join("templates/phone.tpl");
    let original = fs::read_to_string(&template).unwrap();
    let edition = |text: &str| fs::write(&template, format!("{original}{text}\n")).unwrap();
    assert!(place.import(stock_configs()).status.success());
    let server = place.serve(driver);
    let (stop, requests) = (AtomicBool::new(false), AtomicUsize::new(0));
    let last = || {
        let mut client = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
        let text = client.get(OWN, AGENT).unwrap().text();
        text.lines().last().unwrap_or_default().to_owned()
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            // One connection for all of it: a request that fails or a connection that ends, panics.
            scope.spawn(|| {
                let mut client = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    for path in [OWN, "/Aastra/aastra.cfg"] {
                        assert_eq!(client.get(path, AGENT).unwrap().status, 200);
                    }
                    requests.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let stopping = Stopping(&stop);
        let within = Duration::from_secs(20);
        edition("# edition two");
        server.signal("HUP");
        eventually(within, || (last() == "# edition two").then_some(()));
        edition("{% if %}");
        server.signal("HUP");
        server.says("the plugins in use stay", 1);
        assert_eq!(last(), "# edition two");
        fs::write(vendor.join("plugin.toml"), "format = ").unwrap();
        server.signal("HUP");
        server.says("the plugins in use stay", 2);
        assert_eq!(last(), "# edition two");
        let source = Path::new(PLUGINS).join("aastra/plugin.toml");
        fs::copy(source, vendor.join("plugin.toml")).unwrap();
        edition("# edition three");
        let before = requests.load(Ordering::Relaxed);
        server.signal("HUP");
        eventually(within, || (last() == "# edition three").then_some(()));
        eventually(within, || (requests.load(Ordering::Relaxed) > before + 10).then_some(()));
        drop(stopping);
    });
}

/// Ends the loops of a scope also when its test fails.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn operators_files_are_found_after_hup(driver: &str) {
    let place = Place::new("files");
    let server = place.serve(driver);
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    assert_eq!(phone.get("/firmware.bin", AGENT).unwrap().status, 404);
    fs::write(place.operators_folder(PLUGIN).join("firmware.bin"), "image").unwrap();
    server.signal("HUP");
    server.says("plugins are loaded anew", 1);
    let answer = phone.get("/firmware.bin", AGENT).unwrap();
    assert_eq!((answer.status, &*answer.text()), (200, "image"));
    // Nothing outside of the folder, by any name.
    for path in ["/../../db/CURRENT", "/%2e%2e/%2e%2e/db/CURRENT", "/..%2f..%2fdb/CURRENT"] {
        let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
        assert!(phone.get(path, AGENT).unwrap().status >= 400, "{path}");
    }
    std::os::unix::fs::symlink("/etc/passwd", place.operators_folder(PLUGIN).join("out")).unwrap();
    assert_eq!(phone.get("/out", AGENT).unwrap().status, 404);
}

/// A server with a large file, a phone that has begun to fetch it, and what it has of it.
fn fetching(driver: &str, name: &str) -> (Place, Server, Client, Vec<u8>, Vec<u8>) {
    let place = Place::new(name);
    assert!(place.import(stock_configs()).status.success());
    let bytes: Vec<u8> = (0..8 << 20_u32).flat_map(u32::to_le_bytes).collect();
    for plugin in [PLUGIN, GATEWAY_PLUGIN] {
        fs::write(place.operators_folder(plugin).join("firmware.bin"), &bytes).unwrap();
    }
    let server = place.serve(driver);
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    assert_eq!(phone.get(OWN, AGENT).unwrap().status, 200);
    let request =
        format!("GET /firmware.bin HTTP/1.1\r\nHost: prov\r\nUser-Agent: {AGENT}\r\n\r\n");
    phone.stream.write_all(request.as_bytes()).unwrap();
    let mut got = vec![0; 1 << 20];
    phone.stream.read_exact(&mut got).unwrap();
    (place, server, phone, got, bytes)
}

fn a_stop_finishes_what_is_being_sent(driver: &str) {
    let (place, mut server, mut phone, mut got, bytes) = fetching(driver, "term");
    let mut idle = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    // A phone that is new in the last moment.
    let gateway = [127, 0, 1, 1];
    tftp::fetch(place.tftp, gateway, "/spa3102.cfg").unwrap();
    tftp::fetch(place.tftp, gateway, "/001122334477.xml").unwrap();
    let options = Options { block_bytes: Some(8192), ..Options::default() };
    let mut is_told = false;
    let fetched = tftp::fetch_with(place.tftp, gateway, "firmware.bin", options, |body| {
        if !is_told && body.len() > 1 << 20 {
            is_told = true;
            server.signal("TERM");
            server.says("what is being sent is finished first", 1);
        }
    });
    assert!(is_told);
    assert!(fetched.unwrap() == bytes, "a transfer that was under way is finished");
    assert!(idle.is_closed(), "an idle connection is closed");
    phone.stream.read_to_end(&mut got).unwrap();
    let head = got.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert!(got[head..] == bytes, "{} of {} bytes", got.len() - head, bytes.len());
    let (status, took) = server.end();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(3), "nothing was left to wait for: {took:?}");
    let devices = place.devices();
    let macs = devices.iter().filter_map(|device| device["mac"].as_str());
    let mut macs: Vec<_> = macs.collect();
    macs.sort_unstable();
    assert_eq!(macs, ["00:08:5d:23:00:01", "00:11:22:33:44:77"]);
}

fn a_stop_does_not_wait_for_who_does_not_read(driver: &str) {
    let (place, mut server, _phone, _, _) = fetching(driver, "stuck");
    // Beside it a transfer whose phone went away, and a head that never ends.
    let gone = tftp::socket([127, 0, 0, 1]);
    gone.send_to(b"\x00\x01firmware.bin\0octet\0", place.tftp).unwrap();
    let mut slow = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    slow.stream.write_all(b"GET /x HTTP/1.1\r\n").unwrap();
    server.signal("TERM");
    let (status, took) = server.end();
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(took <= STOP_TIME_MAX, "{took:?}");
    server.says("stopped: all changes are written", 1);
    assert_eq!(place.devices().len(), 1);
}
