//! What waits to be written: names, each once, oldest first, never more than `DIRTY_MAX`.

use ahash::RandomState;
use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::device::Text;
use crate::limits;
use crate::time::Duration;

/// A document whose stored copy is out of date.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Key {
    /// A configuration.
    Config(Text),
    /// A device.
    Device(Text),
}

/// The names of changed documents. Values are read when they are written, so a document that
/// changes often is written once.
#[derive(Debug)]
pub struct Dirty {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    max: usize,
}

/// INVARIANT: `queue` and `names` hold the same keys. Both are in parts, so that no core that marks
/// a name waits while all of a large one is moved or hashed anew.
#[derive(Debug)]
struct Waiting {
    queue: Queue,
    names: Vec<HashSet<Key, RandomState>>,
    hasher: RandomState,
    /// Something changed that did not fit: all documents are to be written.
    overflowed: bool,
    stopping: bool,
}

/// Keys in order, in lots. INVARIANT: `len` is the sum of the lots' lengths; none is empty.
#[derive(Debug, Default)]
struct Queue {
    lots: VecDeque<VecDeque<Key>>,
    len: usize,
}

/// Parts of the set of names.
const PARTS: usize = 64;

/// What a writer is given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    /// Names, the first changed first.
    pub keys: Vec<Key>,
    /// Names were lost: every document is to be written.
    pub everything: bool,
    /// The server is stopping: this is the last time.
    pub stopping: bool,
}

impl Default for Dirty {
    fn default() -> Self {
        Self::with_bound(limits::DIRTY_MAX)
    }
}

impl Dirty {
    /// A set that holds `max` names at most.
    pub fn with_bound(max: usize) -> Self {
        Self { waiting: Mutex::new(Waiting::new()), changed: Condvar::new(), max }
    }

    /// Notes that a document changed. A full set forgets the name and remembers that it did.
    pub fn mark(&self, key: Key) {
        let mut waiting = self.lock();
        if waiting.queue.len >= self.max {
            waiting.overflowed |= !waiting.has(&key);
            return;
        }
        if waiting.insert(key.clone()) {
            waiting.queue.push_back(key);
            if waiting.queue.len == limits::FLUSH_BATCH {
                drop(waiting);
                self.changed.notify_all();
            }
        }
    }

    /// Waits until a batch is full, the server stops, or `longest` has passed, and takes a batch.
    pub fn wait(&self, longest: Duration) -> Taken {
        let full =
            |waiting: &mut Waiting| waiting.queue.len < limits::FLUSH_BATCH && !waiting.stopping;
        let waited = self.changed.wait_timeout_while(self.lock(), longest, full);
        drop(waited);
        self.take(limits::FLUSH_BATCH)
    }

    /// Takes the `most` oldest names, some at a time: cores go on marking in between.
    pub fn take(&self, most: usize) -> Taken {
        let mut keys = Vec::new();
        loop {
            let mut waiting = self.lock();
            let count = limits::DIRTY_LOT.min(most - keys.len());
            for _ in 0..count {
                let Some(key) = waiting.queue.pop_front() else { break };
                waiting.remove(&key);
                keys.push(key);
            }
            if keys.len() == most || waiting.queue.len == 0 {
                let everything = std::mem::take(&mut waiting.overflowed);
                return Taken { keys, everything, stopping: waiting.stopping };
            }
        }
    }

    /// Gives back what could not be written; it is the oldest again.
    pub fn put_back(&self, taken: Taken) {
        self.lock().overflowed |= taken.everything;
        for lot in taken.keys.rchunks(limits::DIRTY_LOT) {
            let mut waiting = self.lock();
            for key in lot.iter().rev() {
                if waiting.insert(key.clone()) {
                    waiting.queue.push_front(key.clone());
                }
            }
        }
    }

    /// Ends the waiting of the writer; what waits now is its last batch.
    pub fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    /// Whether the server is stopping.
    pub fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// Names that wait.
    pub fn len(&self) -> usize {
        self.lock().queue.len
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        let waiting = self.lock();
        waiting.queue.len == 0 && !waiting.overflowed
    }

