//! What is installed: a package's files take their places all together, also across a crash.
//!
//! Everything is beside operators' files, on the same file system:
//!
//! ```text
//! <data>/files/<plugin id>/…           what phones are served
//! <data>/files/.packages/lock          held by the one fetch that is under way
//!                        installed.json  which files are whose
//!                        downloads/      what was downloaded, also in part
//!                        work/           what is being unpacked; nobody's after a crash
//!                        ready/          files of the change below, under numbers
//!                        change.json     a change that is decided: it is carried out, or goes on
//! ```
//!
//! The rename of `change.json` decides. Before it, nothing has changed; after it, whoever holds the
//! lock next carries out what is left.

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::iter::once;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Error;
use super::disk::{empty_folder, link, remove_if_there, sync_folder, write_whole};
use super::download::digest;
use super::unpack::Unpacked;
use crate::plugin::Package;

/// The folder for operators' files, and what this project installed there.
#[derive(Debug)]
pub struct Shelf {
    files: PathBuf,
    own: PathBuf,
    record: Record,
    /// Held until it is closed.
    _lock: File,
}

/// Which packages are installed, by plugin id and package name.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Default, Debug)]
#[serde(transparent)]
pub struct Record(BTreeMap<String, BTreeMap<String, Installed>>);

/// An installed package.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Installed {
    /// Its version.
    pub version: String,
    /// The SHA-256 of what it was unpacked from.
    pub sha256: String,
    /// Names the rule by which it was unpacked.
    pub rule: String,
    /// Its files, below the plugin's folder.
    pub files: Vec<String>,
}

/// A change that is decided.
///
/// INVARIANT: each of `moves` is either in `ready` or in its place already.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(super) struct Change {
    plugin: String,
    package: String,
    /// Where each file of `ready` goes, by its number.
    moves: BTreeMap<String, String>,
    removes: Vec<String>,
    /// What is written down; none when the package goes.
    installed: Option<Installed>,
}

impl Record {
    /// What is installed below the folder of operators' files; nothing where there is no record.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn read(files: &Path) -> Result<Self, Error> {
        let record = read(&files.join(OWN).join("installed.json"))?;
        Ok(record.unwrap_or_default())
    }

    /// The plugin's package of that name.
    pub fn find(&self, plugin: &str, package: &str) -> Option<&Installed> {
        self.0.get(plugin)?.get(package)
    }

    /// All of them: plugin id, package name, package.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Installed)> {
        self.0.iter().flat_map(|(plugin, packages)| {
            packages.iter().map(|(name, package)| (plugin.as_str(), name.as_str(), package))
        })
    }

    fn owner(&self, plugin: &str, file: &str) -> Option<&str> {
        let mut packages = self.0.get(plugin)?.iter();
        let is_its = |package: &Installed| package.files.iter().any(|own| own == file);
        packages.find(|(_, package)| is_its(package)).map(|(name, _)| name.as_str())
    }
}

impl Installed {
    /// Whether it is this package, unpacked by the same rule.
    pub fn is(&self, package: &Package) -> bool {
        self.sha256 == package.sha256 && self.rule == digest(&package.rule())
    }
}

