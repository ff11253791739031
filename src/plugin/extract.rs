//! What a request tells of its phone: every rule is tried once for all releases, and they vote.
//!
//! Patterns of one subject (User-Agent, path, query, file name, vendor class) form one automaton:
//! a request runs through each once, whatever the number of vendors. A rule whose patterns all
//! match contributes its captures; releases with the same rules are one *profile* and vote with
//! its weight. The most voted value of each key wins; a tie goes to the least plugin id, so the
//! outcome depends on no order of loading (spec sections 1.2 and 9.2 C3). A rule that fails costs
//! nobody else's answer (C1).

use regex_automata::meta::{BuildError, Cache, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Input, PatternID, PatternSet};
use std::borrow::Cow;

use super::manifest::{BadMac, Rewrite};
use crate::device::Mac;
use crate::limits;
use crate::query::{Query, Sighting, Source, Value};

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
    pub const ALL: [Key; 6] =
        [Key::Mac, Key::Sn, Key::Uuid, Key::Vendor, Key::Model, Key::Version];

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

const SUBJECTS: usize = 5;

/// One pattern of a rule.
#[derive(Debug)]
pub struct Pattern {
    /// What it looks at.
    pub subject: Subject,
    /// Its number among the subject's patterns.
    pub number: usize,
    /// Captures: key and group.
    pub captures: Vec<(Key, usize)>,
    regex: Regex,
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

/// Releases that have the same rules.
#[derive(Debug)]
pub struct Profile {
    /// The rules, in order, as numbers in the extractor's table.
    pub rules: Vec<usize>,
    /// How many releases these are.
    pub weight: u32,
    /// Place of the least of their ids among all.
    pub rank: u32,
}

/// All rules of all plugins.
#[derive(Debug)]
pub struct Extractor {
    rules: Vec<Rule>,
    profiles: Vec<Profile>,
    sets: [Regex; SUBJECTS],
    /// For each subject and pattern, the rule that has it.
    owners: [Vec<usize>; SUBJECTS],
}

/// Compiles one pattern: bytes, ASCII classes, linear time.
///
/// # Errors
/// What is wrong with the pattern.
pub fn compile(pattern: &str) -> Result<Regex, BuildError> {
    builder().build(pattern)
}

fn builder() -> regex_automata::meta::Builder {
    let mut builder = Regex::builder();
    builder
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(Regex::config().utf8_empty(false));
    builder
}

/// Collects rules and profiles.
#[derive(Default)]
pub struct ExtractorBuilder {
    rules: Vec<Rule>,
    profiles: Vec<Profile>,
    texts: [Vec<String>; SUBJECTS],
    owners: [Vec<usize>; SUBJECTS],
}

impl ExtractorBuilder {
    /// Compiles a pattern and notes its captures; the rule that comes next owns it.
    ///
    /// # Errors
    /// A text for people: no pattern, or a capture that is no key.
    pub fn pattern(&mut self, subject: Subject, text: &str) -> Result<Pattern, String> {
        let regex = compile(text).map_err(|error| match error.syntax_error() {
            Some(syntax) => syntax.to_string(),
            None => error.to_string(),
        })?;
        let mut captures = Vec::new();
        for (group, name) in regex.group_info().pattern_names(PatternID::ZERO).enumerate() {
            if let Some(name) = name {
                let key = Key::of(name).ok_or_else(|| format!("no key has the name {name:?}"))?;
                captures.push((key, group));
            }
        }
        let texts = &mut self.texts[subject as usize];
        texts.push(text.to_owned());
        self.owners[subject as usize].push(self.rules.len());
        Ok(Pattern { subject, number: texts.len() - 1, captures, regex })
    }

    /// Adds a rule whose patterns were just made; returns its number.
    pub fn rule(&mut self, rule: Rule) -> usize {
        self.rules.push(rule);
        self.rules.len() - 1
    }

    /// Adds a profile.
    pub fn profile(&mut self, profile: Profile) {
        self.profiles.push(profile);
    }