    /// Whether no more names fit: operators' writes are refused until some have been written.
    pub fn is_full(&self) -> bool {
        self.len() >= self.max
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn new() -> Self {
        Self {
            queue: Queue::default(),
            names: (0..PARTS).map(|_| HashSet::default()).collect(),
            hasher: RandomState::new(),
            overflowed: false,
            stopping: false,
        }
    }

    fn part(&self, key: &Key) -> usize {
        // Sets hash with keys of their own, so that a part's names do not meet there again.
        usize::try_from(self.hasher.hash_one(key) % PARTS as u64).expect("invariant: small")
    }

    fn has(&self, key: &Key) -> bool {
        self.names[self.part(key)].contains(key)
    }

    fn insert(&mut self, key: Key) -> bool {
        let part = self.part(&key);
        self.names[part].insert(key)
    }

    fn remove(&mut self, key: &Key) {
        let part = self.part(key);
        self.names[part].remove(key);
    }
}

impl Queue {
    fn push_back(&mut self, key: Key) {
        self.len += 1;
        match self.lots.back_mut().filter(|lot| lot.len() < lot.capacity()) {
            Some(lot) => lot.push_back(key),
            None => self.lots.push_back(Self::lot(key)),
        }
    }

    fn push_front(&mut self, key: Key) {
        self.len += 1;
        match self.lots.front_mut().filter(|lot| lot.len() < lot.capacity()) {
            Some(lot) => lot.push_front(key),
            None => self.lots.push_front(Self::lot(key)),
        }
    }

    fn pop_front(&mut self) -> Option<Key> {
        let lot = self.lots.front_mut()?;
        let key = lot.pop_front();
        self.len -= usize::from(key.is_some());
        if lot.is_empty() {
            self.lots.pop_front();
        }
        key
    }

    fn lot(key: Key) -> VecDeque<Key> {
        let mut lot = VecDeque::with_capacity(limits::DIRTY_LOT);
        lot.push_back(key);
        lot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> Key {
        Key::Device(name.into())
    }

    #[test]
    fn a_name_waits_once_and_the_oldest_goes_first() {
        let dirty = Dirty::default();
        for name in ["b", "a", "b", "c"] {
            dirty.mark(device(name));
        }
        assert_eq!(dirty.take(2).keys, [device("b"), device("a")]);
        assert_eq!(dirty.take(2).keys, [device("c")]);
        assert!(dirty.is_empty());
    }

    #[test]
    fn what_comes_back_is_the_oldest_again() {
        let dirty = Dirty::default();
        dirty.mark(device("a"));
        dirty.mark(device("b"));
        let taken = dirty.take(9);
        dirty.mark(device("c"));
        dirty.mark(device("b"));
        dirty.put_back(taken);
        assert_eq!(dirty.take(9).keys, [device("a"), device("c"), device("b")]);
    }

    #[test]
    fn a_full_set_forgets_names_but_not_that_it_did() {
        let dirty = Dirty::with_bound(2);
        for name in ["a", "b", "c"] {
            dirty.mark(device(name));
        }
        assert!(dirty.is_full());
        let taken = dirty.take(9);
        assert_eq!((taken.keys.len(), taken.everything), (2, true));
        dirty.put_back(Taken { keys: Vec::new(), ..taken });
        assert!(!dirty.is_empty());
        assert!(dirty.take(9).everything);
        assert!(dirty.is_empty());
    }

    /// A store that pauses lets names pile up: no mark waits for what is done with the others.
    #[test]
    fn many_lots_keep_their_order_and_each_name_once() {
        let dirty = Dirty::default();
        let names: Vec<String> = (0..5 * limits::DIRTY_LOT).map(|n| n.to_string()).collect();
        for name in names.iter().chain(&names) {
            dirty.mark(device(name));
        }
        assert_eq!(dirty.len(), names.len());
        let taken = dirty.take(2 * limits::DIRTY_LOT + 7);
        assert_eq!(taken.keys.len(), 2 * limits::DIRTY_LOT + 7);
        dirty.mark(device(&names[3]));
        dirty.put_back(taken);
        let all = dirty.take(usize::MAX).keys;
        assert_eq!(all.len(), names.len());
        let again: Vec<Key> = names.iter().map(|name| device(name)).collect();
        let but_third = |keys: &[Key]| -> Vec<Key> {
            keys.iter().filter(|key| **key != device(&names[3])).cloned().collect()
        };
        assert_eq!(but_third(&all), but_third(&again));
        assert_eq!(all.last(), Some(&device(&names[3])));
        assert!(dirty.is_empty());
    }

    #[test]
    fn stopping_ends_the_wait() {
        let dirty = Dirty::default();
        dirty.mark(device("a"));
        dirty.stop();
        let taken = dirty.wait(Duration::from_secs(600));
        assert!(taken.stopping);
        assert_eq!(taken.keys, [device("a")]);
    }
}
