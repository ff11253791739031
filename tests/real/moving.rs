//! An installation of wazo-provd moves in once, and what came in comes out and goes in again.

use crate::http::Client;
use crate::server::Place;
use ringboot::time;
use ringboot_loadgen::fleet::{Fleet, Recipe};
use ringboot_loadgen::mix::Mix;
use ringboot_loadgen::profile::Profiles;
use ringboot_loadgen::provd;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const TENANT: &str = "2c34c282-433e-4bb8-8d56-fec14ff7e1e9";
const PHONES: u64 = 2000;

fn moving(place: &Place, root: &Path) -> Command {
    let mut command = place.command("import");
    command.arg("--wazo-provd").arg(root);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &*String::from_utf8_lossy(&output.stderr)
}

#[test]
fn an_installation_moves_in_and_its_phones_boot() {
    let place = Place::new("moving");
    let profiles = Profiles::load(&place.plugins).unwrap();
    let mix = Mix::even(&profiles);
    let recipe = Recipe { count: PHONES, mix, seed: 7, spread: true };
    let fleet = Fleet::generate(&profiles, &recipe).unwrap();
    let root = place.folder.join("moved");
    let written = provd::write(&fleet, TENANT, 7, &root).unwrap();

    let dry = moving(&place, &root).arg("--dry-run").output().unwrap();
    assert_eq!(dry.status.code(), Some(3), "{}", said(&dry));
    assert!(!place.folder.join("data/db").exists(), "a dry run makes nothing");

    let report = place.folder.join("report.json");
    let began = time::now();
    let output = moving(&place, &root).arg("--json").arg(&report).output().unwrap();
    println!("{} phones in {:?}", PHONES, time::now().since(began));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    let left = report["facts"].as_array().unwrap().iter();
    let left = left.filter(|fact| fact["weight"] == "left_out");
    let left: u64 = left.map(|fact| fact["count"].as_u64().unwrap()).sum();
    assert_eq!(left, written.broken, "{report:#}");
    assert_eq!(report["devices"]["new"], written.devices - written.broken);
    assert_eq!(report["configurations"]["new"], written.configs);

    let export = place.export();
    let again = moving(&place, &root).output().unwrap();
    assert_eq!(again.status.code(), Some(3), "{}", said(&again));
    assert_eq!(place.export(), export, "the second time changes nothing");

    // Out and in again.
    let second = Place::new("moved");
    let file = second.folder.join("fleet.jsonl");
    fs::write(&file, &export).unwrap();
    let mut back = second.command("import");
    let back = back.arg("--fleet").arg(&file).output().unwrap();
    assert!(back.status.success(), "{}", said(&back));
    assert_eq!(second.export(), export);

    let server = place.serve("epoll");
    let held = moving(&place, &root).output().unwrap();
    assert_eq!(held.status.code(), Some(1), "{}", said(&held));
    assert!(said(&held).contains("another process has this data folder open"));
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    let sound = fleet.members.chunks(100).filter_map(|phones| phones.get(..99)).flatten();
    let mut sound = sound.filter(|member| member.profile.starts_with("yealink/T4"));
    let member = sound.next().unwrap();
    let mac = member.mac;
    let agent = format!("Yealink SIP-{} {} {mac}", member.model, member.version);
    let own = phone.get(&format!("/{}.cfg", mac.format("", false)), &agent).unwrap();
    assert_eq!(own.status, 200, "{}", server.log());
    assert!(own.text().contains(&member.credentials.password), "{}", own.text());
}
