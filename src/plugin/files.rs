//! Which file a path means: one of the phone's own, one shared by all, one that lies on the disk.

use ahash::RandomState;
use bytes::Bytes;
use std::collections::HashMap;
use std::fs;
use std::hash::{BuildHasher, Hasher};
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
    pub fn matches<'e>(
        &self,
        path: &[u8],
        device: &Device,
        entry: impl Fn() -> Option<&'e Entry>,
    ) -> bool {
        let mut rest = path;
        for piece in &self.0 {
            let taken = match piece {
                Piece::Text(text) => rest.strip_prefix(text.as_bytes()),
                Piece::Mac(separator, _) => device.mac.and_then(|m| strip_mac(rest, m, separator)),
                Piece::MacShifted => device.mac.and_then(|m| strip_mac(rest, shifted(m), "")),
                Piece::Model => strip_text(rest, device.model.as_deref()),
                Piece::Uuid => strip_text(rest, device.uuid.as_deref()),
                Piece::Serial => strip_text(rest, device.sn.as_deref()),
                Piece::Entry(key) => strip_text(rest, entry().and_then(|e| e.text(key))),
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
    /// The firmware versions that the release is for; may be none.
    pub versions: Vec<String>,
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
    let separator = separator.bytes().next();
    let step = 2 + usize::from(separator.is_some());
    let (digits, rest) = path.split_at_checked(6 * step - (step - 2))?;
    for (byte, pair) in mac.0.iter().zip(digits.chunks(step)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| HEX[usize::from(digit)]);
        // What is no digit is more than all of them.
        let is_same = high | low < 16 && high << 4 | low == *byte;
        if !is_same || pair.get(2).copied().is_some_and(|seen| Some(seen) != separator) {
            return None;
        }
    }
    Some(rest)
}

/// The values of hexadecimal digits.
const HEX: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        values[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    values
};

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

/// The shared files of a release by their path, exact before any case; those that templates make
/// before those on the disk.
#[derive(Debug, Default)]
pub struct Paths {
    groups: HashMap<u64, Vec<Group>, RandomState>,
    hasher: RandomState,
    longest: usize,
}

/// Where a shared file comes from.
#[derive(Clone, Debug)]
pub enum Shared {
    /// A template, by its number.
    Common(usize),
    /// The disk.
    Static(Arc<StaticFile>),
}

/// Paths that differ in nothing but case.
///
/// INVARIANT: `spellings` has what `other` names.
#[derive(Debug)]
struct Group {
    spellings: Vec<(Box<[u8]>, Shared)>,
    /// What all other spellings mean.
    other: usize,
}

impl Paths {
    /// Adds a file that a template makes. All of them come before those on the disk.
    pub fn add_common(&mut self, path: &str, number: usize) {
        self.add(path.as_bytes(), Shared::Common(number));
    }

    /// Adds all files below `folder`; a path that is there already is replaced. A folder that is
    /// not there adds nothing.
    ///
    /// # Errors
    /// What could not be read, and why.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
        if !folder.is_dir() {
            return Ok(());
        }
        let mut found = Vec::new();
        walk(folder, &mut found)?;
        found.sort();
        for path in found {
            let file = Arc::new(StaticFile::read(&path).map_err(|error| (path.clone(), error))?);
            let name = path.strip_prefix(folder).expect("found below the folder");
            self.add(name.as_os_str().as_encoded_bytes(), Shared::Static(file));
        }
        Ok(())
    }

    /// The file of that path, exact before any case.
    pub fn find(&self, path: &[u8]) -> Option<&Shared> {
        if path.len() > self.longest {
            return None;
        }
        let groups = self.groups.get(&self.folded_hash(path))?;
        let group = groups.iter().find(|group| group.is_of(path))?;
        let exact = group.spellings.iter().find(|(spelling, _)| **spelling == *path);
        Some(&exact.unwrap_or(&group.spellings[group.other]).1)
    }

    fn add(&mut self, path: &[u8], file: Shared) {
        self.longest = self.longest.max(path.len());
        let groups = self.groups.entry(self.folded_hash(path)).or_default();
        let Some(group) = groups.iter_mut().find(|group| group.is_of(path)) else {
            groups.push(Group { spellings: vec![(path.into(), file)], other: 0 });
            return;
        };
        let is_common = |file: &Shared| matches!(file, Shared::Common(_));
        if is_common(&group.spellings[0].1) && !is_common(&file) {
            return;
        }
        let known = group.spellings.iter().position(|(spelling, _)| **spelling == *path);
        let place = known.unwrap_or(group.spellings.len());
        let lower = group.spellings.iter().position(|(spelling, _)| is_lower(spelling));
        // The last one, but of what templates make the one in lower case.
        let stays = lower.filter(|_| is_common(&file) && !is_lower(path));
        match group.spellings.get_mut(place) {
            Some(spelling) => spelling.1 = file,
            None => group.spellings.push((path.into(), file)),
        }
        group.other = stays.unwrap_or(place);
    }

    /// The hash of a path in lower case; nothing is copied that is not small.
    fn folded_hash(&self, path: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for chunk in path.chunks(32) {
            let mut lower = [0; 32];
            let lower = &mut lower[..chunk.len()];
            lower.copy_from_slice(chunk);
            lower.make_ascii_lowercase();
            hasher.write(lower);
        }
        hasher.finish()
    }
}

