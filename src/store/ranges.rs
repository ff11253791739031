//! The keys of a family in ranges of like size, so that several threads read it without a meeting.

use rocksdb::{DB, ReadOptions};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::rocks::{explain, family};
use super::{Reader, StoreError};
use crate::limits;

/// From a key on, up to another one; none is an end.
type Range<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);
/// Takes a document: its name and its text.
type Take<'a> = dyn FnMut(&str, &[u8]) -> Result<(), StoreError> + 'a;
/// A family and the folder that it is in.
type Place<'a> = (&'static str, &'a Path);

/// What is still to be read. INVARIANT: `cuts` are in their order, each once; range `n` ends where
/// range `n + 1` begins, and there is one range more than cuts.
#[derive(Debug)]
pub struct Ranges {
    cuts: Vec<Vec<u8>>,
    next: AtomicUsize,
    /// One of the readers failed: the others need not go on.
    is_over: AtomicBool,
}

impl Ranges {
    /// Cuts a family at the ends of its files, and those into like parts of their keys.
    pub fn of(db: &DB, (name, folder): Place<'_>) -> Result<Ranges, StoreError> {
        let files = db.live_files().map_err(|error| explain(folder, &error))?;
        let files = files.into_iter().filter(|file| file.column_family_name == name);
        let mut ends: Vec<_> =
            files.flat_map(|file| [file.start_key, file.end_key]).flatten().collect();
        ends.sort_unstable();
        ends.dedup();
        let parts = limits::LOAD_RANGES / ends.len().max(1) + 1;
        let mut cuts: Vec<_> =
            ends.windows(2).flat_map(|pair| between(&pair[0], &pair[1], parts)).collect();
        cuts.extend(ends);
        cuts.sort_unstable();
        cuts.dedup();
        Ok(Ranges { cuts, next: AtomicUsize::new(0), is_over: AtomicBool::new(false) })
    }

    /// Reads one range after another until none is left.
    pub fn read(
        &self,
        db: &DB,
        place: Place<'_>,
        reader: &mut dyn Reader,
    ) -> Result<(), StoreError> {
        while let Some(range) = self.take() {
            let result = walk(db, place, range, &mut |id, json| reader.take(id, json));
            if result.is_err() {
                self.is_over.store(true, Ordering::Relaxed);
                return result;
            }
        }
        Ok(())
    }

    fn take(&self) -> Option<Range<'_>> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        if at > self.cuts.len() || self.is_over.load(Ordering::Relaxed) {
            return None;
        }
        let cut = |at: usize| self.cuts.get(at).map(Vec::as_slice);
        Some((at.checked_sub(1).and_then(cut), cut(at)))
    }
}

/// Gives each document of a range to `take`, in the order of names.
pub fn walk(
    db: &DB,
    (name, folder): Place<'_>,
    (from, to): Range<'_>,
    take: &mut Take<'_>,
) -> Result<(), StoreError> {
    let mut reading = ReadOptions::default();
    reading.fill_cache(false);
    reading.set_readahead_size(limits::STORE_READAHEAD_BYTES);
    if let Some(from) = from {
        reading.set_iterate_lower_bound(from);
    }
    if let Some(to) = to {
        reading.set_iterate_upper_bound(to);
    }
    let mut documents = db.raw_iterator_cf_opt(family(db, name), reading);
    documents.seek_to_first();
    while let Some((id, json)) = documents.item() {
        let id = std::str::from_utf8(id).map_err(|_| {
            StoreError::Damaged(format!("{name}: a name that is no text: {}", id.escape_ascii()))
        })?;
        take(id, json)?;
        documents.next();
    }
    documents.status().map_err(|error| explain(folder, &error))
}

/// Keys between two, as far apart as their bytes are as a number.
fn between(low: &[u8], high: &[u8], parts: usize) -> Vec<Vec<u8>> {
    let same = low.iter().zip(high).take_while(|(low, high)| low == high).count();
    let number = |key: &[u8]| {
        let mut bytes = [0; 8];
        for (byte, from) in bytes.iter_mut().zip(&key[same..]) {
            *byte = *from;
        }
        u64::from_be_bytes(bytes)
    };
    let (first, last) = (number(low), number(high));
    let step = last.saturating_sub(first) / parts as u64;
    let key = |part: u64| [&low[..same], &(first + part * step).to_be_bytes()].concat();
    (1..parts as u64).map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_lie_between_and_in_order() {
        let cuts = between(b"phone-00", b"phone-99", 4);
        assert_eq!(cuts.len(), 3);
        assert!(cuts.is_sorted());
        assert!(cuts.iter().all(|cut| (&b"phone-00"[..]..b"phone-99").contains(&&cut[..])));
        assert!(between(b"a", b"a", 3).iter().all(|cut| cut.starts_with(b"a")));
        assert_eq!(between(b"", b"\xff", 2), [b"\x7f\x80\0\0\0\0\0\0".to_vec()]);
    }
}
