//! From manifests to a set: everything is compiled, and every mistake is gathered on the way.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::associate::{Contest, Scores};
use super::cores::on_all_cores;
use super::extract::{ExtractorBuilder, Profile};
use super::files::{self, Entry, PathPattern, Paths};
use super::manifest::{
    Associate, Escape, FileEntry, LoadError, Manifest, Origin, Placed, ReleaseEntry, Rule,
    Transport,
};
use super::notify::Event;
use super::overrides::{self, Overrides, Shipped};
use super::package::Package;
use super::pattern::Pattern;
use super::render::{self, Templates};
use super::rules::{self, Key, Subject};
use super::{ById, Common, LoadErrors, Made, Models, Plugins, Release, Vendor};
use crate::device::Text;

/// A manifest that was read, and where.
struct Read {
    folder: PathBuf,
    file: PathBuf,
    text: String,
    manifest: Manifest,
}

impl Read {
    fn origin(&self) -> Origin<'_> {
        Origin { file: &self.file, text: &self.text }
    }

    fn error(&self, at: &Placed, message: impl Into<String>) -> LoadError {
        self.origin().error(at.span().start, message)
    }

    /// File and line, for people.
    fn place(&self, at: &Placed) -> String {
        let LoadError { file, line, .. } = self.error(at, "");
        format!("{}:{line}", file.display())
    }

    fn id(&self, release: &ReleaseEntry) -> String {
        format!("{}{}", self.manifest.prefix, release.name.get_ref())
    }
}

/// Loads a folder; see [`Plugins::load`].
pub fn load(folder: &Path, operator: Option<&Path>) -> Result<Plugins, LoadErrors> {
    let mut errors = Vec::new();
    let reads = read_all(folder, &mut errors);
    let mut ranks: BTreeMap<String, u32> = BTreeMap::new();
    for read in &reads {
        for release in &read.manifest.releases {
            if !is_folder_name(release.name.get_ref()) {
                let message = "a release's name has letters, digits, `.`, `-` and `_` only";
                errors.push(read.error(&release.name, message));
            }
            if ranks.insert(read.id(release), 0).is_some() {
                let message = format!("{:?} is there twice", read.id(release));
                errors.push(read.error(&release.name, message));
            }
        }
    }
    for (rank, slot) in (0..).zip(ranks.values_mut()) {
        *slot = rank;
    }
    let mut builder = ExtractorBuilder::default();
    for read in &reads {
        add_rules(read, &ranks, &mut builder, &mut errors);
    }
    let all = reads.iter().flat_map(|read| read.manifest.releases.iter().map(move |r| (read, r)));
    let named: Vec<_> = all.filter(|(_, entry)| is_folder_name(entry.name.get_ref())).collect();
    let made = on_all_cores(&named, |(read, entry)| release(read, entry, operator)).into_iter();
    let mut releases: Vec<_> =
        made.filter_map(|one| one.map_err(|more| errors.extend(more)).ok()).collect();
    let extractor = builder.build().map_err(|error| {
        LoadErrors(vec![LoadError { file: folder.into(), line: 1, message: error }])
    });
    if !errors.is_empty() {
        // What releases share is told once.
        let place = |error: &LoadError| (error.file.clone(), error.line, error.message.clone());
        errors.sort_by_key(place);
        errors.dedup();
        return Err(LoadErrors(errors));
    }
    releases.sort_by(|a, b| a.id.cmp(&b.id));
    let by_id = releases.iter().enumerate().map(|(index, r)| (r.id.clone(), index));
    let by_id: ById = by_id.collect();
    let is_known = |id: &str| by_id.contains_key(id);
    let strays = operator.map(|folder| overrides::strays(folder, is_known)).unwrap_or_default();
    static GENERATION: AtomicU64 = AtomicU64::new(1);
    let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
    let contest = Contest::new(releases.iter().map(|release| (&*release.vendor, &release.scores)));
    Ok(Plugins { generation, extractor: extractor?, contest, releases, by_id, strays })
}

/// Folders are named after releases.
fn is_folder_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    name.bytes().all(fits) && !matches!(name, "" | "." | ".." | "all")
}

