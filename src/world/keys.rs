//! Tenants' provisioning keys: one table that is replaced whole, so that a core looks a key up
//! without a lock and without writing to what others read; no key is ever shown.

use ahash::RandomState;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::World;
use crate::device::{Document, Text};
use crate::plugin::server_url;

/// Which tenant each key is of, and the other way round.
///
/// A key is looked up by its hash under a seed of this process, and compared once where the hash is
/// the same: who tries keys learns nothing from the time of an answer, so the comparison need not
/// take the same time for each.
///
/// INVARIANT: `keys[tenants[key]] == key`.
#[derive(Default)]
pub struct Keys {
    tenants: HashMap<Box<[u8]>, Text, RandomState>,
    keys: HashMap<Text, Box<str>, RandomState>,
    /// Tenants without a key of whom that was told.
    told: Arc<Mutex<HashSet<Text>>>,
}

impl Keys {
    /// The table of these tenants and keys; of two tenants with one key, the first has it.
    fn new<'k>(pairs: impl Iterator<Item = (&'k str, &'k str)>, old: &Keys) -> Keys {
        let mut new = Keys { told: Arc::clone(&old.told), ..Keys::default() };
        for (tenant, key) in pairs.filter(|(_, key)| !key.is_empty()) {
            let name = Text::from(tenant);
            if let Some(first) = new.tenants.get(key.as_bytes()) {
                tracing::error!(tenant, %first, "two tenants have one key: the first has it alone");
                continue;
            }
            new.tenants.insert(key.as_bytes().into(), name.clone());
            new.keys.insert(name, key.into());
        }
        new
    }

    /// Whose key this is.
    pub fn tenant(&self, key: &[u8]) -> Option<&Text> {
        self.tenants.get(key)
    }

    /// Makes the server's address end in the tenant's key (spec section 2.8 step 1). One without a
    /// key has none there, and that is told once.
    fn put(&self, settings: &mut Document, tenant: &Text) {
        if let Some(key) = self.keys.get(tenant) {
            let url = format!("{}/{key}", server_url(settings).trim_end_matches('/'));
            settings.insert("http_base_url".to_owned(), url.into());
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(tenant.clone()) {
            tracing::warn!(
                %tenant,
                "a tenant without a provisioning key: its phones are given URLs that give nothing"
            );
        }
    }
}

/// Says how many there are, and none of them.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.keys.len())
    }
}

impl World {
    /// Puts these tenants' keys in the place of all others, where phones' URLs have keys: they
    /// count from each core's next turn on, and files with other URLs are made anew. Returns how
    /// many there are.
    pub fn set_keys<'k>(&self, pairs: impl IntoIterator<Item = (&'k str, &'k str)>) -> usize {
        let Some(old) = self.keys.load_full() else { return 0 };
        let new = Keys::new(pairs.into_iter(), &old);
        let count = new.keys.len();
        if new.keys != old.keys {
            self.keys.store(Some(Arc::new(new)));
            // Behind the keys: who makes a file of the new epoch makes it with them.
            self.configs.outdate();
        }
        count
    }

    /// Whether phones' URLs begin with keys.
    pub fn asks_keys(&self) -> bool {
        self.asks_keys
    }

    /// Makes the server's address in a file's settings end in the key of the tenant that the file
    /// is for.
    pub fn put_key(&self, settings: &mut Document, tenant: &Text) {
        if let Some(keys) = &*self.keys.load() {
            keys.put(settings, tenant);
        }
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
