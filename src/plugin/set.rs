//! Which of many patterns may match a text: its first bytes are walked through once, however many
//! patterns there are, until no more than a few are left.
//!
//! Patterns that begin at the text's start share a table: a DFA of all of them, cut off where few
//! enough are left to try each and the next bytes do not tell them apart. Those that end at the
//! text's end have one that is walked from there backwards: few bytes tell a file's ending. The
//! others have a table of their own, which is only looked at where one of their literals is in the
//! text.

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind, Span};
use regex_syntax::hir::{Hir, Look};
use std::collections::{BTreeSet, HashMap};

use super::pattern;
use crate::limits;

/// The patterns of one subject.
#[derive(Debug, Default)]
pub struct Set {
    fixed: Vec<Table>,
    ending: Vec<Table>,
    loose: Vec<Table>,
    /// What a text has somewhere that one of the loose ones matches.
    literals: Option<Prefilter>,
    /// Those that are in no table; each has to be tried.
    others: Vec<usize>,
}

/// Where a walk through a text begins, and how it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Walk {
    /// All match at the text's start; from there on.
    Forwards,
    /// All match at the text's end; from there back.
    Backwards,
    /// They match anywhere; from the start on.
    Anywhere,
}

/// Some of the patterns. More than one table is there where one would be too large.
///
/// INVARIANT: `nexts` has a row of `width` for each state, and every entry is a state's row, its
/// number, or one of `leaves`.
#[derive(Debug)]
struct Table {
    begin: Next,
    /// The column of each byte; the last one is the text's end.
    classes: Box<[u8; 256]>,
    width: usize,
    nexts: Vec<Next>,
    /// Patterns that are left where a walk ends.
    leaves: Vec<Box<[usize]>>,
    /// Patterns that match before the state's last byte, however the text goes on.
    passed: Vec<Box<[usize]>>,
}

/// What a byte leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// The first of a state's row: the walk goes on.
    Row(u32),
    /// The number of a state where patterns have matched already.
    Passing(u32),
    /// The end of the walk.
    Leaf(u32),
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
        let is_ending = |hir: &Hir| hir.properties().look_set_suffix().contains(Look::End);
        let (mut fixed, others): (Vec<_>, Vec<_>) =
            (0..texts.len()).partition(|&pattern| is_fixed(&hirs[pattern]));
        let (ending, loose): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|&pattern| is_ending(&hirs[pattern]));
        // What begins alike stays together where there has to be more than one table.
        fixed.sort_by_key(|&pattern| &texts[pattern]);
        let of_loose: Vec<&Hir> = loose.iter().map(|&pattern| &hirs[pattern]).collect();
        let mut set = Set {
            literals: Prefilter::from_hirs_prefix(MatchKind::All, &of_loose),
            ..Set::default()
        };
        set.fixed = tables(texts, &fixed, Walk::Forwards, &mut set.others);
        set.ending = tables(texts, &ending, Walk::Backwards, &mut set.others);
        set.loose = tables(texts, &loose, Walk::Anywhere, &mut set.others);
        Ok(set)
    }

    /// Tells each pattern that may match, perhaps several times, and never leaves one out that
    /// does.
    pub fn find(&self, text: &[u8], mut tell: impl FnMut(usize)) {
        for table in &self.fixed {
            table.walk(text.iter(), &mut tell);
        }
        for table in &self.ending {
            table.walk(text.iter().rev(), &mut tell);
        }
        let span = Span { start: 0, end: text.len() };
        let may_be = || match &self.literals {
            Some(literals) => literals.find(text, span).is_some(),
            None => true,
        };
        if !self.loose.is_empty() && may_be() {
            for table in &self.loose {
                table.walk(text.iter(), &mut tell);
            }
        }
        self.others.iter().for_each(|&other| tell(other));
    }
}

