//! Devices come and go through many hands at once, and each phone stays one device.

use super::*;
use crate::time::Duration;
use std::net::Ipv4Addr;

fn directory() -> Directory {
    Directory::new(Arc::default())
}

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

fn device(id: &str, mac: Option<Mac>, ip: Option<IpAddr>) -> Device {
    Device { id: id.into(), mac, ip, ..Device::default() }
}

const MAC: Mac = Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37]);

fn put(device: Device, base: Option<Revision>) -> Change {
    Change::Put(Box::new(Put { device, base, ..Put::default() }))
}

#[test]
fn a_device_is_found_by_each_of_its_signs() {
    let directory = directory();
    let mut phone = device("a", Some(MAC), Some(address(7)));
    phone.sn = Some("00000000000000".into());
    phone.uuid = Some("6a1c5c2e-7b0a-4a57-9a61-0c2d4e6f8a10".into());
    let stored = directory.apply(put(phone, None)).expect("nobody was first");
    let found = [
        directory.get("a"),
        directory.by_mac(MAC),
        directory.by_serial("00000000000000"),
        directory.by_uuid("6a1c5c2e-7b0a-4a57-9a61-0c2d4e6f8a10"),
        directory.at_address(address(7)).next(),
    ];
    assert!(found.iter().all(|found| found.as_ref() == Some(&stored)));

    let moved = Device { mac: None, ip: Some(address(8)), ..(*stored).clone() };
    directory.apply(put(moved, Some(stored.revision))).expect("nobody was first");
    assert_eq!(directory.by_mac(MAC), None);
    assert_eq!(directory.count_at(address(7)), 0);
    directory.apply(Change::Remove { id: "a".into(), base: None }).expect("it is there");
    assert_eq!(directory.by_serial("00000000000000"), None);
    assert_eq!(directory.len(), 0);
}

#[test]
fn an_outdated_revision_is_refused() {
    let directory = directory();
    let first = directory.apply(put(device("a", None, None), None)).expect("it is new");
    let second = device("a", Some(MAC), None);
    directory.apply(put(second.clone(), Some(first.revision))).expect("nobody was first");
    assert_eq!(directory.apply(put(second.clone(), Some(first.revision))), Err(Stale));
    assert_eq!(directory.apply(put(second, None)), Err(Stale));
    let gone = Change::Remove { id: "a".into(), base: Some(first.revision) };
    assert_eq!(directory.apply(gone), Err(Stale));
}

#[test]
fn an_equal_device_is_no_change() {
    let directory = directory();
    let stored = directory.apply(put(device("a", Some(MAC), None), None)).expect("it is new");
    directory.dirty.take(9);
    let again = put((*stored).clone(), Some(stored.revision));
    assert_eq!(directory.apply(again), Ok(stored));
    assert!(directory.dirty.is_empty());
}

#[test]
fn a_sign_that_nobody_had_is_given_once() {
    let directory = directory();
    let absent = Absent { mac: true, ..Absent::default() };
    let new = |id| {
        let device = device(id, Some(MAC), None);
        Change::Put(Box::new(Put { device, absent, ..Put::default() }))
    };
    directory.apply(new("a")).expect("nobody had it");
    assert_eq!(directory.apply(new("b")), Err(Stale));
    assert_eq!(directory.get("b"), None);
    // What an operator says stands: duplicates are legal, the least name is found.
    directory.apply(put(device("0", Some(MAC), None), None)).expect("an operator may");
    assert_eq!(directory.by_mac(MAC).expect("two have it").id.as_ref(), "0");
}

#[test]
fn the_others_lose_the_address() {
    let directory = directory();
    directory.restore(device("old", Some(MAC), Some(address(7))));
    let mut unknown = device("unknown", None, Some(address(7)));
    unknown.provisional = true;
    directory.apply(put(unknown, None)).expect("it is new");
    let taker = Put {
        device: device("new", None, Some(address(7))),
        takes_address: true,
        ..Put::default()
    };
    directory.apply(Change::Put(Box::new(taker))).expect("it is new");
    assert_eq!(directory.get("old").expect("it stays").ip, None);
    assert_eq!(directory.get("unknown"), None);
    assert_eq!(directory.count_at(address(7)), 1);
    let keys = directory.dirty.take(9).keys;
    assert_eq!(keys, [Key::Device("new".into()), Key::Device("old".into())]);
}

