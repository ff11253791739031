//! Which configurations lie on which: counted at once, listed on demand, taken in by the million.

use ahash::RandomState;
use dashmap::DashMap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lots::{Lots, shard_of};
use crate::device::{Config, Text};
use crate::limits;

/// The children of layers. A layer that every phone lies on has a million of them.
///
/// INVARIANT: `counts` says of each layer how many names `lists` holds of it, and has no zeros.
#[derive(Debug)]
pub struct Children {
    counts: DashMap<Text, usize, RandomState>,
    /// By a child's name, so that the children of one layer are not all behind one lock.
    lists: Box<[Mutex<List>]>,
    hasher: RandomState,
}

/// Children by layer, in no order: a name is added in no time, and seldom taken out.
type List = HashMap<Text, Vec<Text>, RandomState>;

impl Default for Children {
    fn default() -> Self {
        let lists = (0..limits::INDEX_SHARDS).map(|_| Mutex::default()).collect();
        Self { counts: DashMap::default(), lists, hasher: RandomState::new() }
    }
}

impl Children {
    /// How many lie on this layer itself.
    pub fn count(&self, parent: &str) -> usize {
        self.counts.get(parent).map_or(0, |count| *count)
    }

    /// The names of those that lie on this layer itself, in their order.
    pub fn names(&self, parent: &str) -> Vec<Text> {
        if self.count(parent) == 0 {
            return Vec::new();
        }
        let mut names: Vec<_> = self
            .lists
            .iter()
            .flat_map(|list| lock(list).get(parent).cloned().unwrap_or_default())
            .collect();
        names.sort_unstable();
        names
    }

    /// Adds a configuration below its parents.
    pub fn add(&self, child: &Config) {
        let mut list = lock(self.list(&child.id));
        for parent in unique(&child.parent_ids) {
            list.entry(parent.clone()).or_default().push(child.id.clone());
            *self.counts.entry(parent.clone()).or_default() += 1;
        }
    }

    /// Adds many that are new.
    pub fn add_all(&self, children: &[Arc<Config>]) {
        let hashes = children.iter().map(|child| Some(self.hasher.hash_one(&*child.id)));
        let lots = Lots::of(hashes);
        let mut counts: HashMap<&Text, usize, RandomState> = HashMap::default();
        for (shard, lot) in lots.each() {
            let mut list = lock(&self.lists[shard]);
            let children = lot.iter().map(|(_, number)| &children[*number]);
            for (parent, child) in children
                .flat_map(|child| unique(&child.parent_ids).map(move |parent| (parent, child)))
            {
                match list.get_mut(parent) {
                    Some(names) => names.push(child.id.clone()),
                    None => drop(list.insert(parent.clone(), vec![child.id.clone()])),
                }
                *counts.entry(parent).or_default() += 1;
            }
        }
        for (parent, count) in counts {
            *self.counts.entry(parent.clone()).or_default() += count;
        }
    }

    /// Takes a configuration away from its parents.
    pub fn remove(&self, child: &Config) {
        let mut list = lock(self.list(&child.id));
        for parent in unique(&child.parent_ids) {
            let Some(names) = list.get_mut(parent) else { continue };
            let Some(at) = names.iter().position(|name| *name == child.id) else { continue };
            names.swap_remove(at);
            if names.is_empty() {
                list.remove(parent);
            }
            if let Some(mut count) = self.counts.get_mut(parent) {
                *count -= 1;
            }
            self.counts.remove_if(parent, |_, count| *count == 0);
        }
    }

    fn list(&self, child: &str) -> &Mutex<List> {
        &self.lists[shard_of(self.hasher.hash_one(child))]
    }
}

/// Each once: a layer that is named twice lies below once.
fn unique(parents: &[Text]) -> impl Iterator<Item = &Text> {
    let is_new = |at: usize| !parents[..at].contains(&parents[at]);
    (0..parents.len()).filter(move |at| is_new(*at)).map(|at| &parents[at])
}

fn lock(list: &Mutex<List>) -> MutexGuard<'_, List> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
