//! What waits to be written: names, each once, oldest first, never more than `DIRTY_MAX`.

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

/// INVARIANT: `queue` and `names` hold the same keys.
#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Key>,
    names: HashSet<Key, ahash::RandomState>,
    /// Something changed that did not fit: all documents are to be written.
    overflowed: bool,
    stopping: bool,
}

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
        Self { waiting: Mutex::default(), changed: Condvar::new(), max }
    }

    /// Notes that a document changed. A full set forgets the name and remembers that it did.
    pub fn mark(&self, key: Key) {
        let mut waiting = self.lock();
        if waiting.names.contains(&key) {
            return;
        }
        if waiting.queue.len() >= self.max {
            waiting.overflowed = true;
            return;
        }
        waiting.names.insert(key.clone());
        waiting.queue.push_back(key);
        if waiting.queue.len() == limits::FLUSH_BATCH {
            self.changed.notify_all();
        }
    }

    /// Waits until a batch is full, the server stops, or `longest` has passed, and takes a batch.
    pub fn wait(&self, longest: Duration) -> Taken {
        let full =
            |waiting: &mut Waiting| waiting.queue.len() < limits::FLUSH_BATCH && !waiting.stopping;
        let waited = self.changed.wait_timeout_while(self.lock(), longest, full);
        drop(waited);
        self.take(limits::FLUSH_BATCH)
    }

    /// Takes the `most` oldest names.
    pub fn take(&self, most: usize) -> Taken {
        let mut waiting = self.lock();
        let count = waiting.queue.len().min(most);
        let keys: Vec<Key> = waiting.queue.drain(..count).collect();
        for key in &keys {
            waiting.names.remove(key);
        }
        let everything = std::mem::take(&mut waiting.overflowed);
        Taken { keys, everything, stopping: waiting.stopping }
    }

    /// Gives back what could not be written; it is the oldest again.
    pub fn put_back(&self, taken: Taken) {
        let mut waiting = self.lock();
        waiting.overflowed |= taken.everything;
        for key in taken.keys.into_iter().rev() {
            if waiting.names.insert(key.clone()) {
                waiting.queue.push_front(key);
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
        self.lock().queue.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        let waiting = self.lock();
        waiting.queue.is_empty() && !waiting.overflowed
    }

    /// Whether no more names fit: operators' writes are refused until some have been written.
    pub fn is_full(&self) -> bool {
        self.len() >= self.max
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
