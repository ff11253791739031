//! Programs write what the reference engine writes, byte for byte, or leave it to that engine.

mod mutate;
mod rounds;
mod snippets;

use super::Unsupported;
use super::value::Declined;
use crate::device::{Device, Document, Mac, raw};
use crate::plugin::Plugins;
use crate::plugin::render::{Given, RenderError, Templates};
use mutate::{Chance, mutated};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What was compared.
#[derive(Default, Debug)]
struct Count {
    same: u32,
    /// Declined, and the reference engine fails as well.
    failed: u32,
    /// Declined, though the reference engine gives bytes: right, and slow.
    slow: BTreeMap<String, u32>,
}

impl Count {
    /// Runs a template by both.
    fn compare(&mut self, templates: &Templates, name: &str, given: &Given<'_>) {
        let theirs = templates.reference(name, given);
        match (templates.program(name, given), theirs) {
            (Ok(ours), Ok(theirs)) if ours == theirs => self.same += 1,
            (Ok(ours), theirs) => panic!(
                "{name} of {} for {:?}:\n{}",
                given.plugin,
                given.model.map(|(model, _)| model),
                difference(&ours, &theirs),
            ),
            (Err(_), Err(_)) => self.failed += 1,
            (Err(Ok(Declined(why))), Ok(_)) => {
                *self.slow.entry(format!("{}/{name}: {why}", given.plugin)).or_default() += 1;
            }
            (Err(Err(why)), Ok(_)) => panic!("{name} has no program: {why}"),
        }
    }
}

fn difference(ours: &str, theirs: &Result<String, RenderError>) -> String {
    let theirs = match theirs {
        Ok(theirs) => theirs,
        Err(error) => return format!("{ours}\nbut the reference engine fails: {error}"),
    };
    let same = ours.bytes().zip(theirs.bytes()).take_while(|(a, b)| a == b).count();
    let near = |text: &str| {
        let part = &text.as_bytes()[same.saturating_sub(80)..text.len().min(same + 80)];
        String::from_utf8_lossy(part).into_owned()
    };
    format!("ours: {:?}\ntheirs: {:?}", near(ours), near(theirs))
}

fn plugins() -> Plugins {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    Plugins::load(&folder).unwrap_or_else(|errors| panic!("{errors}"))
}

fn variants() -> Vec<Document> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools/raw");
    let read = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).expect("a raw configuration");
        serde_json::from_str::<Document>(&text).expect("JSON")
    };
    ["full.json", "minimal.json", "alt.json"].into_iter().map(read).collect()
}

/// Every template of every file of a release, for one model and these settings.
fn compare_release(
    count: &mut Count,
    release: &crate::plugin::Release,
    device: &Device,
    raw: &Document,
) {
    let model = device.model.as_deref();
    let known = model.and_then(|model| Some((model, release.models.get(model)?)));
    let files = release.files.iter().map(|made| (Some(device), made));
    let commons = release.commons.iter().map(|common| (None, &common.made));
    for (device, made) in files.chain(commons) {
        let data = &release.data;
        let given = Given { device, model: known, plugin: &release.id, data, raw };
        let own = model.map(|model| format!("{model}.tpl"));
        let own = own.filter(|name| made.by_model && release.templates.has(name));
        count.compare(&release.templates, own.as_deref().unwrap_or(&made.template), &given);
        if let Some(condition) = &made.condition {
            count.compare(&release.templates, condition, &given);
        }
    }
}

fn phone(release: &crate::plugin::Release, model: &str, chance: &mut Chance) -> Device {
    let mut device = Device {
        id: "0123".into(),
        mac: Some(Mac([0, 0x15, 0x65, 1, 2, 3])),
        vendor: Some(release.vendor().clone()),
        model: Some(model.into()),
        ..Device::default()
    };
    if chance.one_in(3) {
        device.extra = mutate::object(r#"{"options":{"switchboard":true}}"#).into();
    }
    if chance.one_in(8) {
        device.mac = None;
    }
    device
}

#[test]
fn every_file_of_every_model_is_the_same() {
    let mut count = Count::default();
    let mut chance = Chance::new(1);
    let variants = variants();
    for release in plugins().releases() {
        let mut models: Vec<&str> = release.models().map(|(model, _)| model).collect();
        models.extend(["", "unheard-of"]);
        models.sort_unstable();
        for model in models {
            for raw in &variants {
                let device = phone(release, model, &mut chance);
                compare_release(&mut count, release, &device, raw);
            }
        }
    }
    println!("{count:?}");
    assert!(count.same > 1000);
    assert_eq!(count.slow, BTreeMap::new(), "real settings have fast files");
}

#[test]
fn mutated_settings_make_the_same_files_and_the_same_failures() {
    // More rounds look further; these few run with every build.
    let rounds = std::env::var("RINGBOOT_ROUNDS").ok().and_then(|text| text.parse().ok());
    let mut count = Count::default();
    let mut chance = Chance::new(2);
    let variants = variants();
    let plugins = plugins();
    for _ in 0..rounds.unwrap_or(40) {
        for release in plugins.releases() {
            let mut models: Vec<&str> = release.models().map(|(model, _)| model).collect();
            models.sort_unstable();
            let model = *chance.pick(&models);
            let mut raw = mutated(chance.pick(&variants), &mut chance);
            if chance.one_in(2) {
                raw::fill_defaults(&mut raw);
            }
            let device = phone(release, model, &mut chance);
            compare_release(&mut count, release, &device, &raw);
        }
    }
    println!("{count:?}");
    assert!(count.same > 100 && count.failed > 0);
}

#[test]
fn templates_without_a_program_say_why() {
    let plugins = plugins();
    let slow: Vec<(&str, &Unsupported)> =
        plugins.releases().iter().flat_map(|release| release.templates.slow()).collect();
    assert_eq!(slow, []);
}
