//! Keys speak for their tenants' phones and for nobody else's, and files follow them.

use super::super::fixture::{device, http, object, replace_config, tftp, world};
use crate::content::{Content, Found};
use crate::device::Text;
use crate::identify::Settings;
use crate::plugin::Route;
use crate::query::Query;
use crate::time;
use crate::world::{Barred, Core, World};
use std::sync::Arc;

const MASTER: &str = "00000000-0000-4000-8000-000000000001";
const KEYS: [(&str, &str); 3] = [("a", "key-of-a"), ("b", "key$of~b"), (MASTER, "key.of.master")];

fn keyed() -> (World, Core) {
    let (world, _) = world(Settings { url_key: true, ..Settings::default() });
    assert_eq!(world.set_keys(KEYS), 3);
    let core = world.core();
    (world, core)
}

/// What a phone asks with: the path of its own file, and who it is.
struct Phone(String, String);

impl Phone {
    fn new(mac: &str) -> Phone {
        Phone(format!("/{mac}.xml"), format!("Cisco/SPA3102-5.1.10 ({mac})(CBT{mac})"))
    }

    /// Its request for its own file under a key.
    fn under<'q>(&'q self, key: &'q str) -> Query<'q> {
        self.asks(&self.0, key)
    }

    fn asks<'q>(&'q self, path: &'q str, key: &'q str) -> Query<'q> {
        Query { key: Some(key.as_bytes()), ..http("192.0.2.1", path, &self.1) }
    }
}

/// What a request comes to: the device's tenant and whether that is new, and its file.
fn ask(world: &World, core: &mut Core, query: &Query<'_>) -> (String, Option<String>) {
    core.begin_turn(world);
    let decision = world.decide(query, core, time::now());
    let found = Content::default().find(world, &decision);
    let text = match found {
        Found::Bytes { bytes, .. } => Some(String::from_utf8_lossy(&bytes).into_owned()),
        _ => None,
    };
    let barred = match decision.barred {
        Some(Barred::Key) => "no key",
        Some(Barred::Tenant) => "another's",
        None => "",
    };
    let tenant = |device: Arc<crate::device::Device>| {
        let tenant = device.tenant_uuid.clone().unwrap_or_default();
        assert_eq!(device.is_new, &*tenant == MASTER);
        tenant.to_string()
    };
    let who = if barred.is_empty() {
        decision.device.map_or("nobody".into(), tenant)
    } else {
        barred.into()
    };
    (who, text)
}

#[test]
fn a_phone_is_its_keys_tenants() {
    let (world, mut core) = keyed();
    let [one, two, three] = ["001122334401", "001122334402", "001122334403"].map(Phone::new);
    let mut who = |query: &Query<'_>| {
        let (who, file) = ask(&world, &mut core, query);
        (who, file.is_some())
    };
    assert_eq!(who(&one.under("key-of-a")), ("a".into(), true));
    assert_eq!(who(&two.under("key$of~b")), ("b".into(), true));
    assert_eq!(who(&three.under("key.of.master")), (MASTER.into(), true));
    for wrong in ["", "key-of-", "key-of-aa", "KEY-OF-A", "a", "None"] {
        assert_eq!(who(&one.under(wrong)), ("no key".into(), false));
        assert_eq!(who(&one.asks("/spa3102.cfg", wrong)), ("no key".into(), false));
    }
    assert_eq!(who(&one.under("key$of~b")), ("another's".into(), false));
    assert_eq!(who(&one.under("key.of.master")), ("another's".into(), false));
    assert_eq!(who(&one.under("key-of-a")), ("a".into(), true));
    // No key is none by HTTP, and none is asked for by TFTP.
    let by_http = Query { key: None, ..one.under("") };
    assert_eq!(ask(&world, &mut core, &by_http).0, "no key");
    let (who, file) = ask(&world, &mut core, &tftp("192.0.2.1", "/001122334401.xml"));
    assert_eq!((who.as_str(), file.is_some()), ("a", true));
    assert_eq!(world.directory.len(), 3);
}

