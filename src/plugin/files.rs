//! Which file a path means: one of the phone's own, one shared by all, one that lies on the disk.

use bytes::Bytes;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::device::{Device, Mac};
use crate::limits;
use crate::time::Civil;

/// A path with placeholders, compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathPattern(Vec<Piece>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    /// The MAC with this separator, in upper case or not.
    Mac(&'static str, bool),
    /// The MAC without its first byte, `01` behind: the second port of an adapter.
    MacShifted,
    Model,
    Uuid,
    Serial,
    /// A key of the model's entry.
    Entry(String),
}

impl PathPattern {
    /// Reads `{mac}.cfg`, `Aastra/{MAC}.cfg`, `config.{model}.xml` and the like.
    ///
    /// # Errors
    /// A text for people: an unknown placeholder, an open brace, a path that leaves its folder.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or("a brace is not closed")?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(piece(name)?);
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if text.is_empty() || text.starts_with('/') || text.split('/').any(|s| s == "..") {
            return Err("a path is relative and stays in its folder".to_owned());
        }
        Ok(Self(pieces))
    }

    /// The path for this phone; none when it lacks something that the path names.
    pub fn expand(&self, subject: &Subject<'_>) -> Option<String> {
        let mut path = String::new();
        for piece in &self.0 {
            path.push_str(&piece.text(subject)?);
        }
        Some(path)
    }

    /// Whether `path` is this phone's. MAC digits match in either case, as phones mix them.
    pub fn matches(&self, path: &[u8], device: &Device, entry: Option<&Entry>) -> bool {
        let mut rest = path;
        for piece in &self.0 {
            let taken = match piece {
                Piece::Text(text) => rest.strip_prefix(text.as_bytes()),
                Piece::Mac(separator, _) => device.mac.and_then(|m| strip_mac(rest, m, separator)),
                Piece::MacShifted => device.mac.and_then(|m| strip_mac(rest, shifted(m), "")),
                Piece::Model => strip_text(rest, device.model.as_deref()),
                Piece::Uuid => strip_text(rest, device.uuid.as_deref()),
                Piece::Serial => strip_text(rest, device.sn.as_deref()),
                Piece::Entry(key) => strip_text(rest, entry.and_then(|e| e.text(key))),
            };
            match taken {
                Some(left) => rest = left,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

/// What fills placeholders.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The phone, for paths of its own.
    pub device: Option<&'a Device>,
    /// Its model, for shared paths too.
    pub model: Option<&'a str>,
    /// The model's entry in the release.
    pub entry: Option<&'a Entry>,
}

/// A model's entry in a release: the wanted version and whatever else its templates use.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Entry {
    /// The firmware version that the release is for; may be empty.
    pub version: String,
    /// All keys.
    pub table: toml::Table,
    /// The same as templates read it.
    pub json: serde_json::Value,
}

impl Entry {
    fn text(&self, key: &str) -> Option<&str> {
        self.table.get(key)?.as_str()
    }
}

fn piece(name: &str) -> Result<Piece, String> {
    Ok(match name {
        "mac" => Piece::Mac("", false),
        "MAC" => Piece::Mac("", true),
        "mac_" => Piece::Mac("_", false),
        "mac-" => Piece::Mac("-", false),
        "MAC-" => Piece::Mac("-", true),
        "MAC_SHIFTED" => Piece::MacShifted,
        "model" => Piece::Model,
        "uuid" => Piece::Uuid,
        "sn" => Piece::Serial,
        other => match other.strip_prefix("model.") {
            Some(key) => Piece::Entry(key.to_owned()),
            None => return Err(format!("no placeholder has the name {other:?}")),
        },
    })
}

impl Piece {
    fn text(&self, subject: &Subject<'_>) -> Option<String> {
        let mac = || subject.device.and_then(|device| device.mac);
        match self {
            Piece::Text(text) => Some(text.clone()),
            Piece::Mac(separator, upper) => Some(mac()?.format(separator, *upper)),
            Piece::MacShifted => Some(shifted(mac()?).format("", true)),
            Piece::Model => Some(subject.model?.to_owned()),
            Piece::Uuid => Some(subject.device?.uuid.as_deref()?.to_owned()),
            Piece::Serial => Some(subject.device?.sn.as_deref()?.to_owned()),
            Piece::Entry(key) => Some(subject.entry?.text(key)?.to_owned()),
        }
    }
}

fn shifted(Mac([_, a, b, c, d, e]): Mac) -> Mac {
    Mac([a, b, c, d, e, 1])
}

fn strip_text<'p>(path: &'p [u8], text: Option<&str>) -> Option<&'p [u8]> {
    path.strip_prefix(text?.as_bytes())
}

