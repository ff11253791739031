//! Phones and operators at work: each phone stays one device, each write is durable or refused.

use super::fixture::{config, device, http, mac, open, replace_config, tftp, world};
use super::*;
use crate::content::{Content, Found};
use crate::device::{Config, Mac, Text};
use crate::time::Duration;

fn start() -> Instant {
    Instant::from_nanos(1)
}

fn body(found: Found) -> String {
    match found {
        Found::Bytes { bytes, .. } => String::from_utf8_lossy(&bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

/// An SPA3102 asks for its default profile, which tells its model, and then for its own, which
/// tells its MAC: one device, known only by its address until then.
#[test]
fn a_phone_tells_bit_by_bit_who_it_is() {
    let (world, store) = world(Settings::default());
    let mut core = world.core();
    let content = Content::default();

    let first = world.decide(&tftp("127.0.1.1", "/spa3102.cfg"), &mut core, start());
    let unknown = first.device.clone().expect("it was taken in");
    assert!(unknown.provisional);
    assert_eq!(unknown.model.as_deref(), Some("SPA3102"));
    assert_eq!(unknown.plugin.as_deref(), Some("wazo-cisco-spa3102-5.1.10"));
    assert!(body(content.find(&world, &first)).contains("tftp://192.0.2.1/$MA.xml"));
    assert_eq!(world.configs.len(), 3, "no configuration is made for it yet");

    let second = world.decide(&tftp("127.0.1.1", "/001122334477.xml"), &mut core, start());
    let known = second.device.clone().expect("it is known");
    assert_eq!(known.id, unknown.id);
    assert!(!known.provisional);
    assert_eq!(known.mac, Some(mac("001122334477")));
    assert!(known.configured);
    assert_eq!(known.remote_state_sip_username.as_deref(), Some("apmy3dCQDw"));
    let own = known.config.as_deref().expect("a configuration was made");
    assert!(own.starts_with("autoprov") && own.len() == "autoprov".len() + 36, "{own}");
    assert!(world.configs.get(own).expect("it is there").transient);
    assert!(body(content.find(&world, &second)).contains("<User_ID_1_>apmy3dCQDw<"));

    world.close().expect("a store that works");
    let stored: Vec<_> = store.documents().into_keys().collect();
    assert!(stored.contains(&Key::Device(known.id.clone())));
    assert!(stored.contains(&Key::Config(own.into())));
}

/// A phone that was registered by its MAC tells its serial number first: that made a device of its
/// own, which stayed for ever, and the two took the address from each other at every boot.
#[test]
fn what_told_only_its_serial_number_is_taken_in() {
    let (world, _) = world(Settings::default());
    let mut core = world.core();
    let registered =
        Device { id: "desk".into(), mac: Some(mac("001122334455")), ..Device::default() };
    world.insert_device(registered).expect("it is new");
    let agent = "Cisco/SPA3102-5.1.10 (88019FA42805)";
    let first = world.decide(&http("127.0.1.9", "/spa-phone.xml", agent), &mut core, start());
    let twin = first.device.expect("it was taken in");
    assert_ne!(&*twin.id, "desk");
    let left = twin.config.clone().expect("a configuration was made");
    let agent = "Cisco/SPA3102-5.1.10 (001122334455)(88019FA42805)";
    for _ in 0..2 {
        let query = http("127.0.1.9", "/001122334455.xml", agent);
        let own = world.decide(&query, &mut core, start()).device.expect("it is known");
        assert_eq!(&*own.id, "desk");
        assert_eq!(own.sn.as_deref(), Some("88019FA42805"));
        assert_eq!(world.directory.len(), 1);
        assert!(world.configs.get(&left).is_none(), "nobody has it any more");
    }
}

/// Days later the same phone comes from another address and begins again with what tells only its
/// model. The predecessor was left with a device that had neither MAC nor address.
#[test]
fn a_phone_that_moved_leaves_nothing_behind() {
    let (world, _store) = world(Settings::default());
    let mut core = world.core();
    for ip in ["127.0.1.1", "127.0.1.2"] {
        for path in ["/spa3102.cfg", "/001122334477.xml"] {
            let decision = world.decide(&tftp(ip, path), &mut core, start());
            assert!(decision.device.is_some(), "{ip} {path}");
        }
    }
    let all = world.directory.all();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].mac, Some(mac("001122334477")));
    assert_eq!(all[0].ip, Some("127.0.1.2".parse().expect("an address")));
    assert_eq!(world.directory.provisional_count(), 0);
    assert_eq!(world.configs.len(), 4, "one configuration for one phone");
}

/// Behind one address there are several known phones and one that never tells its MAC: the
/// predecessor made a device of each of its requests.
#[test]
fn requests_that_tell_nothing_make_one_device() {
    let (world, _store) = world(Settings { nat: true, ..Settings::default() });
    let mut core = world.core();
    for path in ["/001122334401.xml", "/001122334402.xml"] {
        world.decide(&tftp("203.0.113.9", path), &mut core, start());
    }
    for _ in 0..10 {
        world.decide(&tftp("203.0.113.9", "/unknown.bin"), &mut core, start());
    }
    assert_eq!(world.directory.len(), 3);
    assert_eq!(world.directory.provisional_count(), 1);
    assert_eq!(world.expire(start() + limits::PROVISIONAL_TIME), 1);
    assert_eq!(world.directory.len(), 2);
}

/// A decision holds until something changes that it looked at; other phones' changes are nothing to
/// it, but for those that share a place with it.
#[test]
fn a_decision_holds_until_what_it_rests_on_changes() {
    let (world, _store) = world(Settings::default());
    let mut core = world.core();
    let agent = "Cisco/SPA504G-7.4.9c (001122334455)(CBT141400UK)";
    let query = http("192.0.2.44", "/001122334455.xml", agent);
    let grounds = |core: &mut Core| world.decide(&query, core, start()).grounds;
    assert_eq!(grounds(&mut core), None, "it changes its device");
    let device = || world.directory.by_mac(mac("001122334455")).expect("it is known");
    let own = device().config.clone().expect("a configuration was made");
    let like = |id: &str| Device { id: id.into(), ..Device::default() };
    let changes: [(&str, &dyn Fn()); 9] = [
        ("the device", &|| {
            let new = Device { model: Some("SPA502G".into()), ..(*device()).clone() };
            world.replace_device(&new, device().revision).expect("nobody else is at work");
        }),
        ("its configuration", &|| {
            let mut new = world.configs.get(&own).expect("it is there").to_document();
            new["raw_config"]["ntp_ip"] = "192.0.2.9".into();
            replace_config(&world, &Config::from_document(new).expect("a configuration"));
        }),
        ("a layer below", &|| {
            let base = r#"{"id":"base","parent_ids":[],"raw_config":{"ntp_ip":"192.0.2.8"}}"#;
            replace_config(&world, &config(base));
        }),
        ("the server's settings", &|| world.configs.set_base(Document::default())),
        ("another with its MAC", &|| {
            let twin = Device { mac: device().mac, ..like("zz") };
            world.insert_device(twin).expect("it is new");
        }),
        ("another with its serial number", &|| {
            let twin = Device { sn: device().sn.clone(), ..like("zy") };
            world.insert_device(twin).expect("it is new");
        }),
        ("another at its address", &|| {
            world.insert_device(Device { ip: device().ip, ..like("zx") }).expect("it is new");
        }),
        ("one that goes", &|| drop(world.remove_device("zz", None).expect("it is there"))),
        ("a stranger at its address", &|| {
            let mut core = world.core();
            world.decide(&tftp("192.0.2.44", "/spa9000.cfg"), &mut core, start());
        }),
    ];
    for (what, change) in changes {
        // Whatever the change before led to is done by the second time.
        let known = (0..3).find_map(|_| grounds(&mut core)).expect("nothing changes any more");
        assert!(world.holds(&known), "before {what}");
        change();
        assert!(!world.holds(&known), "behind {what}");
    }
    let fallen = (0..100_u8).filter(|n| {
        let known = (0..3).find_map(|_| grounds(&mut core)).expect("nothing changes any more");
        let mac = Some(Mac([2, 0, 0, 0, 0, *n]));
        world.insert_device(Device { mac, ..like(&format!("other{n}")) }).expect("it is new");
        !world.holds(&known)
    });
    let fallen = fallen.count();
    assert!(fallen <= 2, "{fallen} of 100 others share a place with it");
}

#[test]
fn a_known_unchanged_phone_changes_nothing() {
    let (world, _store) = world(Settings::default());
    let mut core = world.core();
    let agent = "Cisco/SPA504G-7.4.9c (001122334455)(CBT141400UK)";
    let query = http("192.0.2.44", "/001122334455.xml", agent);
    let first = world.decide(&query, &mut core, start()).device.expect("it was taken in");
    let again = world.decide(&query, &mut core, start()).device.expect("it is known");
    assert!(Arc::ptr_eq(&first, &again));
    let other = agent.replace("7.4.9c", "7.5.5");
    let query = http("192.0.2.44", "/001122334455.xml", &other);
    let newer = world.decide(&query, &mut core, start()).device.expect("it is known");
    assert_eq!(newer.version.as_deref(), Some("7.5.5"));
    assert!(newer.revision > first.revision);
    assert_eq!(
        (newer.sn.as_deref(), newer.model.as_deref()),
        (Some("CBT141400UK"), Some("SPA504G"))
    );
}

/// The first request told the vendor and no model, so no plugin was found; a later one tells the
/// rest. The predecessor looked at one request alone and never found one.
#[test]
fn a_plugin_is_found_by_what_all_requests_told() {
    let (world, _store) = world(Settings::default());
    let mut core = world.core();
    let phone =
        device(r#"{"id":"a","mac":"00:11:22:33:44:55","model":"SPA504G","vendor":"Cisco"}"#);
    world.insert_device(phone).expect("a store that works");
    let decision = world.decide(&tftp("192.0.2.44", "/001122334455.xml"), &mut core, start());
    let device = decision.device.expect("it is known");
    assert_eq!(device.plugin.as_deref(), Some("wazo-cisco-spa3102-5.1.10"));
    assert!(matches!(decision.route, Route::Device { trigger: true, .. }));
}

#[test]
fn another_phones_file_is_missing() {
    let (world, _store) = world(Settings::default());
    let mut core = world.core();
    world.decide(&tftp("192.0.2.1", "/001122334401.xml"), &mut core, start());
    let agent = "Cisco/SPA504G-7.4.9c (001122334402)(CBT141400UK)";
    // The agent says one MAC, the path another; both sign, the vote decides, and nothing leaks.
    let decision = world.decide(&http("192.0.2.2", "/001122334401.xml", agent), &mut core, start());
    let device = decision.device.expect("it is known");
    if device.mac != Some(mac("001122334401")) {
        assert_eq!(decision.route, Route::Missing { sensitive: true });
    }
}

#[test]
fn the_secure_variants_add_and_change_nothing() {
    let settings = Settings { secure_retriever: true, secure_updater: true, ..Settings::default() };
    let (world, _store) = world(settings);
    let mut core = world.core();
    let nobody = world.decide(&tftp("192.0.2.1", "/001122334401.xml"), &mut core, start());
    assert!(nobody.device.is_none());
    assert!(!nobody.is_refused);
    let known = device(
        r#"{"id":"a","mac":"00:11:22:33:44:01","vendor":"Cisco","model":"SPA504G",
        "plugin":"wazo-cisco-spa3102-5.1.10","config":"autoprov"}"#,
    );
    let stored = world.insert_device(known).expect("a store that works");
    let found = world.decide(&tftp("192.0.2.1", "/001122334401.xml"), &mut core, start());
    let found = found.device.expect("it is known");
    assert_eq!((found.ip, &found.id), (None, &stored.id));
    // What it takes is still noted.
    assert_eq!(found.remote_state_sip_username.as_deref(), Some("apmy3dCQDw"));
}

/// The threads' phones are the same ones and come at the same time, with and without their MAC.
#[test]
fn two_cores_take_in_each_phone_once() {
    const PHONES: u32 = 300;
    let (world, _store) = world(Settings { nat: true, ..Settings::default() });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let world = &world;
            scope.spawn(move || {
                let mut core = world.core();
                for n in 0..PHONES {
                    let ip = format!("10.1.{}.{}", n >> 8, n & 255);
                    world.decide(&tftp(&ip, "/spa3102.cfg"), &mut core, start());
                    let path = format!("/0011223{n:05}.xml");
                    let own = world.decide(&tftp(&ip, &path), &mut core, start());
                    assert!(own.device.is_some());
                }
            });
        }
    });
    let all = world.directory.all();
    let macs: std::collections::BTreeSet<_> = all.iter().filter_map(|device| device.mac).collect();
    assert_eq!(macs.len(), PHONES as usize);
    assert_eq!(all.iter().filter(|device| device.mac.is_some()).count(), PHONES as usize);
    assert_eq!(world.configs.len(), 3 + PHONES as usize, "no configuration is left over");
    assert_eq!(world.counters().created, u64::from(PHONES), "one line for each");
}

