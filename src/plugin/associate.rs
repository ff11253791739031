//! How well a release fits what is known of a phone: one score, from a table of the manifest.

use ahash::RandomState;
use std::cmp::Ordering;
use std::collections::HashMap;

use super::manifest::{Associate, TooOld, VersionMatch};
use super::pattern::Pattern;

/// The least score at which a release is given to a phone (spec section 1.4).
pub const PROBABLE: i32 = 300;

/// What an association goes by. Bytes are Latin-1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Info<'a> {
    /// Maker.
    pub vendor: Option<&'a [u8]>,
    /// Model.
    pub model: Option<&'a [u8]>,
    /// Firmware version.
    pub version: Option<&'a [u8]>,
}

/// A release's scores.
#[derive(Debug)]
pub struct Scores {
    exact: i32,
    known: i32,
    other_model: i32,
    no_model: i32,
    other_vendor: i32,
    no_vendor: i32,
    no_version: Option<i32>,
    too_old: Option<TooOld>,
    version: VersionMatch,
    when: Vec<(Pattern, i32)>,
}

impl Scores {
    /// The release's scores over its vendor's over the standard ones; `when` holds compiled
    /// patterns of both, the release's first.
    pub fn new(release: &Associate, vendor: &Associate, when: Vec<(Pattern, i32)>) -> Self {
        let pick = |get: fn(&Associate) -> Option<i32>, standard: i32| {
            get(release).or_else(|| get(vendor)).unwrap_or(standard)
        };
        let other_model = pick(|a| a.other_model, 300);
        Self {
            exact: pick(|a| a.exact, 600),
            known: pick(|a| a.known, 500),
            other_model,
            no_model: pick(|a| a.no_model, other_model),
            other_vendor: pick(|a| a.other_vendor, 100),
            no_vendor: pick(|a| a.no_vendor, 200),
            no_version: release.no_version.or(vendor.no_version),
            too_old: release.too_old.clone().or_else(|| vendor.too_old.clone()),
            version: release.version.or(vendor.version).unwrap_or_default(),
            when,
        }
    }

    /// The score of a phone for a release of `vendor`; `wanted` gives the versions that the
    /// release wants of a model in its table.
    pub fn score<'w>(
        &self,
        info: &Info<'_>,
        vendor: &str,
        wanted: impl Fn(&[u8]) -> Option<&'w [String]>,
    ) -> i32 {
        let Some(seen) = info.vendor else { return self.no_vendor };
        if seen != vendor.as_bytes() {
            return self.other_vendor;
        }
        match (self.no_version, &self.too_old, info.version) {
            (Some(score), _, None) => return score,
            (_, Some(TooOld { below, score }), Some(version))
                if is_below(version, below.as_bytes()) =>
            {
                return *score;
            }
            _ => {}
        }
        let Some(model) = info.model else { return self.no_model };
        if let Some((_, score)) = self.when.iter().find(|(pattern, _)| pattern.is_match(model)) {
            return *score;
        }
        let Some(wanted) = wanted(model) else { return self.other_model };
        let version = info.version.unwrap_or_default();
        let is_it = |wanted: &String| match self.version {
            VersionMatch::Equal => version == wanted.as_bytes(),
            VersionMatch::Prefix => version.starts_with(wanted.as_bytes()),
            VersionMatch::Ignore => false,
        };
        if wanted.iter().any(|wanted| !wanted.is_empty() && is_it(wanted)) {
            self.exact
        } else {
            self.known
        }
    }
}

/// Whether a version is below another, number by number; false where one has parts that are no
/// numbers. A version with the word of a pre-release behind it is below the same without (PEP 440).
fn is_below(version: &[u8], other: &[u8]) -> bool {
    let (version, is_early) = without_pre_release(version);
    let (mut left, mut right) = (version.split(|&b| b == b'.'), other.split(|&b| b == b'.'));
    let number = |part: Option<&[u8]>| match part {
        None => Some(0),
        Some(part) => std::str::from_utf8(part).ok()?.parse::<u64>().ok(),
    };
    let mut order = Ordering::Equal;
    loop {
        let (a, b) = (left.next(), right.next());
        if a.is_none() && b.is_none() {
            return order.is_lt() || is_early && order.is_eq();
        }
        let (Some(a), Some(b)) = (number(a), number(b)) else { return false };
        order = order.then(a.cmp(&b));
    }
}

