//! One rule of a manifest, compiled: patterns that must all match, and what their captures become.

use memchr::memmem;

use super::manifest::{BadMac, Rewrite};
use super::pattern::{self, Pattern};
use crate::device::Mac;
use crate::query::{Query, Source};

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
    /// A posted form.
    Form,
    /// The raw HTTP path, where there is no User-Agent.
    LonePath,
}

/// How many subjects there are.
pub const SUBJECTS: usize = 7;

/// The texts that patterns look at; none where the request has no such thing.
pub struct Subjects<'b> {
    /// By the number of a subject.
    pub texts: [Option<&'b [u8]>; SUBJECTS],
    ascii: [bool; SUBJECTS],
}

impl<'b> Subjects<'b> {
    /// Those of a request.
    pub fn of(query: &Query<'b>) -> Self {
        let texts = match query.source {
            Source::Http => {
                let args = Some(query.args).filter(|args| !args.is_empty());
                let agent = query.agent.filter(|agent| !agent.is_empty());
                let path = Some(query.path);
                let lone = path.filter(|_| agent.is_none());
                [agent, path, args, None, None, query.form, lone]
            }
            Source::Tftp => [None, None, None, Some(query.path), None, None, None],
            Source::Dhcp => [None, None, None, None, query.vendor_class, None, None],
        };
        let ascii = texts.map(|text| text.is_some_and(<[u8]>::is_ascii));
        Self { texts, ascii }
    }

    /// The text of a subject, where a rule may look at it.
    pub fn seen(&self, subject: Subject, beyond_ascii: bool) -> Option<&'b [u8]> {
        self.texts[subject as usize].filter(|_| beyond_ascii || self.ascii[subject as usize])
    }
}

/// A rule, compiled.
#[derive(Debug)]
pub struct Rule {
    /// Its place in a manifest, for people: file and line.
    pub place: Box<str>,
    /// All must match.
    pub patterns: Vec<(Subject, Pattern)>,
    /// Subjects beyond ASCII are looked at.
    pub bytes: bool,
    /// Constants.
    pub set: Vec<(Key, Box<[u8]>)>,
    /// Changes of captures.
    pub rewrite: Vec<(Key, Vec<Rewrite>)>,
    /// What a bad `mac` costs.
    pub bad_mac: BadMac,
}

/// Which pattern leads a rule: the first that asks for a few bytes, else the one that asks for
/// most. What nearly every request has would be tried for every request.
pub fn lead<'t, T: Copy>(
    patterns: impl Iterator<Item = (Subject, T)>,
    text: impl Fn(T) -> &'t str,
) -> Option<(Subject, T)> {
    const ENOUGH: usize = 3;
    let asked = |pattern: &(Subject, T)| {
        let hir = pattern::parse(text(pattern.1)).ok();
        hir.and_then(|hir| hir.properties().minimum_len()).unwrap_or(0).min(ENOUGH)
    };
    // Of equal ones the first.
    patterns.fold(None, |best, next| match best {
        Some(best) if asked(&best) >= asked(&next) => Some(best),
        _ => Some(next),
    })
}

/// What a captured text became.
#[derive(PartialEq, Eq, Debug)]
pub enum Captured {
    /// An address.
    Mac(Mac),
    /// The text as it came.
    Same,
    /// Another text: what now stands at the end of the desk, from here on.
    Rewritten(usize),
    /// Nothing: it is left out.
    Nothing,
}

/// A bad MAC that costs more than itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadRule {
    /// The rule.
    Rule,
    /// All that the releases with this rule say.
    Release,
}

/// Where captured texts are changed; used again, so that a change takes no memory.
#[derive(Debug, Default)]
pub struct Desk {
    /// The changed texts of a request, one behind the other.
    pub texts: Vec<u8>,
    spare: Vec<u8>,
}