#[test]
fn provisional_devices_have_one_spot_and_a_time() {
    let directory = directory();
    let start = Instant::from_nanos(1);
    let unknown = |id| Device { provisional: true, ..device(id, None, Some(address(7))) };
    directory.apply(put(unknown("a"), None)).expect("the spot is free");
    assert_eq!(directory.apply(put(unknown("b"), None)), Err(Stale));
    directory.touch("a", start);
    let almost = limits::PROVISIONAL_TIME.saturating_sub(Duration::from_nanos(2));
    assert_eq!(directory.expire(start + almost), 0);
    assert!(directory.dirty.is_empty());
    assert_eq!(directory.expire(start + limits::PROVISIONAL_TIME), 1);
    assert!(directory.is_empty());
    directory.apply(put(unknown("b"), None)).expect("the spot is free again");
    let known = Device { provisional: false, mac: Some(MAC), ..unknown("b") };
    let base = directory.get("b").map(|device| device.revision);
    directory.apply(put(known, base)).expect("nobody was first");
    assert_eq!(directory.provisional_count(), 0);
    assert_eq!(directory.dirty.take(9).keys, [Key::Device("b".into())]);
    directory.apply(put(unknown("c"), None)).expect("the spot is free once more");
}

#[test]
fn the_oldest_provisional_devices_go_first() {
    let directory = directory();
    for n in 0..=limits::PROVISIONAL_MAX {
        let number = u32::try_from(n).expect("a small number");
        let ip = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + number));
        let unknown = Device { provisional: true, ..device(&format!("{n:06}"), None, Some(ip)) };
        directory.apply(put(unknown, None)).expect("each has its own spot");
        directory.touch(&format!("{n:06}"), Instant::from_nanos(1 + n as u64));
    }
    assert!(directory.len() <= limits::PROVISIONAL_MAX);
    assert!(directory.len() > limits::PROVISIONAL_MAX - limits::PROVISIONAL_MAX / 32);
    assert_eq!(directory.get("000000"), None);
    assert!(directory.get(&format!("{:06}", limits::PROVISIONAL_MAX)).is_some());
}

/// Many threads put the same phones, each taking what it saw for granted: every MAC ends with one
/// device, and each index says what the devices say.
#[test]
fn two_cores_make_one_device_of_one_phone() {
    const PHONES: u32 = 2000;
    let directory = directory();
    let mac = |n: u32| Mac([0, 0x15, 0x65, 0, (n >> 8) as u8, n as u8]);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let directory = &directory;
            scope.spawn(move || {
                for n in 0..PHONES {
                    loop {
                        let absent = Absent { mac: true, ..Absent::default() };
                        let ip = Some(address((n + thread) as u8));
                        let (device, base, absent) = match directory.by_mac(mac(n)) {
                            None => {
                                (device(&format!("{thread}-{n}"), Some(mac(n)), ip), None, absent)
                            }
                            Some(found) => {
                                let device = Device { ip, ..(*found).clone() };
                                (device, Some(found.revision), Absent::default())
                            }
                        };
                        let takes_address = n % 3 == 0;
                        let put = Put { device, base, absent, takes_address, ..Put::default() };
                        if directory.apply(Change::Put(Box::new(put))).is_ok() {
                            break;
                        }
                    }
                }
            });
        }
    });
    assert_eq!(directory.len(), PHONES as usize);
    let all = directory.all();
    for device in &all {
        let mac = device.mac.expect("each was put with one");
        assert_eq!(directory.by_mac(mac).as_ref(), Some(device));
        assert_eq!(directory.macs.count(&mac), 1);
    }
    for last in 0..=255 {
        let there = all.iter().filter(|device| device.ip == Some(address(last))).count();
        assert_eq!(directory.count_at(address(last)), there, "{last}");
    }
}

fn config(text: &str) -> Config {
    Config::from_document(serde_json::from_str(text).expect("an object")).expect("a configuration")
}

fn flat(configs: &Configs, id: &str) -> String {
    serde_json::to_string(&configs.flatten(id).expect("it is known")).expect("an object")
}

use crate::device::{Config, Document};

fn configs() -> Configs {
    let mut base = Document::new();
    base.insert("ip".into(), "192.0.2.1".into());
    Configs::new(base, Arc::default())
}

