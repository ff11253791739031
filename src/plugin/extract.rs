//! What a request tells of its phone: every rule is tried once for all releases, and they vote.
//!
//! Patterns of one subject (User-Agent, path, query, file name, vendor class) form one automaton:
//! a request runs through each once, whatever the number of vendors. A rule whose patterns all
//! match contributes its captures; releases with the same rules are one *profile* and vote with
//! its weight. The most voted value of each key wins; a tie goes to the least plugin id, so the
//! outcome depends on no order of loading (spec sections 1.2 and 9.2 C3). A rule that fails costs
//! nobody else's answer (C1).

use regex_automata::meta::{Cache, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Input, PatternID, PatternSet};
use std::borrow::Cow;

use super::rules::{BadRule, Captured, Key, Pattern, Rule, SUBJECTS, Subject, builder, compile};
use crate::device::Mac;
use crate::limits;
use crate::query::{Query, Sighting, Source, Value};

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
        let regex = compile(text)?;
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
    pub fn build(self) -> Result<Extractor, String> {
        let mut sets = Vec::with_capacity(SUBJECTS);
        for texts in &self.texts {
            let all = Regex::config()
                .utf8_empty(false)
                .match_kind(regex_automata::MatchKind::All)
                .which_captures(regex_automata::nfa::thompson::WhichCaptures::None);
            let set = builder().configure(all).build_many(texts);
            sets.push(set.map_err(|error| error.to_string())?);
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
    fn captures(
        &self,
        number: usize,
        subjects: &Subjects<'_>,
        scratch: &mut Scratch,
    ) -> Option<()> {
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
                let place = match rule.capture(key, &text[start..end]) {
                    Ok(Captured::Mac(mac)) => Place::Mac(mac),
                    Ok(Captured::Same) => Place::Capture { subject: pattern.subject, start, end },
                    Ok(Captured::Rewritten(text)) => {
                        scratch.rewritten.push(text);
                        Place::Rewritten(scratch.rewritten.len() - 1)
                    }
                    Ok(Captured::Nothing) => continue,
                    Err(BadRule) => return None,
                };
                scratch.found.push(Found { rule: number, key, place });
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