impl Shelf {
    /// Takes hold of the folder of operators' files, and ends what a crash left undone.
    ///
    /// # Errors
    /// [`Error::Busy`] while another process holds it, [`Error::Disk`].
    pub fn open(files: &Path) -> Result<Self, Error> {
        let own = files.join(OWN);
        fs::create_dir_all(own.join("downloads")).map_err(Error::disk(&own))?;
        let path = own.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(Error::disk(&path))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(Error::Busy(files.to_owned()));
            }
            Err(error) => return Err(Error::disk(&path)(error.into())),
        }
        let record = Record::read(files)?;
        let mut shelf = Self { files: files.to_owned(), own, record, _lock: lock };
        shelf.finish()?;
        Ok(shelf)
    }

    /// Carries out what is decided and not done: nothing else may touch `ready` before.
    fn finish(&mut self) -> Result<(), Error> {
        match read(&self.own.join("change.json"))? {
            Some(change) => self.carry_out(change),
            None => Ok(()),
        }
    }

    /// What is installed.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Where downloads are kept.
    pub fn downloads(&self) -> PathBuf {
        self.own.join("downloads")
    }

    /// An empty folder for unpacking.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn work(&self) -> Result<PathBuf, Error> {
        let work = self.own.join("work");
        empty_folder(&work)?;
        Ok(work)
    }

    /// Whether the package is installed as it is, with all its files in their places.
    pub fn has(&self, plugin: &str, package: &Package) -> bool {
        let installed = self.record.find(plugin, &package.name).filter(|known| known.is(package));
        let is_there = |file: &String| self.files.join(plugin).join(file).is_file();
        installed.is_some_and(|known| known.files.iter().all(is_there))
    }

    /// Gives a plugin the package's files; those of its former version go. Says how many there are.
    ///
    /// # Errors
    /// [`Error::Taken`] when something else is in the place of one, [`Error::Disk`].
    pub fn install(
        &mut self,
        plugin: &str,
        package: &Package,
        unpacked: &Unpacked,
    ) -> Result<usize, Error> {
        self.finish()?;
        let change = self.prepare(plugin, package, unpacked)?;
        self.decide(&change)?;
        self.carry_out(change)?;
        Ok(unpacked.len())
    }

    /// Takes a package's files away. False: it is not installed.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn remove(&mut self, plugin: &str, package: &str) -> Result<bool, Error> {
        self.finish()?;
        let Some(known) = self.record.find(plugin, package) else { return Ok(false) };
        let change = Change {
            plugin: plugin.to_owned(),
            package: package.to_owned(),
            moves: BTreeMap::new(),
            removes: known.files.clone(),
            installed: None,
        };
        self.decide(&change)?;
        self.carry_out(change)?;
        Ok(true)
    }

    /// Lays files ready and says what is to be done with them; nothing that phones see changes.
    pub(super) fn prepare(
        &self,
        plugin: &str,
        package: &Package,
        unpacked: &Unpacked,
    ) -> Result<Change, Error> {
        let ready = self.own.join("ready");
        empty_folder(&ready)?;
        let mut moves = BTreeMap::new();
        for (number, (file, from)) in unpacked.iter().enumerate() {
            self.check_place(plugin, &package.name, file)?;
            let number = number.to_string();
            link(from, &ready.join(&number))?;
            moves.insert(number, file.clone());
        }
        sync_folder(&ready)?;
        let former = self.record.find(plugin, &package.name);
        let former = former.map(|known| &*known.files).unwrap_or_default();
        let is_gone = |file: &&String| !unpacked.contains_key(*file);
        Ok(Change {
            plugin: plugin.to_owned(),
            package: package.name.clone(),
            moves,
            removes: former.iter().filter(is_gone).cloned().collect(),
            installed: Some(Installed {
                version: package.version.clone(),
                sha256: package.sha256.clone(),
                rule: digest(&package.rule()),
                files: unpacked.keys().cloned().collect(),
            }),
        })
    }

    /// What is in the place of a file must be the package's own, and no link may lead there.
    fn check_place(&self, plugin: &str, package: &str, file: &str) -> Result<(), Error> {
        let folder = self.files.join(plugin);
        let taken = |path: PathBuf, error: String| Err(Error::Taken { path, error });
        let device = fs::metadata(&self.own).map_err(Error::disk(&self.own))?.dev();
        // The plugin's own folder may be a link of the operator's.
        let parents = file.match_indices('/').map(|(end, _)| folder.join(&file[..end]));
        let parents = parents.map(|path| (fs::symlink_metadata(&path), path));
        for (meta, path) in once((fs::metadata(&folder), folder.clone())).chain(parents) {
            match meta {
                Ok(meta) if !meta.is_dir() => return taken(path, "it is no folder".to_owned()),
                Ok(meta) if meta.dev() != device => {
                    return taken(path, "it is on another file system".to_owned());
                }
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Error::disk(&path)(error));
                }
                _ => {}
            }
        }
        let path = folder.join(file);
        let owner = self.record.owner(plugin, file);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => taken(path, "it is a folder".to_owned()),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::disk(&path)(error)),
            seen => match owner {
                Some(owner) if owner == package => Ok(()),
                Some(owner) => taken(path, format!("it belongs to the package {owner:?}")),
                None if seen.is_ok() => taken(path, "it is there and no package's".to_owned()),
                None => Ok(()),
            },
        }
    }

    pub(super) fn decide(&self, change: &Change) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(change).expect("invariant: texts are JSON");
        write_whole(&self.own.join("change.json"), &text)
    }

    /// Does what is left of a decided change. What was done already stays done.
    fn carry_out(&mut self, change: Change) -> Result<(), Error> {
        let folder = self.files.join(&change.plugin);
        let ready = self.own.join("ready");
        fs::create_dir_all(&folder).map_err(Error::disk(&folder))?;
        let mut touched = BTreeSet::from([self.files.clone(), folder.clone()]);
        for (number, file) in &change.moves {
            let target = folder.join(file);
            for parent in target.ancestors().skip(1).take_while(|path| *path != folder) {
                touched.insert(parent.to_owned());
            }
            let parent = target.parent().unwrap_or(&folder);
            fs::create_dir_all(parent).map_err(Error::disk(parent))?;
            match fs::rename(ready.join(number), &target) {
                Err(error) if error.kind() == ErrorKind::NotFound && target.is_file() => {}
                moved => moved.map_err(Error::disk(&target))?,
            }
        }
        for file in &change.removes {
            let path = folder.join(file);
            remove_if_there(&path)?;
            // Folders that were its own go with it; others are not empty.
            for parent in path.ancestors().skip(1).take_while(|path| *path != folder) {
                if fs::remove_dir(parent).is_err() {
                    break;
                }
            }
        }
        for folder in touched.iter().filter(|folder| folder.is_dir()) {
            sync_folder(folder)?;
        }
        let packages = self.record.0.entry(change.plugin).or_default();
        match change.installed {
            Some(installed) => packages.insert(change.package, installed),
            None => packages.remove(&change.package),
        };
        self.record.0.retain(|_, packages| !packages.is_empty());
        let text = serde_json::to_vec_pretty(&self.record).expect("invariant: texts are JSON");
        write_whole(&self.own.join("installed.json"), &text)?;
        remove_if_there(&self.own.join("change.json"))?;
        sync_folder(&self.own)
    }
}

/// The folder of this module's own files. No plugin's id begins with a dot.
const OWN: &str = ".packages";

/// A document of this module's own; none where there is no file.
fn read<T: for<'d> Deserialize<'d>>(path: &Path) -> Result<Option<T>, Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::disk(path)(error)),
    };
    let parsed = serde_json::from_slice(&text).map_err(std::io::Error::from);
    parsed.map(Some).map_err(Error::disk(path))
}
