//! Administrators' templates: they go over a release's own, and never cost a phone its file.
//!
//! They lie in `<data>/templates/<plugin>/` and are read beside the shipped ones, which stay as
//! they are: a mistake in an override, when it is read or when it is run, leaves the shipped
//! template in its place. A release without overrides has nothing of all this.

mod compat;
mod facts;
mod originals;
mod read;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::Subject;
use super::manifest::{Encoding, Escape, LoadError};
use super::render::{Given, RenderError, Sources, Templates};
use super::{Made, Models};
use crate::device::{Device, Mac};
use facts::Facts;
use read::Good;
pub use read::strays;

/// What the name of a shipped template begins with, where an override means that one.
pub const SHIPPED: &str = "shipped/";
/// The template of a phone's main file, as every override written for the predecessor calls it.
const BASE: &str = "base.tpl";

/// The overrides of one release.
#[derive(Debug)]
pub struct Overrides {
    folder: PathBuf,
    plugin: String,
    vendor: String,
    all: Vec<Override>,
    faults: Vec<Fault>,
    /// The shipped templates with the overrides over them.
    templates: Templates,
    /// Templates that an override has a part in.
    reach: HashMap<String, Reach>,
    /// Names of the overrides by what they are in lower case.
    own: HashMap<String, String>,
    /// The release ships no `base.tpl`: one here makes the main file.
    is_base_free: bool,
    /// Names of services' URLs that overrides use.
    services: Vec<String>,
}

/// One of the administrator's templates.
#[derive(Debug)]
pub struct Override {
    /// Its file's name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// The shipped template in whose place it stands: its name and its text.
    original: Option<(String, Arc<str>)>,
}

/// What is wrong with an override, or may be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What, and where.
    pub error: LoadError,
    /// The override is not used.
    pub is_broken: bool,
}

/// How an override has a part in a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    /// It is one, and takes in nothing that is shipped.
    Whole,
    /// It is one, or takes one in.
    Part,
}

/// What a release ships, for those who go over it.
pub struct Shipped<'s> {
    pub plugin: &'s str,
    pub vendor: &'s str,
    pub sources: &'s Sources,
    pub conditions: &'s [(String, String)],
    pub escapes: &'s HashMap<String, Escape>,
    pub standard: Escape,
    pub(super) files: &'s [Made],
    pub models: &'s Models,
    /// What its templates tell of themselves; filled in by [`Overrides::load`].
    pub facts: BTreeMap<&'s str, Facts>,
}

/// A file that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    pub(super) made: &'w Made,
    /// The device's main one.
    pub is_main: bool,
    pub model: Option<&'w str>,
}

impl Fault {
    fn broken(file: &Path, line: usize, message: impl Into<String>) -> Fault {
        let error = LoadError { file: file.to_owned(), line, message: message.into() };
        Fault { error, is_broken: true }
    }

    /// Something that may not be meant as it is.
    pub fn doubt(file: &Path, line: usize, message: impl Into<String>) -> Fault {
        Fault { is_broken: false, ..Fault::broken(file, line, message) }
    }
}

/// The file of a phone that `<model>.tpl` and `base.tpl` make: the first whose fetch says that the
/// phone takes its configuration, else the first.
pub fn main_file(files: &[Made], model: Option<&str>) -> Option<usize> {
    let is_mine = |made: &Made| model.is_none_or(|model| made.is_for(model));
    let mut mine = files.iter().enumerate().filter(|(_, made)| is_mine(made));
    let first = mine.clone().next();
    mine.find(|(_, made)| made.trigger).or(first).map(|(index, _)| index)
}