/// Makes as few tables as there have to be; what fits none goes to `others`.
fn tables(texts: &[String], patterns: &[usize], walk: Walk, others: &mut Vec<usize>) -> Vec<Table> {
    if patterns.is_empty() {
        return Vec::new();
    }
    if let Some(table) = Table::new(texts, patterns, walk) {
        return vec![table];
    }
    if patterns.len() == 1 {
        others.extend(patterns);
        return Vec::new();
    }
    let (first, second) = patterns.split_at(patterns.len() / 2);
    let mut made = tables(texts, first, walk, others);
    made.extend(tables(texts, second, walk, others));
    made
}

impl Table {
    /// None where it would be too large, or where a pattern has something that it cannot do.
    fn new(texts: &[String], patterns: &[usize], walk: Walk) -> Option<Table> {
        let (kind, anchored) = match walk {
            Walk::Anywhere => (StartKind::Unanchored, Anchored::No),
            Walk::Forwards | Walk::Backwards => (StartKind::Anchored, Anchored::Yes),
        };
        let nfa = thompson::Config::new().which_captures(WhichCaptures::None).utf8(false);
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
            .thompson(nfa.reverse(walk == Walk::Backwards))
            .build_many(&mine)
            .ok()?;
        let begin = dfa.start_state(&start::Config::new().anchored(anchored)).ok()?;
        Some(Graph::of(dfa, begin, patterns).cut(walk))
    }

    fn walk<'t>(&self, mut bytes: impl Iterator<Item = &'t u8>, tell: &mut impl FnMut(usize)) {
        let mut next = self.begin;
        loop {
            let row = match next {
                Next::Row(row) => row as usize,
                Next::Passing(state) => {
                    self.passed[state as usize].iter().for_each(|&pattern| tell(pattern));
                    state as usize * self.width
                }
                Next::Leaf(leaf) => {
                    return self.leaves[leaf as usize].iter().for_each(|&pattern| tell(pattern));
                }
            };
            let class = match bytes.next() {
                Some(&byte) => usize::from(self.classes[usize::from(byte)]),
                None => self.width - 1,
            };
            next = self.nexts[row + class];
        }
    }
}

/// A whole DFA, with what can still match from each of its states.
struct Graph {
    classes: Box<[u8; 256]>,
    width: usize,
    begin: usize,
    /// For each state a row of states: one for each class of bytes, and that of the text's end.
    nexts: Vec<Vec<usize>>,
    /// Patterns that match at each state.
    here: Vec<Vec<usize>>,
    /// Patterns that match there or further on; none where these are more than a few.
    left: Vec<Option<BTreeSet<usize>>>,
}

impl Graph {
    fn of(dfa: dense::DFA<Vec<u32>>, begin: StateID, patterns: &[usize]) -> Graph {
        let classes = dfa.byte_classes();
        let representatives: Vec<_> = classes.representatives(..).collect();
        let mut numbers = HashMap::from([(begin, 0)]);
        let mut states = vec![begin];
        let mut nexts = Vec::new();
        let mut here = Vec::new();
        while let Some(&state) = states.get(nexts.len()) {
            let of = |index| patterns[dfa.match_pattern(state, index).as_usize()];
            let is_match = dfa.is_match_state(state);
            here.push(if is_match { (0..dfa.match_len(state)).map(of).collect() } else { vec![] });
            let next = |unit: &regex_automata::util::alphabet::Unit| {
                let next = match unit.as_u8() {
                    Some(byte) => dfa.next_state(state, byte),
                    None => dfa.next_eoi_state(state),
                };
                *numbers.entry(next).or_insert_with(|| {
                    states.push(next);
                    states.len() - 1
                })
            };
            nexts.push(representatives.iter().map(next).collect());
        }
        let column = |byte: usize| {
            let byte = u8::try_from(byte).expect("invariant: there are 256 bytes");
            classes.get(byte)
        };
        let mut graph = Graph {
            classes: Box::new(std::array::from_fn(column)),
            width: representatives.len(),
            begin: 0,
            nexts,
            here,
            left: Vec::new(),
        };
        graph.look_ahead();
        graph
    }

