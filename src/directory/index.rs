//! One value's documents: nearly always one, in the order of names, found without a write lock.
//!
//! An entry is a pointer to the document itself, whose value is its key: finding is one look at a
//! table and one at the document. What shares a value with others lies beside the table.

use ahash::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::Hash;
use std::hint::black_box;
use std::ops::Bound;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::lots::{Lots, shard_of};
use crate::device::Text;
use crate::limits;

/// What an index is of: a kind of documents, and a value that one may have.
pub trait Sign: Debug {
    /// The documents.
    type Item: Debug;
    /// The value.
    type Value: Eq + Hash + Debug + ToOwned<Owned: Eq + Hash + Debug> + ?Sized;

    /// A document's value.
    fn of(item: &Self::Item) -> Option<&Self::Value>;

    /// A document's name.
    fn name(item: &Self::Item) -> &Text;
}

/// From a value (a MAC, an address, …) to the documents that have it.
#[derive(Debug)]
pub struct Index<S: Sign> {
    shards: Box<[Shard<S>]>,
    hasher: RandomState,
    /// Values that several documents have.
    shared: AtomicUsize,
    /// How often something changed, by hashes. Counted last, while the shard is still held: who
    /// reads a count sees all that it counts.
    changes: Box<[AtomicU32]>,
}

/// How often something had changed at a value's place when this was taken. Values may share one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(test, derive(Default))]
pub struct Mark {
    place: u32,
    changes: u32,
}

/// On a cache line of its own, so that readers of one do not disturb those of the next.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<S: Sign>(RwLock<Places<S>>);

/// INVARIANT: `first` holds one document of each value, that of the least name; `others` the rest
/// of those values that several have, by their names, and no empty maps.
#[derive(Debug)]
struct Places<S: Sign> {
    first: HashTable<Arc<S::Item>>,
    others: HashMap<<S::Value as ToOwned>::Owned, Others<S::Item>, RandomState>,
}

/// Documents by their names.
type Others<T> = BTreeMap<Text, Arc<T>>;

impl<S: Sign> Default for Index<S> {
    fn default() -> Self {
        let places = || Places { first: HashTable::new(), others: HashMap::default() };
        let shards = (0..limits::INDEX_SHARDS).map(|_| Shard(RwLock::new(places()))).collect();
        let changes = (0..limits::INDEX_MARKS).map(|_| AtomicU32::new(0)).collect();
        Self { shards, hasher: RandomState::new(), shared: AtomicUsize::new(0), changes }
    }
}

impl<S: Sign> Index<S> {
    /// The document with this value; of several, the one with the least name.
    pub fn first(&self, value: &S::Value) -> Option<Arc<S::Item>> {
        let hash = self.hasher.hash_one(value);
        self.read(hash).find(hash, value).cloned()
    }

