//! A pattern of a manifest: steps of our own where they do, and behind them an engine that takes
//! every pattern and is linear in the text.

use regex_automata::meta::Regex;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::syntax;
use regex_automata::{Input, PatternID};
use regex_syntax::hir::Hir;

use super::program::{Outcome, Program, Spans};
use super::rules::Key;

/// A pattern on bytes, with ASCII classes, whose captures have the names of keys.
#[derive(Debug)]
pub struct Pattern {
    program: Option<Program>,
    regex: Regex,
    /// Key and group, in the order of the groups.
    captures: Vec<(Key, usize)>,
}

impl Pattern {
    /// Compiles a pattern. Captures with other names than keys are none.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn new(text: &str) -> Result<Pattern, String> {
        let mut builder = Regex::builder();
        builder.syntax(syntax()).configure(Regex::config().utf8_empty(false));
        let regex = builder.build(text).map_err(|error| match error.syntax_error() {
            Some(syntax) => syntax.to_string(),
            None => error.to_string(),
        })?;
        let named = regex.group_info().pattern_names(PatternID::ZERO).enumerate();
        let captures = named.filter_map(|(group, name)| Some((Key::of(name?)?, group))).collect();
        Ok(Pattern { program: Program::new(&parse(text)?), regex, captures })
    }

    /// The names of its captures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.regex.group_info().pattern_names(PatternID::ZERO).flatten()
    }

    /// The keys that it captures, in the order of their groups.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.captures.iter().map(|&(key, _)| key)
    }

    /// Whether it captures nothing.
    pub fn is_bare(&self) -> bool {
        self.captures.is_empty()
    }

    /// Whether it matches somewhere in `text`.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.find(text, &mut Spans::NONE.clone())
    }

    /// Searches `text`; where it matches, `spans` has the captures.
    pub fn find(&self, text: &[u8], spans: &mut Spans) -> bool {
        match self.program.as_ref().map(|program| program.search(text, spans)) {
            Some(Outcome::Found) => true,
            Some(Outcome::Missing) => false,
            Some(Outcome::Unknown) | None => self.find_surely(text, spans),
        }
    }

    fn find_surely(&self, text: &[u8], spans: &mut Spans) -> bool {
        *spans = Spans::NONE;
        if self.captures.is_empty() {
            return self.regex.is_match(text);
        }
        let mut slots: Vec<Option<NonMaxUsize>> = vec![None; self.regex.group_info().slot_len()];
        if self.regex.search_slots(&Input::new(text), &mut slots).is_none() {
            return false;
        }
        for &(key, group) in &self.captures {
            if let (Some(start), Some(end)) = (slots[2 * group], slots[2 * group + 1]) {
                spans.set(key, start.get()..end.get());
            }
        }
        true
    }
}

/// Reads a pattern.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Hir, String> {
    syntax::parse_with(text, &syntax()).map_err(|error| error.to_string())
}

