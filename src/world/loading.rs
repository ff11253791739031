//! Requests before all devices are there: what is decided early is what would be decided later.
//!
//! A phone that the first sign it tells finds, is that phone, whoever else is still to come; its
//! configuration is there, as configurations come first. Everything else waits: a phone that is not
//! found may be one that is not loaded yet. Operators' writes wait too. A phone that shows up under
//! an address that a device still to come was last seen at, takes it when all are there.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::World;
use crate::device::{Change, Device, DeviceId, Put};
use crate::store::{self, Documents, Loaded, Store, StoreError};

/// The reading of the store.
pub struct Loading {
    store: Arc<dyn Store>,
    documents: Documents,
    is_cancelled: AtomicBool,
    /// Devices that requests changed meanwhile.
    changed: Mutex<HashSet<DeviceId>>,
}

impl Loading {
    /// Nothing is read yet.
    pub fn new(store: Arc<dyn Store>, documents: Documents) -> Loading {
        let (is_cancelled, changed) = (AtomicBool::new(false), Mutex::default());
        Loading { store, documents, is_cancelled, changed }
    }

    /// Ends it early.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Notes that a request changed a device.
    pub fn note(&self, device: &Device) {
        self.changed().insert(device.id.clone());
    }

    fn changed(&self) -> MutexGuard<'_, HashSet<DeviceId>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Reads the store; from then on every request is decided. To be called once.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read, or the world was closed meanwhile.
    pub fn load(&self) -> Result<Loaded, StoreError> {
        let Loading { store, documents, is_cancelled, .. } = &self.loading;
        let master = self.settings().master_tenant.clone();
        let loaded = store::load_unless(&**store, documents, &master, is_cancelled)?;
        self.settle_addresses();
        self.directory.complete();
        // Of requests that were decided just before.
        self.settle_addresses();
        Ok(loaded)
    }

    /// Whether all that is stored is in memory.
    pub fn is_loaded(&self) -> bool {
        self.directory.is_complete()
    }

    /// Whether an operator's write would be taken.
    pub(super) fn check_writes(&self) -> Result<(), StoreError> {
        if self.is_loaded() { self.behind.check() } else { Err(StoreError::Loading) }
    }

    /// Devices that changed before all were there take their address from those that came later
    /// (spec section 1.4 step 1).
    fn settle_addresses(&self) {
        let changed = std::mem::take(&mut *self.loading.changed());
        if self.settings().nat {
            return;
        }
        for id in changed {
            let Some(device) = self.directory.get(&id) else { continue };
            if device.ip.is_some_and(|ip| self.directory.is_shared(ip, &id)) {
                let base = Some(device.revision);
                let device = (*device).clone();
                let put = Put { device, base, takes_address: true, ..Put::default() };
                // Who changed it just now has looked at its address.
                drop(self.directory.apply(Change::Put(Box::new(put))));
            }
        }
    }
}
