//! How well a release fits what is known of a phone: one score, from a table of the manifest.

use regex_automata::meta::Regex;

use super::manifest::{Associate, VersionMatch};

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
    version: VersionMatch,
    when: Vec<(Regex, i32)>,
}

impl Scores {
    /// The release's scores over its vendor's over the standard ones; `when` holds compiled
    /// patterns of both, the release's first.
    pub fn new(release: &Associate, vendor: &Associate, when: Vec<(Regex, i32)>) -> Self {
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
            version: release.version.or(vendor.version).unwrap_or_default(),
            when,
        }
    }

    /// The score of a phone for a release of `vendor`; `wanted` gives the version that the
    /// release wants of a model in its table.
    pub fn score<'w>(
        &self,
        info: &Info<'_>,
        vendor: &str,
        wanted: impl Fn(&[u8]) -> Option<&'w str>,
    ) -> i32 {
        let Some(seen) = info.vendor else { return self.no_vendor };
        if seen != vendor.as_bytes() {
            return self.other_vendor;
        }
        let Some(model) = info.model else { return self.no_model };
        if let Some((_, score)) = self.when.iter().find(|(regex, _)| regex.is_match(model)) {
            return *score;
        }
        let Some(wanted) = wanted(model) else { return self.other_model };
        let version = info.version.unwrap_or_default();
        let exact = match self.version {
            VersionMatch::Equal => !wanted.is_empty() && version == wanted.as_bytes(),
            VersionMatch::Prefix => !wanted.is_empty() && version.starts_with(wanted.as_bytes()),
            VersionMatch::Ignore => false,
        };
        if exact { self.exact } else { self.known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(scores: &Scores, vendor: &str, model: &str, version: &str) -> i32 {
        let some = |text: &'static str| Some(text.as_bytes()).filter(|text| !text.is_empty());
        let [vendor, model, version] = [vendor, model, version].map(|t| some(t.to_owned().leak()));
        let wanted = |model: &[u8]| (model == b"T46S").then_some("66.86.0.15");
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
        let when = vec![(super::super::rules::compile("^SPA").expect("a pattern"), 0)];
        let scores = Scores::new(&release, &vendor, when);
        assert_eq!(score(&scores, "Yealink", "T46S", "1"), 501);
        assert_eq!(score(&scores, "Yealink", "T46S", "66.86.0.150"), 600);
        assert_eq!(score(&scores, "Yealink", "T99", ""), 100);
        assert_eq!(score(&scores, "Yealink", "", ""), 100);
        assert_eq!(score(&scores, "Yealink", "SPA1", ""), 0);
    }
}