    /// Fills `left`, from the last states to the first until nothing is new.
    fn look_ahead(&mut self) {
        let targets = |row: &Vec<usize>| row.iter().copied().collect::<BTreeSet<usize>>();
        let targets: Vec<_> = self.nexts.iter().map(targets).collect();
        self.left = self.here.iter().map(|here| few(here.iter().copied().collect())).collect();
        let mut is_done = false;
        while !is_done {
            is_done = true;
            for state in (0..targets.len()).rev() {
                let Some(mut left) = self.left[state].clone() else { continue };
                let before = left.len();
                let all = targets[state].iter().try_for_each(|&target| {
                    left.extend(self.left[target].as_ref()?);
                    Some(())
                });
                let left = all.and_then(|()| few(left));
                if left.as_ref().map(BTreeSet::len) != Some(before) {
                    self.left[state] = left;
                    is_done = false;
                }
            }
        }
    }

    /// Whether a walk goes on from each state: more than a few patterns are left, or the bytes next
    /// to come tell those that are left apart. That none is left is worth a walk where a pattern
    /// that is tried begins far from where the walk does.
    fn goes_on(&self, walk: Walk) -> Vec<bool> {
        let is_far = walk == Walk::Backwards;
        let splits = |state: usize| {
            let left = &self.left[state];
            let other = |&target: &usize| {
                let target = &self.left[target];
                target != left && (is_far || target.as_ref().is_none_or(|left| !left.is_empty()))
            };
            left.is_none() || self.nexts[state].iter().any(other)
        };
        let mut goes_on: Vec<bool> = (0..self.nexts.len()).map(splits).collect();
        for _ in 1..limits::PATTERN_LOOK_BYTES_MAX {
            let near = |(state, on): (usize, &bool)| {
                let leads = |&next: &usize| self.left[next] == self.left[state] && goes_on[next];
                *on || self.nexts[state].iter().any(leads)
            };
            goes_on = goes_on.iter().enumerate().map(near).collect();
        }
        goes_on
    }

    /// The states that a walk goes on from, and what they lead to.
    fn cut(self, walk: Walk) -> Table {
        let goes_on = self.goes_on(walk);
        let mut table = Table {
            begin: Next::Leaf(0),
            classes: self.classes,
            width: self.width,
            nexts: Vec::new(),
            leaves: Vec::new(),
            passed: Vec::new(),
        };
        let mut leaves: HashMap<&BTreeSet<usize>, u32> = HashMap::new();
        let mut numbers: HashMap<usize, u32> = HashMap::new();
        let mut kept = Vec::new();
        let number = |len| u32::try_from(len).expect("invariant: a DFA is bounded");
        let width = number(self.width);
        let mut next = |state: usize, kept: &mut Vec<usize>| match &self.left[state] {
            Some(left) if !goes_on[state] => Next::Leaf(*leaves.entry(left).or_insert_with(|| {
                table.leaves.push(left.iter().copied().collect());
                number(table.leaves.len() - 1)
            })),
            _ => {
                let place = *numbers.entry(state).or_insert_with(|| {
                    kept.push(state);
                    number(kept.len() - 1)
                });
                let is_passing = !self.here[state].is_empty();
                if is_passing { Next::Passing(place) } else { Next::Row(place * width) }
            }
        };
        table.begin = next(self.begin, &mut kept);
        while let Some(&state) = kept.get(table.passed.len()) {
            table.passed.push(self.here[state].as_slice().into());
            table.nexts.extend(self.nexts[state].iter().map(|&target| next(target, &mut kept)));
        }
        table
    }
}

