//! Every vendor's own cases hold, and its files can be made for every model.
//!
//! The cases lie beside the plugins (`plugins/*/cases.toml`, `docs/plugins.md`), so that a new
//! vendor needs no test of its own. With `RINGBOOT_BLESS=1` the golden files and the page of phones
//! are written anew.

use ringboot::plugin::Plugins;
use ringboot::tools::cases::{self, Vendor};
use ringboot::tools::{check, phones, skeleton};
use std::fs;
use std::path::{Path, PathBuf};

/// The shipped plugins, or those of the folder that `RINGBOOT_PLUGINS` names.
fn plugins_folder() -> PathBuf {
    let shipped = || Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    std::env::var_os("RINGBOOT_PLUGINS").map_or_else(shipped, PathBuf::from)
}

fn load() -> (Plugins, Vec<Vendor>) {
    let plugins = Plugins::load(&plugins_folder()).unwrap_or_else(|errors| panic!("{errors}"));
    let vendors = cases::read(&plugins_folder(), &[]).unwrap_or_else(|error| panic!("{error}"));
    assert!(!vendors.is_empty());
    (plugins, vendors)
}

fn is_blessed() -> bool {
    std::env::var_os("RINGBOOT_BLESS").is_some()
}

#[test]
fn all_cases_hold() {
    let (plugins, vendors) = load();
    let mut wrong = Vec::new();
    for vendor in vendors {
        let outcome = vendor.run(&plugins, is_blessed());
        println!("{:<18} {} cases", vendor.name(), outcome.right);
        wrong.extend(outcome.wrong.iter().map(|wrong| format!("{}: {wrong}", vendor.name())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_of_every_model_can_be_made() {
    let (plugins, vendors) = load();
    let report = check::run(&plugins, &vendors);
    for note in &report.notes {
        println!("{note}");
    }
    assert!(report.errors.is_empty(), "{}", report.errors.join("\n"));
    assert!(report.files > vendors.len());
}

#[test]
fn the_page_of_phones_is_that_of_the_plugins() {
    if std::env::var_os("RINGBOOT_PLUGINS").is_some() {
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/phones.md");
    let wanted = phones::page(&load().0);
    if is_blessed() {
        fs::write(&page, &wanted).expect("the page");
    }
    let is_same = fs::read_to_string(&page).is_ok_and(|page| page == wanted);
    assert!(is_same, "docs/phones.md is old: RINGBOOT_BLESS=1 writes it");
}

/// The table of all that `plugins/*/differences.toml` say, in the page of differences.
#[test]
fn the_page_of_differences_has_all_of_them() {
    const MARKS: [&str; 2] = ["<!-- plugins: begin -->\n", "<!-- plugins: end -->"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = root.join("docs/differences.md");
    let old = fs::read_to_string(&page).expect("the page");
    let (before, rest) = old.split_once(MARKS[0]).expect("a beginning");
    let (_, after) = rest.split_once(MARKS[1]).expect("an end");
    let mut table = "| plugins | files | parameters | why |\n|---|---|---|---|\n".to_owned();
    for vendor in cases::read(&root.join("plugins"), &[]).expect("the vendors") {
        let file = vendor.folder.join("differences.toml");
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let table_of = toml::from_str::<toml::Table>(&text).expect("TOML");
        for difference in table_of["difference"].as_array().expect("a list") {
            let text = |key: &str| difference[key].as_str().expect("a text").replace('|', "\\|");
            let [plugin, file, parameter] = ["plugin", "file", "parameter"].map(text);
            let why = text("why");
            table += &format!("| `{plugin}` | `{file}` | `{parameter}` | {why} |\n");
        }
    }
    let wanted = format!("{before}{}{table}{}{after}", MARKS[0], MARKS[1]);
    if is_blessed() {
        fs::write(&page, &wanted).expect("the page");
    }
    assert!(is_blessed() || old == wanted, "docs/differences.md: RINGBOOT_BLESS=1 writes it");
}

/// The guide's files, as a reader would write them.
#[test]
fn the_guide_makes_a_plugin_that_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(root.join("docs/plugins.md")).expect("the guide");
    let folder = std::env::temp_dir().join(format!("ringboot-guide-{}", std::process::id()));
    let mut written = 0;
    for part in guide.split("\n`plugins/audiocodes/").skip(1) {
        let (name, rest) = part.split_once("`:\n").expect("a file's name");
        let (_, rest) = rest.split_once("```").expect("a block");
        let (_, rest) = rest.split_once('\n').expect("its lines");
        let (text, _) = rest.split_once("```").expect("its end");
        let file = folder.join("audiocodes").join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, text).expect("a file");
        written += 1;
    }
    assert_eq!(written, 3);
    let plugins = Plugins::load(&folder).unwrap_or_else(|errors| panic!("{errors}"));
    let vendors = cases::read(&folder, &["audiocodes".to_owned()]).expect("cases");
    let outcomes = [true, false].map(|bless| vendors[0].run(&plugins, bless));
    let report = check::run(&plugins, &vendors);
    fs::remove_dir_all(&folder).expect("our own");
    for outcome in outcomes {
        assert_eq!(outcome.wrong, Vec::<String>::new());
        assert_eq!(outcome.right, 5);
    }
    assert_eq!((report.errors, report.notes), (Vec::new(), Vec::<String>::new()));
}

#[test]
fn a_new_plugin_holds_at_once() {
    let folder = std::env::temp_dir().join(format!("ringboot-new-{}", std::process::id()));
    let files = skeleton::write(&folder, "acme", "Acme").expect("a new plugin");
    assert_eq!(files.len(), 3);
    assert!(skeleton::write(&folder, "acme", "Acme").is_err(), "nothing is overwritten");
    assert!(skeleton::write(&folder, "../acme", "Acme").is_err());
    let plugins = Plugins::load(&folder).unwrap_or_else(|errors| panic!("{errors}"));
    let vendors = cases::read(&folder, &[]).expect("cases");
    let outcome = vendors[0].run(&plugins, true);
    let report = check::run(&plugins, &vendors);
    fs::remove_dir_all(&folder).expect("our own");
    assert_eq!((outcome.wrong, report.notes), (Vec::new(), Vec::<String>::new()));
    assert!(report.errors.is_empty());
}
