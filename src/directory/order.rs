//! Documents in the order in which they came, each at a place of its own while it is there.
//!
//! A list's page begins anywhere at once: the places that are taken are a compressed set, which
//! finds the nth of a million in a microsecond. A document costs a pointer, and the set a bit.

use arc_swap::ArcSwap;
use roaring::RoaringBitmap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::device::{Config, Device, Place};
use crate::limits;

/// Places of documents, in their order.
pub type Places = RoaringBitmap;

/// What has a place.
pub trait Placed: Debug {
    /// Its place.
    fn place(&self) -> Place;
}

impl Placed for Device {
    fn place(&self) -> Place {
        self.place
    }
}

impl Placed for Config {
    fn place(&self) -> Place {
        self.place
    }
}

/// Documents by their places.
///
/// INVARIANT: `taken` holds every place that holds a document; a place that was given out and is
/// not filled yet is in it too.
#[derive(Debug)]
pub struct Order<T> {
    /// Places by the thousand; a new list of them replaces the old one when they are all taken.
    chunks: ArcSwap<Vec<Arc<Chunk<T>>>>,
    taken: Mutex<Taken>,
}

/// Documents at places that follow each other, behind one lock.
#[derive(Debug)]
struct Chunk<T>(RwLock<Box<[Option<Arc<T>>]>>);

/// Which places are given out. INVARIANT: all of `set` and of `holes` are less than `next`.
#[derive(Debug, Default)]
struct Taken {
    set: Arc<Places>,
    next: u32,
    /// Places that were left and are given out again, the least last.
    holes: Vec<u32>,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self { chunks: ArcSwap::default(), taken: Mutex::default() }
    }
}

impl<T: Placed> Order<T> {
    /// Gives out so many places. Each is to be filled, or left.
    pub fn take(&self, count: usize) -> Vec<Place> {
        let mut taken = self.taken();
        let places = taken.give(count);
        self.grow(&taken);
        places
    }

    /// Gives out one place.
    pub fn take_one(&self) -> Place {
        self.take(1)[0]
    }

    /// Puts a document at its place, in the stead of whatever was there.
    pub fn put(&self, item: &Arc<T>) {
        self.set(item.place(), Some(Arc::clone(item)));
    }

    /// Puts many documents at their places, which are free.
    pub fn put_all(&self, items: &[Arc<T>]) {
        let chunks = self.chunks.load();
        let chunk_of = |item: &Arc<T>| item.place().0 as usize / limits::ORDER_CHUNK;
        for lot in items.chunk_by(|left, right| chunk_of(left) == chunk_of(right)) {
            let mut places = chunks[chunk_of(&lot[0])].write();
            for item in lot {
                places[item.place().0 as usize % limits::ORDER_CHUNK] = Some(Arc::clone(item));
            }
        }
    }

    /// Leaves a place.
    pub fn leave(&self, place: Place) {
        self.set(place, None);
        let mut taken = self.taken();
        Arc::make_mut(&mut taken.set).remove(place.0);
    }

    /// The document at a place, as it is now.
    pub fn get(&self, place: u32) -> Option<Arc<T>> {
        self.with(place, Arc::clone)
    }

    /// Looks at the document at a place.
    pub fn with<R>(&self, place: u32, look: impl FnOnce(&Arc<T>) -> R) -> Option<R> {
        let chunks = self.chunks.load();
        let chunk = chunks.get(place as usize / limits::ORDER_CHUNK)?;
        let items = chunk.read();
        items[place as usize % limits::ORDER_CHUNK].as_ref().map(look)
    }

    /// The places that are taken, as they are now. Whoever changes them while this is held copies
    /// them first: a bit a document.
    pub fn places(&self) -> Arc<Places> {
        Arc::clone(&self.taken().set)
    }

    /// The documents at some places, in the order given. Those of one chunk are taken a lot at a
    /// time, so that no writer waits for whoever looks at them.
    pub fn each(&self, places: impl Iterator<Item = u32>) -> impl Iterator<Item = Arc<T>> {
        let mut places = places.peekable();
        let mut lot = Vec::new().into_iter();
        std::iter::from_fn(move || {
            loop {
                if let Some(item) = lot.next() {
                    return Some(item);
                }
                let first = *places.peek()?;
                lot = self.lot(first as usize / limits::ORDER_CHUNK, &mut places).into_iter();
            }
        })
    }

    /// Bytes that the places take, without what stands there.
    pub fn table_bytes(&self) -> usize {
        let chunk = limits::ORDER_CHUNK * size_of::<Option<Arc<T>>>() + size_of::<Chunk<T>>();
        self.chunks.load().len() * chunk + self.taken().set.serialized_size()
    }

    /// Makes chunks for all places that were given out.
    fn grow(&self, taken: &Taken) {
        let chunks = (taken.next as usize).div_ceil(limits::ORDER_CHUNK);
        let have = self.chunks.load();
        if have.len() < chunks {
            let mut more = (**have).clone();
            more.resize_with(chunks, Arc::default);
            self.chunks.store(Arc::new(more));
        }
    }