fn few(patterns: BTreeSet<usize>) -> Option<BTreeSet<usize>> {
    (patterns.len() <= limits::PATTERNS_TRIED_MAX).then_some(patterns)
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

    fn tables(set: &Set) -> usize {
        set.fixed.len() + set.ending.len() + set.loose.len()
    }

    #[test]
    fn all_that_match_are_told_and_few_others() {
        let texts =
            ["^ab", "^abc$", "^a[bc]+", "x/y", "y$", "^$", r"^.*\bz", "(?m)^q$", r"(?u)\bw\b"]
                .map(str::to_owned);
        let patterns = texts.each_ref().map(|text| Pattern::new(text).expect("a pattern"));
        let set = Set::new(&texts).expect("patterns");
        // Of what is no ASCII, a table does not know where a word ends.
        assert_eq!(set.others, [8]);
        for text in ["ab", "abc", "abcd", "ax/y", "x/yz", "a z", "", "b\nq\nc", "a w", "bcy"] {
            let matches = |&pattern: &usize| patterns[pattern].is_match(text.as_bytes());
            let (found, tables) = (found(&set, text), tables(&set));
            let missed = (0..texts.len()).filter(matches).find(|pattern| !found.contains(pattern));
            assert_eq!(missed, None, "{text:?}: {found:?}");
            let passed = found.iter().filter(|pattern| matches(pattern)).count();
            assert!(found.len() <= passed + 1 + tables * limits::PATTERNS_TRIED_MAX);
        }
    }

    #[test]
    fn a_walk_ends_where_few_are_left() {
        let texts: Vec<_> = ["Alpha", "Beta", "Gamma", "Gamble"]
            .iter()
            .flat_map(|vendor| (0..4).map(move |n| format!("^{vendor} SIP-{n}\\w+ [0-9]{{17}}$")))
            .collect();
        let set = Set::new(&texts).expect("patterns");
        let [table] = &set.fixed[..] else { panic!("one table") };
        // The DFA has a state for each digit behind.
        assert!(table.passed.len() < 50, "{}", table.passed.len());
        for (text, wanted) in [
            ("Alpha SIP-2", &[2][..]),
            ("Alpha SIP-2x 0123", &[2]),
            ("Gamble SIP-0 is none", &[12]),
            ("Gamma", &[]),
            ("Delta", &[]),
        ] {
            assert_eq!(found(&set, text), wanted, "{text}");
        }
    }

    #[test]
    fn endings_are_told_from_the_end() {
        let texts = [
            r"\b(?:0{12}|[0-9a-f]{12})\.cfg$",
            r"/(?:[0-9a-f]{12}-phone\.cfg|common\.cfg)$",
            r"SIP[\dA-F]{12}\.cfg$",
            r"\b[\da-f]{12}\.xml$",
            r"(?:/a|b$)",
            r"\.cfg$|^/x$",
        ]
        .map(str::to_owned);
        let set = Set::new(&texts).expect("patterns");
        assert_eq!(set.ending.len(), 1);
        let patterns = texts.each_ref().map(|text| Pattern::new(text).expect("a pattern"));
        for text in ["/001565aabbcc.cfg", "/common.cfg", "/SIP001565AABBCC.cfg", "/x", "b", "/ab"] {
            let found = found(&set, text);
            let matches = |&pattern: &usize| patterns[pattern].is_match(text.as_bytes());
            let missed = (0..texts.len()).filter(matches).find(|pattern| !found.contains(pattern));
            assert_eq!(missed, None, "{text:?}: {found:?}");
        }
        assert_eq!(found(&set, "/firmware.rom"), [0; 0]);
        // The one that may begin with `b` is alone in its table: it is tried.
        assert_eq!(found(&set, "/001565aabbcc.xml"), [3, 4]);
        assert_eq!(found(&set, "/0015.xml"), [0; 0]);
    }

    #[test]
    fn what_is_long_told_apart_is_tried() {
        let texts = ["^Phone [a-z]{20} 1$", "^Phone [a-z]{20} 2$"].map(str::to_owned);
        let set = Set::new(&texts).expect("patterns");
        assert_eq!(set.fixed[0].passed.len(), 0);
        assert_eq!(found(&set, "Phone"), [0, 1]);
    }

    #[test]
    fn what_is_too_large_for_one_table_has_more() {
        // Each of them has to remember where it began.
        let texts: Vec<_> = (0..6).map(|n| format!("{n}.*[a-c]{{9}}.{{8}}d")).collect();
        let set = Set::new(&texts).expect("patterns");
        assert!(set.loose.len() + set.others.len() > 1);
        assert!(found(&set, "3--abcabcabc01234567d").contains(&3));
        assert_eq!(found(&set, "abc"), set.others);
    }
}