impl Rule {
    /// What a captured text becomes.
    pub fn capture(&self, key: Key, text: &[u8], desk: &mut Desk) -> Result<Captured, BadRule> {
        let changes = self.rewrite.iter().find(|(other, _)| *other == key);
        let changes = changes.map(|(_, changes)| changes.as_slice());
        if key == Key::Mac {
            return self.address(text, changes, desk);
        }
        if text.is_empty() {
            return Ok(Captured::Nothing);
        }
        let Some(changes) = changes else { return Ok(Captured::Same) };
        let start = desk.change(text, changes);
        if desk.texts[start..] == *text {
            desk.texts.truncate(start);
            return Ok(Captured::Same);
        }
        Ok(Captured::Rewritten(start))
    }

    fn address(
        &self,
        text: &[u8],
        changes: Option<&[Rewrite]>,
        desk: &mut Desk,
    ) -> Result<Captured, BadRule> {
        let parsed = match changes {
            None => Mac::parse(text),
            Some(changes) => {
                let start = desk.change(text, changes);
                let parsed = Mac::parse(&desk.texts[start..]);
                desk.texts.truncate(start);
                parsed
            }
        };
        match (parsed, self.bad_mac) {
            (Ok(mac), _) => Ok(Captured::Mac(mac)),
            (Err(_), BadMac::Key) => Ok(Captured::Nothing),
            (Err(_), BadMac::Rule) => Err(BadRule::Rule),
            (Err(_), BadMac::Release) => Err(BadRule::Release),
        }
    }
}

impl Desk {
    /// Puts the changed text at the end; where it begins.
    fn change(&mut self, text: &[u8], changes: &[Rewrite]) -> usize {
        let start = self.texts.len();
        self.texts.extend_from_slice(text);
        for change in changes {
            self.rewrite(start, change);
        }
        start
    }

    /// Applies one change to what stands from `start` on.
    fn rewrite(&mut self, start: usize, change: &Rewrite) {
        match change {
            Rewrite::Upper => self.texts[start..].make_ascii_uppercase(),
            Rewrite::Lower => self.texts[start..].make_ascii_lowercase(),
            Rewrite::Remove(what) => self.replace(start, what.as_bytes(), b""),
            Rewrite::Replace(from, to) => self.replace(start, from.as_bytes(), to.as_bytes()),
            Rewrite::Prefix(front) => {
                self.texts.extend_from_slice(front.as_bytes());
                self.texts[start..].rotate_right(front.len());
            }
            Rewrite::Suffix(end) => self.texts.extend_from_slice(end.as_bytes()),
            Rewrite::Percent => self.unescape(start),
            Rewrite::Map(table) => {
                let text = std::str::from_utf8(&self.texts[start..]).ok();
                if let Some(new) = text.and_then(|text| table.get(text)) {
                    self.texts.truncate(start);
                    self.texts.extend_from_slice(new.as_bytes());
                }
            }
        }
    }

    fn unescape(&mut self, start: usize) {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (mut read, mut write) = (start, start);
        while let Some(&byte) = self.texts.get(read) {
            let escape = match self.texts[read..] {
                [b'%', high, low, ..] => digit(high).zip(digit(low)),
                _ => None,
            };
            let (value, len) = match (byte, escape) {
                (_, Some((high, low))) => ((high << 4 | low) as u8, 3),
                (b'+', None) => (b' ', 1),
                _ => (byte, 1),
            };
            self.texts[write] = value;
            (read, write) = (read + len, write + 1);
        }
        self.texts.truncate(write);
    }