/// Patterns look at bytes and know ASCII: phones send what is no UTF-8.
pub fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forms that phones' patterns have, and those that tempt: ambiguous runs, shared beginnings,
    /// loops, lazy ones, empty ones, captures that are made and taken back.
    const PATTERNS: &[&str] = &[
        r"^[yY]ealink\s+SIP-(?P<model>\w+)\s+(?P<version>[\d.]+)\s+(?P<mac>[\da-fA-F:]{17})$",
        r"^Linksys/(?P<model>[\w-]+)-(?P<version>[^\s-]+) \((?P<sn>\w+)\)$",
        r"^Cisco/(?P<model>\w+)-(?P<version>\S+) (?:\((?P<mac>[\dA-F]{12})\))?\((?P<sn>\w+)\)$",
        r"^(?:Linksys/[\w-]+-[^\s-]+|Cisco/\w+-\S+) (?:\([\dA-F]{12}\))?\(\w+\)$",
        r"\b(?P<mac>[\da-f]{12})\.xml$",
        r"/(?:0{12}|(?P<mac>[0-9a-f]{12}))(?:\.cfg|-(?:user|phone)\.cfg|-directory\.xml)$",
        r"^(?P<model>W[78][05](B|DM)|W95(B|DM))\s+(?P<version>[\d.]+)",
        r"^/(?P<model>spa.+)\.cfg\n?$",
        r"^ALE (?P<model>M[357])(?:-CE)? (?P<version>(?:\d{1,4}\.?){4,5}) (?P<mac>[0-9a-f]{12})",
        r"AVAYA/(?P<model>[^/]+)/(?P<version>[\d.]{11})$",
        r"(?:(?P<model>a+)b?)+?(?P<version>c*)d",
        r"^(?:(?P<model>a)|(?P<version>ab))(?P<sn>.*)c$",
        r"(?P<sn>a*?)(?P<model>[ab]{2,3})(?P<version>b*)\B",
        r"(?i)^snom(?P<model>3[0-9]{2})?-SIP",
        r"(?s)^(?P<model>.*)/(?P<version>.*)$",
        r"^(?:a|b|ab)*?(?P<sn>(?:ba){0,2})$",
        r"(?:^|/)(?P<model>\w+)\b.(?P<version>)",
    ];

    const TEXTS: &[&str] = &[
        "Yealink SIP-T46U 108.86.0.20 80:5e:c0:aa:bb:cc",
        "Linksys/SPA-942-6.1.5(a) (88019FA42805)",
        "Cisco/SPA508G-7.4.8a (0002FDFF2103)(CBT141400UK)",
        "/cfg/0002fdff2103.xml",
        "/0004f2aabbcc-user.cfg",
        "/000000000000-directory.xml",
        "W95DM 77.83.0.25 00:15:65:4a:a9:37",
        "/spa-504G.cfg",
        "ALE M3-CE 2.13.02.1604 3c28a620089e",
        "Mozilla/4.0 AVAYA/SIP12x0/04.00.04.00",
        "aabaacd aab abababac bbaabba/ab",
        "SNOM320-SIP 8.7",
    ];

    /// A chance that is the same each time (xorshift).
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % bound as u64).expect("a small number")
        }

        /// Part of a text, with some of its bytes replaced, doubled, dropped.
        fn text(&mut self) -> Vec<u8> {
            let mut text = TEXTS[self.below(TEXTS.len())].as_bytes().to_vec();
            for _ in 0..self.below(4) {
                let at = self.below(text.len());
                let other = b"aAb0-. /\n\xff_:("[self.below(13)];
                match self.below(4) {
                    0 => text[at] = other,
                    1 => text.insert(at, other),
                    2 => text.truncate(at + 1),
                    _ => drop(text.drain(..at)),
                }
            }
            text
        }
    }

    #[test]
    fn both_engines_find_the_same() {
        let mut chance = Chance(0x2545_f491_4f6c_dd1d);
        for text in PATTERNS {
            let pattern = Pattern::new(text).expect("a pattern");
            let program = pattern.program.as_ref().expect("a program");
            let mut found = 0;
            for round in 0..4000 {
                let text = match TEXTS.get(round) {
                    Some(text) => text.as_bytes().to_vec(),
                    None => chance.text(),
                };
                let (mut ours, mut theirs) = (Spans::NONE, Spans::NONE);
                let outcome = program.search(&text, &mut ours);
                let is_found = pattern.find_surely(&text, &mut theirs);
                let told = || format!("{:?} in {}", pattern.regex, text.escape_ascii());
                assert_ne!(outcome, Outcome::Unknown, "{}", told());
                assert_eq!(outcome == Outcome::Found, is_found, "{}", told());
                if is_found {
                    assert_eq!(ours, theirs, "{}", told());
                    found += 1;
                }
            }
            assert!(found > 0, "{text} is never found");
        }
    }

    #[test]
    fn what_takes_too_long_is_found_by_the_other_engine() {
        let pattern = Pattern::new(r"(?:a|aa)*b(?P<sn>c)").expect("a pattern");
        let mut text = vec![b'a'; 2000];
        assert!(!pattern.is_match(&text));
        text.extend(b"bc");
        let mut spans = Spans::NONE;
        let program = pattern.program.as_ref().expect("a program");
        assert_eq!(program.search(&text, &mut spans), Outcome::Unknown);
        assert!(pattern.find(&text, &mut spans));
        assert_eq!(spans.get(Key::Sn), Some(2001..2002));
    }

    #[test]
    fn what_has_no_steps_is_found_by_the_other_engine() {
        for text in [r"(?m)^x(?P<model>a)$", r"(?:a?)*(?P<model>b)", r"(?P<model>a{600})"] {
            let pattern = Pattern::new(text).expect("a pattern");
            let has_steps = pattern.program.is_some();
            assert!(!has_steps || text.contains("600"), "{text}");
            assert!(pattern.is_match(format!("\nxa\nb{}", "a".repeat(600)).as_bytes()), "{text}");
        }
    }
}