impl Group {
    fn is_of(&self, path: &[u8]) -> bool {
        self.spellings[0].0.eq_ignore_ascii_case(path)
    }
}

fn is_lower(path: &[u8]) -> bool {
    !path.iter().any(u8::is_ascii_uppercase)
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
            assert!(pattern.matches(path.as_bytes(), &device, || None), "{path}");
            assert!(!pattern.matches(format!("{path}x").as_bytes(), &device, || None));
            assert!(!pattern.matches(&path.as_bytes()[1..], &device, || None));
        }
    }

    #[test]
    fn mac_digits_match_in_either_case_and_others_do_not() {
        let pattern = PathPattern::parse("{mac}.cfg").expect("a pattern");
        assert!(pattern.matches(b"0002FDa1B2C3.cfg", &device(), || None));
        assert!(!pattern.matches(b"0002fda1b2c4.cfg", &device(), || None));
        assert!(!pattern.matches(b"0002fda1b2c", &device(), || None));
        assert!(!pattern.matches(b"0002fda1b2c3.cfg", &Device::default(), || None));
    }

    #[test]
    fn shared_files_are_found_exact_before_any_case() {
        let mut paths = Paths::default();
        for (number, path) in (0..).zip(["b.xml", "spa504G.cfg", "B.XML", "spa504g.cfg", "i/D.x"]) {
            paths.add_common(path, number);
        }
        let folder = std::env::temp_dir().join(format!("ringboot-paths-{}", std::process::id()));
        fs::create_dir_all(folder.join("i")).expect("a folder");
        for name in ["i/d.X", "A.bin", "a.bin", "Z"] {
            fs::write(folder.join(name), name).expect("a file");
        }
        paths.add_folder(&folder).expect("files that can be read");
        fs::remove_dir_all(&folder).expect("a folder");
        let found = |path: &str| match paths.find(path.as_bytes()) {
            Some(Shared::Common(number)) => number.to_string(),
            Some(Shared::Static(file)) => {
                String::from_utf8(file.bytes.clone().expect("it is small").to_vec()).expect("text")
            }
            None => "none".to_owned(),
        };
        for (path, wanted) in [
            ("b.xml", "0"),
            ("B.XML", "2"),
            ("B.xml", "0"),
            ("spa504G.cfg", "1"),
            ("SPA504G.CFG", "3"),
            ("i/d.X", "4"),
            ("A.bin", "A.bin"),
            ("A.BIN", "a.bin"),
            ("z", "Z"),
            ("i", "none"),
            ("", "none"),
            ("a.bin.and.much.more.behind.it", "none"),
        ] {
            assert_eq!(found(path), wanted, "{path}");
        }
    }

    #[test]
    fn bad_patterns_are_told() {
        for text in ["", "/a", "a/../b", "{colour}", "{mac"] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
    }
}