/// The version without `rc1`, `-beta`, `.dev2` and the like at its end, and whether it had one.
fn without_pre_release(version: &[u8]) -> (&[u8], bool) {
    const WORDS: [&[u8]; 9] =
        [b"alpha", b"beta", b"preview", b"pre", b"dev", b"rc", b"a", b"b", b"c"];
    let is_mark = |byte: &u8| b"-_.".contains(byte);
    let digits = version.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &version[..version.len() - digits];
    let marks = usize::from(digits > 0 && rest.last().is_some_and(is_mark));
    let rest = &rest[..rest.len() - marks];
    for word in WORDS {
        let start = rest.len().saturating_sub(word.len());
        if rest[start..].eq_ignore_ascii_case(word) {
            let numbers = &rest[..start];
            let end = numbers.len() - usize::from(numbers.last().is_some_and(is_mark));
            return (&numbers[..end], true);
        }
    }
    (version, false)
}

/// Who is asked about a phone: its vendor's releases alone. What the others would say of it does
/// not depend on it, and is known.
#[derive(Debug, Default)]
pub struct Contest {
    vendors: HashMap<Box<[u8]>, Entrants, RandomState>,
    /// The best when no vendor is known.
    no_vendor: Option<Score>,
    /// The best when the vendor is nobody's.
    other_vendor: Option<Score>,
}

#[derive(Debug, Default)]
struct Entrants {
    releases: Vec<usize>,
    /// The best of all others.
    others: Option<Score>,
}

/// A score and whose it is; of equal ones the last release's is greater.
type Score = (i32, usize);

