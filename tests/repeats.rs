//! What came before is given again only while it would be decided in the same way.
//!
//! Phones ask word for word what they asked before, and the same with a word in it that nobody
//! reads, so that it never came before: both answers must be the same, whatever operators, other
//! phones and settings have changed meanwhile.

#[path = "stage/quiet.rs"]
mod quiet;
#[path = "stage/mod.rs"]
mod stage;

use quiet::{Quiet, SERVER};
use ringboot::device::{Config, Device, Document, Mac};
use ringboot::identify::Settings;
use ringboot::ring::{Body, Event, Lease, Port, Slot};
use ringboot::time::{Civil, Instant};
use ringboot::worker::{Stats, Totals, Worker};
use ringboot::world::World;
use ringboot_loadgen::chance::Chance;
use stage::{Folder, MemoryStore, plugins, shared};
use std::sync::Arc;

const STEPS: u64 = 20_000;
const PHONES: u64 = 6;
/// Addresses that phones come from; each has one where it mostly is.
const ADDRESSES: u64 = 4;

struct Bench {
    worker: Worker<Quiet>,
    io: Quiet,
    world: Arc<World>,
    stats: Arc<Stats>,
    /// Counts what is asked for the first time, and what is changed.
    number: u64,
    _files: Folder,
}

impl Bench {
    fn new() -> Bench {
        let mut lines = include_str!("replay/site.jsonl").to_owned();
        for phone in 0..PHONES {
            let config = config_of(phone, 0).to_document();
            let device = device_of("d", phone, phone).to_document();
            let line = serde_json::json!({ "config": config, "device": device });
            lines.push_str(&format!("{line}\n"));
        }
        let files = Folder::new();
        files.put("wazo-cisco-spa-1.3.5/spa112.bin", 1000);
        let shared = shared(&MemoryStore::of_fleet(&lines), Settings::default(), &files.0);
        let (world, stats) = (Arc::clone(&shared.world), Arc::<Stats>::default());
        let now = Instant::from_nanos(1_000_000_000);
        let io = Quiet::new(now);
        let civil = Civil(1_700_000_000);
        let worker = Worker::new(io.clone(), shared, Arc::clone(&stats), 4, (now, civil));
        let mut bench = Bench { worker, io, world, stats, number: 0, _files: files };
        for index in 0..ADDRESSES {
            let peer = format!("192.0.2.{}:2000", 50 + index).parse().expect("an address");
            bench.turn(Event::Accepted { slot: slot(index), peer });
        }
        bench
    }

    fn turn(&mut self, event: Event) {
        self.io.0.borrow_mut().events.push(event);
        assert!(self.worker.turn(|| Civil(1_700_000_000), None).expect("a ring that works"));
    }

    /// Asks on the kept connection of an address.
    fn get(&mut self, address: u64, request: String) -> Vec<u8> {
        let lease = Lease::owned(request.into_bytes());
        self.turn(Event::Received { slot: slot(address), lease });
        let mut output = self.io.0.borrow_mut().answer.take().expect("an answer");
        let mut answer = std::mem::take(&mut output.head);
        if let Body::Bytes(body) = &output.body {
            answer.extend_from_slice(body);
        }
        self.io.0.borrow_mut().free.push(Vec::with_capacity(8192));
        self.turn(Event::Sent { slot: slot(address) });
        answer
    }

    /// Sends a datagram: what is sent to it.
    fn datagram(&mut self, port: Port, address: u64, bytes: &[u8]) -> Vec<(Port, Vec<u8>)> {
        let peer = format!("192.0.2.{}:3000", 50 + address).parse().expect("an address");
        let lease = Lease::owned(bytes.to_vec());
        self.turn(Event::Datagram { port, peer, local: Some(SERVER), lease });
        let mut kernel = self.io.0.borrow_mut();
        let sent: Vec<_> = kernel.datagrams.drain(..).collect();
        kernel.free.extend(sent.iter().map(|_| Vec::with_capacity(8192)));
        sent
    }

    /// The first packet of what a read request gives; its transfer is ended behind that.
    fn read(&mut self, address: u64, request: &[u8]) -> Vec<u8> {
        let sent = self.datagram(Port(0), address, request);
        let (port, first) = sent.into_iter().next().expect("a packet");
        self.datagram(port, address, b"\0\x05\0\0enough\0");
        first
    }

    /// Lets a phone ask for its own file, anew and again; both answers must be the same.
    fn ask(&mut self, phone: u64, address: u64, is_http: bool) -> Vec<u8> {
        let mac = mac_of(phone).to_string().replace(':', "");
        let mut answers = Vec::new();
        for is_new in [true, true, false] {
            self.number += 1;
            answers.push(if is_http {
                let agent = format!("Cisco/SPA112-1.3.5 ({})(CCQ{phone:08})", mac.to_uppercase());
                let new = if is_new { format!("X-Number: {}\r\n", self.number) } else { "".into() };
                let head = "GET /%.xml HTTP/1.1\r\nHost: prov\r\n".replace('%', &mac);
                self.get(address, format!("{head}User-Agent: {agent}\r\n{new}\r\n"))
            } else {
                let new = if is_new { format!("n{}\x000\0", self.number) } else { String::new() };
                self.read(address, format!("\0\x01{mac}.xml\0octet\0{new}").as_bytes())
            });
        }
        // The first one may have changed its phone.
        let [_, anew, again] = answers.try_into().expect("three answers");
        assert_eq!(text(&anew), text(&again), "phone {phone} from {address}");
        again
    }

