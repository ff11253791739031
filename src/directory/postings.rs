//! One value's places: a number where one document has the value, a compressed set where many do.
//!
//! A document that changes keeps its place, so nothing is written here unless its value changes.

use ahash::RandomState;
use hashbrown::HashTable;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::index::Sign;
use super::lots::{Lots, shard_of};
use super::order::{Order, Placed, Places};
use crate::limits;

/// From a value (a plugin, a tenant, …) to the places of the documents that have it.
#[derive(Debug)]
pub struct Postings<S: Sign> {
    shards: Box<[Shard<S>]>,
    hasher: RandomState,
}

/// On a cache line of its own, as those of an index are.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<S: Sign>(RwLock<Shelf<S>>);

/// INVARIANT: `one` holds the places of documents that are alone with their value, which the
/// document at that place has; `many` the other values, and no empty sets.
#[derive(Debug)]
struct Shelf<S: Sign> {
    one: HashTable<u32>,
    many: HashMap<<S::Value as ToOwned>::Owned, Arc<Places>, RandomState>,
}

impl<S: Sign> Default for Postings<S> {
    fn default() -> Self {
        let shelf = || Shelf { one: HashTable::new(), many: HashMap::default() };
        let shards = (0..limits::INDEX_SHARDS).map(|_| Shard(RwLock::new(shelf()))).collect();
        Self { shards, hasher: RandomState::new() }
    }
}

impl<S: Sign<Item: Placed>> Postings<S> {
    /// The places of the documents with this value, as they are now. Whoever changes the set while
    /// it is held copies it first: at most a bit a document of all.
    pub fn get(&self, value: &S::Value, order: &Order<S::Item>) -> Arc<Places> {
        let hash = self.hasher.hash_one(value);
        let shelf = self.read(hash);
        if let Some(many) = shelf.many.get(value) {
            return Arc::clone(many);
        }
        Arc::new(shelf.find(hash, value, order).into_iter().collect())
    }

    /// How many have this value.
    pub fn count(&self, value: &S::Value, order: &Order<S::Item>) -> u64 {
        let hash = self.hasher.hash_one(value);
        let shelf = self.read(hash);
        let one = || u64::from(shelf.find(hash, value, order).is_some());
        shelf.many.get(value).map_or_else(one, |many| many.len())
    }

    /// Takes in a document that stands at its place in `order` already.
    pub fn add(&self, item: &S::Item, order: &Order<S::Item>) {
        let Some(value) = S::of(item) else { return };
        let hash = self.hasher.hash_one(value);
        self.write(hash).add(hash, value, [item.place().0].into_iter(), order, &self.hasher);
    }

    /// Takes in many.
    pub fn add_all(&self, items: &[Arc<S::Item>], order: &Order<S::Item>) {
        let value = |number: usize| S::of(&items[number]);
        let hash = |number| value(number).map(|value| self.hasher.hash_one(value));
        let lots = Lots::of((0..items.len()).map(hash));
        for (shard, lot) in lots.each() {
            let mut shelf = self.shards[shard].write();
            for same in lot.chunk_by(|left, right| value(left.1) == value(right.1)) {
                let places = same.iter().map(|(_, number)| items[*number].place().0);
                let (hash, number) = same[0];
                let value = value(number).expect("invariant: it has a hash");
                shelf.add(hash, value, places, order, &self.hasher);
            }
        }
    }

    /// Forgets a document, which must still stand at its place.
    pub fn remove(&self, item: &S::Item) {
        let Some(value) = S::of(item) else { return };
        let hash = self.hasher.hash_one(value);
        let mut shelf = self.write(hash);
        let place = item.place().0;
        let Some(many) = shelf.many.get_mut(value) else {
            if let Ok(entry) = shelf.one.find_entry(hash, |other| *other == place) {
                entry.remove();
            }
            return;
        };
        let set = Arc::make_mut(many);
        set.remove(place);
        if set.is_empty() {
            shelf.many.remove(value);
        }
    }

    /// Makes room for so many more that are alone with their value.
    pub fn reserve(&self, count: usize, order: &Order<S::Item>) {
        let share = count / limits::INDEX_SHARDS;
        // Shards are not quite equal.
        let share = share + share / 64;
        for shard in &self.shards {
            let hasher = |place: &u32| hash_at::<S>(*place, order, &self.hasher);
            shard.write().one.reserve(share, hasher);
        }
    }

