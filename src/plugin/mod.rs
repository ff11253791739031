//! Vendors as data: a folder of manifests becomes one immutable set, whole or not at all.
//!
//! The format is described in `docs/plugins.md`. A manifest lists a vendor's releases; each is a
//! plugin under its own id. Loading compiles every pattern and template, so that a mistake is told
//! with file and line before anything is served.

mod associate;
mod compile;
mod cores;
mod directory;
mod extract;
mod files;
mod manifest;
mod notify;
mod overrides;
mod package;
mod pattern;
mod program;
mod recall;
mod render;
mod rules;
mod set;
mod template;
mod vendors;
mod words;
mod zone;

pub use associate::{Info, PROBABLE};
pub use extract::Scratch;
pub use files::StaticFile;
pub use manifest::{LoadError, Transport};
pub use notify::Event;
pub use overrides::{Fault, Override, Overrides};
pub use package::{Glob, Kind, Package, Step, clean};
pub use render::{RenderError, server_url};
pub use vendors::vendor_of;

use ahash::RandomState;
use bytes::Bytes;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::device::{Device, Document, Text};
use crate::query::{Query, Sighting, Source};
use files::{Entry, PathPattern, Paths, Shared};
use manifest::Encoding;
use overrides::Wanted;
use pattern::Pattern;
use render::Given;
use vendors::Vendor;

/// All plugins of a folder. Immutable: a reload makes a new one.
#[derive(Debug)]
pub struct Plugins {
    generation: u64,
    extractor: extract::Extractor,
    contest: associate::Contest,
    /// By id, in order.
    releases: Vec<Arc<Release>>,
    by_id: ById,
    /// Folders of overrides that are no release's.
    strays: Vec<Fault>,
}

/// Releases' places by their ids.
type ById = HashMap<Text, usize, RandomState>;

/// Everything that is wrong with a folder of plugins, all at once.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct LoadErrors(pub Vec<LoadError>);

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// One release of a vendor's plugin: models, files, templates.
#[derive(Debug)]
pub struct Release {
    id: Text,
    /// Its manifest and line.
    place: String,
    vendor: Vendor,
    summary: String,
    http: bool,
    tftp: bool,
    models: Models,
    scores: associate::Scores,
    files: Vec<Made>,
    commons: Vec<Common>,
    paths: Paths,
    sensitive: Vec<Pattern>,
    templates: render::Templates,
    data: Json,
    packages: Vec<Package>,
    event: Option<Event>,
    /// The administrator's templates; most releases have none.
    overrides: Option<Box<Overrides>>,
}

/// A file that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendered {
    /// Its bytes.
    pub bytes: Bytes,
    /// Why the administrator's template could not make it, so that the shipped one did.
    pub failed_override: Option<String>,
}

/// A release's models by name.
type Models = HashMap<Box<str>, Entry, RandomState>;

/// A file that a template makes.
#[derive(Clone, Debug)]
struct Made {
    path: PathPattern,
    /// Where it is asked for by posting a form, where that is the way.
    form: Option<PathPattern>,
    template: String,
    by_model: bool,
    models: Vec<String>,
    condition: Option<String>,
    trigger: bool,
    sensitive: bool,
    encoding: Encoding,
}

impl Made {
    fn is_for(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|name| name == model)
    }
}

/// A shared file: an entry of the manifest, for one model where the path names it.
#[derive(Debug)]
struct Common {
    made: Made,
    path: String,
    model: Option<Box<str>>,
}

/// Names a file that a release makes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u16);

/// Which file a path means for a device.
#[derive(Clone, PartialEq, Debug)]
pub enum Route {
    /// One of the phone's own.
    Device {
        /// For [`Release::render`].
        file: FileId,
        /// Its fetch says that the phone takes its configuration.
        trigger: bool,
        /// Its fetch goes to the security log.
        sensitive: bool,
    },
    /// One that a template makes for all phones of the release.
    Common {
        /// For [`Release::render_common`].
        file: FileId,
    },
    /// One that lies on the disk.
    Static(Arc<StaticFile>),
    /// None.
    Missing {
        /// The name is one that holds credentials.
        sensitive: bool,
    },
}

impl Route {
    /// Whether it is one phone's alone: its own file, or a name that holds credentials.
    pub fn is_private(&self) -> bool {
        matches!(self, Route::Device { .. } | Route::Missing { sensitive: true })
    }
}

impl Plugins {
    /// Loads every `<vendor>/plugin.toml` below `folder`.
    ///
    /// # Errors
    /// All mistakes of all manifests and templates, each with file and line.
    pub fn load(folder: &Path) -> Result<Plugins, LoadErrors> {
        compile::load(folder, None)
    }

