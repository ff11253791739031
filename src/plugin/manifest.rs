//! `plugin.toml` as it is written: every key known, every mistake told with its file and line.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;

use super::notify::NotifyEntry;
use super::package::PackageEntry;

/// A text of the manifest that remembers where it stands.
pub type Placed = Spanned<String>;

/// One vendor: how its phones are recognised and what they are given (`docs/plugins.md`).
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format; 1.
    pub format: Spanned<u32>,
    /// The vendor's name, as sightings and devices carry it.
    pub vendor: String,
    /// What the id of every release starts with (`wazo-yealink-`).
    pub prefix: String,
    /// One line for people.
    pub summary: String,
    /// How values are escaped and texts encoded.
    #[serde(default)]
    pub render: Render,
    /// Base names that hold credentials, as patterns.
    #[serde(default)]
    pub sensitive: Vec<Placed>,
    /// Tables for the templates: `data` there.
    #[serde(default)]
    pub data: toml::Table,
    /// Rules that read requests, in order.
    #[serde(default)]
    pub extract: Vec<Rule>,
    /// How well a release fits what is known of a phone.
    #[serde(default)]
    pub associate: Associate,
    /// Files of one phone.
    #[serde(default, rename = "file")]
    pub files: Vec<FileEntry>,
    /// Files shared by all phones of a release.
    #[serde(default, rename = "common")]
    pub commons: Vec<FileEntry>,
    /// What tells phones to fetch their files anew, where it is not `check-sync`.
    pub notify: Option<NotifyEntry>,
    /// What phones need that vendors alone may give away.
    #[serde(default, rename = "package")]
    pub packages: Vec<PackageEntry>,
    /// The releases, each a plugin of its own.
    #[serde(rename = "release")]
    pub releases: Vec<ReleaseEntry>,
}

/// How values are escaped where a template writes them, and how a text becomes bytes.
#[derive(Deserialize, Clone, Copy, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Render {
    /// What a written value must not break out of.
    #[serde(default)]
    pub escape: Escape,
    /// How the text becomes bytes.
    #[serde(default)]
    pub encoding: Encoding,
}

/// What a written value must not break out of.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub enum Escape {
    /// A line: control characters become spaces.
    #[default]
    Line,
    /// XML text and attributes.
    Xml,
    /// Nothing: the template sees to it.
    None,
}

/// How a text becomes bytes. What the encoding lacks is replaced or left out, never an error.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO-8859-1, `?` for what it lacks.
    #[serde(rename = "iso-8859-1")]
    Latin1,
    /// US-ASCII, without what it lacks.
    #[serde(rename = "us-ascii")]
    Ascii,
}

/// A rule: when all its patterns match, it contributes the keys that no earlier rule of the
/// release gave.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Releases that it is for; all without.
    #[serde(default)]
    pub releases: Vec<Placed>,
    /// HTTP: pattern of the User-Agent.
    pub agent: Option<Placed>,
    /// HTTP: true when there must be no User-Agent.
    #[serde(default)]
    pub no_agent: bool,
    /// HTTP: pattern of the raw path, without query.
    pub path: Option<Placed>,
    /// HTTP: pattern of the raw query.
    pub args: Option<Placed>,
    /// TFTP: pattern of the file name.
    pub file: Option<Placed>,
    /// HTTP: pattern of a posted form (`application/x-www-form-urlencoded`), escapes kept.
    pub form: Option<Placed>,
    /// DHCP: pattern of option 60.
    pub vendor_class: Option<Placed>,
    /// Patterns see bytes beyond ASCII too.
    #[serde(default)]
    pub bytes: bool,
    /// Constants: key and text.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Changes of what was captured.
    #[serde(default)]
    pub rewrite: BTreeMap<String, Vec<Rewrite>>,
    /// What becomes of the rule when its `mac` is none.
    #[serde(default)]
    pub bad_mac: BadMac,
}

/// A change of a captured text.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Rewrite {
    /// To upper case.
    Upper,
    /// To lower case.
    Lower,
    /// Every occurrence of a text goes.
    Remove(String),
    /// Every occurrence of the first text becomes the second.
    Replace(String, String),
    /// Put in front.
    Prefix(String),
    /// Put behind.
    Suffix(String),
    /// Percent escapes become bytes, and `+` a space (URL Standard section 5.1).
    Percent,
    /// The whole text, looked up; what is not in the table stays.
    Map(BTreeMap<String, String>),
}

/// What becomes of a rule whose patterns match and whose `mac` capture is no hardware address.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BadMac {
    /// The rule does not match.
    #[default]
    #[serde(rename = "drop-rule")]
    Rule,
    /// Only the `mac` is left out.
    #[serde(rename = "drop-key")]
    Key,
    /// The releases that have the rule tell nothing of this request.
    #[serde(rename = "drop-release")]
    Release,
}