#[test]
fn who_walks_through_macs_is_refused_and_known_phones_are_not() {
    let (world, _store) = world(Settings { nat: true, ..Settings::default() });
    let mut core = world.core();
    for (id, ip) in
        [("here", r#","ip":"203.0.113.9""#), ("there", r#","ip":"192.0.2.5""#), ("new", "")]
    {
        let mac = match id {
            "here" => "00:11:22:00:00:01",
            "there" => "00:11:22:00:00:02",
            _ => "00:11:22:00:00:03",
        };
        world.insert_device(device(&format!(r#"{{"id":"{id}","mac":"{mac}"{ip}}}"#))).expect("ok");
    }
    let is_refused = |core: &mut Core, path: &str, now| {
        world.decide(&tftp("203.0.113.9", path), core, now).is_refused
    };
    for n in 0..limits::UNKNOWN_MACS_MAX {
        assert!(!is_refused(&mut core, &format!("/0011224{n:05}.xml"), start()), "{n}");
    }
    let before = world.directory.len();
    assert!(is_refused(&mut core, "/001122499999.xml", start()));
    assert!(is_refused(&mut core, "/001122499998.xml", start()));
    assert_eq!(world.directory.len(), before);
    assert!(!is_refused(&mut core, "/001122000001.xml", start()), "it is known here");
    assert!(!is_refused(&mut core, "/001122000003.xml", start()), "it is known");
    assert!(is_refused(&mut core, "/001122000002.xml", start()), "it lives elsewhere");
    let later = start() + limits::UNKNOWN_MACS_WINDOW;
    assert!(!is_refused(&mut core, "/001122000002.xml", later));
    assert_eq!(world.counters().refused, 3);
}

#[test]
fn a_flood_of_strangers_is_bounded() {
    let (world, _store) = world(Settings { nat: true, ..Settings::default() });
    let mut core = world.core();
    for n in 0..100 {
        let path = format!("/spa{n}.cfg");
        let decision = world.decide(&tftp("203.0.113.9", &path), &mut core, start());
        assert!(decision.device.is_some(), "it is served");
    }
    assert_eq!(world.directory.len(), limits::PROVISIONAL_PER_SOURCE_MAX);
    assert_eq!(world.configs.len(), 3);
}

#[test]
fn operators_write_through_and_clean_up_after_phones() {
    let (world, store) = world(Settings::default());
    let mut core = world.core();
    let decision = world.decide(&tftp("192.0.2.1", "/001122334401.xml"), &mut core, start());
    let phone = decision.device.expect("it was taken in");
    let transient = phone.config.clone().expect("a configuration was made");
    let own = config(
        r#"{"id":"own","parent_ids":["base"],"raw_config":{"sip_lines":{"1":{"username":"jo"}}}}"#,
    );
    world.insert_config(own).expect("a store that works");
    let tenant: Text = "b1d9a2f0-5c5e-4e1b-8a37-0c8f5e0a7d11".into();
    let mut claimed = (*phone).clone();
    claimed.config = Some("own".into());
    claimed.tenant_uuid = Some(tenant.clone());
    let claimed = world.replace_device(&claimed, phone.revision).expect("a store that works");
    assert!(!claimed.is_new);
    assert!(world.configs.get(&transient).is_none(), "nobody has it any more");
    let stored = store.documents();
    let text = String::from_utf8_lossy(&stored[&Key::Device(phone.id.clone())]).into_owned();
    assert!(text.contains(&*tenant), "{text}");

    let content = Content::default();
    let ask = |core: &mut Core| {
        let decision = world.decide(&tftp("192.0.2.1", "/001122334401.xml"), core, start());
        (body(content.find(&world, &decision)), decision.device.expect("it is known"))
    };
    let (text, phone) = ask(&mut core);
    assert!(text.contains(">jo<"), "{text}");
    assert_eq!(phone.remote_state_sip_username.as_deref(), Some("jo"));

    // A layer below changes: the next answer says so, without a change of the device.
    let base =
        config(r#"{"id":"base","parent_ids":[],"raw_config":{"X_note":"new"},"deletable":false}"#);
    replace_config(&world, &base);
    let (text, same) = ask(&mut core);
    assert!(text.contains("new"), "{text}");
    assert_eq!(same.revision, phone.revision);
    assert_eq!(world.remove_config("base", None), Err(Refusal::NotDeletable("base".into())));
    world.remove_config("own", None).expect("a store that works");
    let (text, phone) = ask(&mut core);
    assert_eq!((text.as_str(), phone.configured), ("Missing", false));
    world.remove_device(&phone.id, None).expect("a store that works");
    assert!(!store.documents().contains_key(&Key::Device(phone.id.clone())));
}

#[test]
fn a_file_that_cannot_be_made_is_told_once_and_noted() {
    let (world, _store) = world(Settings::default());
    let mut core = world.core();
    let content = Content::default();
    let query = tftp("192.0.2.1", "/001122334401.xml");
    let phone = world.decide(&query, &mut core, start()).device.expect("it was taken in");
    assert!(phone.configured);
    // The layer alone is fine; with the one above it the port it needs is missing.
    let base =
        config(r#"{"id":"base","parent_ids":[],"raw_config":{"vlan_enabled":true,"vlan_id":3}}"#);
    replace_config(&world, &base);
    let top = config(&format!(
        r#"{{"id":"{}","parent_ids":["base"],"raw_config":{{"vlan_id":null}},"transient":true}}"#,
        phone.config.as_deref().expect("a configuration was made")
    ));
    replace_config(&world, &top);
    for _ in 0..3 {
        let decision = world.decide(&query, &mut core, start());
        assert!(!decision.device.as_ref().expect("it is known").configured);
        assert!(matches!(content.find(&world, &decision), Found::Failed));
    }
    assert_eq!(content.counters().failures, 1);
}

/// The disk is full: phones go on, operators are told, nothing they said is half done, and all is
/// written when there is room.
#[test]
fn a_full_disk_stops_operators_only() {
    let (world, store) = world(Settings::default());
    let mut core = world.core();
    let full = StoreError::Full("No space left on device".to_owned());
    store.fail(Some(full.clone()));
    let claim = device(r#"{"id":"a","mac":"00:11:22:33:44:55"}"#);
    assert_eq!(world.insert_device(claim.clone()), Err(Refusal::Store(full.clone())));
    assert!(world.directory.get("a").is_none(), "it was undone");
    let decision = world.decide(&tftp("192.0.2.1", "/001122334401.xml"), &mut core, start());
    let phone = decision.device.expect("phones are served");
    assert_eq!(world.insert_device(claim.clone()), Err(Refusal::Store(full)));
    store.fail(None);
    let end = crate::time::now() + Duration::from_secs(20);
    while world.insert_device(claim.clone()).is_err() {
        assert!(crate::time::now() < end, "writes are taken again");
        std::thread::sleep(Duration::from_millis(20));
    }
    world.close().expect("a store that works");
    assert!(store.documents().contains_key(&Key::Device(phone.id.clone())));
    assert!(store.documents().contains_key(&Key::Device("a".into())));
}

/// What was written is what is read: signs, tenants, templates.
#[test]
fn a_restart_finds_everything_again() {
    let (world, store) = world(Settings::default());
    let mut core = world.core();
    let macs: Vec<Mac> = (0..50)
        .map(|n| {
            let path = format!("/0011223344{n:02}.xml");
            let ip = format!("192.0.2.{n}");
            let device = world.decide(&tftp(&ip, &path), &mut core, start()).device;
            device.and_then(|device| device.mac).expect("it was taken in")
        })
        .collect();
    world.decide(&tftp("192.0.2.99", "/spa3102.cfg"), &mut core, start());
    let before: Vec<_> = world.directory.all().iter().map(|device| device.to_document()).collect();
    drop(world);
    let world = open(&store, Settings::default());
    let after: Vec<_> = world.directory.all().iter().map(|device| device.to_document()).collect();
    assert_eq!(after.len(), 50, "a provisional device is not stored");
    assert!(after.iter().all(|device| before.contains(device)));
    assert!(macs.iter().all(|mac| world.directory.by_mac(*mac).is_some()));
    assert_eq!(
        world.configs.template().map(|config| config.id.to_string()),
        Some("autoprov".into())
    );
    assert_eq!(world.store_stats(start()).pending, 0);
}
