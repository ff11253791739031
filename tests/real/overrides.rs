//! Administrators' templates go over the shipped ones after SIGHUP, and `check` tells of them.

use crate::http::{Answer, Client};
use crate::on_both_drivers;
use crate::phones::stock_configs;
use crate::server::Place;
use std::fs;
use std::path::PathBuf;

on_both_drivers!(an_override_is_given_after_hup);

const AGENT: &str = "Aastra6731i MAC:00-08-5D-23-00-01 V:3.3.1.4365-SIP";
const OWN: &str = "/Aastra/00085D230001.cfg";
const PLUGIN: &str = "wazo-aastra-3.3.1-SP4";

/// Where the overrides of the plugin go.
fn folder(place: &Place) -> PathBuf {
    let folder = place.folder.join("data/templates").join(PLUGIN);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What `check` says, and how it ends.
fn check(place: &Place, more: &[&str]) -> (Option<i32>, String) {
    let output = place.command("check").args(more).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// What names the bytes of an answer.
fn tag(answer: &Answer) -> String {
    let tag = answer.head.lines().find(|line| line.starts_with("etag: "));
    tag.expect("an entity tag").to_owned()
}

fn an_override_is_given_after_hup(driver: &str) {
    let place = Place::new("overrides");
    assert!(place.import(stock_configs()).status.success());
    let server = place.serve(driver);
    let mut phone = Client::connect(place.http, [127, 0, 0, 1]).unwrap();
    let mut own = || phone.get(OWN, AGENT).unwrap();
    let shipped = own();
    assert_eq!(shipped.status, 200);
    let (shipped_tag, shipped) = (tag(&shipped), shipped.text());
    let folder = folder(&place);
    let put = |text: &str| fs::write(folder.join("base.tpl"), text).unwrap();
    put("# {{ sip_lines['1'].username }} of {{ XX_server_url_without_scheme }}\n");
    assert_eq!(own().text(), shipped, "not before it is asked to");
    server.signal("HUP");
    server.says("plugins are loaded anew", 1);
    let answer = own();
    let wanted = format!("# autoprov of {}", place.http);
    assert_eq!((answer.status, &*answer.text()), (200, &*wanted));
    assert_ne!(tag(&answer), shipped_tag);
    let copy = fs::read_to_string(folder.join(".originals/base.tpl")).unwrap();
    assert!(copy.contains("sip"), "the server keeps what it replaced: {copy}");
    // One with a mistake leaves what is shipped, and so does one that fails.
    put("line one\n{% if %}\n");
    server.signal("HUP");
    server.says("plugins are loaded anew", 2);
    server.says("base.tpl:2: ", 1);
    server.says("this override is NOT used", 1);
    assert_eq!(own().text(), shipped);
    put("{{ sip_lines.no_method() }}");
    server.signal("HUP");
    server.says("plugins are loaded anew", 3);
    assert_eq!(own().text(), shipped);
    server.says("an override fails", 1);
    server.signal("USR1");
    server.says("failed_overrides: 1", 1);
}

#[test]
fn a_check_tells_of_overrides() {
    let mut place = Place::new("check-overrides");
    let (code, said) = check(&place, &[]);
    assert_eq!((code, said.contains("overrides")), (Some(0), false), "{said}");
    let aastra = place.copy_plugins("aastra");
    let folder = folder(&place);
    fs::write(folder.join("6731i.tpl"), "{{ XX_fkeys }}\n").unwrap();
    let (code, said) = check(&place, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("overrides: {PLUGIN}: 1 templates: good")), "{said}");
    assert!(said.contains("6731i.tpl:1: nothing sets XX_fkeys here"), "{said}");
    assert!(!said.contains("has changed"), "{said}");
    // An upgrade.
    let template = aastra.join("templates/phone.tpl");
    let text = fs::read_to_string(&template).unwrap() + "# new\n";
    fs::write(&template, text).unwrap();
    let (code, said) = check(&place, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("6731i.tpl:1: the shipped phone.tpl has changed since"), "{said}");
    let accept = format!("{PLUGIN}/6731i.tpl");
    assert!(said.contains(&format!("ringboot check --accept {accept}")), "{said}");
    let (code, said) = check(&place, &["--accept", &accept]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("overrides: {accept}: accepted")), "{said}");
    assert!(!said.contains("has changed"), "{said}");
    let (code, said) = check(&place, &["--accept", "wazo-aastra-3.3.1-SP4/other.tpl"]);
    assert_eq!(code, Some(1), "{said}");
    // Mistakes.
    fs::write(folder.join("base.tpl"), "\n\n{% endfor %}\n").unwrap();
    let (code, said) = check(&place, &[]);
    assert_eq!(code, Some(78), "{said}");
    let file = folder.join("base.tpl");
    assert!(said.contains(&format!("ringboot: {}:3: ", file.display())), "{said}");
    assert!(said.contains("2 templates: 1 broken"), "{said}");
}
