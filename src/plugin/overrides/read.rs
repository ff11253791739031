//! Reads a folder of overrides; one with a mistake is told with its file and line, and left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::facts::{Facts, Taken};
use super::{Fault, Shipped, compat};
use crate::plugin::render::reason;

/// The first line of an override that is written like the templates shipped here.
const MARK: &str = "ringboot";
/// Names at the top level that the predecessor does not have.
const OURS: &[&str] = &[
    "data",
    "lines",
    "model_known",
    "model_name",
    "server_url",
    "server_url_without_scheme",
    "tz",
];

/// An override without a mistake.
#[derive(Debug)]
pub struct Good {
    pub file: PathBuf,
    pub text: String,
    pub facts: Facts,
    /// It is read as the predecessor reads its own.
    pub is_foreign: bool,
}

/// The `*.tpl` files of a folder, in order, and what else lies there that nobody reads.
pub fn list(folder: &Path, faults: &mut Vec<Fault>) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            faults.push(Fault::broken(folder, 1, error.to_string()));
            return files;
        }
    };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            let message = "a folder among overrides is not read: their names have no slash";
            faults.push(Fault::doubt(&path, 1, message));
        } else if name.ends_with(".tpl") && path.is_file() {
            files.insert(name.into_owned(), path);
        }
    }
    files
}

/// Folders below the administrator's that are no plugin's.
pub fn strays(folder: &Path, is_known: impl Fn(&str) -> bool) -> Vec<Fault> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_stray = |name: &str| !name.starts_with('.') && !is_known(name);
    let strays = entries.filter(|entry| is_stray(&entry.file_name().to_string_lossy()));
    let mut strays: Vec<PathBuf> = strays.map(|entry| entry.path()).collect();
    strays.sort();
    let message = "no plugin has this id: what is in here is not used";
    strays.iter().map(|path| Fault::doubt(path, 1, message)).collect()
}

/// Those of the files that are templates, and take in nothing that is not there.
pub fn read(
    files: &BTreeMap<String, PathBuf>,
    shipped: &Shipped<'_>,
    faults: &mut Vec<Fault>,
) -> BTreeMap<String, Good> {
    let mut good = BTreeMap::new();
    for (name, file) in files {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                faults.push(Fault::broken(file, 1, error.to_string()));
                continue;
            }
        };
        match Facts::of(name, &text) {
            Ok(facts) if !facts.unknown.is_empty() => {
                let told = facts.unknown.into_iter();
                faults.extend(told.map(|(message, line)| Fault::broken(file, line, message)));
            }
            Ok(facts) => {
                let is_foreign = !is_marked(&text);
                let file = file.clone();
                good.insert(name.clone(), Good { file, text, facts, is_foreign });
            }
            Err(error) => {
                faults.push(Fault::broken(file, error.line().unwrap_or(1), reason(&error)));
            }
        }
    }
    // One that is left out may be missed by another one.
    loop {
        let bad = good.iter().find_map(|(name, one)| {
            let (line, message) = missing(name, one, &good, shipped)?;
            Some((name.clone(), Fault::broken(&one.file, line, message)))
        });
        let Some((name, fault)) = bad else { return good };
        good.remove(&name);
        faults.push(fault);
    }
}

/// Whether the first line is `{# ringboot #}`.
fn is_marked(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default().trim();
    let inner = line.strip_prefix("{#").and_then(|rest| rest.split_once("#}"));
    inner.is_some_and(|(inner, _)| inner.trim_matches('-').trim() == MARK)
}

/// What it takes in that is not there, or that is itself.
fn missing(
    name: &str,
    one: &Good,
    good: &BTreeMap<String, Good>,
    shipped: &Shipped<'_>,
) -> Option<(usize, String)> {
    let is_there = |taken: &&Taken| {
        taken.may_be_missing || good.contains_key(&taken.name) || shipped.has(&taken.name)
    };
    if let Some(taken) = one.facts.taken.iter().find(|taken| !is_there(taken)) {
        return Some((taken.line, format!("there is no template {:?}", taken.name)));
    }
    let mut seen = BTreeSet::from([name]);
    let mut next = one.facts.parent();
    while let Some(taken) = next {
        if !seen.insert(&taken.name) {
            let line = one.facts.parent().map_or(1, |parent| parent.line);
            let message = format!(
                "it extends itself: what is shipped has the name {:?}",
                format!("{}{}", super::SHIPPED, taken.name)
            );
            return Some((line, message));
        }
        next = match good.get(&taken.name) {
            Some(parent) => parent.facts.parent(),
            None => shipped.facts(&taken.name).and_then(Facts::parent),
        };
    }
    None
}

/// What may not be meant as it stands.
pub fn doubts(good: &BTreeMap<String, Good>, shipped: &Shipped<'_>, faults: &mut Vec<Fault>) {
    let named: BTreeSet<&str> = (good.values().flat_map(|one| &one.facts.taken))
        .chain(shipped.facts.values().flat_map(|facts| &facts.taken))
        .map(|taken| &*taken.name)
        .collect();
    for (name, one) in good {
        let mut doubt = |line, message: String| {
            faults.push(Fault::doubt(&one.file, line, message));
        };
        if !shipped.is_asked_for(name) && !named.contains(&**name) {
            let message = "no file is made of this: it has the name of no shipped template, model \
                           or device's file";
            doubt(1, message.to_owned());
        }
        for unset in &one.facts.names {
            if unset.starts_with("XX_") && !compat::is_known(unset) {
                doubt(line_of(&one.text, unset), format!("nothing sets {unset} here"));
            }
        }
        let ours = one.facts.names.iter().find(|name| OURS.contains(&&***name));
        if let (true, Some(ours)) = (one.is_foreign, ours) {
            let message = format!(
                "{ours} is a name of ringboot's, but this is read as a template for wazo-provd: \
                 its blocks leave their lines and nothing is escaped, unless its first line is \
                 {{# {MARK} #}}"
            );
            doubt(line_of(&one.text, ours), message);
        }
        if one.facts.parent().is_some() {
            for (block, line) in &one.facts.outermost {
                if !is_block_of_a_parent(block, one, good, shipped) {
                    let message = format!(
                        "no template that it extends has a block {block:?}: what it writes is lost"
                    );
                    doubt(*line, message);
                }
            }
        }
    }
}

fn is_block_of_a_parent(
    block: &str,
    one: &Good,
    good: &BTreeMap<String, Good>,
    shipped: &Shipped<'_>,
) -> bool {
    let mut taken: Vec<&Taken> = one.facts.parent().into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(next) = taken.pop() {
        if !seen.insert(&*next.name) {
            continue;
        }
        let facts = match good.get(&next.name) {
            Some(good) => Some(&good.facts),
            None => shipped.facts(&next.name),
        };
        let Some(facts) = facts else { return true };
        if facts.takes_unnamed || facts.blocks.iter().any(|(name, _)| name == block) {
            return true;
        }
        taken.extend(facts.parent());
    }
    false
}

/// The line of a name's first mention.
fn line_of(text: &str, name: &str) -> usize {
    let at = text.find(name).unwrap_or_default();
    1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count()
}
