//! Decisions as pure functions: the same question has the same answer, and asking changes nothing.

use super::*;
use crate::device::{Change, Revision};
use crate::world::fixture::{config, device, http, mac, plugins, tftp};
use std::net::IpAddr;

struct Case {
    directory: Directory,
    configs: Configs,
    plugins: Plugins,
    settings: Settings,
}

impl Case {
    fn new(devices: &[&str], settings: Settings) -> Case {
        let directory = Directory::new(Arc::default());
        for text in devices {
            directory.restore(device(text));
        }
        let configs = Configs::new(crate::device::Document::new(), Arc::default());
        configs.restore(config(
            r#"{"id":"autoprov","parent_ids":[],"role":"autocreate",
            "raw_config":{"sip_lines":{"1":{"username":"apmy3dCQDw"}}}}"#,
        ));
        Case { directory, configs, plugins: plugins(), settings }
    }

    fn decide(&self, query: &Query<'_>) -> Verdict<'_> {
        let basis = Basis {
            directory: &self.directory,
            configs: &self.configs,
            plugins: &self.plugins,
            settings: &self.settings,
            tenant: None,
        };
        let scratch = self.plugins.scratch();
        identify(query, &basis, &mut Memory { scratch, ids: Ids::seeded(7) })
    }

    /// The name of the device that the query is of; `new` for one that is none yet.
    fn who(&self, query: &Query<'_>) -> String {
        match self.decide(query).device {
            Some(device) if self.directory.get(&device.id).is_some() => device.id.to_string(),
            Some(_) => "new".to_owned(),
            None => "nobody".to_owned(),
        }
    }
}

const AGENT: &str = "Cisco/SPA504G-7.4.9c (001122334455)(CBT141400UK)";

#[test]
fn signs_count_in_their_order() {
    let by_mac = r#"{"id":"by-mac","mac":"00:11:22:33:44:55","ip":"192.0.2.9"}"#;
    let by_sn = r#"{"id":"by-sn","sn":"CBT141400UK","ip":"192.0.2.8"}"#;
    let by_ip = r#"{"id":"by-ip","ip":"192.0.2.1","model":"SPA504G"}"#;
    let query = http("192.0.2.1", "/x", AGENT);
    let who = |devices: &[&str]| Case::new(devices, Settings::default()).who(&query);
    assert_eq!(who(&[by_ip, by_sn, by_mac]), "by-mac");
    assert_eq!(who(&[by_ip, by_sn]), "by-sn");
    assert_eq!(who(&[by_ip]), "by-ip");
    assert_eq!(who(&[]), "new");
    // Two have the MAC: the least name, whatever the order of coming in.
    let twin = r#"{"id":"a-twin","mac":"00:11:22:33:44:55"}"#;
    assert_eq!(who(&[by_mac, twin]), "a-twin");
    assert_eq!(who(&[twin, by_mac]), "a-twin");
}

#[test]
fn an_address_alone_must_not_be_contradicted() {
    let other_mac = r#"{"id":"a","mac":"00:11:22:33:44:99","ip":"192.0.2.1"}"#;
    let other_model = r#"{"id":"b","model":"SPA3102","ip":"192.0.2.1"}"#;
    let fits = r#"{"id":"c","vendor":"Cisco","ip":"192.0.2.1"}"#;
    let query = http("192.0.2.1", "/x", AGENT);
    let who = |devices: &[&str]| Case::new(devices, Settings::default()).who(&query);
    assert_eq!(who(&[other_mac]), "new");
    assert_eq!(who(&[other_model]), "new");
    assert_eq!(who(&[other_mac, other_model, fits]), "c");
    let fits_too = r#"{"id":"d","ip":"192.0.2.1"}"#;
    assert_eq!(who(&[fits, fits_too]), "new");
}

