//! A large fleet is all different, always the same, and survives its file.

use ringboot_loadgen::fleet::{Fleet, FleetError, Recipe, loopback};
use ringboot_loadgen::limits::PHONES_MAX;
use ringboot_loadgen::mix::Mix;
use ringboot_loadgen::profile::{Expect, Profiles};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

fn profiles() -> Profiles {
    Profiles::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles")).unwrap()
}

fn generate(count: u64, seed: u64, mix: &str) -> Result<Fleet, FleetError> {
    let mix: Mix = mix.parse().unwrap();
    Fleet::generate(&profiles(), &Recipe { count, mix, seed, spread: true })
}

#[test]
fn a_hundred_thousand_phones_are_all_different() {
    let fleet = generate(100_000, 7, "acme=60,blip=40").unwrap();
    let count = |pick: &dyn Fn(usize) -> String| {
        (0..fleet.members.len()).map(pick).collect::<HashSet<_>>().len()
    };
    let members = &fleet.members;
    assert_eq!(count(&|index| members[index].mac.to_string()), 100_000);
    assert_eq!(count(&|index| members[index].serial.clone()), 100_000);
    assert_eq!(count(&|index| members[index].credentials.username.clone()), 100_000);
    assert_eq!(count(&|index| members[index].credentials.password.clone()), 100_000);
    assert_eq!(count(&|index| members[index].credentials.number.clone()), 100_000);
    assert_eq!(count(&|index| members[index].address.unwrap().to_string()), 100_000);
    let mut profiles = BTreeMap::new();
    for member in members {
        *profiles.entry(member.profile.as_str()).or_insert(0) += 1;
    }
    let wanted = [("acme/A100", 30_000), ("acme/A200", 30_000), ("blip/B7", 40_000)];
    assert_eq!(profiles, BTreeMap::from(wanted));
    // Mixed, not in blocks: a part of the fleet is the whole in small.
    let first = members[..1000].iter().filter(|member| member.profile == "blip/B7").count();
    assert!((350..450).contains(&first), "{first}");
}

#[test]
fn the_seed_decides_everything() {
    let fleet = generate(2000, 7, "acme=1,blip=1").unwrap();
    assert_eq!(fleet, generate(2000, 7, "acme=1,blip=1").unwrap());
    let other = generate(2000, 8, "acme=1,blip=1").unwrap();
    let passwords = |fleet: &Fleet| {
        let password =
            |member: &ringboot_loadgen::fleet::Member| member.credentials.password.clone();
        fleet.members.iter().map(password).collect::<BTreeSet<_>>()
    };
    assert!(passwords(&fleet).is_disjoint(&passwords(&other)));
}

#[test]
fn a_fleet_file_holds_what_server_and_phones_need() {
    let fleet = generate(50, 3, "acme=1,blip=1").unwrap();
    let mut file = Vec::new();
    assert_eq!(fleet.write("tenant-1", &mut file).unwrap(), 53);
    assert_eq!(Fleet::read(file.as_slice()).unwrap(), fleet);

    let text = String::from_utf8(file).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shared: Vec<_> = lines[..3].iter().map(|line| &line["config"]["id"]).collect();
    assert_eq!(shared, ["base", "defaultconfigdevice", "autoprov"]);
    for (line, member) in lines[3..].iter().zip(&fleet.members) {
        let device = line["device"].as_object().unwrap();
        let keys: Vec<_> = device.keys().map(String::as_str).collect();
        assert_eq!(keys, ["id", "mac", "config", "tenant_uuid"]);
        assert_eq!(device["mac"], member.mac.to_string());
        assert_eq!(device["config"], line["config"]["id"]);
        let sip = &line["config"]["raw_config"]["sip_lines"]["1"];
        assert_eq!(sip["password"], *member.credentials.password);
        let shown = format!("Phone {}", member.credentials.number);
        assert_eq!(sip["display_name"], *shown);
    }
}

#[test]
fn what_cannot_be_made_or_read_is_told() {
    let error = generate(10, 1, "acme=1,nortel=1").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no vendor and no phone is called \"nortel\"; there are acme, blip"
    );
    assert!(matches!(generate(PHONES_MAX + 1, 1, "acme=1"), Err(FleetError::TooMany)));
    assert!(matches!(Fleet::read(&b""[..]), Err(FleetError::Empty)));
    assert!(matches!(Fleet::read(&b"{\"config\":{}}\n"[..]), Err(FleetError::Empty)));
    let mut file = Vec::new();
    generate(2, 1, "acme=1").unwrap().write("t", &mut file).unwrap();
    let text = String::from_utf8(file).unwrap();
    let bad = text.replacen("\"mac\":\"02:00:0a", "\"mac\":\"02:00", 4);
    let error = Fleet::read(bad.as_bytes()).unwrap_err();
    assert!(error.to_string().starts_with("line 4: invalid MAC string"), "{error}");
}

#[test]
fn addresses_are_loopback_and_no_network_or_broadcast() {
    for index in [0, 1, 253, 254, 65_023, 65_024, PHONES_MAX - 1] {
        let address = loopback(index);
        let [first, second, _, last] = address.octets();
        assert!(first == 127 && second != 0 && last != 0 && last != 255, "{address}");
    }
    assert_eq!(loopback(0).to_string(), "127.1.0.1");
    assert_eq!(loopback(254).to_string(), "127.1.1.1");
}

#[test]
fn the_shipped_phones_can_all_boot() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    let profiles = Profiles::load(&dir).unwrap_or_else(|error| panic!("{error}"));
    for profile in profiles.all() {
        let own = profile.steps.iter().any(|step| step.expect == Expect::Own);
        // A phone that is recognised and cannot be configured finds nothing at all.
        let nothing = profile.steps.iter().all(|step| step.expect == Expect::Missing);
        assert!(own || nothing, "{} never fetches its own configuration", profile.name);
    }
    let count = 10 * profiles.all().len() as u64;
    let recipe = Recipe { count, mix: Mix::even(&profiles), seed: 1, spread: false };
    let fleet = Fleet::generate(&profiles, &recipe).unwrap();
    assert_eq!(fleet.members.len() as u64, count);
}
