//! The phones' boot sequences, as the vendors' case files tell them; no vendor is known in here.

use crate::limits::{DELAY_MAX, STEPS_MAX, UPLOAD_BYTES_MAX};
use crate::template::{Template, Values};
use ringboot::device::Mac;
use ringboot::time::Duration;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;

/// All phones that the plugins' folder knows, in the order of vendors and files.
#[derive(Clone, Debug, Default)]
pub struct Profiles(Vec<Arc<Profile>>);

/// A model of a vendor with one firmware, and how it boots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// `vendor/model`; with `@version` and then `/transport` behind it where that is taken.
    pub name: String,
    /// The folder's name.
    pub vendor: Arc<str>,
    /// The plugin that must serve this phone.
    pub plugin: String,
    /// Model, in the phone's spelling.
    pub model: String,
    /// Firmware version.
    pub version: String,
    /// First three bytes of its MACs.
    pub oui: [u8; 3],
    /// What it asks for, in order; at least one step.
    pub steps: Vec<Step>,
    /// What a whole configuration starts and ends with.
    pub whole: Whole,
    /// Credentials that the phone's own file does not show.
    pub lacks: Vec<Credential>,
    /// Its requests do not tell its model; who registers it knows it.
    pub known: bool,
}

/// One of a phone's credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Credential {
    /// The user name.
    Username,
    /// The password.
    Password,
    /// The number.
    Number,
}

/// One request of a boot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// HTTP: the path. TFTP: the file name.
    pub get: Template,
    /// How it is asked for.
    pub method: Method,
    /// What the answer must be.
    pub expect: Expect,
    /// Content that a PUT sends, in bytes.
    pub body: usize,
    /// The form that a POST sends.
    pub form: Template,
    /// User-Agent; empty for none.
    pub agent: Template,
    /// How it is asked.
    pub transport: Transport,
    /// TFTP options.
    pub options: Options,
    /// Pause before the request.
    pub delay: Duration,
}

/// The protocol of a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// HTTP/1.1 over TCP.
    #[default]
    Http,
    /// A read request.
    Tftp,
}

/// The method of a step over HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// A file is fetched.
    #[default]
    Get,
    /// A file is sent, as phones do with their logs.
    Put,
    /// A form is posted.
    Post,
}

/// What a step's answer must be; also the kind of file in the figures.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// The phone's own configuration, whole, with nobody else's credentials.
    Own,
    /// 404, or ERROR 1: the fallback that is meant to be absent.
    Missing,
    /// A file for all phones, whole.
    Common,
    /// Any answer.
    Any,
}

/// Options of a read request; none is sent unless given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Bytes a block (RFC 2348).
    pub blksize: Option<u16>,
    /// Blocks a window (RFC 7440).
    pub windowsize: Option<u16>,
    /// Seconds before a retransmission (RFC 2349).
    pub timeout: Option<u8>,
    /// Asks for the file's size (RFC 2349); a read request sends 0.
    pub tsize: Option<u64>,
}

/// The ends of a whole file, after trimming white space; empty ones fit every file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Whole {
    /// What it starts with.
    pub starts: String,
    /// What it ends with.
    pub ends: String,
}

/// Profiles that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// A folder or a file cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A profile says what no phone can do.
    #[error("{}:{line}: {message}", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// Line in it, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// No phone at all.
    #[error("{}: no [[phone]] in any */cases.toml", .0.display())]
    Empty(PathBuf),
}

impl Profiles {
    /// Reads `<dir>/<vendor>/cases.toml` of every vendor; other tables than `[[phone]]` are not
    /// for us.
    ///
    /// # Errors
    /// [`ProfileError`], with the file and the line for a bad profile.
    pub fn load(dir: &Path) -> Result<Self, ProfileError> {
        let read = |path: &Path, error| ProfileError::Read { path: path.to_owned(), error };
        let mut files = Vec::new();
        for entry in fs::read_dir(dir).map_err(|error| read(dir, error))? {
            let vendor = entry.map_err(|error| read(dir, error))?.path();
            let file = vendor.join("cases.toml");
            if let Some(name) = vendor.file_name().filter(|_| file.is_file()) {
                files.push((name.to_string_lossy().into_owned(), file));
            }
        }
        files.sort();
        let mut profiles = Vec::new();
        for (vendor, file) in &files {
            let text = fs::read_to_string(file).map_err(|error| read(file, error))?;
            profiles.extend(parse(vendor, file, &text)?);
        }
        if profiles.is_empty() {
            return Err(ProfileError::Empty(dir.to_owned()));
        }
        Ok(Self(profiles))
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Arc<Profile>] {
        &self.0
    }