    /// Finds many at once, one shard after another; `found` is told the number of each value that
    /// is there and its document.
    pub fn find_all<'v>(
        &self,
        values: impl Fn(usize) -> Option<&'v S::Value>,
        count: usize,
        mut found: impl FnMut(usize, &S::Item),
    ) where
        S::Value: 'v,
    {
        let hash = |number| values(number).map(|value| self.hasher.hash_one(value));
        let lots = Lots::of((0..count).map(hash));
        for (shard, lot) in lots.each() {
            let places = self.shards[shard].read();
            let find = |(hash, number): &(u64, usize)| {
                let value = values(*number)?;
                places.find(*hash, value).map(|item| (*number, &**item))
            };
            // First all are looked for: nothing makes one look wait for the one before.
            let there: Vec<_> = lot.iter().filter_map(find).collect();
            there.into_iter().for_each(|(number, item)| found(number, item));
        }
    }

    /// Marks what is now said of a value: to be taken before the value is looked for.
    pub fn mark(&self, value: &S::Value) -> Mark {
        let place = mark_place(self.hasher.hash_one(value));
        let changes = self.changes[place].load(Ordering::Acquire);
        Mark { place: place as u32, changes }
    }

    /// Whether the same is said still. A count that went round its 32 bits is taken for it, too.
    pub fn stands(&self, mark: Mark) -> bool {
        self.changes[mark.place as usize].load(Ordering::Acquire) == mark.changes
    }

    /// The next document with this value behind `name`, in the order of names.
    pub fn after(&self, value: &S::Value, name: &str) -> Option<Arc<S::Item>> {
        let hash = self.hasher.hash_one(value);
        let places = self.read(hash);
        let first = places.find(hash, value)?;
        if **S::name(first) > *name {
            return Some(Arc::clone(first));
        }
        let behind = (Bound::Excluded(name), Bound::Unbounded);
        places.others.get(value)?.range::<str, _>(behind).next().map(|(_, item)| Arc::clone(item))
    }

    /// All documents with this value, in the order of their names. No guard outlives a step.
    pub fn each(&self, value: &S::Value) -> impl Iterator<Item = Arc<S::Item>> {
        let first = self.first(value);
        std::iter::successors(first, |last| self.after(value, S::name(last)))
    }

    /// How many have this value.
    pub fn count(&self, value: &S::Value) -> usize {
        let hash = self.hasher.hash_one(value);
        let places = self.read(hash);
        match places.find(hash, value) {
            Some(_) => 1 + places.others.get(value).map_or(0, BTreeMap::len),
            None => 0,
        }
    }

    /// Whether anybody but `name` has this value.
    pub fn has_other(&self, value: &S::Value, name: &str) -> bool {
        let hash = self.hasher.hash_one(value);
        let places = self.read(hash);
        let Some(first) = places.find(hash, value) else { return false };
        **S::name(first) != *name || places.others.contains_key(value)
    }

    /// Whether any value is that of several documents.
    pub fn has_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed) > 0
    }

    /// How many documents have a value.
    pub fn len(&self) -> usize {
        let len = |places: &Places<S>| {
            places.first.len() + places.others.values().map(BTreeMap::len).sum::<usize>()
        };
        self.shards.iter().map(|shard| len(&shard.read())).sum()
    }

    /// All documents that have a value, in no order.
    pub fn all(&self) -> Vec<Arc<S::Item>> {
        let mut all = Vec::with_capacity(self.len());
        for shard in &self.shards {
            let places = shard.read();
            all.extend(places.first.iter().cloned());
            all.extend(places.others.values().flat_map(BTreeMap::values).cloned());
        }
        all
    }

    /// Bytes that the tables take, without what the entries point at.
    pub fn table_bytes(&self) -> usize {
        let bytes = |shard: &Shard<S>| size_of::<Shard<S>>() + shard.read().first.allocation_size();
        self.shards.iter().map(bytes).sum()
    }

    /// Makes room for so many more documents.
    pub fn reserve(&self, count: usize) {
        let share = count / limits::INDEX_SHARDS;
        // Shards are not quite equal.
        let share = share + share / 64;
        for shard in &self.shards {
            let hasher = |item: &Arc<S::Item>| self.hash(item);
            shard.write().first.reserve(share, hasher);
        }
    }

    /// Puts a document in, in place of `old` where there is one.
    pub fn put(&self, old: Option<&S::Item>, new: &Arc<S::Item>) {
        let is_kept = old.and_then(S::of) == S::of(new);
        if let Some(old) = old.filter(|_| !is_kept) {
            self.remove(old);
        }
        if let Some(value) = S::of(new) {
            let hash = self.hasher.hash_one(value);
            let mut places = self.write(hash);
            let is_second = places.put(hash, new, |item| self.hash(item));
            self.shared.fetch_add(usize::from(is_second), Ordering::Relaxed);
            self.changed(hash);
        }
    }

    /// Puts many documents in, one shard after another. Gives back those in whose place they are:
    /// of the same value and name.
    pub fn put_all(&self, items: &[Arc<S::Item>]) -> Vec<Arc<S::Item>> {
        let hash = |item: &Arc<S::Item>| S::of(item).map(|value| self.hasher.hash_one(value));
        let lots = Lots::of(items.iter().map(hash));
        let mut replaced = Vec::new();
        for (shard, lot) in lots.each() {
            let mut places = self.shards[shard].write();
            places.fetch(lot.iter().map(|(hash, _)| *hash));
            for (hash, number) in lot {
                let item = &items[*number];
                match places.insert_new(*hash, item, |item| self.hash(item)) {
                    Ok(()) => {}
                    Err(Some(old)) => replaced.push(old),
                    Err(None) => {
                        let is_second = places.put(*hash, item, |item| self.hash(item));
                        self.shared.fetch_add(usize::from(is_second), Ordering::Relaxed);
                    }
                }
            }
            lot.iter().for_each(|(hash, _)| self.changed(*hash));
        }
        replaced
    }

    /// Puts a document in where nobody else has its value; false where somebody has.
    #[must_use]
    pub fn claim(&self, new: &Arc<S::Item>) -> bool {
        let Some(value) = S::of(new) else { return true };
        let hash = self.hasher.hash_one(value);
        let mut places = self.write(hash);
        if let Some(first) = places.find(hash, value)
            && (S::name(first) != S::name(new) || places.others.contains_key(value))
        {
            return false;
        }
        places.put(hash, new, |item| self.hash(item));
        self.changed(hash);
        true
    }

    /// Takes a document out, by its value and name.
    pub fn remove(&self, item: &S::Item) -> Option<Arc<S::Item>> {
        let value = S::of(item)?;
        let hash = self.hasher.hash_one(value);
        let mut places = self.write(hash);
        let (removed, was_second) = places.remove(hash, value, S::name(item));
        self.shared.fetch_sub(usize::from(was_second), Ordering::Relaxed);
        self.changed(hash);
        removed
    }

    fn changed(&self, hash: u64) {
        self.changes[mark_place(hash)].fetch_add(1, Ordering::Release);
    }

    fn hash(&self, item: &S::Item) -> u64 {
        self.hasher.hash_one(S::of(item).expect("invariant: what is in an index has its value"))
    }

    fn read(&self, hash: u64) -> RwLockReadGuard<'_, Places<S>> {
        self.shards[shard_of(hash)].read()
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Places<S>> {
        self.shards[shard_of(hash)].write()
    }
}

