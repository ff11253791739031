//! The corpus of real phones' requests, held against the plugins: a score a vendor, and no
//! difference that is not explained.
//!
//! The corpus is optional: `RINGBOOT_CORPUS` names its folder. Of its rows those count in which a
//! plugin that is loaded took part, and those that are nobody's.

mod associate;
mod differences;
mod extract;
mod files;
mod parameters;
mod render;

use ringboot::device::Device;
use ringboot::plugin::Plugins;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The corpus and the plugins, where there is a corpus.
struct Bench {
    folder: PathBuf,
    plugins: Plugins,
}

impl Bench {
    fn open() -> Option<Bench> {
        let folder = std::env::var_os("RINGBOOT_CORPUS").filter(|name| !name.is_empty());
        let Some(folder) = folder else {
            eprintln!("RINGBOOT_CORPUS names no folder: nothing is compared");
            return None;
        };
        let plugins = Plugins::load(&plugins_folder()).unwrap_or_else(|errors| panic!("{errors}"));
        Some(Bench { folder: folder.into(), plugins })
    }

    fn rows(&self, name: &str) -> Vec<Json> {
        let file = self.folder.join(name);
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    fn has(&self, plugin: &str) -> bool {
        self.plugins.release(plugin).is_some()
    }
}

/// Differences that are printed in full, unless `RINGBOOT_SHOWN` says how many.
const SHOWN_MAX: usize = 20;

/// Rows that are right and rows in all, by vendor.
#[derive(Default)]
struct Score {
    rows: BTreeMap<String, (usize, usize)>,
    wrong: Vec<String>,
}

impl Score {
    fn count(&mut self, vendor: &str, outcome: Result<(), String>) {
        let (right, all) = self.rows.entry(vendor.to_owned()).or_default();
        *all += 1;
        match outcome {
            Ok(()) => *right += 1,
            Err(difference) => self.wrong.push(format!("{vendor}: {difference}")),
        }
    }

    /// Prints the score; fails when a row is wrong.
    fn settle(self, what: &str) {
        Score::settle_all([(what, self)]);
    }

    /// Prints the scores, all of them before any fails.
    fn settle_all<const N: usize>(scores: [(&str, Score); N]) {
        for (what, score) in &scores {
            for (vendor, (right, all)) in &score.rows {
                println!("{what:<12} {vendor:<10} {right:>5} of {all:>5}");
            }
        }
        let shown = std::env::var("RINGBOOT_SHOWN").ok().and_then(|shown| shown.parse().ok());
        let shown = shown.unwrap_or(SHOWN_MAX);
        for (what, score) in scores {
            assert!(!score.rows.is_empty(), "{what}: no row took part");
            let told: Vec<String> = score.wrong.iter().take(shown).cloned().collect();
            let told = told.join("\n");
            assert!(score.wrong.is_empty(), "{what}: {} rows differ:\n{told}", score.wrong.len());
        }
    }
}

/// The shipped plugins, or those of the folder that `RINGBOOT_PLUGINS` names.
fn plugins_folder() -> PathBuf {
    let shipped = || Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    std::env::var_os("RINGBOOT_PLUGINS").map_or_else(shipped, PathBuf::from)
}

fn device(row: &Json) -> Device {
    let mut document = row["device"].as_object().cloned().unwrap_or_default();
    document.entry("id").or_insert_with(|| "corpus".into());
    Device::from_document(document).expect("a device")
}

fn texts(row: &Json, key: &str) -> BTreeMap<String, String> {
    let object = row.get(key).and_then(Json::as_object);
    let text = |(key, value): (&String, &Json)| Some((key.clone(), value.as_str()?.to_owned()));
    object.into_iter().flatten().filter_map(text).collect()
}