impl<'s> Shipped<'s> {
    /// The shipped template of that name, or that an override means by it.
    fn shipped(&self, name: &str) -> Option<&'s str> {
        let name = name.strip_prefix(SHIPPED).unwrap_or(name);
        let found = self.sources.get_key_value(name).map(|(name, _)| &**name);
        found.or_else(|| self.main_template().filter(|_| name == BASE))
    }

    fn has(&self, name: &str) -> bool {
        self.shipped(name).is_some()
    }

    fn facts(&self, name: &str) -> Option<&Facts> {
        self.facts.get(self.shipped(name)?)
    }

    fn escape(&self, name: &str) -> Escape {
        let shipped = self.shipped(name).unwrap_or(name);
        *self.escapes.get(shipped).unwrap_or(&self.standard)
    }

    /// The template of the main file.
    fn main_template(&self) -> Option<&'s str> {
        let files = self.files;
        main_file(files, None).map(|index| &*files[index].template)
    }

    /// Whether a file may be made of an override of that name, by the name alone.
    fn is_asked_for(&self, name: &str) -> bool {
        let stem = name.strip_suffix(".tpl").unwrap_or(name);
        self.has(name) || self.models.contains_key(stem) || self.is_device_file(stem)
    }

    /// Whether a device can have a file of that name.
    fn is_device_file(&self, stem: &str) -> bool {
        let digits: Vec<u8> = stem.bytes().filter(|byte| !b"-_:".contains(byte)).collect();
        let windows = digits.windows(12).filter_map(|twelve| Mac::parse(twelve).ok());
        // The second port of an adapter has a name without its MAC's first byte.
        let both = |mac: Mac| [mac, Mac([0, mac.0[0], mac.0[1], mac.0[2], mac.0[3], mac.0[4]])];
        let macs: Vec<Mac> = windows.flat_map(both).collect();
        let is_of = |made: &Made, mac: Mac| {
            let device = Device { mac: Some(mac), ..Device::default() };
            let subject = Subject { device: Some(&device), model: None, entry: None };
            let path = made.path.expand(&subject);
            // What is named after more than the MAC is not known here.
            path.is_none_or(|path| base_name(&path).eq_ignore_ascii_case(stem))
        };
        let none = Mac([0; 6]);
        let macs = if macs.is_empty() { vec![none] } else { macs };
        self.files.iter().any(|made| macs.iter().any(|mac| is_of(made, *mac)))
    }
}

impl Overrides {
    /// Reads the folder; none where nothing is in it.
    pub fn load(folder: &Path, mut shipped: Shipped<'_>) -> Option<Box<Overrides>> {
        if !folder.is_dir() {
            return None;
        }
        let mut faults = Vec::new();
        let files = read::list(folder, &mut faults);
        if files.is_empty() && faults.is_empty() {
            return None;
        }
        let sources = shipped.sources.iter();
        let facts =
            sources.filter_map(|(name, (_, text))| Some((&**name, Facts::of(name, text).ok()?)));
        shipped.facts = facts.collect();
        let shipped = &shipped;
        let all = originals(&files, shipped);
        let good = read::read(&files, shipped, &mut faults);
        read::doubts(&good, shipped, &mut faults);
        let templates = merged(&good, shipped).unwrap_or_else(|errors| {
            let broken = |error| Fault { error, is_broken: true };
            faults.extend(errors.into_iter().map(broken));
            Templates::compile(&Sources::new(), &[], &HashMap::new(), shipped.standard)
                .expect("invariant: nothing compiles")
        });
        let is_empty = templates.is_empty();
        let reach = if is_empty { HashMap::new() } else { reaches(&good, shipped) };
        let own = good.keys().map(|name| (name.to_ascii_lowercase(), name.clone())).collect();
        let names = good.values().flat_map(|one| &one.facts.names);
        let services: BTreeSet<&String> =
            names.filter(|name| compat::service(name).is_some()).collect();
        faults.sort_by(|a, b| (&a.error.file, a.error.line).cmp(&(&b.error.file, b.error.line)));
        Some(Box::new(Overrides {
            folder: folder.to_owned(),
            plugin: shipped.plugin.to_owned(),
            vendor: shipped.vendor.to_owned(),
            all,
            faults,
            templates,
            reach,
            own,
            is_base_free: !shipped.sources.contains_key(BASE),
            services: services.into_iter().cloned().collect(),
        }))
    }

    /// The overrides, also those with a mistake.
    pub fn all(&self) -> &[Override] {
        &self.all
    }

    /// What is wrong with them.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Tells which of them replace something else than when they were first seen, and keeps what
    /// new ones replace.
    pub fn compare_originals(&self) -> Vec<LoadError> {
        originals::compare(&self.folder, &self.plugin, &self.all)
    }

    /// Takes what is shipped now for what this override was made from; whether there is such a one.
    ///
    /// # Errors
    /// What the system says.
    pub fn accept(&self, name: &str) -> std::io::Result<bool> {
        match self.all.iter().find(|one| one.name == name) {
            Some(one) => originals::accept(&self.folder, one).map(|()| true),
            None => Ok(false),
        }
    }

    /// Makes a file that an override has a part in; none where none has.
    pub fn render(
        &self,
        wanted: Wanted<'_>,
        given: &Given<'_>,
        encoding: Encoding,
    ) -> Option<Result<Bytes, RenderError>> {
        let name = self.choose(wanted, given);
        let reach = self.reach.get(&*name)?;
        let fills_lines = *reach == Reach::Whole;
        let raw = compat::settings(given, &self.vendor, &self.services, fills_lines);
        let given = Given { raw: &raw, ..*given };
        Some(self.templates.render(&name, wanted.made.condition.as_deref(), &given, encoding))
    }

