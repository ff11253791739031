//! Where a file is another than the reference's on purpose: what explains a difference, and why.
//!
//! `plugins/<vendor>/differences.toml` holds them. How often each was of use is
//! printed: one that excuses nothing is one too many.

use regex_automata::meta::Regex;
use serde::Deserialize;
use std::cell::Cell;
use std::fs;
use std::path::Path;

/// All differences of all vendors.
pub struct Differences(Vec<Difference>);

struct Difference {
    said: Said,
    parameter: Regex,
    /// How often it excused something.
    used: Cell<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    difference: Vec<Said>,
}

/// `plugin` and `file` are globs with `*`; `parameter` is a pattern of the parameter's name, or of
/// `file`, `trigger`, `sensitive` for what is true of a file as a whole.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    plugin: String,
    #[serde(default = "anything")]
    file: String,
    parameter: String,
    why: String,
}

fn anything() -> String {
    "*".to_owned()
}

impl Differences {
    /// Reads those of all vendors.
    pub fn read(plugins: &Path) -> Self {
        let mut all = Vec::new();
        for entry in fs::read_dir(plugins).expect("plugins") {
            let file = entry.expect("an entry").path().join("differences.toml");
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let told = |error: String| -> ! { panic!("{}: {error}", file.display()) };
            let written: Written = toml::from_str(&text).unwrap_or_else(|e| told(e.to_string()));
            for said in written.difference {
                if said.why.trim().is_empty() {
                    told(format!("{:?} has no reason", said.parameter));
                }
                let parameter = Regex::new(&said.parameter).unwrap_or_else(|e| told(e.to_string()));
                all.push(Difference { said, parameter, used: Cell::new(0) });
            }
        }
        Self(all)
    }

    /// Whether this parameter may be another in this file.
    pub fn excuse(&self, plugin: &str, file: &str, parameter: &str) -> bool {
        let fits = |difference: &&Difference| {
            glob(&difference.said.plugin, plugin)
                && glob(&difference.said.file, file)
                && difference.parameter.is_match(parameter)
        };
        let mut excused = false;
        for difference in self.0.iter().filter(fits) {
            difference.used.set(difference.used.get() + 1);
            excused = true;
        }
        excused
    }

    /// Prints how often each was of use, of those that had their chance.
    pub fn print(&self, had_its_chance: impl Fn(&str) -> bool) {
        for Difference { said, used, .. } in &self.0 {
            if had_its_chance(&said.parameter) {
                println!(
                    "excused {:>4} {} {} {}",
                    used.get(),
                    said.plugin,
                    said.file,
                    said.parameter
                );
            }
        }
    }
}

/// `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && glob(after, &rest[at..]))
        }),
    }
}

#[test]
fn globs() {
    assert!(glob("wazo-yealink-v8*", "wazo-yealink-v86"));
    assert!(glob("*.xml", "a/b.xml"));
    assert!(!glob("wazo-yealink-v8*", "wazo-yealink-v73"));
    assert!(!glob("*.xml", "a.xmlx"));
}
