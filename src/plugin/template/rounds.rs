//! Keeps the text of plain rounds, a core for itself, and copies it while it would be the same.
//!
//! What is kept is found by everything that it depends on, compared byte by byte, so that one
//! phone's values never come into another's file. A round that finds an entry is run, and not
//! kept. Nor is what is wanted for the first time: most of what one phone alone has is never wanted
//! again.
//!
//! INVARIANT: a program always runs with the same tables; they and it are parts of one release.

use ahash::RandomState;
use bumpalo::collections::Vec as ArenaVec;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::plain::Plain;
use super::run::Run;
use super::tree::For;
use super::value::{Eval, Items, Value, digits_of};
use crate::limits;

thread_local! {
    /// Of this core. It is never borrowed while a program runs.
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// A number for a program that no other has: programs come and go with their plugins.
pub fn program_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// INVARIANT: `bytes` is the sum of what the entries take.
#[derive(Default)]
struct Kept {
    rounds: HashMap<Box<[u8]>, Rounds, RandomState>,
    bytes: usize,
    /// Of what was wanted lately, parts of the hashes.
    wanted: Wanted,
}

/// Parts of hashes, each at a place that follows from the rest of its hash.
struct Wanted(Box<[u32; limits::ROUNDS_WANTED]>);

/// Texts of rounds of one loop, in the order in which they were first made.
#[derive(Default)]
struct Rounds {
    text: String,
    /// Where each round's text begins and ends, where it is known.
    places: Vec<Option<(u32, u32)>>,
}

impl Rounds {
    fn bytes(&self) -> usize {
        self.text.capacity() + self.places.capacity() * size_of::<Option<(u32, u32)>>()
    }

    fn keep(&mut self, index: usize, text: &str) {
        let place = u32::try_from(self.text.len())
            .ok()
            .zip(u32::try_from(self.text.len() + text.len()).ok());
        if self.text.len() + text.len() <= limits::ROUNDS_BYTES_MAX {
            self.places.resize(self.places.len().max(index + 1), None);
            self.places[index] = place;
            self.text.push_str(text);
        }
    }

    /// Writes rounds from `index` on, as long as none has an entry; the first that is left.
    fn copy(&self, mut index: usize, found: &[bool], out: &mut String) -> usize {
        let mut span = (0, 0);
        while let (Some(false), Some(Some(place))) = (found.get(index), self.places.get(index)) {
            if place.0 != span.1 {
                out.push_str(&self.text[span.0 as usize..span.1 as usize]);
                span.0 = place.0;
            }
            span.1 = place.1;
            index += 1;
        }
        out.push_str(&self.text[span.0 as usize..span.1 as usize]);
        index
    }
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted(Box::new([0; limits::ROUNDS_WANTED]))
    }
}

impl Kept {
    /// Takes them out while their loop runs; a new one where there is none, to be kept only where
    /// it was wanted lately.
    fn take(&mut self, key: &[u8]) -> Option<(Box<[u8]>, Rounds)> {
        match self.rounds.remove_entry(key) {
            Some((key, rounds)) => {
                self.bytes -= rounds.bytes() + key.len();
                Some((key, rounds))
            }
            None => self.is_wanted_again(key).then(|| (key.into(), Rounds::default())),
        }
    }

    fn is_wanted_again(&mut self, key: &[u8]) -> bool {
        let hash = self.rounds.hasher().hash_one(key);
        let part = (hash >> u32::BITS) as u32;
        let place = &mut self.wanted.0[hash as usize % limits::ROUNDS_WANTED];
        std::mem::replace(place, part) == part
    }

    /// Puts them back. All others go when they take too much.
    fn put(&mut self, key: Box<[u8]>, rounds: Rounds) {
        let bytes = rounds.bytes() + key.len();
        if self.bytes + bytes > limits::ROUNDS_BYTES_MAX {
            self.rounds.clear();
            self.bytes = 0;
        }
        if bytes <= limits::ROUNDS_BYTES_MAX {
            self.bytes += bytes;
            self.rounds.insert(key, rounds);
        }
    }
}

