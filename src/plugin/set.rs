//! Which of many patterns match a text: it is walked through once, however many there are.
//!
//! Patterns that begin at the text's start share a table (a DFA of all of them), and a walk ends
//! as soon as none is left. The others have a table of their own, which is only looked at where
//! one of their literals is in the text.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind, Span};
use regex_syntax::hir::{Hir, Look};

use super::pattern;
use crate::limits;

/// The patterns of one subject.
#[derive(Debug, Default)]
pub struct Set {
    fixed: Vec<Table>,
    loose: Vec<Table>,
    /// What a text has somewhere that one of the loose ones matches.
    literals: Option<Prefilter>,
    /// Those that are in no table; each has to be tried.
    others: Vec<usize>,
}

/// Some of the patterns. More than one table is there where one would be too large.
#[derive(Debug)]
struct Table {
    dfa: dense::DFA<Vec<u32>>,
    begin: StateID,
    /// The patterns' numbers.
    patterns: Vec<usize>,
}

impl Set {
    /// Joins patterns, whose numbers are their places.
    ///
    /// # Errors
    /// What is wrong with one.
    pub fn new(texts: &[String]) -> Result<Set, String> {
        let mut hirs = Vec::with_capacity(texts.len());
        for text in texts {
            hirs.push(pattern::parse(text)?);
        }
        let is_fixed = |hir: &Hir| hir.properties().look_set_prefix().contains(Look::Start);
        let (fixed, loose): (Vec<_>, Vec<_>) =
            (0..texts.len()).partition(|&pattern| is_fixed(&hirs[pattern]));
        let of_loose: Vec<&Hir> = loose.iter().map(|&pattern| &hirs[pattern]).collect();
        let mut set = Set {
            literals: Prefilter::from_hirs_prefix(MatchKind::All, &of_loose),
            ..Set::default()
        };
        tables(texts, fixed, Anchored::Yes, &mut set.fixed, &mut set.others);
        tables(texts, loose, Anchored::No, &mut set.loose, &mut set.others);
        Ok(set)
    }

    /// Whether `tell` is told of this pattern without a look at the text.
    pub fn is_other(&self, pattern: usize) -> bool {
        self.others.contains(&pattern)
    }

    /// Tells each pattern that matches, perhaps several times, and those that are in no table.
    pub fn find(&self, text: &[u8], mut tell: impl FnMut(usize)) {
        for table in &self.fixed {
            table.walk(text, &mut tell);
        }
        let span = Span { start: 0, end: text.len() };
        let may_be = || match &self.literals {
            Some(literals) => literals.find(text, span).is_some(),
            None => true,
        };
        if !self.loose.is_empty() && may_be() {
            for table in &self.loose {
                table.walk(text, &mut tell);
            }
        }
        for &other in &self.others {
            tell(other);
        }
    }

    /// Bytes of its tables.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.fixed.iter().chain(&self.loose).map(|table| table.dfa.memory_usage()).sum()
    }
}

/// Makes as few tables as there have to be; what fits none goes to `others`.
fn tables(
    texts: &[String],
    patterns: Vec<usize>,
    anchored: Anchored,
    tables_made: &mut Vec<Table>,
    others: &mut Vec<usize>,
) {
    if patterns.is_empty() {
        return;
    }
    match Table::new(texts, &patterns, anchored) {
        Some(table) => tables_made.push(table),
        None if patterns.len() == 1 => others.extend(patterns),
        None => {
            let half = patterns[patterns.len() / 2..].to_vec();
            let rest = patterns[..patterns.len() / 2].to_vec();
            tables(texts, rest, anchored, tables_made, others);
            tables(texts, half, anchored, tables_made, others);
        }
    }
}

impl Table {
    /// None where it would be too large, or where a pattern has something that it cannot do.
    fn new(texts: &[String], patterns: &[usize], anchored: Anchored) -> Option<Table> {
        let kind = match anchored {
            Anchored::No => StartKind::Unanchored,
            _ => StartKind::Anchored,
        };
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(kind)
            .accelerate(false)
            .dfa_size_limit(Some(limits::PATTERN_TABLE_BYTES_MAX))
            .determinize_size_limit(Some(2 * limits::PATTERN_TABLE_BYTES_MAX));
        let mine: Vec<&str> = patterns.iter().map(|&pattern| &*texts[pattern]).collect();
        let dfa = dense::Builder::new()
            .configure(config)
            .syntax(pattern::syntax())
            .thompson(thompson::Config::new().which_captures(WhichCaptures::None).utf8(false))
            .build_many(&mine)
            .ok()?;
        let begin = dfa.start_state(&start::Config::new().anchored(anchored)).ok()?;
        Some(Table { dfa, begin, patterns: patterns.to_vec() })
    }

    fn walk(&self, text: &[u8], tell: &mut impl FnMut(usize)) {
        let mut state = self.begin;
        for &byte in text {
            state = self.dfa.next_state(state, byte);
            if self.dfa.is_special_state(state) {
                if self.dfa.is_dead_state(state) {
                    return;
                }
                self.tell(state, tell);
            }
        }
        self.tell(self.dfa.next_eoi_state(state), tell);
    }

    fn tell(&self, state: StateID, tell: &mut impl FnMut(usize)) {
        if self.dfa.is_match_state(state) {
            for index in 0..self.dfa.match_len(state) {
                tell(self.patterns[self.dfa.match_pattern(state, index).as_usize()]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::pattern::Pattern;

    fn found(set: &Set, text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        set.find(text.as_bytes(), |pattern| found.push(pattern));
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn all_that_match_are_told_and_no_others() {
        let texts =
            ["^ab", "^abc$", "^a[bc]+", "x/y", "y$", "^$", r"^.*\bz", "(?m)^q$", r"(?u)\bw\b"]
                .map(str::to_owned);
        let patterns = texts.each_ref().map(|text| Pattern::new(text).expect("a pattern"));
        let set = Set::new(&texts).expect("patterns");
        // Of what is no ASCII, a table does not know where a word ends.
        assert!(set.is_other(8) && !set.is_other(7));
        for text in ["ab", "abc", "abcd", "ax/y", "x/yz", "a z", "", "b\nq\nc", "a w", "bcy"] {
            let matches = |&pattern: &usize| patterns[pattern].is_match(text.as_bytes());
            let wanted: Vec<_> = (0..texts.len()).filter(|p| *p == 8 || matches(p)).collect();
            assert_eq!(found(&set, text), wanted, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_large_for_one_table_has_two() {
        // Each of them has to remember where it began.
        let texts: Vec<_> = (0..6).map(|n| format!("{n}.*[a-c]{{9}}.{{8}}d$")).collect();
        let set = Set::new(&texts).expect("patterns");
        assert!(set.loose.len() > 1 || !set.others.is_empty());
        assert!(set.bytes() <= texts.len() * limits::PATTERN_TABLE_BYTES_MAX);
        let text = "3--abcabcabc01234567d";
        assert!(found(&set, text).contains(&3));
        assert!(set.others.len() == texts.len() || !found(&set, "3--abc").contains(&3));
    }
}