#[test]
fn the_secure_retriever_passes_over_uuid_and_adds_nobody() {
    let settings = Settings { secure_retriever: true, ..Settings::default() };
    let case = Case::new(&[r#"{"id":"a","sn":"CBT141400UK"}"#], settings);
    assert_eq!(case.who(&http("192.0.2.1", "/x", AGENT)), "a");
    assert_eq!(case.who(&tftp("192.0.2.1", "/001122334499.xml")), "nobody");
    let settings = Settings { auto_add: false, ..Settings::default() };
    let case = Case::new(&[], settings);
    let verdict = case.decide(&tftp("192.0.2.1", "/001122334499.xml"));
    assert_eq!(verdict.unknown_mac, Some(mac("001122334499")));
    assert!(verdict.change.is_none());
}

#[test]
fn gaps_are_filled_and_only_address_and_version_follow() {
    let stored = r#"{"id":"a","mac":"00:11:22:33:44:55","ip":"192.0.2.9","model":"SPA525",
        "version":"1","plugin":"gone","config":"gone"}"#;
    let case = Case::new(&[stored], Settings::default());
    let verdict = case.decide(&http("192.0.2.1", "/x", AGENT));
    let put = verdict.change.expect("something is new");
    let base = case.directory.get("a").map(|device| device.revision);
    assert_eq!((put.base, put.takes_address), (base, false));
    let device = put.device;
    assert_eq!(device.model.as_deref(), Some("SPA525"), "it is never corrected");
    assert_eq!(device.sn.as_deref(), Some("CBT141400UK"));
    assert_eq!(device.version.as_deref(), Some("7.4.9c"));
    assert_eq!(device.ip, Some(IpAddr::from([192, 0, 2, 1])));
    assert_eq!(device.plugin.as_deref(), Some("gone"), "there is one, whatever it is");
    assert!(!device.configured);
    assert!(verdict.moved);
    assert!(verdict.release.is_none());
}

#[test]
fn asking_changes_nothing_and_the_answer_is_the_same() {
    let case = Case::new(&[], Settings::default());
    let query = http("192.0.2.1", "/001122334455.xml", AGENT);
    let [first, second] = [case.decide(&query), case.decide(&query)];
    assert_eq!(first.change, second.change);
    assert_eq!(case.directory.len(), 0);
    assert_eq!(case.configs.len(), 1);
    let put = first.change.expect("it is new");
    assert!(put.absent.mac && put.absent.sn && !put.absent.uuid);
    assert_eq!(put.config.as_ref().map(|config| &config.id), put.device.config.as_ref());
    assert_eq!(put.device.added.as_deref(), Some("auto"));
    assert!(put.device.is_new && put.device.configured);
    assert!(matches!(first.route, Route::Device { trigger: true, sensitive: true, .. }));
}

#[test]
fn the_address_is_taken_from_others_unless_it_is_shared() {
    let others = [r#"{"id":"other","mac":"00:11:22:33:44:99","ip":"192.0.2.1"}"#];
    let query = tftp("192.0.2.1", "/001122334455.xml");
    for (nat, takes) in [(false, true), (true, false)] {
        let case = Case::new(&others, Settings { nat, ..Settings::default() });
        let put = case.decide(&query).change.expect("it is new");
        assert_eq!(put.takes_address, takes);
        case.directory.apply(Change::Put(put)).expect("nobody was first");
        let other = case.directory.get("other").expect("it stays");
        assert_eq!(other.ip.is_none(), takes);
        // Once is enough.
        assert!(case.decide(&query).change.is_none());
    }
}

#[test]
fn a_change_that_another_core_overtook_is_refused() {
    let case = Case::new(&[], Settings::default());
    let query = tftp("192.0.2.1", "/001122334455.xml");
    let [mut first, second] = [case.decide(&query), case.decide(&query)];
    let overtaking = first.change.take().expect("it is new");
    let mut overtaken = second.change.expect("it is new");
    overtaken.device.id = "another name".into();
    case.directory.apply(Change::Put(overtaking)).expect("nobody was first");
    assert!(case.directory.apply(Change::Put(overtaken)).is_err());
    let known = case.decide(&query);
    assert!(known.device.is_some_and(|device| device.revision > Revision(0)));
}