#[test]
fn layers_lie_in_their_order_each_once() {
    let configs = configs();
    for text in [
        r#"{"id":"base","parent_ids":[],"raw_config":{"X_a":"base","X_b":"base"}}"#,
        r#"{"id":"left","parent_ids":["base"],"raw_config":{"X_b":"left"}}"#,
        r#"{"id":"right","parent_ids":["base","nobody"],"raw_config":{"X_a":"right"}}"#,
        r#"{"id":"phone","parent_ids":["left","right"],"raw_config":{"X_c":null}}"#,
        r#"{"id":"ring","parent_ids":["gnir"],"raw_config":{"X_a":1}}"#,
        r#"{"id":"gnir","parent_ids":["ring"],"raw_config":{"X_a":2}}"#,
    ] {
        configs.put(config(text), None).expect("it is new");
    }
    // The base is visited below `left`, so it does not cover `left` again below `right`.
    let wanted = r#"{"ip":"192.0.2.1","X_a":"right","X_b":"left","X_c":null}"#;
    assert_eq!(flat(&configs, "phone"), wanted);
    assert_eq!(flat(&configs, "ring"), r#"{"ip":"192.0.2.1","X_a":1}"#);
    assert_eq!(configs.flatten("nobody"), None);
    assert_eq!(configs.family("base", 2), None);
    let family = configs.family("base", 10).expect("a small one");
    let family: Vec<_> = family.iter().map(ToString::to_string).collect();
    assert_eq!(family, ["base", "left", "right", "phone"]);
}

#[test]
fn a_changed_layer_shows_at_once_and_a_new_leaf_disturbs_nobody() {
    let configs = configs();
    let layer = |value: u32| {
        config(&format!(r#"{{"id":"base","parent_ids":[],"raw_config":{{"X_v":{value}}}}}"#))
    };
    let leaf =
        |id: &str| config(&format!(r#"{{"id":"{id}","parent_ids":["base"],"raw_config":{{}}}}"#));
    let base = configs.put(layer(1), None).expect("it is new");
    configs.put(leaf("one"), None).expect("it is new");
    let before = configs.stamp("one");
    assert_eq!(flat(&configs, "one"), r#"{"ip":"192.0.2.1","X_v":1}"#);
    configs.put(leaf("two"), None).expect("it is new");
    assert_eq!(configs.stamp("one"), before);
    configs.put(layer(2), Some(base.revision)).expect("nobody was first");
    assert_ne!(configs.stamp("one"), before);
    assert_eq!(flat(&configs, "one"), r#"{"ip":"192.0.2.1","X_v":2}"#);
    configs.remove("base");
    assert_eq!(flat(&configs, "two"), r#"{"ip":"192.0.2.1"}"#);
    configs.put(layer(3), None).expect("it is new again");
    assert_eq!(flat(&configs, "two"), r#"{"ip":"192.0.2.1","X_v":3}"#);
}

/// A layer that lost its children and changed meanwhile must not come back as it was.
#[test]
fn a_layer_that_changed_while_it_had_no_children_is_not_stale() {
    let configs = configs();
    let layer = |value: u32| {
        config(&format!(r#"{{"id":"base","parent_ids":[],"raw_config":{{"X_v":{value}}}}}"#))
    };
    let leaf = config(r#"{"id":"leaf","parent_ids":["base"],"raw_config":{}}"#);
    let base = configs.put(layer(1), None).expect("it is new");
    configs.put(leaf.clone(), None).expect("it is new");
    assert_eq!(flat(&configs, "leaf"), r#"{"ip":"192.0.2.1","X_v":1}"#);
    configs.remove("leaf");
    configs.put(layer(2), Some(base.revision)).expect("nobody was first");
    configs.put(leaf, None).expect("it is new again");
    assert_eq!(flat(&configs, "leaf"), r#"{"ip":"192.0.2.1","X_v":2}"#);
}

#[test]
fn the_template_is_the_one_with_the_role() {
    let configs = configs();
    assert_eq!(configs.template(), None);
    let text = |id: &str, role: &str| {
        config(&format!(r#"{{"id":"{id}","parent_ids":[],"raw_config":{{}},"role":"{role}"}}"#))
    };
    configs.put(text("b", "autocreate"), None).expect("it is new");
    let a = configs.put(text("a", "autocreate"), None).expect("it is new");
    assert_eq!(configs.template().expect("two").id.as_ref(), "a");
    configs.put(text("a", "default"), Some(a.revision)).expect("nobody was first");
    assert_eq!(configs.template().expect("one").id.as_ref(), "b");
    configs.remove("b");
    assert_eq!(configs.template(), None);
}
