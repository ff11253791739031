//! Every vendor's own cases hold: what its requests tell, which release wins, what files it makes.
//!
//! The cases lie beside the plugins (`plugins/*/cases.toml`, `docs/plugins.md`), so that a new
//! vendor needs no test of its own. With `RINGBOOT_BLESS=1` the golden files are written anew.

use ringboot::device::{Device, Document, Mac};
use ringboot::plugin::{Info, Plugins, RenderError};
use ringboot::query::{Query, Source};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    #[serde(default)]
    extract: Vec<Extract>,
    #[serde(default)]
    associate: Vec<Associate>,
    #[serde(default)]
    render: Vec<Render>,
    /// The load generator's; it reads them itself.
    #[serde(default, rename = "phone")]
    _phone: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extract {
    name: String,
    http: Option<Http>,
    tftp: Option<String>,
    dhcp: Option<Dhcp>,
    expect: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    path: String,
    #[serde(default)]
    args: String,
    #[serde(default)]
    agent: String,
    form: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dhcp {
    vendor_class: Option<String>,
    mac: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Associate {
    info: BTreeMap<String, String>,
    winner: Option<String>,
    #[serde(default)]
    none: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Render {
    plugin: String,
    model: String,
    mac: String,
    variant: String,
}

/// The shipped plugins, or those of the folder that `RINGBOOT_PLUGINS` names.
fn plugins_folder() -> PathBuf {
    let shipped = || Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    std::env::var_os("RINGBOOT_PLUGINS").map_or_else(shipped, PathBuf::from)
}

fn each_vendor(mut check: impl FnMut(&Path, Cases)) {
    let mut folders: Vec<PathBuf> = fs::read_dir(plugins_folder())
        .expect("plugins")
        .map(|e| e.expect("entry").path())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    for folder in folders {
        let file = folder.join("cases.toml");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let cases = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        check(&folder, cases);
    }
}

/// Latin-1: one character, one byte.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).expect("a character below 256")).collect()
}

fn told(plugins: &Plugins, case: &Extract) -> BTreeMap<String, String> {
    let (mut path, mut args, mut agent, mut class, mut mac) = (vec![], vec![], None, None, None);
    let mut form = None;
    let source = match (&case.http, &case.tftp, &case.dhcp) {
        (Some(http), None, None) => {
            (path, args) = (bytes(&http.path), bytes(&http.args));
            agent = Some(bytes(&http.agent));
            form = http.form.as_deref().map(bytes);
            Source::Http
        }
        (None, Some(name), None) => {
            path = bytes(name);
            Source::Tftp
        }
        (None, None, Some(dhcp)) => {
            class = dhcp.vendor_class.as_deref().map(bytes);
            mac = Some(Mac::parse(dhcp.mac.as_bytes()).expect("a MAC"));
            Source::Dhcp
        }
        _ => panic!("{}: one of http, tftp, dhcp", case.name),
    };
    let query = Query {
        source,
        ip: IpAddr::from([192, 0, 2, 10]),
        path: &path,
        name: b"",
        args: &args,
        agent: agent.as_deref(),
        form: form.as_deref(),
        vendor_class: class.as_deref(),
        mac,
    };
    let mut scratch = plugins.scratch();
    let seen = plugins.extract(&query, &mut scratch);
    let texts = [
        ("vendor", seen.vendor),
        ("model", seen.model),
        ("version", seen.version),
        ("sn", seen.sn),
        ("uuid", seen.uuid),
    ];
    let text = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
    let texts = texts.into_iter().filter_map(|(key, value)| Some((key, text(value?))));
    let mac = seen.mac.map(|mac| ("mac", mac.to_string()));
    texts.chain(mac).map(|(key, value)| (key.to_owned(), value)).collect()
}

#[test]
fn requests_tell_what_the_cases_say() {
    let plugins = Plugins::load(&plugins_folder()).unwrap_or_else(|errors| panic!("{errors}"));
    let mut wrong = Vec::new();
    each_vendor(|folder, cases| {
        assert!(!cases.extract.is_empty(), "{} has no extraction case", folder.display());
        for case in &cases.extract {
            let told = told(&plugins, case);
            if told != case.expect {
                wrong.push(format!("{}: {told:?}, not {:?}", case.name, case.expect));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_release_that_the_cases_name_wins() {
    let plugins = Plugins::load(&plugins_folder()).unwrap_or_else(|errors| panic!("{errors}"));
    let mut wrong = Vec::new();
    each_vendor(|folder, cases| {
        assert!(!cases.associate.is_empty(), "{} has no association case", folder.display());
        for case in &cases.associate {
            assert!(case.none != case.winner.is_some(), "{:?}: winner or none", case.info);
            let value = |key: &str| case.info.get(key).map(String::as_bytes);
            let info =
                Info { vendor: value("vendor"), model: value("model"), version: value("version") };
            let winner = plugins.associate(&info).map(|release| release.id().to_string());
            if winner != case.winner {
                wrong.push(format!("{:?}: {winner:?}, not {:?}", case.info, case.winner));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_the_golden_ones() {
    let plugins = Plugins::load(&plugins_folder()).unwrap_or_else(|errors| panic!("{errors}"));
    let bless = std::env::var_os("RINGBOOT_BLESS").is_some();
    let mut wrong = Vec::new();
    each_vendor(|folder, cases| {
        assert!(!cases.render.is_empty(), "{} has no rendering case", folder.display());
        let mut stale = BTreeSet::new();
        files_below(&folder.join("golden"), &mut stale);
        for case in &cases.render {
            let golden =
                folder.join("golden").join(&case.plugin).join(&case.model).join(&case.variant);
            for (path, bytes) in made(&plugins, case) {
                let golden = golden.join(&path);
                stale.remove(&golden);
                if bless {
                    fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder");
                    fs::write(&golden, &bytes).expect("a golden file");
                } else if fs::read(&golden).ok().as_deref() != Some(&bytes[..]) {
                    wrong.push(golden.display().to_string());
                }
            }
        }
        wrong.extend(stale.iter().map(|golden| format!("{} is nobody's", golden.display())));
    });
    assert!(wrong.is_empty(), "not the golden files:\n{}", wrong.join("\n"));
}

fn files_below(folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.insert(path);
        }
    }
}

/// The device's files for a case, made twice: the bytes must not differ.
fn made(plugins: &Plugins, case: &Render) -> Vec<(String, Vec<u8>)> {
    let raw =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/raw/{}.json", case.variant));
    let raw: Document =
        serde_json::from_str(&fs::read_to_string(&raw).expect("a raw configuration"))
            .expect("JSON");
    let release = plugins.release(&case.plugin).unwrap_or_else(|| panic!("{}", case.plugin));
    let device = Device {
        id: "golden".into(),
        mac: Some(Mac::parse(case.mac.as_bytes()).expect("a MAC")),
        vendor: Some(release.vendor().clone()),
        model: Some(case.model.as_str().into()),
        ..Device::default()
    };
    let mut files = Vec::new();
    for (path, file) in release.device_files(&device) {
        match release.render(file, &device, &raw) {
            Ok(bytes) => {
                assert_eq!(release.render(file, &device, &raw).as_ref(), Ok(&bytes), "{path}");
                files.push((path, bytes.to_vec()));
            }
            Err(RenderError::Absent) => {}
            Err(error) => panic!("{} {} {path}: {error}", case.plugin, case.model),
        }
    }
    assert!(!files.is_empty(), "{} {} has no file", case.plugin, case.model);
    files
}