impl Contest {
    /// All releases with their vendors, in order.
    pub fn new<'a>(releases: impl Iterator<Item = (&'a str, &'a Scores)>) -> Contest {
        let mut contest = Contest::default();
        let mut others = Vec::new();
        for (release, (vendor, scores)) in releases.enumerate() {
            let entrants = contest.vendors.entry(vendor.as_bytes().into()).or_default();
            entrants.releases.push(release);
            contest.no_vendor = contest.no_vendor.max(Some((scores.no_vendor, release)));
            others.push((scores.other_vendor, release));
        }
        contest.other_vendor = others.iter().copied().max();
        for entrants in contest.vendors.values_mut() {
            let mine = |&(_, release): &Score| entrants.releases.contains(&release);
            entrants.others = others.iter().copied().filter(|other| !mine(other)).max();
        }
        contest
    }

    /// The release with the best score, and the score; the last where several have it. `score`
    /// gives that of a release of the phone's vendor.
    pub fn winner(&self, info: &Info<'_>, score: impl Fn(usize) -> i32) -> Option<(usize, i32)> {
        let best = match info.vendor.map(|vendor| self.vendors.get(vendor)) {
            None => self.no_vendor,
            Some(None) => self.other_vendor,
            Some(Some(Entrants { releases, others })) => {
                let mine = releases.iter().map(|&release| (score(release), release));
                mine.max().max(*others)
            }
        };
        best.map(|(score, release)| (release, score))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(scores: &Scores, vendor: &str, model: &str, version: &str) -> i32 {
        let some = |text: &'static str| Some(text.as_bytes()).filter(|text| !text.is_empty());
        let [vendor, model, version] = [vendor, model, version].map(|t| some(t.to_owned().leak()));
        let versions = ["66.86.0.15".to_owned(), String::new(), "67.0".to_owned()];
        let wanted = |model: &[u8]| (model == b"T46S").then_some(&versions[..]);
        scores.score(&Info { vendor, model, version }, "Yealink", wanted)
    }

    #[test]
    fn the_standard_table() {
        let scores = Scores::new(&Associate::default(), &Associate::default(), Vec::new());
        for (vendor, model, version, wanted) in [
            ("", "", "", 200),
            ("Snom", "T46S", "66.86.0.15", 100),
            ("Yealink", "", "", 300),
            ("Yealink", "T99", "66.86.0.15", 300),
            ("Yealink", "T46S", "", 500),
            ("Yealink", "T46S", "66.86.0.150", 500),
            ("Yealink", "T46S", "66.86.0.15", 600),
            ("Yealink", "T46S", "67.0", 600),
        ] {
            assert_eq!(
                score(&scores, vendor, model, version),
                wanted,
                "{vendor} {model} {version}"
            );
        }
    }

    #[test]
    fn a_release_goes_over_its_vendor() {
        let vendor = Associate { known: Some(501), other_model: Some(200), ..Default::default() };
        let release = Associate {
            other_model: Some(100),
            version: Some(VersionMatch::Prefix),
            ..Default::default()
        };
        let when = vec![(Pattern::new("^SPA").expect("a pattern"), 0)];
        let scores = Scores::new(&release, &vendor, when);
        assert_eq!(score(&scores, "Yealink", "T46S", "1"), 501);
        assert_eq!(score(&scores, "Yealink", "T46S", "66.86.0.150"), 600);
        assert_eq!(score(&scores, "Yealink", "T99", ""), 100);
        assert_eq!(score(&scores, "Yealink", "", ""), 100);
        assert_eq!(score(&scores, "Yealink", "SPA1", ""), 0);
    }

    #[test]
    fn versions_that_are_missing_or_too_old_come_first() {
        let too_old = TooOld { below: "7.0.0.0".to_owned(), score: 0 };
        let own = Associate { no_version: Some(301), too_old: Some(too_old), ..Default::default() };
        let scores = Scores::new(&own, &Associate::default(), Vec::new());
        for (model, version, wanted) in [
            ("T46S", "", 301),
            ("", "", 301),
            ("T46S", "6.9.9.9", 0),
            ("T46S", "06.10", 0),
            ("", "6", 0),
            ("T46S", "7", 500),
            ("T46S", "10.1.2", 500),
            ("T46S", "6.x", 500),
            ("T46S", "6.5.20-beta", 0),
            ("T46S", "7.0.0.dev1", 0),
            ("T46S", "7.0.0.0RC1", 0),
            ("T46S", "7.0.0_pre-3", 0),
            ("T46S", "7.0.1rc1", 500),
            ("T46S", "6.5-ifx", 500),
            ("T46S", "6.", 500),
            ("T46S", "66.86.0.15", 600),
            ("T99", "7.0.0.1", 300),
        ] {
            assert_eq!(score(&scores, "Yealink", model, version), wanted, "{model} {version}");
        }
        assert_eq!(score(&scores, "Snom", "T46S", "6.0"), 100);
    }

    /// Each way of looking at all of them gives the same winner, whatever is known.
    #[test]
    fn a_vendors_contest_is_everybodys() {
        let release = |other_vendor, no_vendor, known| {
            let own = Associate { other_vendor, no_vendor, known, ..Default::default() };
            Scores::new(&own, &Associate::default(), Vec::new())
        };
        let all = [
            ("Yealink", release(None, None, None)),
            ("Snom", release(Some(510), None, None)),
            ("Yealink", release(None, Some(301), Some(501))),
            ("Yealink", release(None, Some(301), Some(501))),
            ("Snom", release(Some(510), None, Some(509))),
            ("Htek", release(None, None, None)),
        ];
        let contest = Contest::new(all.iter().map(|(vendor, scores)| (*vendor, scores)));
        let bytes = |text: &'static str| Some(text.as_bytes());
        for vendor in [None, bytes("Yealink"), bytes("Snom"), bytes("Htek"), bytes("Fanvil")] {
            for model in [None, bytes("T46S")] {
                let info = Info { vendor, model, version: None };
                let score = |release: usize| {
                    let (vendor, scores) = &all[release];
                    scores.score(&info, vendor, |_| Some(&[]))
                };
                let best = (0..all.len()).map(|release| (score(release), release)).max();
                let winner = contest.winner(&info, score).map(|(release, score)| (score, release));
                assert_eq!(winner, best, "{info:?}");
            }
        }
    }
}