    /// Joins the patterns of each subject into one automaton.
    ///
    /// # Errors
    /// The automaton would be too large.
    pub fn build(self) -> Result<Extractor, BuildError> {
        let mut sets = Vec::with_capacity(SUBJECTS);
        for texts in &self.texts {
            let all = Regex::config()
                .utf8_empty(false)
                .match_kind(regex_automata::MatchKind::All)
                .which_captures(regex_automata::nfa::thompson::WhichCaptures::None);
            sets.push(builder().configure(all).build_many(texts)?);
        }
        let sets = sets.try_into().expect("one automaton a subject");
        let Self { rules, profiles, owners, .. } = self;
        Ok(Extractor { rules, profiles, sets, owners })
    }
}

/// One core's memory for searches: caches of the automata and lists that are used again.
#[derive(Debug)]
pub struct Scratch {
    sets: [(Cache, PatternSet); SUBJECTS],
    /// Caches of the rules' own patterns, in their order.
    patterns: Vec<Vec<Cache>>,
    slots: Vec<Option<NonMaxUsize>>,
    matched: Vec<usize>,
    found: Vec<Found>,
    votes: Vec<Vote>,
    rewritten: Vec<Vec<u8>>,
}

/// A value that a rule found: where it lies, not a borrow, so that the list can be used again.
#[derive(Clone, Copy, Debug)]
struct Found {
    rule: usize,
    key: Key,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Mac(Mac),
    Capture { subject: Subject, start: usize, end: usize },
    Constant { rule: usize, index: usize },
    Rewritten(usize),
}

#[derive(Clone, Copy, Debug)]
struct Vote {
    key: Key,
    place: Place,
    count: u32,
    rank: u32,
}

impl Extractor {
    /// Memory for one core.
    pub fn scratch(&self) -> Scratch {
        let set = |regex: &Regex| (regex.create_cache(), PatternSet::new(regex.pattern_len()));
        let caches = |rule: &Rule| rule.patterns.iter().map(|p| p.regex.create_cache()).collect();
        Scratch {
            sets: std::array::from_fn(|index| set(&self.sets[index])),
            patterns: self.rules.iter().map(caches).collect(),
            slots: Vec::new(),
            matched: Vec::new(),
            found: Vec::new(),
            votes: Vec::new(),
            rewritten: Vec::new(),
        }
    }

    /// What the request tells of its phone. The address is always there; for a DHCP report the
    /// MAC is the lease's (spec section 1.2).
    pub fn extract<'b>(&'b self, query: &Query<'b>, scratch: &mut Scratch) -> Sighting<'b> {
        let subjects = Subjects::of(query);
        self.match_rules(&subjects, scratch);
        self.gather(&subjects, scratch);
        self.vote(&subjects, scratch);
        self.sighting(query, &subjects, scratch)
    }

    /// Fills `matched` with the rules whose patterns all match, in order.
    fn match_rules(&self, subjects: &Subjects<'_>, scratch: &mut Scratch) {
        scratch.matched.clear();
        for (index, set) in self.sets.iter().enumerate() {
            let (cache, hits) = &mut scratch.sets[index];
            hits.clear();
            let Some(text) = subjects.texts[index] else { continue };
            if set.pattern_len() == 0 {
                continue;
            }
            set.which_overlapping_matches_with(cache, &Input::new(text), hits);
            scratch.matched.extend(hits.iter().map(|hit| self.owners[index][hit.as_usize()]));
        }
        scratch.matched.sort_unstable();
        scratch.matched.dedup();
        let sets = &scratch.sets;
        scratch.matched.retain(|&rule| {
            let rule = &self.rules[rule];
            let hit = |pattern: &Pattern| {
                let subject = pattern.subject as usize;
                let id = PatternID::new_unchecked(pattern.number);
                sets[subject].1.contains(id) && (rule.bytes || subjects.ascii[subject])
            };
            (!rule.no_agent || subjects.texts[Subject::Agent as usize].is_none())
                && rule.patterns.iter().all(hit)
        });
    }