    /// Changes something, in one of the ways in which operators and others do.
    fn change(&mut self, chance: &mut Chance) {
        self.number += 1;
        let (world, number) = (Arc::clone(&self.world), self.number);
        let (phone, other) = (chance.below(PHONES), chance.below(PHONES));
        let device = world.directory.get(&format!("d{phone}"));
        match (chance.below(12), device) {
            (0..3, _) => {
                let new = config_of(phone, number);
                let old = world.configs.get(&new.id).expect("nobody removes it");
                world.replace_config(&new, old.revision).expect("a store that works");
            }
            (3, _) => {
                let base = world.configs.get("base").expect("it stays");
                let mut document = base.to_document();
                document["raw_config"]["ntp_ip"] = format!("198.51.100.{}", number % 250).into();
                let new = Config::from_document(document).expect("a configuration");
                world.replace_config(&new, base.revision).expect("a store that works");
            }
            (4, Some(device)) => drop(world.remove_device(&device.id, None).expect("it is there")),
            (4 | 5, None) => {
                world.insert_device(device_of("d", phone, other)).expect("it is not there");
            }
            (5, Some(device)) => {
                let config = Some(format!("c{other}").as_str().into());
                let new = Device { config, ..(*device).clone() };
                world.replace_device(&new, device.revision).expect("nobody else is at work");
            }
            // The least name of one MAC is found.
            (6, _) => match world.directory.get(&format!("a{phone}")) {
                Some(twin) => drop(world.remove_device(&twin.id, None).expect("it is there")),
                None => {
                    drop(world.insert_device(device_of("a", phone, other)).expect("it is new"));
                }
            },
            (7, _) => world.change_settings(|settings| settings.nat ^= true),
            (8, _) => world.change_settings(|settings| settings.secure_updater ^= true),
            (9, _) => world.change_settings(|settings| settings.secure_retriever ^= true),
            // One that tells no more than its model.
            (10, _) => {
                let address = chance.below(ADDRESSES);
                self.read(address, b"\0\x01/spa112.cfg\0octet\0");
            }
            _ if number.is_multiple_of(40) => world.set_plugins(plugins()),
            _ => {}
        }
    }
}

fn slot(index: u64) -> Slot {
    Slot { index: u32::try_from(index).expect("few"), generation: 0 }
}

fn text(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).into_owned()
}

fn mac_of(phone: u64) -> Mac {
    Mac([0xbc, 0x67, 0x1c, 0, 0, u8::try_from(phone).expect("few")])
}

fn object(value: serde_json::Value) -> Document {
    serde_json::from_value(value).expect("an object")
}

fn config_of(phone: u64, number: u64) -> Config {
    let username = format!("user{phone}n{number}");
    let line = serde_json::json!({ "username": username, "password": "x", "display_name": "x" });
    let raw = serde_json::json!({ "sip_lines": { "1": line } });
    let id = format!("c{phone}");
    let config = serde_json::json!({ "id": id, "parent_ids": ["base"], "raw_config": raw });
    Config::from_document(object(config)).expect("a configuration")
}

fn device_of(prefix: &str, phone: u64, config: u64) -> Device {
    let (id, mac) = (format!("{prefix}{phone}"), mac_of(phone).to_string());
    let device = serde_json::json!({ "id": id, "mac": mac, "config": format!("c{config}") });
    Device::from_document(object(device)).expect("a device")
}

#[test]
fn what_is_given_again_is_what_would_be_decided() {
    let mut bench = Bench::new();
    let mut chance = Chance::new(1);
    let mut given = 0;
    for _ in 0..STEPS {
        if chance.below(16) == 0 {
            bench.change(&mut chance);
        }
        let phone = chance.below(PHONES);
        let is_away = chance.below(20) == 0;
        let address = if is_away { chance.below(ADDRESSES) } else { phone % ADDRESSES };
        let answer = text(&bench.ask(phone, address, chance.below(2) == 0));
        // Where none is added, a phone whose device was removed is nobody.
        let device = bench.world.directory.by_mac(mac_of(phone));
        let config = device.and_then(|device| bench.world.configs.get(device.config.as_deref()?));
        let username = config.and_then(|config| config.sip_username.clone());
        if let Some(username) = username.filter(|_| answer.contains("<flat-profile>")) {
            given += 1;
            let is_there = answer.contains(&format!(">{username}<"));
            assert!(is_there || !answer.starts_with("HTTP"), "{username} in {answer}");
        }
    }
    let mut totals = Totals::default();
    bench.stats.add_to(&mut totals);
    assert!(totals.repeated > STEPS / 5, "{} were given again", totals.repeated);
    assert!(given > STEPS / 2, "{given} got their own file");
}