fn mark_place(hash: u64) -> usize {
    (hash >> 20) as usize % limits::INDEX_MARKS
}

impl<S: Sign> Shard<S> {
    fn read(&self) -> RwLockReadGuard<'_, Places<S>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Places<S>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Sign> Places<S> {
    fn find(&self, hash: u64, value: &S::Value) -> Option<&Arc<S::Item>> {
        self.first.find(hash, |item| S::of(item) == Some(value))
    }

    /// Brings the places of many into the cache at once. Counting a document's holders, which
    /// goes with putting it in, would make each wait for the one before.
    fn fetch(&self, hashes: impl Iterator<Item = u64>) {
        for hash in hashes {
            black_box(self.first.find(hash, |_| true));
        }
    }

    /// Puts a document in that is alone with its value. Else the one of its name comes back, in
    /// whose place it is, or none, and nothing is done.
    fn insert_new(
        &mut self,
        hash: u64,
        new: &Arc<S::Item>,
        hasher: impl Fn(&Arc<S::Item>) -> u64,
    ) -> Result<(), Option<Arc<S::Item>>> {
        match self.first.entry(hash, |item| S::of(item) == S::of(new), hasher) {
            Entry::Vacant(entry) => {
                entry.insert(Arc::clone(new));
                Ok(())
            }
            Entry::Occupied(mut entry) if S::name(entry.get()) == S::name(new) => {
                Err(Some(std::mem::replace(entry.get_mut(), Arc::clone(new))))
            }
            Entry::Occupied(_) => Err(None),
        }
    }

    /// Puts a document in; true: its value is now that of a second one.
    fn put(
        &mut self,
        hash: u64,
        new: &Arc<S::Item>,
        hasher: impl Fn(&Arc<S::Item>) -> u64,
    ) -> bool {
        let Err(None) = self.insert_new(hash, new, hasher) else { return false };
        let value = S::of(new).expect("invariant: it was found by it");
        let first = self.first.find_mut(hash, |item| S::of(item) == Some(value));
        let first = first.expect("invariant: another has this value");
        // The least name is the first; what it was, is one of the others.
        let other = if S::name(new) < S::name(first) {
            std::mem::replace(first, Arc::clone(new))
        } else {
            Arc::clone(new)
        };
        let is_second = !self.others.contains_key(value);
        let others = self.others.entry(value.to_owned()).or_default();
        // The one of this name may have been among the others.
        others.remove(S::name(new));
        others.insert(S::name(&other).clone(), other);
        is_second
    }