fn read_all(folder: &Path, errors: &mut Vec<LoadError>) -> Vec<Read> {
    let mut folders: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) => {
            let message = format!("the folder of plugins cannot be read: {error}");
            errors.push(LoadError { file: folder.into(), line: 1, message });
            return Vec::new();
        }
    };
    folders.retain(|folder| folder.join("plugin.toml").is_file());
    folders.sort();
    if folders.is_empty() && errors.is_empty() {
        let message = "there is no plugin in this folder".to_owned();
        errors.push(LoadError { file: folder.into(), line: 1, message });
    }
    let mut reads = Vec::new();
    for folder in folders {
        let file = folder.join("plugin.toml");
        let read = fs::read_to_string(&file)
            .map_err(|error| LoadError { file: file.clone(), line: 1, message: error.to_string() })
            .and_then(|text| Ok((Origin { file: &file, text: &text }.parse()?, text)));
        match read {
            Ok((manifest, text)) => reads.push(Read { folder, file, text, manifest }),
            Err(error) => errors.push(error),
        }
    }
    reads
}

/// Compiles a vendor's rules and the profiles of its releases.
fn add_rules(
    read: &Read,
    ranks: &BTreeMap<String, u32>,
    builder: &mut ExtractorBuilder,
    errors: &mut Vec<LoadError>,
) {
    let releases = &read.manifest.releases;
    let mut rules_of: Vec<Vec<usize>> = vec![Vec::new(); releases.len()];
    for rule in &read.manifest.extract {
        check_names(read, &rule.releases, errors);
        match add_rule(read, rule, builder) {
            Ok(number) => {
                for (rules, release) in rules_of.iter_mut().zip(releases) {
                    if is_for(&rule.releases, release) {
                        rules.push(number);
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    let mut profiles: BTreeMap<Vec<usize>, (u32, u32)> = BTreeMap::new();
    for (rules, release) in rules_of.into_iter().zip(releases) {
        let rank = ranks.get(&read.id(release)).copied().unwrap_or_default();
        let (weight, least) = profiles.entry(rules).or_insert((0, u32::MAX));
        *weight += 1;
        *least = rank.min(*least);
    }
    for (rules, (weight, rank)) in profiles {
        if !rules.is_empty() {
            builder.profile(Profile { rules, weight, rank });
        }
    }
}

fn add_rule(read: &Read, rule: &Rule, builder: &mut ExtractorBuilder) -> Result<usize, LoadError> {
    let path = if rule.no_agent { Subject::LonePath } else { Subject::Path };
    let sources = [
        (Subject::Agent, &rule.agent),
        (path, &rule.path),
        (Subject::Args, &rule.args),
        (Subject::File, &rule.file),
        (Subject::VendorClass, &rule.vendor_class),
        (Subject::Form, &rule.form),
    ];
    let mut patterns = Vec::new();
    for (subject, text) in sources {
        if let Some(text) = text {
            let pattern = builder.pattern(text.get_ref());
            let pattern = pattern.map_err(|message| read.error(text, message))?;
            patterns.push((subject, pattern));
        }
    }
    let said = sources.iter().filter_map(|(subject, text)| Some((*subject, text.as_ref()?)));
    let Some((subject, place)) = rules::lead(said, |text| text.get_ref()) else {
        let message = "an [[extract]] rule has no pattern";
        return Err(read.origin().error(0, message));
    };
    if rule.no_agent && (rule.path.is_none() || rule.agent.is_some()) {
        return Err(read.error(place, "no_agent goes with a path alone"));
    }
    let key = |name: &String| {
        Key::of(name).ok_or_else(|| read.error(place, format!("no key has the name {name:?}")))
    };
    let mut set = Vec::new();
    for (name, text) in &rule.set {
        set.push((key(name)?, text.as_bytes().into()));
    }
    let mut rewrite = Vec::new();
    for (name, changes) in &rule.rewrite {
        rewrite.push((key(name)?, changes.clone()));
    }
    let Rule { bytes, bad_mac, .. } = *rule;
    let told = read.place(place).into();
    let rule = rules::Rule { place: told, patterns, bytes, set, rewrite, bad_mac };
    Ok(builder.rule(rule, subject, place.get_ref()))
}

fn is_for(names: &[Placed], release: &ReleaseEntry) -> bool {
    names.is_empty() || names.iter().any(|name| name.get_ref() == release.name.get_ref())
}

fn check_names(read: &Read, names: &[Placed], errors: &mut Vec<LoadError>) {
    for name in names {
        if !read.manifest.releases.iter().any(|r| r.name.get_ref() == name.get_ref()) {
            errors.push(read.error(name, format!("no release has the name {:?}", name.get_ref())));
        }
    }
}

fn release(
    read: &Read,
    entry: &ReleaseEntry,
    operator: Option<&Path>,
) -> Result<Arc<Release>, Vec<LoadError>> {
    let manifest = &read.manifest;
    let mut errors = Vec::new();
    for file in manifest.files.iter().chain(&manifest.commons) {
        check_names(read, &file.releases, &mut errors);
    }
    let packages = packages(read, entry, &mut errors);
    let models = models(read, entry).map_err(|error| vec![error])?;
    let folder = read.folder.join("templates");
    let sources = render::sources(&folder, entry.name.get_ref()).map_err(|error| vec![error])?;
    let mine = |list: &'_ [FileEntry]| -> Vec<usize> {
        let for_me =
            |(index, file): (usize, &FileEntry)| is_for(&file.releases, entry).then_some(index);
        list.iter().enumerate().filter_map(for_me).collect()
    };
    let (files, commons) = (mine(&manifest.files), mine(&manifest.commons));
    let entries = files.iter().map(|&i| &manifest.files[i]);
    let entries: Vec<_> = entries.chain(commons.iter().map(|&i| &manifest.commons[i])).collect();
    let mut made = Vec::new();
    for file in &entries {
        match compile_file(read, file, &sources) {
            Ok(file) => made.push(file),
            Err(error) => errors.push(error),
        }
    }
    let templates = templates(read, &entries, &sources).map_err(|mut more| {
        errors.append(&mut more);
        std::mem::take(&mut errors)
    })?;
    let sensitive = patterns(read, &manifest.sensitive).map_err(|error| vec![error])?;
    let scores = scores(read, entry).map_err(|error| vec![error])?;
    let data = render::data(&manifest.data, &entry.data);
    let data = data.map_err(|error| vec![read.error(&entry.name, error)])?;
    let event = Event::compile(entry.notify.as_ref().or(manifest.notify.as_ref()));
    let event = event.map_err(|(at, message)| vec![read.origin().error(at, message)])?;
    if !errors.is_empty() {
        return Err(errors);
    }
    let shared = made.split_off(files.len());
    let commons = expand_commons(shared, &models);
    let paths = paths(read, entry, &commons).map_err(|error| vec![error])?;
    let overrides = operator.and_then(|folder| {
        let folder = folder.join(read.id(entry));
        over(read, (&read.id(entry), &entries), &sources, (&made, &models), &folder)
    });
    Ok(Arc::new(Release {
        id: Text::from(read.id(entry)),
        place: read.place(&entry.name),
        vendor: Vendor::named(&manifest.vendor),
        summary: if entry.summary.is_empty() { &manifest.summary } else { &entry.summary }.clone(),
        http: entry.serves.contains(&Transport::Http),
        tftp: entry.serves.contains(&Transport::Tftp),
        models,
        scores,
        files: made,
        commons,
        paths,
        sensitive,
        templates,
        data,
        packages,
        event,
        overrides,
    }))
}

fn packages(read: &Read, entry: &ReleaseEntry, errors: &mut Vec<LoadError>) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for written in &read.manifest.packages {
        check_names(read, &written.releases, errors);
        match written.compile() {
            _ if !is_for(&written.releases, entry) => {}
            Ok(package) if packages.iter().any(|other| other.name == package.name) => {
                let message = format!("{:?} has two packages {:?}", read.id(entry), package.name);
                errors.push(read.error(&written.name, message));
            }
            Ok(package) => packages.push(package),
            Err((offset, message)) => errors.push(read.origin().error(offset, message)),
        }
    }
    packages
}

fn models(read: &Read, entry: &ReleaseEntry) -> Result<Models, LoadError> {
    let mut models = Models::default();
    for (name, value) in &entry.models {
        let table = value.as_table().cloned();
        let table = table.ok_or_else(|| {
            read.error(&entry.name, format!("the entry of model {name:?} is no table"))
        })?;
        let versions = versions(&table).ok_or_else(|| {
            let message = format!("the version of model {name:?} is no text and no list of texts");
            read.error(&entry.name, message)
        })?;
        let json = render::document(&table).map_err(|error| read.error(&entry.name, error))?;
        models.insert(name.as_str().into(), Entry { versions, table, json });
    }
    Ok(models)
}

/// The wanted versions of a model's entry: none, one, or a list.
fn versions(entry: &toml::Table) -> Option<Vec<String>> {
    match entry.get("version") {
        None => Some(Vec::new()),
        Some(toml::Value::String(one)) => Some(vec![one.clone()]),
        Some(toml::Value::Array(several)) => {
            several.iter().map(|one| one.as_str().map(ToOwned::to_owned)).collect()
        }
        Some(_) => None,
    }
}

fn templates(
    read: &Read,
    entries: &[&FileEntry],
    sources: &render::Sources,
) -> Result<Templates, Vec<LoadError>> {
    let (escapes, conditions) = ways(read, entries);
    Templates::compile(sources, &conditions, &escapes, read.manifest.render.escape)
}

/// The administrator's templates over those of one release.
fn over(
    read: &Read,
    (id, entries): (&str, &[&FileEntry]),
    sources: &render::Sources,
    (files, models): (&[Made], &Models),
    folder: &Path,
) -> Option<Box<Overrides>> {
    if !folder.is_dir() {
        return None;
    }
    let (escapes, conditions) = ways(read, entries);
    let shipped = Shipped {
        plugin: id,
        vendor: &read.manifest.vendor,
        sources,
        conditions: &conditions,
        escapes: &escapes,
        standard: read.manifest.render.escape,
        files,
        models,
        facts: BTreeMap::new(),
    };
    Overrides::load(folder, shipped)
}

/// How templates are escaped, where they say so, and the conditions of files.
fn ways(read: &Read, entries: &[&FileEntry]) -> (HashMap<String, Escape>, Vec<(String, String)>) {
    let mut escapes = HashMap::new();
    let mut conditions = Vec::new();
    for file in entries {
        if let Some(escape) = file.escape {
            escapes.insert(file.template.get_ref().clone(), escape);
        }
        if let Some(when) = &file.when {
            let text = format!("{{% if {} %}}1{{% endif %}}", when.get_ref());
            // The name of its place, so that a mistake in it is told there.
            conditions.push((read.place(when), text));
        }
    }
    (escapes, conditions)
}

fn compile_file(
    read: &Read,
    file: &FileEntry,
    sources: &render::Sources,
) -> Result<Made, LoadError> {
    let path = PathPattern::parse(file.path.get_ref());
    let path = path.map_err(|message| read.error(&file.path, message))?;
    let form = file.form.as_ref().map(|form| {
        PathPattern::parse(form.get_ref()).map_err(|message| read.error(form, message))
    });
    let template = file.template.get_ref();
    if !sources.contains_key(template) {
        let message = format!("there is no template {template:?}");
        return Err(read.error(&file.template, message));
    }
    Ok(Made {
        path,
        form: form.transpose()?,
        template: template.clone(),
        by_model: file.by_model,
        models: file.models.clone(),
        condition: file.when.as_ref().map(|when| read.place(when)),
        trigger: file.trigger,
        sensitive: file.sensitive,
        encoding: file.encoding.unwrap_or(read.manifest.render.encoding),
    })
}

/// One file for each model where the path names the model, else one for all.
fn expand_commons(made: Vec<Made>, models: &Models) -> Vec<Common> {
    let mut commons: Vec<Common> = Vec::new();
    let mut names: Vec<&Box<str>> = models.keys().collect();
    names.sort();
    for made in made {
        let nobody = files::Subject { device: None, model: None, entry: None };
        if let Some(path) = made.path.expand(&nobody) {
            commons.push(Common { made, path, model: None });
            continue;
        }
        for name in &names {
            if !made.is_for(name) {
                continue;
            }
            let subject =
                files::Subject { device: None, model: Some(name), entry: models.get(&***name) };
            if let Some(path) = made.path.expand(&subject)
                && !commons.iter().any(|common| common.path == path)
            {
                let model = Some((*name).clone());
                commons.push(Common { made: made.clone(), path, model });
            }
        }
    }
    commons
}

fn paths(read: &Read, entry: &ReleaseEntry, commons: &[Common]) -> Result<Paths, LoadError> {
    let mut paths = Paths::default();
    for (number, common) in commons.iter().enumerate() {
        paths.add_common(&common.path, number);
    }
    for name in ["all", entry.name.get_ref()] {
        let folder = read.folder.join("files").join(name);
        paths.add_folder(&folder).map_err(|(file, error)| LoadError {
            file,
            line: 1,
            message: error.to_string(),
        })?;
    }
    Ok(paths)
}

fn patterns(read: &Read, texts: &[Placed]) -> Result<Vec<Pattern>, LoadError> {
    let compile =
        |text: &Placed| Pattern::new(text.get_ref()).map_err(|error| read.error(text, error));
    texts.iter().map(compile).collect()
}

fn scores(read: &Read, entry: &ReleaseEntry) -> Result<Scores, LoadError> {
    let vendor: &Associate = &read.manifest.associate;
    let mut when = Vec::new();
    for one in entry.associate.when.iter().chain(&vendor.when) {
        let pattern = Pattern::new(one.model.get_ref());
        let pattern = pattern.map_err(|error| read.error(&one.model, error))?;
        when.push((pattern, one.score));
    }
    Ok(Scores::new(&entry.associate, vendor, when))
}
