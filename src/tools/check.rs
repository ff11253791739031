//! What is wrong with plugins beyond their form: files that cannot be made, rules without a case.

use std::collections::BTreeSet;

use super::cases::{MAC, UUID, VARIANTS, Vendor, device, variant};
use crate::device::{Document, raw};
use crate::plugin::{Plugins, Release, RenderError};

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// What must be mended.
    pub errors: Vec<String>,
    /// What somebody should know.
    pub notes: Vec<String>,
    /// Files that were made.
    pub files: usize,
}

/// Makes every file of every model from every configuration of the cases, and looks for rules
/// that no case reaches, rules of other vendors that speak of this one's phones, templates that
/// are rendered slowly, and releases without a phone for the load generator.
pub fn run(plugins: &Plugins, vendors: &[Vendor]) -> Report {
    let mut report = Report::default();
    for vendor in vendors {
        let manifest = vendor.folder.join("plugin.toml");
        let is_own = |place: &str| {
            place.rsplit_once(':').is_some_and(|(file, _)| std::path::Path::new(file) == manifest)
        };
        rules(plugins, vendor, &is_own, &mut report);
        for release in plugins.releases().iter().filter(|release| is_own(release.place())) {
            renderings(release, &mut report);
            for (template, reason) in release.slow_templates() {
                let id = release.id();
                report.notes.push(format!("{id}: {template} is rendered slowly: {reason}"));
            }
            if !vendor.phones().any(|phone| *phone == **release.id()) {
                report.notes.push(format!("{}: the load generator has no phone", release.id()));
            }
        }
    }
    report
}

fn rules(plugins: &Plugins, vendor: &Vendor, is_own: &dyn Fn(&str) -> bool, report: &mut Report) {
    let mut reached = BTreeSet::new();
    let mut others = BTreeSet::new();
    for (case, rules) in vendor.rules(plugins) {
        for place in rules {
            if is_own(place) {
                reached.insert(place);
            } else if others.insert(place) {
                let name = vendor.name();
                report.notes.push(format!("{place}: speaks too in {name}'s case {case:?}"));
            }
        }
    }
    let places: BTreeSet<&str> = plugins.rules().filter(|place| is_own(place)).collect();
    for place in places.difference(&reached) {
        report.notes.push(format!("{place}: no case reaches this rule"));
    }
}

fn renderings(release: &Release, report: &mut Report) {
    let mut models: Vec<&str> = release.models().map(|(model, _)| model).collect();
    models.sort_unstable();
    for (name, _) in VARIANTS {
        let mut settings: Document = variant(name).unwrap_or_default();
        raw::fill_defaults(&mut settings);
        for model in &models {
            let device = device(release, model, MAC, Some(UUID));
            for (path, file) in release.device_files(&device) {
                match release.render(file, &device, &settings) {
                    Ok(_) => report.files += 1,
                    Err(RenderError::Absent) => {}
                    Err(error) => {
                        let id = release.id();
                        report.errors.push(format!("{id} {model} {name}: {path}: {error}"));
                    }
                }
            }
        }
        for (path, file) in release.common_files() {
            match release.render_common(file, &settings) {
                Ok(_) => report.files += 1,
                Err(RenderError::Absent) => {}
                Err(error) => {
                    report.errors.push(format!("{} {name}: {path}: {error}", release.id()));
                }
            }
        }
    }
}
