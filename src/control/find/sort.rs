//! Lists in the order of a key: by the text of its value, and as they came where that is the same.

use std::cmp::Ordering;
use std::sync::Arc;

use super::compare;
use super::view::{Fielded, Path};

/// The key to sort by, and which end comes first.
#[derive(Clone, PartialEq, Debug)]
pub struct Sort {
    path: Path,
    is_descending: bool,
}

/// What was found: the text it is sorted by, and how many were found before it.
struct Entry<T> {
    text: Box<str>,
    number: usize,
    item: Arc<T>,
}

impl Sort {
    /// By a key, which may have dots.
    pub fn new(key: &str, is_descending: bool) -> Sort {
        Sort { path: Path::new(key), is_descending }
    }

    /// A page of all that is found. No more is held at once than twice what the page ends with.
    pub fn page<T: Fielded>(
        &self,
        found: impl Iterator<Item = Arc<T>>,
        skip: usize,
        limit: Option<usize>,
    ) -> Vec<Arc<T>> {
        let end = limit.map_or(usize::MAX, |limit| limit.saturating_add(skip));
        let mut entries = Vec::new();
        if end == 0 {
            return Vec::new();
        }
        for (number, item) in found.enumerate() {
            entries.push(Entry { text: self.text(&*item), number, item });
            if entries.len() == end.saturating_mul(2) {
                entries.select_nth_unstable_by(end - 1, |left, right| self.order(left, right));
                entries.truncate(end);
            }
        }
        entries.sort_unstable_by(|left, right| self.order(left, right));
        entries.truncate(end);
        entries.into_iter().skip(skip).map(|entry| entry.item).collect()
    }

    fn text(&self, item: &impl Fielded) -> Box<str> {
        let value = self.path.value(item);
        value.map_or_else(Box::default, |value| compare::text(value.seen()).into())
    }

    fn order<T>(&self, left: &Entry<T>, right: &Entry<T>) -> Ordering {
        let by_text = left.text.cmp(&right.text);
        let by_text = if self.is_descending { by_text.reverse() } else { by_text };
        by_text.then(left.number.cmp(&right.number))
    }
}