    fn replace(&mut self, start: usize, from: &[u8], to: &[u8]) {
        if from.is_empty() {
            return;
        }
        self.spare.clear();
        let mut rest = &self.texts[start..];
        while let Some(at) = memmem::find(rest, from) {
            self.spare.extend_from_slice(&rest[..at]);
            self.spare.extend_from_slice(to);
            rest = &rest[at + from.len()..];
        }
        self.spare.extend_from_slice(rest);
        self.texts.truncate(start);
        self.texts.extend_from_slice(&self.spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn rule(key: Key, changes: Vec<Rewrite>, bad_mac: BadMac) -> Rule {
        Rule {
            place: Box::default(),
            patterns: Vec::new(),
            bytes: false,
            set: Vec::new(),
            rewrite: vec![(key, changes)],
            bad_mac,
        }
    }

    #[test]
    fn captures_become_what_the_rule_says() {
        let mut desk = Desk::default();
        let mut model = |changes, text: &str| {
            let rule = rule(Key::Model, changes, BadMac::Rule);
            match rule.capture(Key::Model, text.as_bytes(), &mut desk) {
                Ok(Captured::Rewritten(start)) => Some(desk.texts[start..].to_vec()),
                Ok(Captured::Same) => Some(text.as_bytes().to_vec()),
                Ok(Captured::Nothing) => None,
                other => panic!("{other:?}"),
            }
        };
        let new = |text: &str| Some(text.as_bytes().to_vec());
        let short = Rewrite::Map(BTreeMap::from([("51i".to_owned(), "6751i".to_owned())]));
        let plain = || vec![Rewrite::Remove("-".to_owned()), Rewrite::Upper];
        assert_eq!(model(plain(), "spa-942"), new("SPA942"));
        assert_eq!(model(plain(), "SPA942"), new("SPA942"));
        assert_eq!(model(vec![short.clone()], "51i"), new("6751i"));
        assert_eq!(model(vec![short], "6731i"), new("6731i"));
        assert_eq!(model(vec![Rewrite::Prefix("SPA".to_owned())], "301"), new("SPA301"));
        assert_eq!(model(vec![Rewrite::Suffix("G".to_owned())], "7912"), new("7912G"));
        assert_eq!(model(vec![Rewrite::Percent], "a%3Ab+c%2%zz%"), new("a:b c%2%zz%"));
        assert_eq!(model(vec![Rewrite::Lower], ""), None);
        let spaces = Rewrite::Replace(" ".to_owned(), "--".to_owned());
        assert_eq!(model(vec![spaces], "X6U  Pro"), new("X6U----Pro"));
    }

    #[test]
    fn what_every_request_has_leads_no_rule() {
        let lead = |patterns: &[(Subject, &'static str)]| {
            super::lead(patterns.iter().copied(), |text| text).map(|(subject, _)| subject)
        };
        let (agent, args, path) = (Subject::Agent, Subject::Args, Subject::Path);
        assert_eq!(lead(&[(agent, "^Acme"), (path, r"\.cfg$")]), Some(agent));
        assert_eq!(lead(&[(agent, "."), (args, "(?:^|&)mac=(?P<mac>.*)")]), Some(args));
        assert_eq!(lead(&[(agent, ""), (path, "^/")]), Some(path));
        assert_eq!(lead(&[(agent, ""), (path, "")]), Some(agent));
        assert_eq!(lead(&[]), None);
    }

    #[test]
    fn a_bad_mac_costs_what_the_rule_says() {
        let mut desk = Desk::default();
        let strict = rule(Key::Mac, Vec::new(), BadMac::Rule);
        let lax = rule(Key::Mac, Vec::new(), BadMac::Key);
        assert_eq!(strict.capture(Key::Mac, b"00:15:65", &mut desk), Err(BadRule::Rule));
        let all = rule(Key::Mac, vec![Rewrite::Percent], BadMac::Release);
        assert_eq!(all.capture(Key::Mac, b"zz", &mut desk), Err(BadRule::Release));
        assert_eq!(lax.capture(Key::Mac, b"00:15:65", &mut desk), Ok(Captured::Nothing));
        let mac = Captured::Mac(Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37]));
        assert_eq!(strict.capture(Key::Mac, b"0015654AA937", &mut desk), Ok(mac));
        let mac = Captured::Mac(Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37]));
        assert_eq!(all.capture(Key::Mac, b"00%3a15%3A65:4a:a9:37", &mut desk), Ok(mac));
        assert_eq!(desk.texts, b"");
    }
}
