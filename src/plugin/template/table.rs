//! A large object with an index of its own: a lookup costs a cheap hash, and one comparison.

use bumpalo::Bump;
use serde_json::Value as Json;

use crate::device::Document;

/// INVARIANT: each entry's number stands once in `places`, at its hash or behind it without a gap.
#[derive(Debug)]
pub struct Table<'a> {
    /// The object.
    pub map: &'a Document,
    entries: &'a [(&'a str, &'a Json)],
    /// Number of the entry, from 1; a power of two of them, at most half of them taken.
    places: &'a [u32],
}

impl<'a> Table<'a> {
    /// Indexes a map.
    pub fn new(map: &'a Document, arena: &'a Bump) -> Table<'a> {
        let entries = map.iter().map(|(key, value)| (key.as_str(), value));
        let entries = &*arena.alloc_slice_fill_iter(entries);
        let size = (entries.len() * 2).next_power_of_two();
        let places = arena.alloc_slice_fill_copy(size, 0_u32);
        for (number, (key, _)) in (1..).zip(entries) {
            let mut at = hash(key) & (size - 1);
            while places[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            places[at] = number;
        }
        Table { map, entries, places }
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&'a Json> {
        let mask = self.places.len() - 1;
        let mut at = hash(key) & mask;
        loop {
            let number = self.places[at] as usize;
            let (name, value) = self.entries.get(number.checked_sub(1)?)?;
            if *name == key {
                return Some(value);
            }
            at = (at + 1) & mask;
        }
    }
}

/// Whoever writes the settings could make keys meet; that costs a scan of an object, no more.
fn hash(key: &str) -> usize {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let hash = key.as_bytes().iter().fold(0x811c_9dc5, step);
    (hash ^ (hash >> 15)) as usize
}
