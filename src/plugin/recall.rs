//! What the latest User-Agents matched: a phone asks for some files in a boot, and says the same
//! of itself each time.
//!
//! A text has one place, by its hash, and whoever comes to it later takes it. What a text matched
//! follows from it and the plugins alone, so nothing here is ever out of date: another set of
//! plugins begins with an empty memory.

use ahash::RandomState;

use super::program::Spans;
use super::rules::Key;
use crate::limits;

/// A rule that a User-Agent leads to, and where its captures lie.
pub type Led = (usize, Spans);

/// One core's memory of User-Agents.
#[derive(Debug)]
pub struct Recall {
    places: Box<[Place]>,
    hasher: RandomState,
}

/// A text and what it matched. Its length is 0 where there is none.
#[derive(Clone, Debug)]
struct Place {
    len: u8,
    count: u8,
    text: [u8; limits::RECALL_BYTES_MAX],
    rules: [(u16, Narrow); limits::PATTERNS_TRIED_MAX],
}

/// [`Spans`] of a short text.
type Narrow = [(u8, u8); Key::ALL.len()];

const _: () = assert!(limits::RECALL_BYTES_MAX < UNSET as usize);
const _: () = assert!(limits::RECALL_PLACES.is_power_of_two());
/// An end that is none.
const UNSET: u8 = u8::MAX;
const NONE: Place = Place {
    len: 0,
    count: 0,
    text: [0; limits::RECALL_BYTES_MAX],
    rules: [(0, [(UNSET, UNSET); Key::ALL.len()]); limits::PATTERNS_TRIED_MAX],
};

impl Default for Recall {
    fn default() -> Self {
        let places = vec![NONE; limits::RECALL_PLACES].into_boxed_slice();
        Recall { places, hasher: RandomState::new() }
    }
}

impl Recall {
    /// Gives the rules that `text` leads to; false where it is not known.
    pub fn tell(&self, text: &[u8], give: impl FnMut(Led)) -> bool {
        let place = &self.places[self.place_of(text)];
        let is_known = !text.is_empty() && &place.text[..usize::from(place.len)] == text;
        if is_known {
            let rules = &place.rules[..usize::from(place.count)];
            rules.iter().map(|(rule, spans)| (usize::from(*rule), widen(spans))).for_each(give);
        }
        is_known
    }

    /// Notes the rules that `text` leads to. What is too long or leads to too many is left out.
    pub fn note<'r>(&mut self, text: &[u8], rules: impl ExactSizeIterator<Item = &'r Led>) {
        let mut place = NONE;
        if text.len() > place.text.len() || rules.len() > place.rules.len() {
            return;
        }
        place.text[..text.len()].copy_from_slice(text);
        place.len = text.len() as u8;
        place.count = rules.len() as u8;
        for (slot, (rule, spans)) in place.rules.iter_mut().zip(rules) {
            let Ok(rule) = u16::try_from(*rule) else { return };
            *slot = (rule, narrow(spans));
        }
        self.places[self.place_of(text)] = place;
    }

    fn place_of(&self, text: &[u8]) -> usize {
        self.hasher.hash_one(text) as usize & (limits::RECALL_PLACES - 1)
    }
}

fn narrow(spans: &Spans) -> Narrow {
    Key::ALL.map(|key| match spans.get(key) {
        Some(span) => (span.start as u8, span.end as u8),
        None => (UNSET, UNSET),
    })
}

fn widen(narrow: &Narrow) -> Spans {
    let mut spans = Spans::NONE;
    for (key, &(start, end)) in Key::ALL.into_iter().zip(narrow) {
        if end != UNSET {
            spans.set(key, start.into()..end.into());
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(recall: &Recall, text: &[u8]) -> Option<Vec<Led>> {
        let mut rules = Vec::new();
        recall.tell(text, |led| rules.push(led)).then_some(rules)
    }

    #[test]
    fn a_text_is_told_as_it_was_noted() {
        let mut recall = Recall::default();
        let mut spans = Spans::NONE;
        spans.set(Key::Model, 0..0);
        spans.set(Key::Version, 3..limits::RECALL_BYTES_MAX);
        let rules = [(7, spans), (65_535, Spans::NONE)];
        let long = [b'x'; limits::RECALL_BYTES_MAX + 1];
        for text in [&b"a phone"[..], &b"a phone "[..], &long[1..]] {
            assert_eq!(told(&recall, text), None);
            recall.note(text, rules.iter());
            assert_eq!(told(&recall, text).as_deref(), Some(&rules[..]));
        }
        recall.note(b"nobody", [].iter());
        assert_eq!(told(&recall, b"nobody"), Some(vec![]));
        assert_eq!(told(&recall, b"a phon"), None);
    }

    #[test]
    fn what_does_not_fit_is_not_noted() {
        let mut recall = Recall::default();
        let led = (7, Spans::NONE);
        recall.note(&[b'x'; limits::RECALL_BYTES_MAX + 1], [led].iter());
        recall.note(b"many", [led; limits::PATTERNS_TRIED_MAX + 1].iter());
        recall.note(b"far", [(65_536, Spans::NONE)].iter());
        recall.note(b"", [led].iter());
        let is_empty = |place: &Place| place.len == 0;
        assert!(recall.places.iter().all(is_empty));
        assert_eq!(told(&recall, b""), None);
    }

    #[test]
    fn of_two_texts_at_a_place_the_later_one_stays() {
        let mut recall = Recall::default();
        let texts: Vec<_> = (0..4 * limits::RECALL_PLACES).map(|n| n.to_string()).collect();
        for (n, text) in texts.iter().enumerate() {
            recall.note(text.as_bytes(), [(n % 1000, Spans::NONE)].iter());
        }
        let found = texts.iter().enumerate().filter(|(n, text)| {
            let rules = told(&recall, text.as_bytes());
            assert!(rules.iter().all(|rules| *rules == [(n % 1000, Spans::NONE)]));
            rules.is_some()
        });
        assert!((limits::RECALL_PLACES / 2..=limits::RECALL_PLACES).contains(&found.count()));
    }
}
