//! Which files a phone has, which of them tell that it took its configuration, and which names
//! hold credentials. More names may be sensitive than in the corpus, never fewer.

use super::differences::Differences;
use super::{Bench, Score, device, plugins_folder};
use ringboot::device::Device;
use ringboot::plugin::{Release, Route};
use serde_json::Value as Json;

#[test]
fn files_are_those_of_the_corpus() {
    let Some(bench) = Bench::open() else { return };
    let differences = Differences::read(&plugins_folder());
    let mut own = Score::default();
    let mut shared = Score::default();
    let mut sensitive = Score::default();
    for row in bench.rows("filenames.jsonl") {
        let plugin = row["plugin"].as_str().expect("a plugin");
        let Some(release) = bench.plugins.release(plugin) else { continue };
        let device = device(&row);
        let count = |score: &mut Score, wrong: Vec<(String, &str)>| {
            let left = wrong.into_iter().filter(|(path, kind)| {
                let file = path.split(": ").next().unwrap_or_default();
                !differences.excuse(release.id(), file, kind)
            });
            let left: Vec<String> = left.map(|(text, _)| text).collect();
            let outcome = if left.is_empty() { Ok(()) } else { Err(left.join(", ")) };
            let named = |wrong| format!("{}: {wrong}", row["id"]);
            score.count(release.vendor(), outcome.map_err(named));
        };
        count(&mut own, own_files(&row, release, &device));
        count(&mut shared, shared_files(&row, release, &device));
        count(&mut sensitive, sensitive_names(&row, release, &device));
    }
    differences.print(|parameter| {
        ["file", "trigger", "sensitive"].contains(&parameter.trim_matches(['^', '$']))
    });
    Score::settle_all([("own files", own), ("shared files", shared), ("sensitive", sensitive)]);
}

/// Files that the phone should have and has not, or whose fetch means something else. Which of
/// them are made under which settings is for the rendering to say.
fn own_files(row: &Json, release: &Release, device: &Device) -> Vec<(String, &'static str)> {
    let ours: Vec<String> =
        release.device_files(device).into_iter().map(|(path, _)| path).collect();
    let mut wrong = Vec::new();
    for theirs in row["device_files"].as_array().into_iter().flatten() {
        let path = theirs["path"].as_str().expect("a path");
        match release.route(path.as_bytes(), device) {
            Route::Device { .. } if !ours.iter().any(|ours| ours == path) => {
                wrong.push((format!("{path}: found, but not among the phone's files"), "file"));
            }
            Route::Device { trigger, sensitive, .. } => {
                if theirs["trigger"].as_bool() != Some(trigger) {
                    wrong.push((format!("{path}: trigger is {trigger}"), "trigger"));
                }
                if theirs["sensitive"] == true && !sensitive {
                    wrong.push((format!("{path}: not sensitive"), "sensitive"));
                }
            }
            other => wrong.push((format!("{path}: {other:?}"), "file")),
        }
    }
    wrong
}

/// Shared files that are not there.
fn shared_files(row: &Json, release: &Release, device: &Device) -> Vec<(String, &'static str)> {
    let lists = [&row["static_top"], &row["common_files"]];
    let theirs = lists.into_iter().filter_map(Json::as_array).flatten();
    let missing = |path: &&str| {
        let route = release.route(path.as_bytes(), device);
        !matches!(route, Route::Common { .. } | Route::Static(_))
    };
    let paths = theirs.filter_map(|file| file["path"].as_str()).filter(missing);
    paths.map(|path| (format!("{path}: missing"), "file")).collect()
}

/// Names that hold credentials in the corpus and are open here.
fn sensitive_names(row: &Json, release: &Release, device: &Device) -> Vec<(String, &'static str)> {
    let probes = row["sensitive_probes"].as_object().into_iter().flatten();
    let open = |name: &&String| {
        let own = release.route(name.as_bytes(), device);
        let own = matches!(own, Route::Device { sensitive: true, .. });
        !own && !release.is_sensitive(name.as_bytes())
    };
    let names = probes.filter(|(_, is)| **is == true).map(|(name, _)| name).filter(open);
    names.map(|name| (format!("{name}: not sensitive"), "sensitive")).collect()
}
