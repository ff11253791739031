//! One value's places: a number where one document has the value, a compressed set where many do.
//!
//! A document that changes keeps its place, so nothing is written here unless its value changes.

use ahash::RandomState;
use hashbrown::HashTable;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::index::Sign;
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
        self.write(hash).add(hash, value, item.place().0, order, &self.hasher);
    }

    /// Takes in many.
    pub fn add_all(&self, items: &[Arc<S::Item>], order: &Order<S::Item>) {
        let mut lots: Vec<Vec<(u64, &S::Item)>> = vec![Vec::new(); self.shards.len()];
        for item in items {
            if let Some(value) = S::of(item) {
                let hash = self.hasher.hash_one(value);
                lots[shard(hash)].push((hash, item));
            }
        }
        for (shard, lot) in self.shards.iter().zip(lots).filter(|(_, lot)| !lot.is_empty()) {
            let mut shelf = shard.write();
            for (hash, item) in lot {
                let value = S::of(item).expect("invariant: it has a hash");
                shelf.add(hash, value, item.place().0, order, &self.hasher);
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
        self.shards[shard(hash)].read()
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Shelf<S>> {
        self.shards[shard(hash)].write()
    }
}

/// Bits that the tables use neither for their places nor for their tags.
fn shard(hash: u64) -> usize {
    usize::from((hash >> 40) as u16) % limits::INDEX_SHARDS
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

    fn add(
        &mut self,
        hash: u64,
        value: &S::Value,
        place: u32,
        order: &Order<S::Item>,
        hasher: &RandomState,
    ) {
        if let Some(many) = self.many.get_mut(value) {
            Arc::make_mut(many).insert(place);
            return;
        }
        let Some(first) = self.find(hash, value, order) else {
            self.one.insert_unique(hash, place, |place| hash_at::<S>(*place, order, hasher));
            return;
        };
        if first != place {
            if let Ok(entry) = self.one.find_entry(hash, |other| *other == first) {
                entry.remove();
            }
            let both = Arc::new([first, place].into_iter().collect());
            self.many.insert(value.to_owned(), both);
        }
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