fn strip_mac<'p>(path: &'p [u8], mac: Mac, separator: &str) -> Option<&'p [u8]> {
    let length = 12 + 5 * separator.len();
    let (digits, rest) = path.split_at_checked(length)?;
    let step = 2 + separator.len();
    for (index, byte) in mac.0.iter().enumerate() {
        let pair = &digits[index * step..];
        let value = |digit: u8| char::from(digit).to_digit(16);
        let seen = value(pair[0])? << 4 | value(pair[1])?;
        if seen != u32::from(*byte) || (index < 5 && !pair[2..].starts_with(separator.as_bytes())) {
            return None;
        }
    }
    Some(rest)
}

/// A file that lies on the disk, shared by all phones of a release.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaticFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its length in bytes when it was seen.
    pub len: u64,
    /// When it was last changed.
    pub modified: Civil,
    /// Its content, while it is small (`STATIC_MEMORY_BYTES_MAX`).
    pub bytes: Option<Bytes>,
}

/// The files below a folder, by their path; found in any case where the exact one is not there.
#[derive(Debug, Default)]
pub struct StaticFiles {
    exact: HashMap<Box<[u8]>, Arc<StaticFile>>,
    folded: HashMap<Box<[u8]>, Arc<StaticFile>>,
}

impl StaticFiles {
    /// Adds all files below `folder`; a path that is there already is replaced. A folder that is
    /// not there adds nothing.
    ///
    /// # Errors
    /// What could not be read, and why.
    pub fn add(&mut self, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
        if !folder.is_dir() {
            return Ok(());
        }
        let mut found = Vec::new();
        walk(folder, &mut found)?;
        found.sort();
        for path in found {
            let file = Arc::new(StaticFile::read(&path).map_err(|error| (path.clone(), error))?);
            let name = path.strip_prefix(folder).expect("found below the folder");
            let name = name.as_os_str().as_encoded_bytes();
            self.folded.insert(name.to_ascii_lowercase().into(), file.clone());
            self.exact.insert(name.into(), file);
        }
        Ok(())
    }

    /// The file of that path, exact before any case.
    pub fn find(&self, path: &[u8]) -> Option<&Arc<StaticFile>> {
        self.exact.get(path).or_else(|| {
            let upper = path.iter().any(u8::is_ascii_uppercase);
            if upper {
                self.folded.get(&path.to_ascii_lowercase()[..])
            } else {
                self.folded.get(path)
            }
        })
    }
}

impl StaticFile {
    /// Looks at the file, and keeps it in memory while it is small.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        let small = meta.len() <= limits::STATIC_MEMORY_BYTES_MAX;
        let bytes = if small { Some(Bytes::from(fs::read(path)?)) } else { None };
        let seconds = std::os::unix::fs::MetadataExt::mtime(&meta);
        let modified = Civil(u64::try_from(seconds).unwrap_or(0));
        let len = bytes.as_ref().map_or(meta.len(), |bytes| bytes.len() as u64);
        Ok(Self { path: path.to_owned(), len, modified, bytes })
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let tell = |error| (folder.to_owned(), error);
    for entry in fs::read_dir(folder).map_err(tell)? {
        let entry = entry.map_err(tell)?;
        let kind = entry.file_type().map_err(tell)?;
        if kind.is_dir() {
            walk(&entry.path(), found)?;
        } else if kind.is_file() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            found.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Device {
        Device {
            mac: Some(Mac([0, 2, 0xfd, 0xa1, 0xb2, 0xc3])),
            model: Some("ATA190".into()),
            ..Device::default()
        }
    }

    #[test]
    fn a_path_is_its_phones_own() {
        let device = device();
        let subject = Subject { device: Some(&device), model: Some("ATA190"), entry: None };
        for (pattern, path) in [
            ("{mac}.cfg", "0002fda1b2c3.cfg"),
            ("Aastra/{MAC}.cfg", "Aastra/0002FDA1B2C3.cfg"),
            ("ATA{MAC_SHIFTED}.cnf.xml", "ATA02FDA1B2C301.cnf.xml"),
            ("ipst_config_{mac_}.cfg", "ipst_config_00_02_fd_a1_b2_c3.cfg"),
            ("config.{model}.xml", "config.ATA190.xml"),
        ] {
            let pattern = PathPattern::parse(pattern).expect("a pattern");
            assert_eq!(pattern.expand(&subject).as_deref(), Some(path));
            assert!(pattern.matches(path.as_bytes(), &device, None), "{path}");
            assert!(!pattern.matches(format!("{path}x").as_bytes(), &device, None));
            assert!(!pattern.matches(&path.as_bytes()[1..], &device, None));
        }
    }

    #[test]
    fn mac_digits_match_in_either_case_and_others_do_not() {
        let pattern = PathPattern::parse("{mac}.cfg").expect("a pattern");
        assert!(pattern.matches(b"0002FDa1B2C3.cfg", &device(), None));
        assert!(!pattern.matches(b"0002fda1b2c4.cfg", &device(), None));
        assert!(!pattern.matches(b"0002fda1b2c", &device(), None));
        assert!(!pattern.matches(b"0002fda1b2c3.cfg", &Device::default(), None));
    }

    #[test]
    fn bad_patterns_are_told() {
        for text in ["", "/a", "a/../b", "{colour}", "{mac"] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