    /// Bytes that the tables and the sets take.
    pub fn table_bytes(&self) -> usize {
        let bytes = |shard: &Shard<S>| {
            let shelf = shard.read();
            let many: usize = shelf.many.values().map(|many| many.serialized_size()).sum();
            size_of::<Shard<S>>() + shelf.one.allocation_size() + many
        };
        self.shards.iter().map(bytes).sum()
    }

    fn read(&self, hash: u64) -> RwLockReadGuard<'_, Shelf<S>> {
        self.shards[shard_of(hash)].read()
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Shelf<S>> {
        self.shards[shard_of(hash)].write()
    }
}

/// The hash of what the document at a place has.
fn hash_at<S: Sign<Item: Placed>>(place: u32, order: &Order<S::Item>, hasher: &RandomState) -> u64 {
    let hash = order.with(place, |item| S::of(item).map(|value| hasher.hash_one(value)));
    hash.flatten().expect("invariant: what stands at a place of a table has a value")
}

impl<S: Sign> Shard<S> {
    fn read(&self) -> RwLockReadGuard<'_, Shelf<S>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf<S>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Sign<Item: Placed>> Shelf<S> {
    fn find(&self, hash: u64, value: &S::Value, order: &Order<S::Item>) -> Option<u32> {
        let has = |place: &u32| order.with(*place, |item| S::of(item) == Some(value)) == Some(true);
        self.one.find(hash, has).copied()
    }

    /// Adds documents with one value.
    fn add(
        &mut self,
        hash: u64,
        value: &S::Value,
        mut places: impl ExactSizeIterator<Item = u32>,
        order: &Order<S::Item>,
        hasher: &RandomState,
    ) {
        if let Some(many) = self.many.get_mut(value) {
            return Arc::make_mut(many).extend(places);
        }
        let first = self.find(hash, value, order);
        if first.is_none() && places.len() == 1 {
            let place = places.next().expect("invariant: there is one");
            self.one.insert_unique(hash, place, |place| hash_at::<S>(*place, order, hasher));
            return;
        }
        let all: Places = first.into_iter().chain(places).collect();
        if all.len() == 1 {
            return;
        }
        if let Some(first) = first
            && let Ok(entry) = self.one.find_entry(hash, |other| *other == first)
        {
            entry.remove();
        }
        self.many.insert(value.to_owned(), Arc::new(all));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Place, Text};

    /// A place, a value and a name.
    #[derive(Debug)]
    struct Item(Place, u8, Text);

    #[derive(Debug)]
    struct ByValue;

    impl Placed for Item {
        fn place(&self) -> Place {
            self.0
        }
    }

    impl Sign for ByValue {
        type Item = Item;
        type Value = u8;

        fn of(item: &Item) -> Option<&u8> {
            Some(&item.1).filter(|value| **value > 0)
        }

        fn name(item: &Item) -> &Text {
            &item.2
        }
    }

    fn add(order: &Order<Item>, value: u8) -> Arc<Item> {
        let item = Arc::new(Item(order.take_one(), value, Text::default()));
        order.put(&item);
        item
    }

    #[test]
    fn one_becomes_many_and_none() {
        let (order, postings) = (Order::default(), Postings::<ByValue>::default());
        let items: Vec<_> = [1, 2, 1, 0, 1].map(|value| add(&order, value)).into();
        postings.add(&items[0], &order);
        postings.add_all(&items[1..], &order);
        let places = |value| postings.get(&value, &order).iter().collect::<Vec<_>>();
        assert_eq!((places(1), places(2), places(3)), (vec![0, 2, 4], vec![1], vec![]));
        assert_eq!((postings.count(&1, &order), postings.count(&2, &order)), (3, 1));
        let held = postings.get(&1, &order);
        for item in &items {
            postings.remove(item);
            postings.remove(item);
        }
        assert_eq!((places(1), places(2)), (vec![], vec![]));
        assert_eq!(held.len(), 3);
        assert!(postings.shards.iter().all(|shard| shard.read().many.is_empty()));
    }

    /// A table that grows finds each value again by looking at the documents.
    #[test]
    fn tables_grow() {
        let (order, postings) = (Order::default(), Postings::<ByValue>::default());
        for value in 1..=255 {
            postings.add(&add(&order, value), &order);
        }
        for value in 1..=255 {
            let place = u32::from(value) - 1;
            assert_eq!(postings.get(&value, &order).iter().collect::<Vec<_>>(), [place]);
        }
    }
}