impl<'a> Run<'a> {
    /// Runs a plain loop through what is fixed, or copies its text.
    pub(super) fn fixed(&mut self, each: &'a For, plain: &'a Plain) -> Eval<()> {
        let Some(key) = self.key(plain, 0) else { return self.every(each) };
        let copy = |kept: &RefCell<Kept>| {
            let kept = kept.borrow();
            kept.rounds.get(&*key).map(|rounds| rounds.copy(0, &[false], &mut self.out))
        };
        if KEPT.with(copy) == Some(1) {
            return Ok(());
        }
        let taken = KEPT.with_borrow_mut(|kept| kept.take(&key));
        let start = self.out.len();
        self.every(each)?;
        if let Some((key, mut rounds)) = taken {
            rounds.keep(0, &self.out[start..]);
            KEPT.with_borrow_mut(|kept| kept.put(key, rounds));
        }
        Ok(())
    }

    /// Runs a plain loop with what is kept of it; whether it could.
    pub(super) fn plain(
        &mut self,
        each: &'a For,
        plain: &'a Plain,
        items: Items<'a>,
    ) -> Eval<bool> {
        let Items::Range(first, len) = items else { return Ok(false) };
        let Some(key) = self.key(plain, first) else { return Ok(false) };
        let Some(found) = self.found(plain, first, len) else { return Ok(false) };
        let taken = KEPT.with_borrow_mut(|kept| kept.take(&key));
        let Some((key, mut rounds)) = taken else { return Ok(false) };
        let mut index = 0;
        loop {
            index = rounds.copy(index, found, &mut self.out);
            if index == found.len() {
                break;
            }
            let start = self.out.len();
            self.round(each, items, index)?;
            if !found[index] {
                rounds.keep(index, &self.out[start..]);
            }
            index += 1;
        }
        KEPT.with_borrow_mut(|kept| kept.put(key, rounds));
        Ok(true)
    }

    /// All that the rounds depend on next to their number; none where that is more than scalars.
    fn key(&mut self, plain: &'a Plain, first: i64) -> Option<ArenaVec<'a, u8>> {
        for (callee, number) in &plain.macros {
            if !matches!(self.look_up(callee), Ok(Value::Macro(held)) if held == *number) {
                return None;
            }
        }
        let mut key = ArenaVec::with_capacity_in(limits::ROUND_INPUTS_BYTES_MAX, self.arena);
        key.extend_from_slice(&self.program.number.to_le_bytes());
        key.extend_from_slice(&plain.number.to_le_bytes());
        key.extend_from_slice(&first.to_le_bytes());
        for input in &plain.inputs {
            let value = self.eval(input).ok()?;
            let (kind, text) = match value {
                Value::Unset | Value::Undefined => (0, ""),
                Value::None => (1, ""),
                Value::Bool(false) => (2, ""),
                Value::Bool(true) => (3, ""),
                Value::Int(number) => {
                    key.push(4);
                    key.extend_from_slice(&number.to_le_bytes());
                    continue;
                }
                Value::Text(text) => (5, text),
                Value::Safe(text) => (6, text),
                _ => return None,
            };
            let len = u16::try_from(text.len()).ok()?;
            key.push(kind);
            key.extend_from_slice(&len.to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        (key.len() <= limits::ROUND_INPUTS_BYTES_MAX).then_some(key)
    }

    /// Of each round, whether it finds an entry; none where that cannot be told beforehand.
    fn found(&mut self, plain: &'a Plain, first: i64, len: u32) -> Option<&'a [bool]> {
        let len = usize::try_from(len).ok()?;
        let found = self.arena.alloc_slice_fill_copy(len, false);
        for probe in &plain.probes {
            let offset = match &probe.offset {
                None => 0,
                Some(offset) => match self.eval(offset).ok()? {
                    Value::Int(number) => number,
                    _ => return None,
                },
            };
            let map = match self.eval(&probe.base).ok()? {
                Value::Object(map) => map,
                Value::Table(table) => table.map,
                _ => return None,
            };
            if map.len() >= limits::TABLE_KEYS_MAX {
                return None;
            }
            for key in map.keys() {
                let Ok(number) = key.parse::<i64>() else { continue };
                if digits_of(number, &mut [0; 20]) != key {
                    continue;
                }
                let index = number.checked_sub(offset).and_then(|n| n.checked_sub(first));
                let index = index.and_then(|index| usize::try_from(index).ok());
                if let Some(found) = index.and_then(|index| found.get_mut(index)) {
                    *found = true;
                }
            }
        }
        Some(found)
    }
}
