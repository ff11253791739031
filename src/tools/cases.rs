//! A vendor's own cases (`cases.toml`): what requests tell, which release wins, what files say.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use crate::device::{Device, Document, Mac};
use crate::plugin::{Info, Plugins, Release, RenderError};
use crate::query::{Query, Source};

/// The configurations that files are made from, by their names in cases.
pub const VARIANTS: [(&str, &str); 4] = [
    ("minimal", include_str!("raw/minimal.json")),
    ("full", include_str!("raw/full.json")),
    ("alt", include_str!("raw/alt.json")),
    ("sccp", include_str!("raw/sccp.json")),
];

/// The address that requests of cases come from.
/// The address of the phone that files are made for.
pub const MAC: Mac = Mac([0x02, 0x15, 0x65, 0x4a, 0xa9, 0x37]);
/// Its identity, where it is a softphone.
pub const UUID: &str = "0b5e8f0e-8f5c-4d3a-9b42-3f1c6d2e7a10";
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));

/// A vendor's folder with its cases.
#[derive(Debug)]
pub struct Vendor {
    /// Its folder.
    pub folder: PathBuf,
    cases: Cases,
}

/// Why cases could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or a file could not be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no file of cases.
    #[error("{}: {error}", path.display())]
    Parse {
        /// Which.
        path: PathBuf,
        /// Why, with the place.
        error: Box<toml::de::Error>,
    },
    /// No vendor has this name.
    #[error("no folder of plugins has the name {0:?}")]
    Unknown(String),
}

/// What became of a vendor's cases.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many hold.
    pub right: usize,
    /// Those that do not, for people.
    pub wrong: Vec<String>,
}