#[test]
fn anothers_phone_is_not_changed_and_shared_files_are_given() {
    let (world, mut core) = keyed();
    let phone = r#"{"id":"d","mac":"00:11:22:33:44:01","tenant_uuid":"b","ip":"192.0.2.9",
        "vendor":"Cisco","model":"SPA3102","plugin":"wazo-cisco-spa3102-5.1.10"}"#;
    let before = world.insert_device(device(phone)).expect("a store that works");
    let agent = "Cisco/SPA3102-9.9 (001122334401)(CBT1)";
    let as_a = |path| Query { key: Some(b"key-of-a"), ..http("192.0.2.1", path, agent) };
    core.begin_turn(&world);
    let query = as_a("/spa3102.cfg");
    let decision = world.decide(&query, &mut core, time::now());
    assert!(matches!(decision.route, Route::Common { .. }), "{decision:?}");
    assert_eq!(decision.barred, None);
    assert_eq!(ask(&world, &mut core, &as_a("/001122334401.xml")).0, "another's");
    let after = world.directory.get("d").expect("it is there");
    assert_eq!(after, before, "neither its address nor its version");
    // Whoever asks from its address without another sign is not taken for it.
    let stranger = Query { key: Some(b"key-of-a"), ..http("192.0.2.9", "/spa3102.cfg", "") };
    assert_eq!(ask(&world, &mut core, &stranger).0, "a");
}

#[test]
fn a_tenant_cannot_take_anothers_phone_by_its_mac() {
    let (world, mut core) = keyed();
    let phone = Phone::new("001122334401");
    assert_eq!(ask(&world, &mut core, &phone.under("key-of-a")).0, "a");
    let twin = r#"{"id":"!","mac":"00:11:22:33:44:01","tenant_uuid":"b"}"#;
    world.insert_device(device(twin)).expect("a store that works");
    assert_eq!(ask(&world, &mut core, &phone.under("key-of-a")).0, "a");
    assert_eq!(ask(&world, &mut core, &phone.under("key$of~b")).0, "b");
    let (who, file) = ask(&world, &mut core, &phone.under("key.of.master"));
    assert!(who != MASTER && file.is_none(), "{who}");
}

#[test]
fn an_unclaimed_phone_moves_and_a_configured_one_does_not() {
    let (world, mut core) = keyed();
    for (mac, change, moves) in [
        ("001122334401", None, true),
        ("001122334402", Some("edited"), false),
        ("001122334403", Some("own"), false),
        ("001122334404", Some("added"), false),
    ] {
        let asking = Phone::new(mac);
        let (who, file) = ask(&world, &mut core, &tftp("192.0.2.1", &asking.0));
        assert_eq!((who.as_str(), file.is_some()), (MASTER, true));
        let mac = crate::world::fixture::mac(mac);
        let mut phone = (*world.directory.by_mac(mac).expect("it was made")).clone();
        let config = world.configs.get(phone.config.as_deref().expect("one")).expect("one");
        match change {
            Some("edited") => {
                let mut document = config.to_document();
                document["raw_config"]["admin_password"] = "secret".into();
                let config = crate::device::Config::from_document(document).expect("one");
                replace_config(&world, &config);
            }
            Some("own") => {
                let mut document = config.to_document();
                document["id"] = "own".into();
                document.shift_remove("transient");
                let config = crate::device::Config::from_document(document).expect("one");
                phone.config = Some(config.id.clone());
                world.insert_config(config).expect("a store that works");
                world.replace_device(&phone, phone.revision).expect("a store that works");
            }
            Some(_) => {
                phone.added = Some("operator".into());
                world.replace_device(&phone, phone.revision).expect("a store that works");
            }
            None => {}
        }
        let (who, file) = ask(&world, &mut core, &asking.under("key-of-a"));
        assert_eq!((who == "a", file.is_some()), (moves, moves), "{mac}: {who}");
    }
}