    /// The same with the administrator's templates over those that are shipped: they lie in
    /// `<operator>/<plugin>/`. A mistake in one of them is no error: the shipped template stays.
    ///
    /// # Errors
    /// As [`Plugins::load`].
    pub fn load_over(folder: &Path, operator: &Path) -> Result<Plugins, LoadErrors> {
        compile::load(folder, Some(operator))
    }

    /// What is wrong with the administrator's templates, or may be.
    pub fn override_faults(&self) -> impl Iterator<Item = &Fault> {
        let each = self.releases.iter().filter_map(|release| release.overrides());
        self.strays.iter().chain(each.flat_map(Overrides::faults))
    }

    /// Shipped templates that changed since overrides were made from them.
    pub fn changed_originals(&self) -> impl Iterator<Item = LoadError> {
        let each = self.releases.iter().filter_map(|release| release.overrides());
        each.flat_map(Overrides::compare_originals)
    }

    /// Differs for every set that was loaded by this process.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// One core's memory for searches in this set.
    pub fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    /// What a request tells of its phone.
    pub fn extract<'b>(&'b self, query: &Query<'b>, scratch: &'b mut Scratch) -> Sighting<'b> {
        self.extractor.extract(query, scratch)
    }

    /// The place of every extraction rule: manifest and line.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.extractor.rules()
    }

    /// The places of the rules that say something of a request.
    pub fn rules_of(&self, query: &Query<'_>, scratch: &mut Scratch) -> Vec<&str> {
        self.extractor.rules_of(query, scratch)
    }

    /// The release that fits best, from [`PROBABLE`] up; the greatest id where several do.
    pub fn associate(&self, info: &Info<'_>) -> Option<&Arc<Release>> {
        let winner = self.contest.winner(info, |release| self.releases[release].score(info));
        winner.filter(|(_, score)| *score >= PROBABLE).map(|(release, _)| &self.releases[release])
    }

    /// Every release and its score.
    pub fn scores<'a>(&'a self, info: &Info<'_>) -> impl Iterator<Item = (&'a Text, i32)> {
        self.releases.iter().map(|release| (&release.id, release.score(info)))
    }

    /// The release of that id.
    pub fn release(&self, id: &str) -> Option<&Arc<Release>> {
        self.by_id.get(id).map(|&index| &self.releases[index])
    }

    /// All releases, by id.
    pub fn releases(&self) -> &[Arc<Release>] {
        &self.releases
    }
}

impl Release {
    /// Its id: `wazo-yealink-v86`.
    pub fn id(&self) -> &Text {
        &self.id
    }

    /// Where it is described: manifest and line.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Its vendor's name.
    pub fn vendor(&self) -> &Text {
        &self.vendor.name
    }

    /// Its vendor's number, for [`vendor_of`].
    pub fn vendor_number(&self) -> u8 {
        self.vendor.number
    }

    /// One line for people.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Its models, in no order, with the firmware version it wants of each.
    pub fn models(&self) -> impl Iterator<Item = (&str, &str)> {
        self.models
            .iter()
            .map(|(name, entry)| (&**name, entry.versions.first().map_or("", String::as_str)))
    }

    /// What it can be given that is downloaded, in the manifest's order.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// What tells its phones to fetch their files anew; none: they take no NOTIFY.
    pub fn event(&self) -> Option<&Event> {
        self.event.as_ref()
    }

    /// Whether it serves files over this transport.
    pub fn serves(&self, source: Source) -> bool {
        match source {
            Source::Http => self.http,
            Source::Tftp => self.tftp,
            Source::Dhcp => false,
        }
    }

    /// How well it fits (spec section 1.4).
    pub fn score(&self, info: &Info<'_>) -> i32 {
        self.scores.score(info, &self.vendor, |model| {
            let entry = std::str::from_utf8(model).ok().and_then(|m| self.models.get(m));
            entry.map(|entry| &*entry.versions)
        })
    }

    /// Which file `path` means for this device. The path is decoded and has no leading slash. A
    /// phone's own files are its own: another's path is `Missing`.
    pub fn route(&self, path: &[u8], device: &Device) -> Route {
        let model = device.model.as_deref().unwrap_or_default();
        for (index, made) in self.files.iter().enumerate() {
            let entry = || self.models.get(model);
            let is_it = |pattern: &PathPattern| pattern.matches(path, device, entry);
            if made.is_for(model) && (is_it(&made.path) || made.form.as_ref().is_some_and(is_it)) {
                let sensitive = made.sensitive || self.is_sensitive(path);
                return Route::Device { file: file_id(index), trigger: made.trigger, sensitive };
            }
        }
        match self.paths.find(path) {
            Some(Shared::Common(number)) => Route::Common { file: file_id(*number) },
            Some(Shared::Static(file)) => Route::Static(file.clone()),
            None => Route::Missing { sensitive: self.is_sensitive(path) },
        }
    }

