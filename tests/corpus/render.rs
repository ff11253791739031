//! What files say, parameter by parameter, for every plugin, model and variant of the corpus.
//!
//! Cases in which the reference failed have nothing to be compared with; they must render.

use super::differences::Differences;
use super::parameters::{Parameters, mended, parameters};
use super::{Bench, Score, device, plugins_folder};
use bytes::Bytes;
use ringboot::device::{Device, Document, raw};
use ringboot::plugin::{Release, RenderError, Route};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn files_say_what_those_of_the_corpus_say() {
    let Some(bench) = Bench::open() else { return };
    let differences = Differences::read(&plugins_folder());
    let mut own = Score::default();
    let mut shared = Score::default();
    let mut sensitive = Score::default();
    for (file, case) in cases(&bench) {
        let plugin = case["plugin"].as_str().expect("a plugin");
        let Some(release) = bench.plugins.release(plugin) else { continue };
        let folder = file.parent().expect("a case lies in a folder");
        let outcome = compare(&case, release, folder, &differences);
        let name = folder.strip_prefix(&bench.folder).unwrap_or(folder).display();
        let outcome = outcome.map_err(|wrong| format!("{name}: {wrong}"));
        if case["kind"] == "common" {
            shared.count(release.vendor(), outcome);
        } else {
            own.count(release.vendor(), outcome);
            sensitive.count(release.vendor(), own_files_are_sensitive(&case, release));
        }
    }
    differences.print(|parameter| {
        !["file", "trigger", "sensitive"].contains(&parameter.trim_matches(['^', '$']))
    });
    Score::settle_all([("rendering", own), ("shared", shared), ("own names", sensitive)]);
}

fn cases(bench: &Bench) -> Vec<(PathBuf, Json)> {
    let mut found = Vec::new();
    let mut folders = vec![bench.folder.join("render")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the corpus").flatten() {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "files") {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "case.json") {
                let text = fs::read_to_string(&path).expect("a case");
                found.push((path, serde_json::from_str(&text).expect("JSON")));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn own_files_are_sensitive(case: &Json, release: &Release) -> Result<(), String> {
    let device = device(case);
    let mut open = release.device_files(&device).into_iter().map(|(path, _)| path);
    let open = open.find(|path| !path.ends_with(".crt") && !release.is_sensitive(path.as_bytes()));
    open.map_or(Ok(()), |path| Err(format!("{path} is not sensitive")))
}

/// The files of a case as they are here. Shared ones may lie on the disk.
fn made(case: &Json, release: &Release) -> Result<BTreeMap<String, Bytes>, String> {
    let mut settings: Document = case["raw_config"].as_object().cloned().unwrap_or_default();
    raw::fill_defaults(&mut settings);
    let mut files = BTreeMap::new();
    if case["kind"] == "common" {
        for (path, file) in release.common_files() {
            let bytes = release.render_common(file, &settings);
            files.insert(path.to_owned(), bytes.map_err(|error| format!("{path}: {error}"))?);
        }
        for file in case["files"].as_array().into_iter().flatten() {
            let path = file["path"].as_str().expect("a path");
            if let Route::Static(file) = release.route(path.as_bytes(), &Device::default()) {
                let bytes = fs::read(&file.path).map_err(|error| format!("{path}: {error}"))?;
                files.insert(path.to_owned(), bytes.into());
            }
        }
        return Ok(files);
    }
    let device = device(case);
    for (path, file) in release.device_files(&device) {
        match release.render(file, &device, &settings) {
            Ok(bytes) => drop(files.insert(path, bytes)),
            Err(RenderError::Absent) => {}
            Err(error) => return Err(format!("{path}: {error}")),
        }
    }
    Ok(files)
}

fn compare(
    case: &Json,
    release: &Release,
    folder: &Path,
    differences: &Differences,
) -> Result<(), String> {
    let ours = made(case, release)?;
    if !case["error"].is_null() {
        return ours.values().try_for_each(|bytes| parameters(bytes, false).map(drop));
    }
    let theirs = case["files"].as_array().into_iter().flatten();
    let theirs: Vec<&str> = theirs.filter_map(|file| file["path"].as_str()).collect();
    let mut wrong = Vec::new();
    for path in ours.keys().filter(|path| !theirs.contains(&path.as_str())) {
        if !differences.excuse(release.id(), path, "file") {
            wrong.push(format!("{path} is ours alone"));
        }
    }
    for path in theirs {
        let Some(bytes) = ours.get(path) else {
            if !differences.excuse(release.id(), path, "file") {
                wrong.push(format!("{path} is missing"));
            }
            continue;
        };
        let theirs = fs::read(folder.join("files").join(path)).expect("a file of the corpus");
        let excused = |parameter: &str| differences.excuse(release.id(), path, parameter);
        let ours = parameters(bytes, flat(release)).map_err(|error| format!("{path}: {error}"))?;
        // The reference's own file is not always XML, for want of escaping.
        let whole = parameters(&theirs, flat(release));
        match whole.or_else(|_| parameters(mended(&theirs).as_bytes(), flat(release))) {
            Ok(theirs) => wrong.extend(compare_file(&ours, &theirs, excused)),
            Err(error) => println!("not compared: {} {path}: {error}", case["id"]),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// Where the elements of XML mean nothing and attributes are the parameters.
fn flat(release: &Release) -> bool {
    &**release.vendor() == "Polycom"
}

fn compare_file(
    ours: &Parameters,
    theirs: &Parameters,
    excused: impl Fn(&str) -> bool,
) -> Vec<String> {
    let less = |a: &Parameters, b: &Parameters, sign| {
        let more = a.iter().filter(|(key, count)| b.get(*key).is_none_or(|other| other < *count));
        let told = more.filter(|((name, _), _)| !excused(name));
        told.map(|((name, value), _)| format!("{sign}{name} = {value:?}")).collect::<Vec<_>>()
    };
    [less(ours, theirs, '+'), less(theirs, ours, '-')].concat()
}