/// Scores (spec section 1.4), the standard ones where nothing is said.
#[derive(Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub struct Associate {
    /// Model in the table, version as wanted; 600.
    pub exact: Option<i32>,
    /// Model in the table; 500.
    pub known: Option<i32>,
    /// Another model of the vendor; 300.
    pub other_model: Option<i32>,
    /// The vendor, no model; `other_model`'s.
    pub no_model: Option<i32>,
    /// Another vendor; 100.
    pub other_vendor: Option<i32>,
    /// No vendor; 200.
    pub no_vendor: Option<i32>,
    /// The vendor, no version: comes before what the model says.
    pub no_version: Option<i32>,
    /// Versions that are too old for the release: comes before what the model says.
    pub too_old: Option<TooOld>,
    /// How versions are compared.
    pub version: Option<VersionMatch>,
    /// Scores that come before the table.
    #[serde(default)]
    pub when: Vec<When>,
}

/// How the version of a phone is compared with the wanted one.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "kebab-case")]
pub enum VersionMatch {
    /// It must be the same.
    #[default]
    Equal,
    /// It must start with the wanted one.
    Prefix,
    /// It does not count: a known model is `known`.
    Ignore,
}

/// A score for versions below one, number by number. What is no row of numbers is not below.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct TooOld {
    /// The first that is not too old: `"7.0.0.0"`.
    pub below: String,
    /// Their score.
    pub score: i32,
}

/// A score for models that a pattern finds.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Pattern of the model.
    pub model: Placed,
    /// Its score.
    pub score: i32,
}

/// A file that a template makes.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Path with placeholders.
    pub path: Placed,
    /// Phones get it by posting a form to this path, and in no other way.
    pub form: Option<Placed>,
    /// Template that makes it.
    pub template: Placed,
    /// `<model>.tpl` goes before `template` where it exists.
    #[serde(default)]
    pub by_model: bool,
    /// Releases that have it; all without.
    #[serde(default)]
    pub releases: Vec<Placed>,
    /// Models that have it; all without.
    #[serde(default)]
    pub models: Vec<String>,
    /// Expression over the template's variables; the file is there only when it is true.
    pub when: Option<Placed>,
    /// Its fetch says that the phone takes its configuration (spec section 1.5).
    #[serde(default)]
    pub trigger: bool,
    /// It holds credentials: its fetch goes to the security log.
    #[serde(default)]
    pub sensitive: bool,
    /// Escaping of this file, where it differs.
    pub escape: Option<Escape>,
    /// Encoding of this file, where it differs.
    pub encoding: Option<Encoding>,
}

/// One release of the vendor's plugin: models and what differs from the others.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct ReleaseEntry {
    /// What follows the prefix in its id.
    pub name: Placed,
    /// One line for people.
    #[serde(default)]
    pub summary: String,
    /// Transports it serves.
    pub serves: Vec<Transport>,
    /// Where its scores differ.
    #[serde(default)]
    pub associate: Associate,
    /// What tells its phones to fetch their files anew, where that is not the vendor's.
    pub notify: Option<NotifyEntry>,
    /// Tables that go over the vendor's `data`, key by key.
    #[serde(default)]
    pub data: toml::Table,
    /// Models, each with `version` (the wanted one) and whatever its templates use.
    pub models: toml::Table,
}

/// A transport that a release serves files over.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// HTTP.
    Http,
    /// TFTP.
    Tftp,
}

/// One mistake in a plugin.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}:{line}: {message}", file.display())]
pub struct LoadError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A manifest's text, for telling lines.
pub struct Origin<'a> {
    /// Its path.
    pub file: &'a Path,
    /// Its text.
    pub text: &'a str,
}

impl Origin<'_> {
    /// A mistake at byte `offset`.
    pub fn error(&self, offset: usize, message: impl Into<String>) -> LoadError {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        LoadError { file: self.file.to_owned(), line, message: message.into() }
    }

    /// Reads the manifest.
    ///
    /// # Errors
    /// The first thing that is no TOML, unknown, missing, or of the wrong kind.
    pub fn parse(&self) -> Result<Manifest, LoadError> {
        let manifest: Manifest = toml::from_str(self.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            self.error(offset, error.message().to_owned())
        })?;
        let format = *manifest.format.get_ref();
        if format != 1 {
            let message = format!("format {format} is not known, only 1 is");
            return Err(self.error(manifest.format.span().start, message));
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifest, LoadError> {
        Origin { file: Path::new("plugin.toml"), text }.parse()
    }

    const LEAST: &str = "format = 1\nvendor = \"V\"\nprefix = \"v-\"\nsummary = \"s\"\n\
        [[release]]\nname = \"1\"\nserves = [\"http\"]\nmodels = {}\n";

    #[test]
    fn the_least_manifest_is_one() {
        assert_eq!(parse(LEAST).expect("a manifest").releases.len(), 1);
    }

    #[test]
    fn mistakes_have_a_line() {
        let unknown = format!("{LEAST}colour = 3\n");
        let error = parse(&unknown).expect_err("an unknown key");
        assert_eq!(error.line, 9);
        assert!(error.message.contains("colour"), "{error}");
        let error = parse(&LEAST.replace("format = 1", "format = 2")).expect_err("a format");
        assert_eq!((error.line, error.message.as_str()), (1, "format 2 is not known, only 1 is"));
        let error = parse(&LEAST.replace("\"http\"", "\"ftp\"")).expect_err("a transport");
        assert_eq!(error.line, 7);
    }
}