#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields)]
struct Cases {
    #[serde(default)]
    extract: Vec<Extract>,
    #[serde(default)]
    associate: Vec<Associate>,
    #[serde(default)]
    render: Vec<Render>,
    /// The load generator's; it reads them itself.
    #[serde(default)]
    phone: Vec<Phone>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Extract {
    name: String,
    http: Option<Http>,
    tftp: Option<String>,
    dhcp: Option<Dhcp>,
    expect: BTreeMap<String, String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Http {
    path: String,
    #[serde(default)]
    args: String,
    #[serde(default)]
    agent: String,
    form: Option<String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Dhcp {
    vendor_class: Option<String>,
    mac: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Associate {
    info: BTreeMap<String, String>,
    winner: Option<String>,
    #[serde(default)]
    none: bool,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Render {
    plugin: String,
    model: String,
    mac: String,
    uuid: Option<String>,
    variant: String,
}

#[derive(Deserialize, Debug)]
struct Phone {
    plugin: String,
}

/// The vendors below `folder` with these names, all without, by name. One without `cases.toml` has
/// no case.
///
/// # Errors
/// [`Error`].
pub fn read(folder: &Path, names: &[String]) -> Result<Vec<Vendor>, Error> {
    let entries = fs::read_dir(folder)
        .map_err(|error| Error::Read { path: folder.to_owned(), error })?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("plugin.toml").is_file());
    let mut folders: Vec<PathBuf> = entries.collect();
    folders.sort();
    let is = |folder: &PathBuf, name: &str| folder.file_name().is_some_and(|own| own == name);
    if let Some(name) = names.iter().find(|name| !folders.iter().any(|folder| is(folder, name))) {
        return Err(Error::Unknown(name.clone()));
    }
    folders.retain(|folder| names.is_empty() || names.iter().any(|name| is(folder, name)));
    folders.into_iter().map(Vendor::read).collect()
}

/// The configuration of that name.
pub fn variant(name: &str) -> Option<Document> {
    let (_, text) = VARIANTS.into_iter().find(|(other, _)| *other == name)?;
    Some(serde_json::from_str(text).expect("invariant: the shipped configurations are JSON"))
}

/// A device of a release and a model, as cases have it.
pub fn device(release: &Release, model: &str, mac: Mac, uuid: Option<&str>) -> Device {
    Device {
        id: "case".into(),
        mac: Some(mac),
        uuid: uuid.map(Into::into),
        vendor: Some(release.vendor().clone()),
        model: Some(model.into()),
        ..Device::default()
    }
}

impl Vendor {
    fn read(folder: PathBuf) -> Result<Vendor, Error> {
        let path = folder.join("cases.toml");
        let cases = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| Error::Parse { path, error: Box::new(error) })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Cases::default(),
            Err(error) => return Err(Error::Read { path, error }),
        };
        Ok(Vendor { folder, cases })
    }

    /// The folder's name.
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Releases that a phone of the load generator has.
    pub fn phones(&self) -> impl Iterator<Item = &str> {
        self.cases.phone.iter().map(|phone| &*phone.plugin)
    }

    /// Runs all cases; where `bless`, the golden files are written instead of compared.
    pub fn run(&self, plugins: &Plugins, bless: bool) -> Outcome {
        let mut outcome = Outcome::default();
        for case in &self.cases.extract {
            outcome.take(case.run(plugins));
        }
        for case in &self.cases.associate {
            outcome.take(case.run(plugins));
        }
        let golden = self.folder.join("golden");
        let mut stale = BTreeSet::new();
        files_below(&golden, &mut stale);
        for case in &self.cases.render {
            outcome.take(case.run(plugins, &golden, bless, &mut stale));
        }
        outcome.wrong.extend(stale.iter().map(|file| format!("{}: no case's", file.display())));
        for (kind, count) in [
            ("extract", self.cases.extract.len()),
            ("associate", self.cases.associate.len()),
            ("render", self.cases.render.len()),
            ("phone", self.cases.phone.len()),
        ] {
            if count == 0 {
                outcome.wrong.push(format!("{}: there is no [[{kind}]] case", self.name()));
            }
        }
        outcome
    }

    /// The extraction cases: their names, and the places of the rules that say something of them.
    pub fn rules<'p>(&self, plugins: &'p Plugins) -> Vec<(&str, Vec<&'p str>)> {
        let mut scratch = plugins.scratch();
        let rules = |case: &Extract| {
            let rules = case.asked().map(|asked| plugins.rules_of(&asked.query(), &mut scratch));
            rules.unwrap_or_default()
        };
        let names = self.cases.extract.iter().map(|case| &*case.name);
        names.zip(self.cases.extract.iter().map(rules)).collect()
    }
}

impl Outcome {
    fn take(&mut self, result: Result<(), String>) {
        match result {
            Ok(()) => self.right += 1,
            Err(wrong) => self.wrong.push(wrong),
        }
    }
}

/// A case's request as bytes.
struct Asked {
    source: Source,
    path: Vec<u8>,
    args: Vec<u8>,
    agent: Option<Vec<u8>>,
    form: Option<Vec<u8>>,
    vendor_class: Option<Vec<u8>>,
    mac: Option<Mac>,
}

impl Asked {
    const fn new(source: Source, path: Vec<u8>) -> Self {
        let (agent, form, vendor_class, mac) = (None, None, None, None);
        Self { source, path, args: Vec::new(), agent, form, vendor_class, mac }
    }

    fn query(&self) -> Query<'_> {
        Query {
            source: self.source,
            ip: ADDRESS,
            key: None,
            path: &self.path,
            name: b"",
            args: &self.args,
            agent: self.agent.as_deref(),
            form: self.form.as_deref(),
            vendor_class: self.vendor_class.as_deref(),
            mac: self.mac,
        }
    }
}

/// Latin-1: one character, one byte.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let byte = |c: char| u8::try_from(c).map_err(|_| format!("{c:?} is no byte"));
    text.chars().map(byte).collect()
}

fn mac(text: &str) -> Result<Mac, String> {
    Mac::parse(text.as_bytes()).map_err(|error| format!("{text:?}: {error}"))
}

