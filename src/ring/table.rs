//! Places with generations: a name that has gone stale finds nothing, never what came after it.

use super::Slot;

/// A table of bounded size. INVARIANT: an index is in `free` exactly when its value is `None`.
#[derive(Debug)]
pub(super) struct Table<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Table<T> {
    /// A table of `places` free places.
    pub fn new(places: usize) -> Self {
        let count = u32::try_from(places).expect("invariant: bounded by limits");
        let free = (0..count).rev().collect();
        let places = (0..count).map(|_| Place { generation: 0, value: None }).collect();
        Self { places, free }
    }

    /// Puts `value` into a free place, the one that was freed last; gives it back if none is.
    pub fn insert(&mut self, value: T) -> Result<Slot, T> {
        let Some(index) = self.free.pop() else { return Err(value) };
        let place = &mut self.places[index as usize];
        assert!(place.value.is_none());
        place.value = Some(value);
        Ok(Slot { index, generation: place.generation })
    }

    /// What lies at `slot`, unless the name is stale.
    pub fn get(&mut self, slot: Slot) -> Option<&mut T> {
        let place = self.places.get_mut(slot.index as usize)?;
        if place.generation == slot.generation { place.value.as_mut() } else { None }
    }

    /// The full name of what lies at `index`, if anything does.
    pub fn name(&self, index: u32) -> Option<Slot> {
        let place = self.places.get(index as usize)?;
        place.value.as_ref().map(|_| Slot { index, generation: place.generation })
    }

    /// Takes out what lies at `slot`; from now on the name is stale.
    pub fn remove(&mut self, slot: Slot) -> Option<T> {
        let place = self.places.get_mut(slot.index as usize)?;
        if place.generation != slot.generation {
            return None;
        }
        let value = place.value.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot.index);
        Some(value)
    }

    /// Places, taken and free.
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// Places that are taken.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_name_finds_nothing() {
        let mut table = Table::new(1);
        let first = table.insert("first").expect("free");
        assert_eq!(table.insert("full"), Err("full"));
        assert_eq!(table.remove(first), Some("first"));
        let second = table.insert("second").expect("free again");
        assert_eq!(second.index, first.index);
        assert_eq!(table.get(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!(table.get(second), Some(&mut "second"));
        assert_eq!((table.name(0), table.name(1), table.len()), (Some(second), None, 1));
    }
}
