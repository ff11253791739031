//! What a request tells of its phone: every rule is tried once for all releases, and they vote.
//!
//! A rule is led by one of its patterns, the User-Agent's where there is one. The leading patterns
//! of a subject form one automaton: the request's first bytes say which few of them may match,
//! whatever the number of vendors, and only the rules of these are tried. A rule whose patterns all
//! match contributes its captures; releases with the same rules are one *profile* and vote with its
//! weight. The most voted value of each key wins; a tie goes to the least plugin id, so the outcome
//! depends on no order of loading (spec sections 1.2 and 9.2 C3). A rule that fails costs nobody
//! else's answer (C1).

use super::pattern::Pattern;
use super::program::Spans;
use super::recall::{self, Recall};
use super::rules::{BadRule, Captured, Desk, Key, Rule, SUBJECTS, Subject, Subjects};
use super::set::Set;
use crate::device::Mac;
use crate::limits;
use crate::query::{Query, Sighting, Source};

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
    rules: Vec<Led>,
    profiles: Vec<Profile>,
    sets: [Set; SUBJECTS],
    /// For each subject and leading pattern, the rule that it leads.
    owners: [Vec<usize>; SUBJECTS],
}

/// A rule, and who has it.
#[derive(Debug)]
struct Led {
    rule: Rule,
    /// The profiles that have it, in order.
    profiles: Vec<usize>,
    /// The first rule that the same profiles have.
    like: usize,
    /// What they are together.
    all: Weight,
}

/// How much a vote counts.
#[derive(Clone, Copy, Debug)]
struct Weight {
    count: u32,
    /// The least of the ranks.
    rank: u32,
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
    /// Compiles a pattern.
    ///
    /// # Errors
    /// A text for people: no pattern, or a capture that is no key.
    pub fn pattern(&self, text: &str) -> Result<Pattern, String> {
        let pattern = Pattern::new(text)?;
        if let Some(name) = pattern.names().find(|name| Key::of(name).is_none()) {
            return Err(format!("no key has the name {name:?}"));
        }
        Ok(pattern)
    }

    /// Adds a rule, led by its pattern of this subject and text; returns its number.
    pub fn rule(&mut self, rule: Rule, subject: Subject, text: &str) -> usize {
        self.texts[subject as usize].push(text.to_owned());
        self.owners[subject as usize].push(self.rules.len());
        self.rules.push(rule);
        self.rules.len() - 1
    }

    /// Adds a profile.
    pub fn profile(&mut self, profile: Profile) {
        self.profiles.push(profile);
    }

    /// Joins the leading patterns of each subject.
    ///
    /// # Errors
    /// What is wrong with one.
    pub fn build(self) -> Result<Extractor, String> {
        let mut sets: [Set; SUBJECTS] = Default::default();
        for (set, texts) in sets.iter_mut().zip(&self.texts) {
            *set = Set::new(texts)?;
        }
        let Self { rules, profiles, owners, .. } = self;
        let mut led: Vec<Led> = Vec::with_capacity(rules.len());
        for (number, rule) in rules.into_iter().enumerate() {
            let has_it = |&place: &usize| profiles[place].rules.contains(&number);
            let mine: Vec<usize> = (0..profiles.len()).filter(has_it).collect();
            let each = mine.iter().map(|&place| &profiles[place]);
            let all = Weight {
                count: each.clone().map(|profile| profile.weight).sum(),
                rank: each.map(|profile| profile.rank).min().unwrap_or(0),
            };
            let like = led.iter().position(|other| other.profiles == mine).unwrap_or(number);
            led.push(Led { rule, profiles: mine, like, all });
        }
        let rules = led;
        Ok(Extractor { rules, profiles, sets, owners })
    }
}

/// One core's memory for searches: lists that are used again.
#[derive(Debug, Default)]
pub struct Scratch {
    matched: Vec<Matched>,
    /// Rules that the User-Agent leads to, on their way from and to `agents`.
    led: Vec<recall::Led>,
    agents: Recall,
    found: Vec<Found>,
    /// Matched rules that cost their releases everything.
    spoiling: Vec<usize>,
    votes: Vec<Vote>,
    desk: Desk,
}

