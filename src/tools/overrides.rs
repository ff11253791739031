//! Says what is wrong with administrators' templates, and which stand on what is shipped no more.

use anyhow::{Context, Result, ensure};

use crate::plugin::{LoadError, Plugins};

/// What was found.
#[derive(Debug, Default)]
pub struct Told {
    /// For people: how many there are, and what they should look at.
    pub lines: Vec<String>,
    /// Mistakes; the shipped template stays in the place of each.
    pub broken: Vec<LoadError>,
}

/// Looks at all overrides of a set. What new ones replace is kept for later.
pub fn check(plugins: &Plugins) -> Told {
    let mut told = Told::default();
    for release in plugins.releases() {
        if let Some(overrides) = release.overrides() {
            let count = overrides.all().len();
            let broken = overrides.faults().iter().filter(|fault| fault.is_broken).count();
            let verdict = if broken == 0 { "good".to_owned() } else { format!("{broken} broken") };
            told.lines.push(format!("{}: {count} templates: {verdict}", release.id()));
        }
    }
    for fault in plugins.override_faults() {
        match fault.is_broken {
            true => told.broken.push(fault.error.clone()),
            false => told.lines.push(format!("warning: {}", fault.error)),
        }
    }
    let changed = plugins.changed_originals();
    told.lines.extend(changed.map(|changed| format!("warning: {changed}")));
    told
}

/// Takes what is shipped now for what these overrides (`PLUGIN/NAME.tpl`) were made from.
///
/// # Errors
/// A name that is no override's, or what the system says.
pub fn accept<'n>(plugins: &Plugins, names: &'n [String]) -> Result<Vec<&'n str>> {
    for name in names {
        let (plugin, template) = name.split_once('/').unwrap_or((name, ""));
        let overrides = plugins.release(plugin).and_then(|release| release.overrides());
        let overrides = overrides.with_context(|| format!("{plugin} has no overrides"))?;
        let is_there = overrides.accept(template).with_context(|| name.clone())?;
        ensure!(is_there, "{plugin} has no override {template:?}");
    }
    Ok(names.iter().map(String::as_str).collect())
}