    /// The next documents of one chunk.
    fn lot(
        &self,
        chunk: usize,
        places: &mut std::iter::Peekable<impl Iterator<Item = u32>>,
    ) -> Vec<Arc<T>> {
        let chunks = self.chunks.load();
        let mut lot = Vec::new();
        let items = chunks.get(chunk).map(|chunk| chunk.read());
        let is_here = |place: &u32| *place as usize / limits::ORDER_CHUNK == chunk;
        for _ in 0..limits::ORDER_LOT {
            let Some(place) = places.next_if(is_here) else { break };
            let item = items.as_ref().and_then(|items| {
                items[place as usize % limits::ORDER_CHUNK].as_ref().map(Arc::clone)
            });
            lot.extend(item);
        }
        lot
    }

    fn set(&self, place: Place, item: Option<Arc<T>>) {
        let chunks = self.chunks.load();
        let place = place.0 as usize;
        let mut items = chunks[place / limits::ORDER_CHUNK].write();
        let old = std::mem::replace(&mut items[place % limits::ORDER_CHUNK], item);
        // What may be the last of a document is dropped after the guard.
        drop(items);
        drop(old);
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Chunk<T> {
    fn read(&self) -> RwLockReadGuard<'_, Box<[Option<Arc<T>>]>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Box<[Option<Arc<T>>]>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Chunk<T> {
    fn default() -> Self {
        Self(RwLock::new((0..limits::ORDER_CHUNK).map(|_| None).collect()))
    }
}

impl Taken {
    /// New places: behind all others, while those that were left are few.
    fn give(&mut self, count: usize) -> Vec<Place> {
        let mut places = Vec::with_capacity(count);
        while places.len() < count {
            if self.holes.is_empty() {
                self.find_holes();
            }
            let left = u32::try_from(count - places.len()).expect("invariant: places are numbered");
            let set = Arc::make_mut(&mut self.set);
            if let Some(hole) = self.holes.pop() {
                set.insert(hole);
                places.push(Place(hole));
            } else {
                let behind = self.next..self.next + left;
                self.next = behind.end;
                set.insert_range(behind.clone());
                places.extend(behind.map(Place));
            }
        }
        places
    }

    /// Where more places were left than are taken, some of them are given out again: else devices
    /// that come and go would use up memory and numbers.
    fn find_holes(&mut self) {
        let left = u64::from(self.next) - self.set.len();
        if left <= self.set.len() + limits::ORDER_CHUNK as u64 {
            return;
        }
        let mut behind = 0;
        for place in self.set.iter().chain([self.next]) {
            self.holes.extend((behind..place).take(limits::ORDER_CHUNK - self.holes.len()));
            if self.holes.len() == limits::ORDER_CHUNK {
                break;
            }
            behind = place + 1;
        }
        self.holes.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Item(Place, u32);

    impl Placed for Item {
        fn place(&self) -> Place {
            self.0
        }
    }

    fn add(order: &Order<Item>, number: u32) -> Place {
        let place = order.take_one();
        order.put(&Arc::new(Item(place, number)));
        place
    }

    fn numbers(order: &Order<Item>) -> Vec<u32> {
        order.each(order.places().iter()).map(|item| item.1).collect()
    }

    #[test]
    fn documents_stay_where_they_came() {
        let order = Order::default();
        let count = 2 * limits::ORDER_CHUNK as u32 + 7;
        let places: Vec<_> = (0..count).map(|number| add(&order, number)).collect();
        assert!(numbers(&order).into_iter().eq(0..count));
        order.put(&Arc::new(Item(places[1], 900)));
        order.leave(places[0]);
        add(&order, 901);
        let now = numbers(&order);
        assert_eq!((now.first(), now.last(), now.len()), (Some(&900), Some(&901), count as usize));
        assert_eq!(order.places().select(1), Some(places[2].0));
        assert_eq!(order.get(places[0].0), None);
        assert_eq!(order.get(u32::MAX), None);
    }

    /// Phones that come and go for years must not use up the numbers of places.
    #[test]
    fn what_was_left_is_taken_again_where_it_is_much() {
        let order = Order::default();
        let stays = add(&order, 0);
        for number in 1..10 * limits::ORDER_CHUNK as u32 {
            let place = add(&order, number);
            assert!((place.0 as usize) < 3 * limits::ORDER_CHUNK, "{number}");
            order.leave(place);
        }
        assert_eq!(numbers(&order), [0]);
        assert_eq!(order.get(stays.0).map(|item| item.1), Some(0));
        // Many at once: some where others were, the rest behind all.
        let places = order.take(2 * limits::ORDER_CHUNK);
        let items: Vec<_> =
            (1..).zip(&places).map(|(n, place)| Arc::new(Item(*place, n))).collect();
        order.put_all(&items);
        assert!(order.places().len() == 1 + items.len() as u64 && !places.contains(&stays));
        for item in &items {
            assert_eq!(order.get(item.0.0), Some(Arc::clone(item)));
        }
    }

    #[test]
    fn a_set_that_is_held_does_not_change() {
        let order = Order::default();
        let first = add(&order, 0);
        let held = order.places();
        add(&order, 1);
        order.leave(first);
        assert_eq!(held.iter().collect::<Vec<_>>(), [first.0]);
        // A document that went meanwhile is passed over.
        assert_eq!(order.each(held.iter()).count(), 0);
    }
}