    /// Fills `found` with what the matched rules say.
    fn gather(&self, subjects: &Subjects<'_>, scratch: &mut Scratch) {
        scratch.found.clear();
        scratch.rewritten.clear();
        for position in 0..scratch.matched.len() {
            let number = scratch.matched[position];
            let before = scratch.found.len();
            if self.captures(number, subjects, scratch).is_none() {
                scratch.found.truncate(before);
                continue;
            }
            for (index, &(key, _)) in self.rules[number].set.iter().enumerate() {
                let place = Place::Constant { rule: number, index };
                scratch.found.push(Found { rule: number, key, place });
            }
        }
    }

    /// Adds a rule's captures; `None` when a bad MAC costs the rule.
    fn captures(&self, number: usize, subjects: &Subjects<'_>, scratch: &mut Scratch) -> Option<()> {
        let rule = &self.rules[number];
        for (index, pattern) in rule.patterns.iter().enumerate() {
            if pattern.captures.is_empty() {
                continue;
            }
            let text = subjects.texts[pattern.subject as usize]?;
            let cache = &mut scratch.patterns[number][index];
            scratch.slots.clear();
            scratch.slots.resize(pattern.regex.group_info().slot_len(), None);
            pattern.regex.search_slots_with(cache, &Input::new(text), &mut scratch.slots)?;
            for &(key, group) in &pattern.captures {
                let (Some(start), Some(end)) =
                    (scratch.slots[2 * group], scratch.slots[2 * group + 1])
                else {
                    continue;
                };
                let (start, end) = (start.get(), end.get());
                let place = Place::Capture { subject: pattern.subject, start, end };
                match rule.place(key, place, &text[start..end], &mut scratch.rewritten) {
                    Ok(Some(place)) => scratch.found.push(Found { rule: number, key, place }),
                    Ok(None) => {}
                    Err(BadRule) => return None,
                }
            }
        }
        Some(())
    }

    /// Fills `votes`: for each profile and key the first rule's value, with the profile's weight.
    fn vote(&self, subjects: &Subjects<'_>, scratch: &mut Scratch) {
        scratch.votes.clear();
        if scratch.found.is_empty() {
            return;
        }
        for profile in &self.profiles {
            let mut given = [false; Key::ALL.len()];
            for rule in &profile.rules {
                let Ok(_) = scratch.matched.binary_search(rule) else { continue };
                let first = scratch.found.partition_point(|found| found.rule < *rule);
                let mut end = first;
                while scratch.found.get(end).is_some_and(|found| found.rule == *rule) {
                    end += 1;
                }
                for index in first..end {
                    let Found { key, place, .. } = scratch.found[index];
                    if std::mem::replace(&mut given[key as usize], true) {
                        continue;
                    }
                    let bytes = |place| self.bytes(place, subjects, &scratch.rewritten);
                    let value = bytes(place);
                    let known = |v: &Vote| v.key == key && bytes(v.place) == value;
                    match scratch.votes.iter().position(known) {
                        Some(index) => {
                            let vote = &mut scratch.votes[index];
                            vote.count += profile.weight;
                            vote.rank = vote.rank.min(profile.rank);
                        }
                        None if scratch.votes.len() < limits::VOTES_MAX * Key::ALL.len() => {
                            let (count, rank) = (profile.weight, profile.rank);
                            scratch.votes.push(Vote { key, place, count, rank });
                        }
                        None => {}
                    }
                }
            }
        }
    }

