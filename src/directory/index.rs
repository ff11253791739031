//! One value's devices: nearly always one, in the order of their names, found without a write lock.

use ahash::RandomState;
use dashmap::{DashMap, Entry};
use std::borrow::Borrow;
use std::hash::Hash;

use crate::device::Text;

/// From a value (a MAC, an address, …) to the names of those that have it.
#[derive(Debug)]
pub struct Index<K: Eq + Hash> {
    names: DashMap<K, Names, RandomState>,
}

/// INVARIANT: `Many` holds two names at least, sorted, each once.
#[derive(Debug)]
enum Names {
    One(Text),
    Many(Vec<Text>),
}

impl<K: Eq + Hash> Default for Index<K> {
    fn default() -> Self {
        Self { names: DashMap::default() }
    }
}

impl<K: Eq + Hash> Index<K> {
    /// The name at `place` in the order of names. No guard outlives the call.
    pub fn name<Q>(&self, key: &Q, place: usize) -> Option<Text>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.names.get(key)?.as_slice().get(place).cloned()
    }

    /// How many have this value.
    pub fn count<Q>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.names.get(key).map_or(0, |names| names.as_slice().len())
    }

    /// Whether anybody but `name` has this value.
    pub fn has_other<Q>(&self, key: &Q, name: &str) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let found = self.names.get(key);
        found.is_some_and(|names| names.as_slice().iter().any(|other| **other != *name))
    }

    /// All names with this value.
    pub fn names<Q>(&self, key: &Q) -> Vec<Text>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.names.get(key).map_or_else(Vec::new, |names| names.as_slice().to_vec())
    }

    /// Adds a name, whoever else has the value.
    pub fn add(&self, key: K, name: &Text) {
        match self.names.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(Names::One(name.clone()))),
            Entry::Occupied(mut entry) => entry.get_mut().add(name),
        }
    }

    /// Adds a name where nobody else has the value; false where somebody has.
    #[must_use]
    pub fn claim(&self, key: K, name: &Text) -> bool {
        match self.names.entry(key) {
            Entry::Vacant(entry) => {
                drop(entry.insert(Names::One(name.clone())));
                true
            }
            Entry::Occupied(entry) => matches!(entry.get(), Names::One(other) if other == name),
        }
    }

    /// Takes a name away.
    pub fn remove<Q>(&self, key: &Q, name: &str)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let alone = match self.names.get_mut(key) {
            None => return,
            Some(mut names) => names.remove(name),
        };
        if alone {
            self.names
                .remove_if(key, |_, names| matches!(names, Names::One(one) if **one == *name));
        }
    }
}

impl Names {
    fn as_slice(&self) -> &[Text] {
        match self {
            Names::One(name) => std::slice::from_ref(name),
            Names::Many(names) => names,
        }
    }

    fn add(&mut self, name: &Text) {
        match self {
            Names::One(one) if one == name => {}
            Names::One(one) => {
                let mut names = vec![one.clone(), name.clone()];
                names.sort_unstable();
                *self = Names::Many(names);
            }
            Names::Many(names) => {
                if let Err(place) = names.binary_search(name) {
                    names.insert(place, name.clone());
                }
            }
        }
    }

    /// True: this name is the only one, and the caller removes the entry.
    fn remove(&mut self, name: &str) -> bool {
        match self {
            Names::One(one) => **one == *name,
            Names::Many(names) => {
                names.retain(|other| **other != *name);
                if let [one] = names.as_slice() {
                    *self = Names::One(one.clone());
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_their_order_whatever_the_order_of_adding() {
        let index: Index<u8> = Index::default();
        for name in ["b", "c", "a", "b"] {
            index.add(1, &name.into());
        }
        assert_eq!(index.names(&1), ["a".into(), "b".into(), "c".into()] as [Text; 3]);
        assert_eq!(index.name(&1, 0).as_deref(), Some("a"));
        for name in ["a", "c"] {
            index.remove(&1, name);
        }
        assert_eq!((index.count(&1), index.has_other(&1, "b")), (1, false));
        index.remove(&1, "z");
        index.remove(&1, "b");
        assert_eq!(index.names.len(), 0);
    }

    #[test]
    fn only_one_claims() {
        let index: Index<u8> = Index::default();
        assert!(index.claim(1, &"a".into()));
        assert!(index.claim(1, &"a".into()));
        assert!(!index.claim(1, &"b".into()));
        index.remove(&1, "a");
        assert!(index.claim(1, &"b".into()));
    }
}