impl Extract {
    fn asked(&self) -> Result<Asked, String> {
        match (&self.http, &self.tftp, &self.dhcp) {
            (Some(http), None, None) => Ok(Asked {
                args: bytes(&http.args)?,
                agent: Some(bytes(&http.agent)?),
                form: http.form.as_deref().map(bytes).transpose()?,
                ..Asked::new(Source::Http, bytes(&http.path)?)
            }),
            (None, Some(name), None) => Ok(Asked::new(Source::Tftp, bytes(name)?)),
            (None, None, Some(dhcp)) => Ok(Asked {
                vendor_class: dhcp.vendor_class.as_deref().map(bytes).transpose()?,
                mac: Some(mac(&dhcp.mac)?),
                ..Asked::new(Source::Dhcp, Vec::new())
            }),
            _ => Err("one of http, tftp, dhcp".to_owned()),
        }
    }

    fn run(&self, plugins: &Plugins) -> Result<(), String> {
        let asked = self.asked().map_err(|error| format!("{}: {error}", self.name))?;
        let mut scratch = plugins.scratch();
        let seen = plugins.extract(&asked.query(), &mut scratch);
        let text = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
        let told: BTreeMap<String, String> = [
            ("mac", seen.mac.map(|mac| mac.to_string())),
            ("vendor", seen.vendor.map(text)),
            ("model", seen.model.map(text)),
            ("version", seen.version.map(text)),
            ("sn", seen.sn.map(text)),
            ("uuid", seen.uuid.map(text)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
        if told == self.expect {
            return Ok(());
        }
        Err(format!("{}: {told:?}, not {:?}", self.name, self.expect))
    }
}

impl Associate {
    fn run(&self, plugins: &Plugins) -> Result<(), String> {
        if self.none == self.winner.is_some() {
            return Err(format!("{:?}: a winner or none", self.info));
        }
        let value = |key: &str| self.info.get(key).map(String::as_bytes);
        let info =
            Info { vendor: value("vendor"), model: value("model"), version: value("version") };
        let winner = plugins.associate(&info).map(|release| release.id().to_string());
        if winner == self.winner {
            return Ok(());
        }
        Err(format!("{:?}: {winner:?}, not {:?}", self.info, self.winner))
    }
}

impl Render {
    /// Makes the case's files and holds them against the golden ones, which are then not stale.
    fn run(
        &self,
        plugins: &Plugins,
        golden: &Path,
        bless: bool,
        stale: &mut BTreeSet<PathBuf>,
    ) -> Result<(), String> {
        let Self { plugin, model, variant, .. } = self;
        let name = || format!("{plugin} {model} {variant}");
        let made = self.made(plugins).map_err(|error| format!("{}: {error}", name()))?;
        let mut wrong = Vec::new();
        for (path, bytes) in made {
            let golden = golden.join(plugin).join(model).join(variant).join(&path);
            stale.remove(&golden);
            if bless {
                let folder = golden.parent().unwrap_or(&golden);
                let written = fs::create_dir_all(folder).and_then(|()| fs::write(&golden, &bytes));
                written.map_err(|error| format!("{}: {error}", golden.display()))?;
            } else if fs::read(&golden).ok().as_deref() != Some(&bytes[..]) {
                wrong.push(golden.display().to_string());
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!("{}: not the golden files: {}", name(), wrong.join(", ")))
    }

    /// The device's files, made twice: the bytes must not differ.
    fn made(&self, plugins: &Plugins) -> Result<Vec<(String, Vec<u8>)>, String> {
        let raw = variant(&self.variant).ok_or("there is no such configuration")?;
        let release = plugins.release(&self.plugin).ok_or("there is no such release")?;
        let device = device(release, &self.model, mac(&self.mac)?, self.uuid.as_deref());
        let mut files = Vec::new();
        for (path, file) in release.device_files(&device) {
            match release.render(file, &device, &raw) {
                Ok(bytes) if release.render(file, &device, &raw).as_ref() == Ok(&bytes) => {
                    files.push((path, bytes.to_vec()));
                }
                Ok(_) => return Err(format!("{path}: is another file each time")),
                Err(RenderError::Absent) => {}
                Err(error) => return Err(format!("{path}: {error}")),
            }
        }
        if files.is_empty() { Err("it has no file".to_owned()) } else { Ok(files) }
    }
}

fn files_below(folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.insert(path);
        }
    }
}