    /// Whether this file is given to those alone who post a form.
    pub fn takes_form(&self, file: FileId) -> bool {
        self.files[usize::from(file.0)].form.is_some()
    }

    /// Whether the last segment of `path` is a name that holds credentials.
    pub fn is_sensitive(&self, path: &[u8]) -> bool {
        let name = memchr::memrchr(b'/', path).map_or(path, |slash| &path[slash + 1..]);
        self.sensitive.iter().any(|pattern| pattern.is_match(name))
    }

    /// The paths of the files that this device is given, with their ids, in the manifest's order.
    pub fn device_files(&self, device: &Device) -> Vec<(String, FileId)> {
        let model = device.model.as_deref();
        let entry = model.and_then(|model| self.models.get(model));
        let subject = files::Subject { device: Some(device), model, entry };
        let name = model.unwrap_or_default();
        let made = self.files.iter().enumerate().filter(|(_, made)| made.is_for(name));
        made.filter_map(|(index, made)| Some((made.path.expand(&subject)?, file_id(index))))
            .collect()
    }

    /// The paths of the shared files that templates make.
    pub fn common_files(&self) -> impl Iterator<Item = (&str, FileId)> {
        self.commons.iter().enumerate().map(|(index, common)| (&*common.path, file_id(index)))
    }

    /// Makes one of the device's files. `raw` is its flattened configuration, defaults filled in.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render(
        &self,
        file: FileId,
        device: &Device,
        raw: &Document,
    ) -> Result<Bytes, RenderError> {
        self.rendered(file, device, raw).map(|rendered| rendered.bytes)
    }

    /// The same, and whether an override failed on it.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn rendered(
        &self,
        file: FileId,
        device: &Device,
        raw: &Document,
    ) -> Result<Rendered, RenderError> {
        let made = &self.files[usize::from(file.0)];
        let model = device.model.as_deref();
        let known = model.and_then(|model| Some((model, self.models.get(model)?)));
        let (plugin, data) = (&*self.id, &self.data);
        let place = Some(usize::from(file.0));
        let given = Given { device: Some(device), model: known, plugin, data, raw };
        self.make((made, place), model, &given)
    }

    /// Makes a shared file. `raw` is the server's base configuration.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render_common(&self, file: FileId, raw: &Document) -> Result<Bytes, RenderError> {
        self.rendered_common(file, raw).map(|rendered| rendered.bytes)
    }

    /// The same, and whether an override failed on it.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn rendered_common(&self, file: FileId, raw: &Document) -> Result<Rendered, RenderError> {
        let common = &self.commons[usize::from(file.0)];
        let model = common.model.as_deref();
        let known = model.and_then(|model| Some((model, self.models.get(model)?)));
        let (plugin, data) = (&*self.id, &self.data);
        let given = Given { device: None, model: known, plugin, data, raw };
        self.make((&common.made, None), model, &given)
    }

    /// Templates that are run by the slower of both engines, each with the reason.
    pub fn slow_templates(&self) -> Vec<(&str, String)> {
        let slow = self.templates.slow().map(|(name, reason)| (name, reason.to_string()));
        let mut slow: Vec<_> = slow.collect();
        slow.sort();
        slow
    }

    /// The administrator's templates, where there are any.
    pub fn overrides(&self) -> Option<&Overrides> {
        self.overrides.as_deref()
    }

    fn make(
        &self,
        (made, place): (&Made, Option<usize>),
        model: Option<&str>,
        given: &Given<'_>,
    ) -> Result<Rendered, RenderError> {
        let mut failed_override = None;
        if let Some(overrides) = &self.overrides {
            let is_main = place.is_some() && place == overrides::main_file(&self.files, model);
            let wanted = Wanted { made, is_main, model };
            match overrides.render(wanted, given, made.encoding) {
                None => {}
                Some(Err(RenderError::Template(reason))) => failed_override = Some(reason),
                Some(rendered) => return rendered.map(|bytes| Rendered { bytes, failed_override }),
            }
        }
        let own = model.filter(|_| made.by_model).map(|model| format!("{model}.tpl"));
        let name = own.filter(|name| self.templates.has(name));
        let name = name.as_deref().unwrap_or(&made.template);
        let bytes = self.templates.render(name, made.condition.as_deref(), given, made.encoding)?;
        Ok(Rendered { bytes, failed_override })
    }
}

fn file_id(index: usize) -> FileId {
    FileId(u16::try_from(index).expect("a manifest has fewer than 65536 files"))
}