/// A rule whose lead may match.
#[derive(Clone, Copy, Debug)]
struct Matched {
    rule: usize,
    /// The User-Agent led to it, and has these captures.
    agent: Option<Spans>,
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
    Rewritten { start: usize, end: usize },
}

#[derive(Clone, Copy, Debug)]
struct Vote {
    key: Key,
    place: Place,
    weight: Weight,
}

/// The value of each key that is taken.
type Winners = [Option<Place>; Key::ALL.len()];

impl Extractor {
    /// What the request tells of its phone. The address is always there; for a DHCP report the
    /// MAC is the lease's (spec section 1.2).
    pub fn extract<'b>(&'b self, query: &Query<'b>, scratch: &'b mut Scratch) -> Sighting<'b> {
        let subjects = Subjects::of(query);
        self.match_rules(&subjects, scratch);
        self.gather(&subjects, scratch);
        let winners = self.winners(&subjects, scratch);
        self.sighting(query, &subjects, winners, &scratch.desk)
    }

    /// The places of all rules in their manifests.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|led| &*led.rule.place)
    }

    /// The places of the rules that say something of this request.
    pub fn rules_of(&self, query: &Query<'_>, scratch: &mut Scratch) -> Vec<&str> {
        let subjects = Subjects::of(query);
        self.match_rules(&subjects, scratch);
        self.gather(&subjects, scratch);
        let place = |matched: &Matched| &*self.rules[matched.rule].rule.place;
        scratch.matched.iter().map(place).collect()
    }

    /// Fills `matched` with the rules whose leads may match, in order.
    fn match_rules(&self, subjects: &Subjects<'_>, scratch: &mut Scratch) {
        scratch.matched.clear();
        for ((subject, set), text) in self.sets.iter().enumerate().zip(subjects.texts) {
            let Some(text) = text else { continue };
            if subject == Subject::Agent as usize {
                self.match_agent(text, subjects, scratch);
                continue;
            }
            let Scratch { matched, .. } = scratch;
            set.find(text, |pattern| {
                let rule = self.owners[subject][pattern];
                if !matched.iter().any(|known| known.rule == rule) {
                    matched.push(Matched { rule, agent: None });
                }
            });
        }
        scratch.matched.sort_unstable_by_key(|matched| matched.rule);
    }

    /// Adds the rules that the User-Agent leads to; the patterns are tried on a new one alone.
    fn match_agent(&self, text: &[u8], subjects: &Subjects<'_>, scratch: &mut Scratch) {
        let Scratch { matched, led, agents, .. } = scratch;
        led.clear();
        if !agents.tell(text, |rule| led.push(rule)) {
            let (set, owners) =
                (&self.sets[Subject::Agent as usize], &self.owners[Subject::Agent as usize]);
            set.find(text, |pattern| {
                let rule = owners[pattern];
                if !led.iter().any(|&(known, _)| known == rule) {
                    led.push((rule, Spans::NONE));
                }
            });
            led.retain_mut(|(rule, spans)| self.leads(*rule, subjects, spans));
            agents.note(text, led.iter());
        }
        let new = |&(rule, spans): &recall::Led| Matched { rule, agent: Some(spans) };
        matched.extend(led.iter().map(new));
    }

    /// Whether a rule's pattern of the User-Agent matches, and with which captures.
    fn leads(&self, rule: usize, subjects: &Subjects<'_>, spans: &mut Spans) -> bool {
        let Led { rule, .. } = &self.rules[rule];
        let lead = rule.patterns.iter().find(|(subject, _)| *subject == Subject::Agent);
        let text = subjects.seen(Subject::Agent, rule.bytes);
        lead.zip(text).is_some_and(|((_, pattern), text)| pattern.find(text, spans))
    }

    /// Fills `found` with what those rules say whose patterns all match; only they stay in
    /// `matched`.
    fn gather(&self, subjects: &Subjects<'_>, scratch: &mut Scratch) {
        scratch.found.clear();
        scratch.desk.texts.clear();
        scratch.spoiling.clear();
        let Scratch { matched, found, spoiling, desk, .. } = scratch;
        matched.retain(|&lead| {
            let (number, before) = (lead.rule, found.len());
            match self.captures(lead, subjects, found, desk) {
                None | Some(Err(BadRule::Rule)) => {
                    found.truncate(before);
                    return false;
                }
                Some(Err(BadRule::Release)) => {
                    found.truncate(before);
                    spoiling.push(number);
                    return true;
                }
                Some(Ok(())) => {}
            }
            for (index, &(key, _)) in self.rules[number].rule.set.iter().enumerate() {
                let place = Place::Constant { rule: number, index };
                found.push(Found { rule: number, key, place });
            }
            true
        });
    }

    /// Adds a rule's captures; `None` when a pattern does not match, and what a bad MAC costs.
    fn captures(
        &self,
        Matched { rule: number, agent }: Matched,
        subjects: &Subjects<'_>,
        found: &mut Vec<Found>,
        desk: &mut Desk,
    ) -> Option<Result<(), BadRule>> {
        let mut outcome = Ok(());
        let Led { rule, .. } = &self.rules[number];
        // What says only yes or no comes first, the lead last: they may save the others.
        let is_known = |subject| subject == Subject::Agent && agent.is_some();
        for &(subject, ref pattern) in rule.patterns.iter().rev() {
            let text = subjects.seen(subject, rule.bytes)?;
            if !is_known(subject) && pattern.is_bare() && !pattern.is_match(text) {
                return None;
            }
        }
        for (subject, pattern) in rule.patterns.iter().filter(|(_, pattern)| !pattern.is_bare()) {
            let subject = *subject;
            let text = subjects.texts[subject as usize]?;
            let mut spans = Spans::NONE;
            match agent.filter(|_| is_known(subject)) {
                Some(known) => spans = known,
                None if pattern.find(text, &mut spans) => {}
                None => return None,
            }
            for key in pattern.keys() {
                let Some(std::ops::Range { start, end }) = spans.get(key) else { continue };
                let place = match rule.capture(key, &text[start..end], desk) {
                    Ok(Captured::Mac(mac)) => Place::Mac(mac),
                    Ok(Captured::Same) => Place::Capture { subject, start, end },
                    Ok(Captured::Rewritten(start)) => {
                        Place::Rewritten { start, end: desk.texts.len() }
                    }
                    Ok(Captured::Nothing) => continue,
                    Err(bad) => {
                        outcome = Err(bad);
                        continue;
                    }
                };
                found.push(Found { rule: number, key, place });
            }
        }
        Some(outcome)
    }

    /// For each key the most voted value. Where all matched rules are of the same profiles, these
    /// agree: the first value is it.
    fn winners(&self, subjects: &Subjects<'_>, scratch: &mut Scratch) -> Winners {
        let mut winners = [None; Key::ALL.len()];
        let led = |matched: &Matched| &self.rules[matched.rule];
        let mut all = scratch.matched.iter().map(led);
        let is_one = all.next().is_some_and(|first| {
            !first.profiles.is_empty() && all.all(|other| other.like == first.like)
        });
        if is_one && scratch.spoiling.is_empty() {
            for found in &scratch.found {
                winners[found.key as usize].get_or_insert(found.place);
            }
            return winners;
        }
        self.vote(subjects, scratch);
        let mut weights = [Weight { count: 0, rank: u32::MAX }; Key::ALL.len()];
        for &Vote { key, place, weight } in &scratch.votes {
            let best = &mut weights[key as usize];
            if (weight.count, best.rank) > (best.count, weight.rank) {
                *best = weight;
                winners[key as usize] = Some(place);
            }
        }
        winners
    }

    /// Fills `votes`: for each profile and key the first rule's value, with the profile's weight.
    /// Only profiles of matched rules are looked at; those that have the same of them vote as one,
    /// where no other has one of these.
    fn vote(&self, subjects: &Subjects<'_>, scratch: &mut Scratch) {
        scratch.votes.clear();
        let Scratch { matched, found, spoiling, votes, desk, .. } = scratch;
        if spoiling.is_empty() && self.are_apart(matched) {
            for (place, &Matched { rule, .. }) in matched.iter().enumerate() {
                let Led { profiles, like, all, .. } = &self.rules[rule];
                let is_like = |other: usize| self.rules[other].like == *like;
                let mut before = matched[..place].iter();
                if !profiles.is_empty() && !before.any(|other| is_like(other.rule)) {
                    self.vote_once(*all, is_like, subjects, found, votes, desk);
                }
            }
            return;
        }
        let mut next = 0;
        // The least profile that is not behind us, until there is none.
        while let Some(profile) = self.next_profile(matched, next) {
            let Profile { rules, weight, rank } = &self.profiles[profile];
            let has_it = |rule: usize| rules.binary_search(&rule).is_ok();
            let weight = Weight { count: *weight, rank: *rank };
            if !spoiling.iter().any(|&rule| has_it(rule)) {
                self.vote_once(weight, has_it, subjects, found, votes, desk);
            }
            next = profile + 1;
        }
    }

    /// Whether of any two rules the profiles are the same or lie behind one another.
    fn are_apart(&self, matched: &[Matched]) -> bool {
        let lies_before = |one: &[usize], other: &[usize]| match (one.last(), other.first()) {
            (Some(last), Some(first)) => last < first,
            _ => true,
        };
        let are_apart = |one: &Led, other: &Led| {
            one.like == other.like
                || lies_before(&one.profiles, &other.profiles)
                || lies_before(&other.profiles, &one.profiles)
        };
        let led = |matched: &Matched| &self.rules[matched.rule];
        (1..matched.len())
            .all(|end| matched[..end].iter().all(|one| are_apart(led(one), led(&matched[end]))))
    }

    fn next_profile(&self, matched: &[Matched], from: usize) -> Option<usize> {
        let next_of = |matched: &Matched| {
            let profiles = &self.rules[matched.rule].profiles;
            profiles.get(profiles.partition_point(|&profile| profile < from)).copied()
        };
        matched.iter().filter_map(next_of).min()
    }

    /// Adds one vote a key: the value of the first of its rules that has one.
    fn vote_once(
        &self,
        weight: Weight,
        has_it: impl Fn(usize) -> bool,
        subjects: &Subjects<'_>,
        found: &[Found],
        votes: &mut Vec<Vote>,
        desk: &Desk,
    ) {
        let mut given = [false; Key::ALL.len()];
        // Of each key there is one vote of theirs: no two of these are of one.
        let before = votes.len();
        for &Found { rule, key, place } in found {
            if given[key as usize] || !has_it(rule) {
                continue;
            }
            given[key as usize] = true;
            let bytes = |place| self.bytes(place, subjects, desk);
            let value = bytes(place);
            let known = votes[..before]
                .iter_mut()
                .find(|vote| vote.key == key && bytes(vote.place) == value);
            if let Some(vote) = known {
                vote.weight.count += weight.count;
                vote.weight.rank = vote.weight.rank.min(weight.rank);
            } else if votes.len() < limits::VOTES_MAX * Key::ALL.len() {
                votes.push(Vote { key, place, weight });
            }
        }
    }

    fn bytes<'b>(&'b self, place: Place, subjects: &Subjects<'b>, desk: &'b Desk) -> Bytes<'b> {
        match place {
            Place::Mac(mac) => Bytes::Mac(mac),
            Place::Capture { subject, start, end } => {
                let text = subjects.texts[subject as usize].unwrap_or_default();
                Bytes::Text(&text[start..end])
            }
            Place::Constant { rule, index } => Bytes::Text(&self.rules[rule].rule.set[index].1),
            Place::Rewritten { start, end } => Bytes::Text(&desk.texts[start..end]),
        }
    }

    fn sighting<'b>(
        &'b self,
        query: &Query<'b>,
        subjects: &Subjects<'b>,
        winners: Winners,
        desk: &'b Desk,
    ) -> Sighting<'b> {
        let text = |key: Key| match self.bytes(winners[key as usize]?, subjects, desk) {
            Bytes::Text(text) => Some(text),
            Bytes::Mac(_) => None,
        };
        let voted = match winners[Key::Mac as usize] {
            Some(Place::Mac(mac)) => Some(mac),
            _ => None,
        };
        Sighting {
            ip: query.ip,
            mac: if query.source == Source::Dhcp { query.mac } else { voted },
            sn: text(Key::Sn),
            uuid: text(Key::Uuid),
            vendor: text(Key::Vendor),
            model: text(Key::Model),
            version: text(Key::Version),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Bytes<'b> {
    Mac(Mac),
    Text(&'b [u8]),
}
