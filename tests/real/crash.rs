//! Killed in the middle of a storm, the server knows every phone again that it knew a moment
//! before.

use crate::http::Client;
use crate::on_both_drivers;
use crate::phones::stock_configs;
use crate::server::Place;
use ringboot::time::{self, Duration, Instant};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::thread;

on_both_drivers!(a_killed_server_forgets_the_last_second_at_most);

/// Half of them are registered, each with its own line; half are new.
const PHONES: u16 = 3000;
const THREADS: u16 = 6;
/// Pause of a thread between two phones: the storm lasts longer than it takes to kill.
const PAUSE: Duration = Duration::from_millis(10);
/// What may be lost: `FLUSH_INTERVAL`, and the time that a busy machine takes to write.
const LOST_TIME_MAX: Duration = Duration::from_millis(1500);

/// A phone of the storm, by its number.
#[derive(Clone, Copy)]
struct Phone(u16);

impl Phone {
    fn is_registered(self) -> bool {
        self.0.is_multiple_of(2)
    }

    /// Its MAC, with this between the bytes.
    fn mac(self, separator: &str) -> String {
        let [high, low] = self.0.to_be_bytes();
        let bytes = [0x00, 0x08, 0x5d, 0x23, high, low].map(|byte| format!("{byte:02X}"));
        bytes.join(separator)
    }

    fn address(self) -> Ipv4Addr {
        let [high, low] = self.0.to_be_bytes();
        Ipv4Addr::new(127, 9, high, low)
    }

    /// The user that its configuration names.
    fn username(self) -> String {
        if self.is_registered() { format!("user-{:05}", self.0) } else { "autoprov".to_owned() }
    }

    /// A line of the fleet file.
    fn registration(self) -> String {
        let user = self.username();
        let id = format!("config-{}", self.0);
        let line = json!({"username": user, "password": user, "number": "1", "display_name": user});
        let config = json!({"id": id, "parent_ids": ["base"],
                            "raw_config": {"sip_lines": {"1": line}}});
        let device = json!({"id": format!("device-{}", self.0), "mac": self.mac(":").to_lowercase(),
                            "config": id});
        json!({"device": device, "config": config}).to_string()
    }

    /// Boots: the file of all, then its own, which must be its own.
    fn boot(self, server: SocketAddr) -> io::Result<()> {
        let agent = format!("Aastra6731i MAC:{} V:3.3.1.4365-SIP", self.mac("-"));
        let mut client = Client::connect(server, self.address())?;
        let all = client.get("/Aastra/aastra.cfg", &agent)?;
        let own = client.get(&format!("/Aastra/{}.cfg", self.mac("")), &agent)?;
        assert_eq!((all.status, own.status), (200, 200), "{}", self.mac(":"));
        let wanted = format!("sip line1 user name: {}", self.username());
        let text = own.text();
        let names = text.lines().filter(|line| line.starts_with("sip line1 user name:"));
        assert_eq!(names.collect::<Vec<_>>(), [wanted], "{}", self.mac(":"));
        Ok(())
    }
}

/// Boots all phones; when each was through. Those whose server went away are not there.
fn storm(server: SocketAddr, pause: Duration) -> HashMap<u16, Instant> {
    let booted = Mutex::new(HashMap::new());
    thread::scope(|scope| {
        for first in 0..THREADS {
            let booted = &booted;
            scope.spawn(move || {
                for number in (first..PHONES).step_by(THREADS.into()) {
                    if Phone(number).boot(server).is_err() {
                        return;
                    }
                    booted.lock().unwrap().insert(number, time::now());
                    thread::sleep(pause);
                }
            });
        }
    });
    booted.into_inner().unwrap()
}

/// How often each MAC is in the store; each device that has been asked for knows its model.
fn stored(devices: &[Value]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for device in devices {
        let mac = device["mac"].as_str().unwrap().to_uppercase();
        *counts.entry(mac).or_default() += 1;
    }
    counts
}

fn a_killed_server_forgets_the_last_second_at_most(driver: &str) {
    let place = Place::new("crash");
    let registered = (0..PHONES).map(Phone).filter(|phone| phone.is_registered());
    let lines = stock_configs().into_iter().chain(registered.map(Phone::registration));
    assert!(place.import(lines).status.success());
    let server = place.serve(driver);
    let (booted, killed) = thread::scope(|scope| {
        let storm = scope.spawn(|| storm(place.http, PAUSE));
        thread::sleep(Duration::from_secs(4));
        let killed = time::now();
        server.kill();
        (storm.join().unwrap(), killed)
    });
    assert!(booted.len() < PHONES.into(), "the storm was over before the kill");

    let devices = place.devices();
    let counts = stored(&devices);
    let mut lost = Vec::new();
    for (&number, &at) in &booted {
        let phone = Phone(number);
        if counts.contains_key(&phone.mac(":")) {
            continue;
        }
        assert!(!phone.is_registered(), "{number} was imported and is gone");
        lost.push(killed.since(at));
    }
    let longest = lost.iter().max().copied().unwrap_or_default();
    println!("{driver}: of {} booted, {} lost, {longest:?} at most", booted.len(), lost.len());
    let durable = booted.values().filter(|&&at| killed.since(at) > LOST_TIME_MAX).count();
    assert!(durable > 100, "the kill came too early: {durable}");
    assert!(longest <= LOST_TIME_MAX, "a phone was lost {longest:?} after its answer");

    let mut server = place.serve(driver);
    assert_eq!(storm(place.http, Duration::ZERO).len(), usize::from(PHONES), "phones were lost");
    server.signal("TERM");
    assert_eq!(server.end().0.code(), Some(0));
    let devices = place.devices();
    let counts = stored(&devices);
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "more than one device: {twice:?}");
    assert_eq!(counts.len(), usize::from(PHONES));
    for device in &devices {
        let told = ["vendor", "model", "plugin"].map(|key| device[key].as_str());
        let wanted = [Some("Aastra"), Some("6731i"), Some("wazo-aastra-3.3.1-SP4")];
        assert_eq!(told, wanted, "{device}");
    }
    let known = devices.iter().filter(|d| d["id"].as_str().unwrap().starts_with("device-"));
    assert_eq!(known.count(), usize::from(PHONES / 2), "registered devices kept their names");
}
