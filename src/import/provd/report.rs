//! What was taken, what was not, and what is to be looked at: by kind, with the first of each.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

use super::facts::{Fact, Weight};
use crate::limits;

/// What happened to documents of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Files that were there.
    pub found: usize,
    /// Not here before.
    pub new: usize,
    /// Another one was here, and went.
    pub replaced: usize,
    /// Here already, as they are.
    pub same: usize,
    /// Another one is here, and stays.
    pub kept: usize,
}

/// All that there is to say of an import.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Report {
    /// Nothing was written.
    pub is_dry: bool,
    /// Devices.
    pub devices: Tally,
    /// Configurations.
    pub configs: Tally,
    /// Administrators' templates.
    pub templates: Tally,
    /// What belongs into the settings file, as TOML.
    pub settings: String,
    facts: BTreeMap<Fact, Told>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Told {
    count: usize,
    examples: Vec<String>,
}

impl Report {
    /// Nothing yet.
    pub fn of(is_dry: bool) -> Self {
        Self { is_dry, ..Self::default() }
    }

    /// Notes something of `what`, which is made text only while examples are wanted.
    pub fn tell(&mut self, fact: Fact, what: impl fmt::Display) {
        self.tell_many(fact, 1, what);
    }

    /// The same of many at once.
    pub fn tell_many(&mut self, fact: Fact, count: usize, what: impl fmt::Display) {
        let told = self.facts.entry(fact).or_default();
        told.count += count;
        if told.examples.len() < limits::IMPORT_EXAMPLES {
            told.examples.push(what.to_string());
        }
    }

    /// Takes over what another thread noted.
    pub fn add(&mut self, other: Report) {
        for (fact, more) in other.facts {
            let told = self.facts.entry(fact).or_default();
            told.count += more.count;
            let room = limits::IMPORT_EXAMPLES - told.examples.len();
            told.examples.extend(more.examples.into_iter().take(room));
        }
    }

    /// How often something was noted.
    pub fn count(&self, fact: Fact) -> usize {
        self.facts.get(&fact).map_or(0, |told| told.count)
    }

    /// Whether something was left out.
    pub fn has_left_out(&self) -> bool {
        self.facts.keys().any(|fact| fact.weight() == Weight::LeftOut)
    }

    /// The same for machines.
    pub fn to_json(&self) -> Value {
        let facts = self.facts.iter().map(|(fact, told)| {
            json!({
                "fact": fact.name(), "weight": fact.weight().name(), "meaning": fact.meaning(),
                "count": told.count, "examples": told.examples,
            })
        });
        json!({
            "dry_run": self.is_dry,
            "devices": self.devices.to_json(),
            "configurations": self.configs.to_json(),
            "templates": self.templates.to_json(),
            "facts": facts.collect::<Vec<_>>(),
            "settings": self.settings,
        })
    }
}

impl Tally {
    fn to_json(self) -> Value {
        let Tally { found, new, replaced, same, kept } = self;
        json!({"found": found, "new": new, "replaced": replaced, "same": same, "kept": kept})
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_dry {
            writeln!(f, "Nothing was written; this is what an import would do.")?;
        }
        writeln!(
            f,
            "{:16}{:>9}{:>9}{:>10}{:>9}{:>9}",
            "", "found", "new", "replaced", "same", "kept"
        )?;
        for (name, tally) in [
            ("devices", self.devices),
            ("configurations", self.configs),
            ("templates", self.templates),
        ] {
            let Tally { found, new, replaced, same, kept } = tally;
            writeln!(f, "{name:16}{found:>9}{new:>9}{replaced:>10}{same:>9}{kept:>9}")?;
        }
        for weight in [Weight::LeftOut, Weight::LookAt, Weight::Note] {
            let told = self.facts.iter().filter(|(fact, _)| fact.weight() == weight);
            for (at, (fact, told)) in told.enumerate() {
                if at == 0 {
                    writeln!(f, "\n{}", weight.heading())?;
                }
                writeln!(f, "{:>8}  {}", told.count, fact.meaning())?;
                for example in &told.examples {
                    writeln!(f, "{:10}- {}", "", example.escape_debug())?;
                }
                if told.count > told.examples.len() && fact.has_example_each() {
                    writeln!(f, "{:10}- …", "")?;
                }
            }
        }
        if !self.settings.is_empty() {
            writeln!(f, "\nTo be put into the settings file:\n")?;
            f.write_str(&self.settings)?;
        }
        Ok(())
    }
}