#[test]
fn with_the_secure_updater_nothing_moves() {
    let settings = Settings { url_key: true, secure_updater: true, ..Settings::default() };
    let (world, _) = world(settings);
    world.set_keys(KEYS);
    let mut core = world.core();
    let phone = Phone::new("001122334401");
    assert_eq!(ask(&world, &mut core, &tftp("192.0.2.1", &phone.0)).0, MASTER);
    assert_eq!(ask(&world, &mut core, &phone.under("key-of-a")).0, "another's");
}

#[test]
fn urls_end_in_the_tenants_key_and_follow_it() {
    let (world, mut core) = keyed();
    let phone = Phone::new("001122334401");
    let by_tftp = tftp("192.0.2.1", &phone.0);
    let content = Content::default();
    let mut file = |world: &World, query: &Query<'_>| {
        core.begin_turn(world);
        let decision = world.decide(query, &mut core, time::now());
        match content.find(world, &decision) {
            Found::Bytes { bytes, .. } => String::from_utf8_lossy(&bytes).into_owned(),
            other => panic!("{other:?}"),
        }
    };
    let url = |key: &str| format!("<Url>http://192.0.2.1:8667{key}</Url>");
    let first = file(&world, &phone.under("key-of-a"));
    assert!(first.contains(&url("/key-of-a")), "{first}");
    assert_eq!(file(&world, &phone.under("key-of-a")), first);
    assert_eq!(file(&world, &by_tftp), first, "the same by TFTP");
    let shared = file(&world, &phone.asks("/spa3102.cfg", "key-of-a"));
    assert!(shared.contains(&url("/key-of-a")), "{shared}");
    let shared = file(&world, &phone.asks("/spa3102.cfg", "key$of~b"));
    assert!(shared.contains(&url("/key$of~b")), "each tenant its own: {shared}");
    assert_eq!(world.set_keys([("a", "another-key")]), 1);
    let new = file(&world, &by_tftp);
    assert!(new.contains(&url("/another-key")), "{new}");
    assert_eq!(file(&world, &phone.under("another-key")), new);
    // Without a key nothing is made up.
    assert_eq!(world.set_keys([]), 0);
    let new = file(&world, &by_tftp);
    assert!(new.contains(&url("")), "{new}");
}

#[test]
fn the_address_is_the_templates_own_with_the_key_behind_it() {
    let (world, _) = keyed();
    let put = |text: &str| {
        let mut settings = object(text);
        world.put_key(&mut settings, &Text::from("a"));
        settings["http_base_url"].as_str().expect("a text").to_owned()
    };
    let url = "https://prov.example/x/key-of-a";
    assert_eq!(put(r#"{"http_base_url":"https://prov.example/x"}"#), url);
    assert_eq!(put(r#"{"http_base_url":"https://prov.example/x/"}"#), url);
    assert_eq!(put(r#"{"ip":"192.0.2.1","http_port":80}"#), "http://192.0.2.1:80/key-of-a");
    assert_eq!(format!("{:?}", world.keys.load()), "Some(Keys(3))");
}

#[test]
fn one_key_is_one_tenants() {
    let (world, mut core) = keyed();
    assert_eq!(world.set_keys([("a", "same-key"), ("b", "same-key"), ("c", "")]), 1);
    let phone = Phone::new("001122334401");
    assert_eq!(ask(&world, &mut core, &phone.under("same-key")).0, "a");
    assert_eq!(ask(&world, &mut core, &phone.under("")).0, "no key");
    let (off, _) = super::super::fixture::world(Settings::default());
    assert_eq!(off.set_keys(KEYS), 0);
    let mut core = off.core();
    assert_eq!(ask(&off, &mut core, &phone.under("key-of-a")).0, MASTER);
}
