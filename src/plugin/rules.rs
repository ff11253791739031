//! One rule of a manifest, compiled: patterns that must all match, and what their captures become.

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use std::borrow::Cow;

use super::manifest::{BadMac, Rewrite};
use crate::device::Mac;

/// What a rule can say of a phone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// Hardware address.
    Mac,
    /// Serial number.
    Sn,
    /// Identity of a softphone.
    Uuid,
    /// Maker.
    Vendor,
    /// Model.
    Model,
    /// Firmware version.
    Version,
}

impl Key {
    /// All keys, in the order of their numbers.
    pub const ALL: [Key; 6] = [Key::Mac, Key::Sn, Key::Uuid, Key::Vendor, Key::Model, Key::Version];

    /// The key's name in manifests.
    pub const fn name(self) -> &'static str {
        match self {
            Key::Mac => "mac",
            Key::Sn => "sn",
            Key::Uuid => "uuid",
            Key::Vendor => "vendor",
            Key::Model => "model",
            Key::Version => "version",
        }
    }

    /// The key of that name.
    pub fn of(name: &str) -> Option<Key> {
        Key::ALL.into_iter().find(|key| key.name() == name)
    }
}

/// What a pattern looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The User-Agent.
    Agent,
    /// The raw HTTP path.
    Path,
    /// The raw HTTP query.
    Args,
    /// The TFTP file name.
    File,
    /// DHCP option 60.
    VendorClass,
}

/// How many subjects there are.
pub const SUBJECTS: usize = 5;

/// One pattern of a rule.
#[derive(Debug)]
pub struct Pattern {
    /// What it looks at.
    pub subject: Subject,
    /// Its number among the subject's patterns.
    pub number: usize,
    /// Captures: key and group.
    pub captures: Vec<(Key, usize)>,
    /// The pattern.
    pub regex: Regex,
}

/// A rule, compiled.
#[derive(Debug)]
pub struct Rule {
    /// All must match.
    pub patterns: Vec<Pattern>,
    /// There must be no User-Agent.
    pub no_agent: bool,
    /// Subjects beyond ASCII are looked at.
    pub bytes: bool,
    /// Constants.
    pub set: Vec<(Key, Box<[u8]>)>,
    /// Changes of captures.
    pub rewrite: Vec<(Key, Vec<Rewrite>)>,
    /// What a bad `mac` costs.
    pub bad_mac: BadMac,
}

/// Compiles one pattern: bytes, ASCII classes, linear time.
///
/// # Errors
/// What is wrong with the pattern.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    builder().build(pattern).map_err(|error| match error.syntax_error() {
        Some(syntax) => syntax.to_string(),
        None => error.to_string(),
    })
}

/// Patterns on bytes, with ASCII classes.
pub fn builder() -> regex_automata::meta::Builder {
    let mut builder = Regex::builder();
    builder
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(Regex::config().utf8_empty(false));
    builder
}

/// What a captured text became.
#[derive(PartialEq, Eq, Debug)]
pub enum Captured {
    /// An address.
    Mac(Mac),
    /// The text as it came.
    Same,
    /// Another text.
    Rewritten(Vec<u8>),
    /// Nothing: it is left out.
    Nothing,
}

/// A bad MAC that costs the whole rule.
#[derive(PartialEq, Eq, Debug)]
pub struct BadRule;

impl Rule {
    /// What a captured text becomes.
    pub fn capture(&self, key: Key, text: &[u8]) -> Result<Captured, BadRule> {
        if key == Key::Mac {
            return match (Mac::parse(text), self.bad_mac) {
                (Ok(mac), _) => Ok(Captured::Mac(mac)),
                (Err(_), BadMac::DropKey) => Ok(Captured::Nothing),
                (Err(_), BadMac::DropRule) => Err(BadRule),
            };
        }
        if text.is_empty() {
            return Ok(Captured::Nothing);
        }
        let changes = self.rewrite.iter().find(|(other, _)| *other == key);
        let changes = changes.map_or(&[][..], |(_, changes)| changes);
        Ok(match changes.iter().fold(Cow::Borrowed(text), rewrite) {
            Cow::Borrowed(_) => Captured::Same,
            Cow::Owned(text) => Captured::Rewritten(text),
        })
    }
}