    fn bytes<'b>(
        &'b self,
        place: Place,
        subjects: &Subjects<'b>,
        rewritten: &'b [Vec<u8>],
    ) -> Bytes<'b> {
        match place {
            Place::Mac(mac) => Bytes::Mac(mac),
            Place::Capture { subject, start, end } => {
                let text = subjects.texts[subject as usize].unwrap_or_default();
                Bytes::Text(&text[start..end])
            }
            Place::Constant { rule, index } => Bytes::Text(&self.rules[rule].set[index].1),
            Place::Rewritten(index) => Bytes::Text(&rewritten[index]),
        }
    }

    fn sighting<'b>(
        &'b self,
        query: &Query<'b>,
        subjects: &Subjects<'b>,
        scratch: &mut Scratch,
    ) -> Sighting<'b> {
        let mut winners: [Option<Vote>; Key::ALL.len()] = [None; Key::ALL.len()];
        for vote in &scratch.votes {
            let winner = &mut winners[vote.key as usize];
            let better = |w: &Vote| (vote.count, w.rank) > (w.count, vote.rank);
            if winner.as_ref().is_none_or(better) {
                *winner = Some(*vote);
            }
        }
        let rewritten = &mut scratch.rewritten;
        let mut text = |key: Key| -> Option<Value<'b>> {
            match winners[key as usize]?.place {
                Place::Rewritten(index) => Some(Cow::Owned(std::mem::take(&mut rewritten[index]))),
                place => match self.bytes(place, subjects, &[]) {
                    Bytes::Text(text) => Some(Cow::Borrowed(text)),
                    Bytes::Mac(_) => None,
                },
            }
        };
        let (sn, uuid) = (text(Key::Sn), text(Key::Uuid));
        let (vendor, model, version) = (text(Key::Vendor), text(Key::Model), text(Key::Version));
        let voted = match winners[Key::Mac as usize].map(|vote| vote.place) {
            Some(Place::Mac(mac)) => Some(mac),
            _ => None,
        };
        let mac = if query.source == Source::Dhcp { query.mac } else { voted };
        Sighting { ip: query.ip, mac, sn, uuid, vendor, model, version }
    }
}

#[derive(PartialEq, Eq)]
enum Bytes<'b> {
    Mac(Mac),
    Text(&'b [u8]),
}

/// A bad MAC that costs the whole rule.
struct BadRule;

impl Rule {
    /// Where a captured value lies: as it came, as an address, or rewritten. `None`: left out.
    fn place(
        &self,
        key: Key,
        place: Place,
        text: &[u8],
        rewritten: &mut Vec<Vec<u8>>,
    ) -> Result<Option<Place>, BadRule> {
        if key == Key::Mac {
            return match (Mac::parse(text), self.bad_mac) {
                (Ok(mac), _) => Ok(Some(Place::Mac(mac))),
                (Err(_), BadMac::DropKey) => Ok(None),
                (Err(_), BadMac::DropRule) => Err(BadRule),
            };
        }
        if text.is_empty() {
            return Ok(None);
        }
        let Some((_, changes)) = self.rewrite.iter().find(|(other, _)| *other == key) else {
            return Ok(Some(place));
        };
        let changed = changes.iter().fold(Cow::Borrowed(text), rewrite);
        match changed {
            Cow::Borrowed(_) => Ok(Some(place)),
            Cow::Owned(text) => {
                rewritten.push(text);
                Ok(Some(Place::Rewritten(rewritten.len() - 1)))
            }
        }
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

/// The texts that patterns look at; none where the request has no such thing.
struct Subjects<'b> {
    texts: [Option<&'b [u8]>; SUBJECTS],
    ascii: [bool; SUBJECTS],
}

impl<'b> Subjects<'b> {
    fn of(query: &Query<'b>) -> Self {
        let texts = match query.source {
            Source::Http => {
                let args = Some(query.args).filter(|args| !args.is_empty());
                let agent = query.agent.filter(|agent| !agent.is_empty());
                [agent, Some(query.path), args, None, None]
            }
            Source::Tftp => [None, None, None, Some(query.path), None],
            Source::Dhcp => [None, None, None, None, query.vendor_class],
        };
        let ascii = texts.map(|text| text.is_some_and(<[u8]>::is_ascii));
        Self { texts, ascii }
    }
}