    /// The one of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Profile>> {
        self.0.iter().find(|profile| profile.name == name)
    }

    /// Those of a vendor, or the one of this name.
    #[must_use]
    pub fn select(&self, vendor_or_name: &str) -> Vec<Arc<Profile>> {
        let fits = |p: &&Arc<Profile>| *p.vendor == *vendor_or_name || p.name == vendor_or_name;
        self.0.iter().filter(fits).cloned().collect()
    }

    /// The vendors, each once.
    #[must_use]
    pub fn vendors(&self) -> BTreeSet<Arc<str>> {
        self.0.iter().map(|profile| Arc::clone(&profile.vendor)).collect()
    }
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
        }
    }
}

impl Profile {
    /// Whether the phone is found by its UUID.
    #[must_use]
    pub fn has_uuid(&self) -> bool {
        self.steps.iter().any(|step| step.form.has_uuid() || step.get.has_uuid())
    }
}

impl Transport {
    /// The word of the profiles.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tftp => "tftp",
        }
    }
}

impl Expect {
    /// The word of the profiles.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Missing => "missing",
            Self::Common => "common",
            Self::Any => "any",
        }
    }
}

/// The file, as far as it is for us: `[[extract]]` and its like are left alone.
#[derive(Deserialize)]
struct CasesTable {
    #[serde(default)]
    phone: Vec<Spanned<PhoneTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PhoneTable {
    plugin: String,
    model: Template,
    version: Template,
    oui: Oui,
    #[serde(default)]
    agent: Template,
    #[serde(default)]
    transport: Transport,
    #[serde(default)]
    options: Options,
    steps: Vec<Spanned<StepTable>>,
    #[serde(default)]
    whole: Whole,
    #[serde(default)]
    lacks: Vec<Credential>,
    #[serde(default)]
    known: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    get: Template,
    #[serde(default)]
    method: Method,
    expect: Expect,
    #[serde(default)]
    body: usize,
    #[serde(default)]
    form: Template,
    agent: Option<Template>,
    transport: Option<Transport>,
    options: Option<Options>,
    #[serde(default)]
    delay_ms: u64,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Oui([u8; 3]);

impl TryFrom<String> for Oui {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mac = Mac::parse(format!("{text}000000").as_bytes());
        match mac {
            Ok(Mac([a, b, c, ..])) if text.len() == 6 => Ok(Self([a, b, c])),
            _ => Err("an OUI is six hex digits"),
        }
    }
}

fn parse(vendor: &str, path: &Path, text: &str) -> Result<Vec<Arc<Profile>>, ProfileError> {
    let bad = |start: usize, message: String| ProfileError::Bad {
        path: path.to_owned(),
        line: 1 + text.bytes().take(start).filter(|&b| b == b'\n').count(),
        message,
    };
    let cases: CasesTable = toml::from_str(text)
        .map_err(|e| bad(e.span().map_or(0, |span| span.start), e.message().to_owned()))?;
    let vendor: Arc<str> = vendor.into();
    let mut names = BTreeSet::new();
    let mut profiles = Vec::new();
    for table in cases.phone {
        let start = table.span().start;
        let mut profile = profile(&vendor, table.into_inner())
            .map_err(|(at, message)| bad(at.unwrap_or(start), message))?;
        profile.name = free_name(&profile, &mut names)
            .ok_or_else(|| bad(start, format!("{} is there already", profile.name)))?;
        profiles.push(Arc::new(profile));
    }
    Ok(profiles)
}

/// The first of the profile's names that is not taken; takes it.
fn free_name(profile: &Profile, names: &mut BTreeSet<String>) -> Option<String> {
    let short = format!("{}/{}", profile.vendor, profile.model);
    let long = format!("{short}@{}", profile.version);
    let full = format!("{long}/{}", profile.steps[0].transport.name());
    [short, long, full].into_iter().find(|name| names.insert(name.clone()))
}

type Fault = (Option<usize>, String);

fn profile(vendor: &Arc<str>, table: PhoneTable) -> Result<Profile, Fault> {
    let nothing = Values { mac: Mac::default(), model: "", version: "", serial: "" };
    let (model, version) = (table.model.fill(nothing), table.version.fill(nothing));
    if table.steps.is_empty() || table.steps.len() > STEPS_MAX {
        return Err((None, format!("a boot has 1 to {STEPS_MAX} steps")));
    }
    let mut steps = Vec::with_capacity(table.steps.len());
    for step in table.steps {
        let start = step.span().start;
        let inner = step.into_inner();
        let step = Step {
            get: inner.get,
            method: inner.method,
            expect: inner.expect,
            body: inner.body,
            form: inner.form,
            agent: inner.agent.unwrap_or_else(|| table.agent.clone()),
            transport: inner.transport.unwrap_or(table.transport),
            options: inner.options.unwrap_or(table.options),
            delay: Duration::from_millis(inner.delay_ms),
        };
        check(&step, &model, &version).map_err(|message| (Some(start), message))?;
        steps.push(step);
    }
    Ok(Profile {
        name: format!("{vendor}/{model}"),
        vendor: Arc::clone(vendor),
        plugin: table.plugin,
        model,
        version,
        oui: table.oui.0,
        steps,
        whole: table.whole,
        lacks: table.lacks,
        known: table.known,
    })
}

fn check(step: &Step, model: &str, version: &str) -> Result<(), String> {
    let get = step.get.fill(Values { mac: Mac::default(), model, version, serial: "S" });
    let fault = match step.transport {
        Transport::Http if !get.starts_with('/') => "a path starts with a slash",
        Transport::Http if get.contains([' ', '#']) => "a path holds no space and no #",
        Transport::Tftp if get.is_empty() => "a file has a name",
        Transport::Tftp if step.method != Method::Get => "TFTP phones only read",
        _ if step.body > 0 && step.method != Method::Put => "only PUT has a body",
        _ if (step.form != Template::default()) != (step.method == Method::Post) => {
            "POST has a form, and nothing else has"
        }
        _ if step.body > UPLOAD_BYTES_MAX => "the body is too large",
        _ if step.delay > DELAY_MAX => "the delay is too long",
        _ => return Ok(()),
    };
    Err(fault.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "[[extract]]\nagent = 7\n\n[[phone]]\nplugin = \"p\"\nmodel = \"M1\"\n\
                         version = \"1.2\"\noui = \"00ABcd\"\nagent = \"M {version}\"\nsteps = [\n\
                         \x20 { get = \"/{mac}.cfg\", expect = \"own\" },\n]\n";

    fn load(text: &str) -> Result<Vec<Arc<Profile>>, String> {
        parse("acme", Path::new("acme/cases.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_a_phone_and_leaves_other_tables_alone() {
        let profiles = load(PHONE).unwrap();
        let profile = &profiles[0];
        assert_eq!(profile.name, "acme/M1");
        assert_eq!(profile.oui, [0, 0xab, 0xcd]);
        assert_eq!(profile.steps.len(), 1);
        assert_eq!(profile.steps[0].agent, Template::parse("M {version}").unwrap());
        assert_eq!(profile.steps[0].transport, Transport::Http);
        assert_eq!(profile.whole, Whole::default());
    }

    #[test]
    fn a_step_overrides_what_the_phone_says() {
        let text = PHONE.replace(
            "expect = \"own\"",
            "expect = \"any\", agent = \"\", transport = \"tftp\", delay_ms = 250, \
             options = { blksize = 1428, tsize = 0 }",
        );
        let step = &load(&text).unwrap()[0].steps[0];
        assert_eq!(step.agent, Template::default());
        assert_eq!(step.transport, Transport::Tftp);
        assert_eq!(step.delay, Duration::from_millis(250));
        let wanted = Options { blksize: Some(1428), tsize: Some(0), ..Options::default() };
        assert_eq!(step.options, wanted);
    }

    #[test]
    fn a_bad_profile_is_told_with_file_and_line() {
        for (from, to, line, part) in [
            ("{mac}", "{maca}", 11, "unknown placeholder {maca}"),
            ("expect = \"own\"", "expect = \"owned\"", 11, "unknown variant"),
            ("expect = \"own\"", "expect = \"own\", size = 1", 11, "unknown field `size`"),
            ("expect = \"own\"", "expect = \"own\", body = 5", 11, "only PUT has a body"),
            ("get = \"/", "get = \"", 11, "a path starts with a slash"),
            ("00ABcd", "00ABc", 8, "an OUI is six hex digits"),
            ("00ABcd", "0:abcd", 8, "an OUI is six hex digits"),
            ("plugin =", "plugins =", 5, "unknown field `plugins`"),
            ("M {version}", "M\\u0007", 9, "control character"),
            ("\nversion = \"1.2\"", "", 4, "missing field `version`"),
            ("oui =", "oui = =", 8, ""),
        ] {
            let error = load(&PHONE.replace(from, to)).unwrap_err();
            assert!(error.starts_with(&format!("acme/cases.toml:{line}: ")), "{to}: {error}");
            assert!(error.contains(part), "{to}: {error}");
        }
    }

    #[test]
    fn names_stay_distinct() {
        let second = &PHONE[PHONE.find("[[phone]]").unwrap()..];
        let newer = second.replace("1.2", "1.3");
        let names: Vec<_> = load(&format!("{PHONE}{newer}{second}"))
            .unwrap()
            .iter()
            .map(|profile| profile.name.clone())
            .collect();
        assert_eq!(names, ["acme/M1", "acme/M1@1.3", "acme/M1@1.2"]);
        let error = load(&format!("{PHONE}{second}{second}{second}")).unwrap_err();
        assert_eq!(error, "acme/cases.toml:31: acme/M1 is there already");
    }
}