    /// The template of a file: the device's, else the model's, else the one of all (spec section
    /// 6.5); each the administrator's where there is one.
    fn choose<'n>(&'n self, wanted: Wanted<'n>, given: &Given<'_>) -> std::borrow::Cow<'n, str> {
        let Wanted { made, is_main, model } = wanted;
        if let Some(device) = given.device {
            let entry = given.model.map(|(_, entry)| entry);
            let subject = Subject { device: Some(device), model, entry };
            let path = made.path.expand(&subject);
            let name = path.map(|path| format!("{}.tpl", base_name(&path)).to_ascii_lowercase());
            if let Some(own) = name.and_then(|name| self.own.get(&name)) {
                return own.into();
            }
        }
        if let Some(model) = model
            && (is_main || made.by_model)
        {
            let name = format!("{model}.tpl");
            let is_own = self.own.get(&name.to_ascii_lowercase()).is_some_and(|own| *own == name);
            if is_own || made.by_model && self.templates.has(&name) {
                return name.into();
            }
        }
        if is_main && self.is_base_free && self.own.get(BASE).is_some_and(|own| own == BASE) {
            return BASE.into();
        }
        (&*made.template).into()
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The overrides and what each stands in place of: the shipped template of its name, else the one
/// of the main file, where its name is a model's or a device's file's.
fn originals(files: &BTreeMap<String, PathBuf>, shipped: &Shipped<'_>) -> Vec<Override> {
    let mut texts: HashMap<&str, Arc<str>> = HashMap::new();
    let mut original = |name: &str| {
        let own = shipped.shipped(name);
        let main = || shipped.main_template().filter(|_| shipped.is_asked_for(name));
        let source = own.or_else(main)?;
        let text = &shipped.sources.get(source)?.1;
        let text = texts.entry(source).or_insert_with(|| Arc::from(&**text));
        Some((source.to_owned(), Arc::clone(text)))
    };
    let all = files.iter().map(|(name, file)| Override {
        name: name.clone(),
        file: file.clone(),
        original: original(name),
    });
    all.collect()
}

/// The shipped templates under their own names and under those that overrides reach them by, and
/// the overrides over them; each is read and escaped in its own way.
fn merged(
    good: &BTreeMap<String, Good>,
    shipped: &Shipped<'_>,
) -> Result<Templates, Vec<LoadError>> {
    let mut sources = Sources::new();
    let mut escapes = HashMap::new();
    let mut foreign = BTreeSet::new();
    let names = shipped.sources.keys().map(String::as_str).chain([BASE]);
    for name in names {
        let Some(source) = shipped.shipped(name).and_then(|name| shipped.sources.get(name)) else {
            continue;
        };
        for name in [name.to_owned(), format!("{SHIPPED}{name}")] {
            escapes.insert(name.clone(), shipped.escape(&name));
            sources.insert(name, source.clone());
        }
    }
    for (name, one) in good {
        sources.insert(name.clone(), (one.file.clone(), one.text.clone()));
        escapes.insert(name.clone(), escape(name, good, shipped));
        if one.is_foreign {
            foreign.insert(name.clone());
        }
    }
    let Shipped { conditions, standard, .. } = *shipped;
    Templates::compile_over(&sources, conditions, &escapes, standard, Some(&foreign))
}

/// How an override is escaped: not at all, as the predecessor has it, but like the shipped template
/// that it extends, or that it is written like.
fn escape(name: &str, good: &BTreeMap<String, Good>, shipped: &Shipped<'_>) -> Escape {
    let mut name = name;
    while let Some(one) = good.get(name) {
        match one.facts.parent() {
            Some(parent) => name = &parent.name,
            None if one.is_foreign => return Escape::None,
            None => break,
        }
    }
    shipped.escape(name)
}

/// Which templates an override has a part in, and how.
fn reaches(good: &BTreeMap<String, Good>, shipped: &Shipped<'_>) -> HashMap<String, Reach> {
    let facts = |name: &str| match good.get(name) {
        Some(one) => Some(&one.facts),
        None => shipped.facts(name),
    };
    let reach = |name: &str| {
        let (mut has_own, mut has_shipped) = (false, false);
        let mut seen = BTreeSet::new();
        let mut next = vec![name.to_owned()];
        while let Some(name) = next.pop() {
            let is_own = good.contains_key(&name);
            has_own |= is_own;
            has_shipped |= !is_own;
            if let Some(facts) = facts(&name) {
                // What is named by an expression may be anything.
                has_own |= facts.takes_unnamed;
                has_shipped |= facts.takes_unnamed;
                next.extend(facts.taken.iter().map(|taken| taken.name.clone()));
            }
            seen.insert(name);
            next.retain(|name| !seen.contains(name));
        }
        match (has_own, has_shipped) {
            (true, false) => Some(Reach::Whole),
            (true, true) => Some(Reach::Part),
            (false, _) => None,
        }
    };
    let names = shipped.sources.keys().chain(good.keys());
    names.filter_map(|name| Some((name.clone(), reach(name)?))).collect()
}