    /// Takes a document out; true: its value was that of several, and is that of one.
    fn remove(&mut self, hash: u64, value: &S::Value, name: &str) -> (Option<Arc<S::Item>>, bool) {
        let found = self.first.find_entry(hash, |item| S::of(item) == Some(value));
        let Ok(mut first) = found else { return (None, false) };
        let mut others = self.others.get_mut(value);
        let removed = if **S::name(first.get()) == *name {
            let next = others.as_mut().and_then(|others| others.pop_first());
            match next {
                Some((_, next)) => Some(std::mem::replace(first.get_mut(), next)),
                None => Some(first.remove().0),
            }
        } else {
            others.as_mut().and_then(|others| others.remove(name))
        };
        let is_alone = others.is_some_and(|others| others.is_empty());
        if is_alone {
            self.others.remove(value);
        }
        (removed, is_alone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value and a name.
    #[derive(Debug, PartialEq)]
    struct Item(u8, Text);

    #[derive(Debug)]
    struct ByValue;

    impl Sign for ByValue {
        type Item = Item;
        type Value = u8;

        fn of(item: &Item) -> Option<&u8> {
            Some(&item.0).filter(|value| **value > 0)
        }

        fn name(item: &Item) -> &Text {
            &item.1
        }
    }

    fn item(value: u8, name: &str) -> Arc<Item> {
        Arc::new(Item(value, name.into()))
    }

    fn names(index: &Index<ByValue>, value: u8) -> String {
        index.each(&value).map(|item| item.1.to_string()).collect()
    }

    #[test]
    fn names_come_in_their_order_whatever_the_order_of_adding() {
        let index: Index<ByValue> = Index::default();
        for name in ["b", "c", "a", "b"] {
            index.put(None, &item(1, name));
        }
        assert_eq!(names(&index, 1), "abc");
        assert_eq!((index.count(&1), index.len(), index.has_shared()), (3, 3, true));
        for name in ["a", "c"] {
            assert!(index.remove(&item(1, name)).is_some());
        }
        assert_eq!((index.count(&1), index.has_other(&1, "b")), (1, false));
        assert!(!index.has_shared());
        assert_eq!(index.remove(&item(1, "z")), None);
        assert_eq!(index.remove(&item(1, "b")), Some(item(1, "b")));
        assert_eq!((index.len(), index.first(&1)), (0, None));
    }

    #[test]
    fn a_mark_falls_with_each_change_of_its_value() {
        let index: Index<ByValue> = Index::default();
        let (a, b) = (item(1, "a"), item(1, "b"));
        let changes: [&dyn Fn(); 6] = [
            &|| index.put(None, &b),
            &|| assert!(index.remove(&b).is_some()),
            &|| assert!(index.claim(&a)),
            &|| drop(index.put_all(&[item(1, "c")])),
            &|| drop(index.put_all(&[item(1, "c")])),
            // It leaves its value.
            &|| index.put(Some(&a), &item(0, "a")),
        ];
        for (n, change) in changes.into_iter().enumerate() {
            let mark = index.mark(&1);
            assert!(index.stands(mark));
            change();
            assert!(!index.stands(mark), "change {n}");
        }
        let marks: Vec<_> = (2..200).map(|value| index.mark(&value)).collect();
        index.put(None, &a);
        let fallen = marks.into_iter().filter(|mark| !index.stands(*mark)).count();
        assert!(fallen <= 1, "{fallen} others share its place");
    }

    #[test]
    fn many_are_found_as_one_is() {
        let index: Index<ByValue> = Index::default();
        index.put_all(&[item(1, "b"), item(1, "a"), item(200, "c")]);
        let values = [Some(1), None, Some(7), Some(200), Some(1)];
        let mut there = [const { None }; 5];
        let value = |number: usize| values[number].as_ref();
        index.find_all(value, values.len(), |number, item| there[number] = Some(item.1.clone()));
        let first = |value: Option<u8>| Some(index.first(&value?)?.1.clone());
        assert_eq!(there, values.map(first));
        assert_eq!(there.iter().flatten().count(), 3);
    }

    #[test]
    fn only_one_claims() {
        let index: Index<ByValue> = Index::default();
        let (a, b) = (item(1, "a"), item(1, "b"));
        assert!(index.claim(&a));
        assert!(index.claim(&a));
        assert!(!index.claim(&b));
        index.remove(&a);
        assert!(index.claim(&b));
        assert!(index.claim(&item(0, "nothing to claim")));
    }

    #[test]
    fn a_new_one_takes_the_place_of_the_old() {
        let index: Index<ByValue> = Index::default();
        let old = item(1, "b");
        index.put_all(&[item(1, "a"), Arc::clone(&old), item(0, "c"), item(2, "d")]);
        let new = item(1, "b");
        index.put(Some(&old), &new);
        assert!(index.each(&1).any(|item| Arc::ptr_eq(&item, &new)));
        let moved = item(2, "b");
        index.put(Some(&new), &moved);
        assert_eq!((names(&index, 1).as_str(), names(&index, 2).as_str()), ("a", "bd"));
        let again = item(2, "b");
        assert_eq!(index.put_all(std::slice::from_ref(&again)), [moved]);
        assert_eq!(index.all().len(), 3);
    }
}