/// Applies one change; borrows when there was nothing to change.
fn rewrite<'b>(text: Cow<'b, [u8]>, change: &Rewrite) -> Cow<'b, [u8]> {
    match change {
        Rewrite::Upper if text.iter().any(u8::is_ascii_lowercase) => {
            Cow::Owned(text.to_ascii_uppercase())
        }
        Rewrite::Lower if text.iter().any(u8::is_ascii_uppercase) => {
            Cow::Owned(text.to_ascii_lowercase())
        }
        Rewrite::Upper | Rewrite::Lower => text,
        Rewrite::Remove(what) => replace(text, what.as_bytes(), b""),
        Rewrite::Replace(from, to) => replace(text, from.as_bytes(), to.as_bytes()),
        Rewrite::Prefix(front) => Cow::Owned([front.as_bytes(), &text].concat()),
        Rewrite::Map(table) => {
            let new = std::str::from_utf8(&text).ok().and_then(|text| table.get(text));
            new.map_or(text, |new| Cow::Owned(new.as_bytes().to_vec()))
        }
    }
}

fn replace<'b>(text: Cow<'b, [u8]>, from: &[u8], to: &[u8]) -> Cow<'b, [u8]> {
    let finder = memchr::memmem::Finder::new(from);
    if from.is_empty() || finder.find(&text).is_none() {
        return text;
    }
    let mut out = Vec::with_capacity(text.len() + to.len());
    let mut rest = &text[..];
    while let Some(at) = finder.find(rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn rule(key: Key, changes: Vec<Rewrite>, bad_mac: BadMac) -> Rule {
        Rule {
            patterns: Vec::new(),
            no_agent: false,
            bytes: false,
            set: Vec::new(),
            rewrite: vec![(key, changes)],
            bad_mac,
        }
    }

    #[test]
    fn captures_become_what_the_rule_says() {
        let model = |changes, text: &str| {
            rule(Key::Model, changes, BadMac::DropRule).capture(Key::Model, text.as_bytes())
        };
        let new = |text: &str| Ok(Captured::Rewritten(text.as_bytes().to_vec()));
        let short = Rewrite::Map(BTreeMap::from([("51i".to_owned(), "6751i".to_owned())]));
        let plain = || vec![Rewrite::Remove("-".to_owned()), Rewrite::Upper];
        assert_eq!(model(plain(), "spa-942"), new("SPA942"));
        assert_eq!(model(plain(), "SPA942"), Ok(Captured::Same));
        assert_eq!(model(vec![short.clone()], "51i"), new("6751i"));
        assert_eq!(model(vec![short], "6731i"), Ok(Captured::Same));
        assert_eq!(model(vec![Rewrite::Prefix("SPA".to_owned())], "301"), new("SPA301"));
        assert_eq!(model(vec![Rewrite::Lower], ""), Ok(Captured::Nothing));
        let spaces = Rewrite::Replace(" ".to_owned(), "--".to_owned());
        assert_eq!(model(vec![spaces], "X6U  Pro"), new("X6U----Pro"));
    }

    #[test]
    fn a_bad_mac_costs_what_the_rule_says() {
        let strict = rule(Key::Mac, Vec::new(), BadMac::DropRule);
        let lax = rule(Key::Mac, Vec::new(), BadMac::DropKey);
        assert_eq!(strict.capture(Key::Mac, b"00:15:65"), Err(BadRule));
        assert_eq!(lax.capture(Key::Mac, b"00:15:65"), Ok(Captured::Nothing));
        let mac = Captured::Mac(Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37]));
        assert_eq!(strict.capture(Key::Mac, b"0015654AA937"), Ok(mac));
    }
}
