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

#[cfg(test)]
mod tests {
    use super::super::fixture::{device, http, mac, object, plugins, tftp};
    use super::super::*;
    use super::*;
    use crate::store::{Kind, Reader, Write};
    use crate::world::Refusal;
    use std::sync::Barrier;

    /// Devices that are in the directory when the reading pauses: a whole batch.
    const EARLY: usize = limits::LOAD_BATCH;
    const LATE: usize = 100;

    fn address(number: usize) -> String {
        format!("10.0.{}.{}", number >> 8, number & 255)
    }

    fn own(number: usize) -> String {
        format!("/0011{number:08x}.xml")
    }

    /// A store that pauses between the early devices and the late ones.
    struct Paused {
        reached: Barrier,
        left: Barrier,
    }

    impl Store for Paused {
        fn load(&self, _take: &mut dyn FnMut(Write)) -> Result<(), StoreError> {
            unreachable!("it is read by kinds")
        }

        fn read(&self, kind: Kind, readers: &mut [&mut dyn Reader]) -> Result<(), StoreError> {
            if kind == Kind::Config {
                let config = br#"{"id":"own","parent_ids":[],"raw_config":{}}"#;
                return readers[0].take("own", config);
            }
            for number in 0..EARLY + LATE {
                if number == EARLY {
                    self.reached.wait();
                    self.left.wait();
                }
                let (mac, ip) = (mac(&own(number)[1..13]), address(number));
                let signs = format!(r#""mac":"{mac}","sn":"S{number}","ip":"{ip}""#);
                let json = format!(r#"{{"id":"{number:05}",{signs},"config":"own"}}"#);
                readers[0].take(&format!("{number:05}"), json.as_bytes())?;
            }
            Ok(())
        }

        fn commit(&self, _batch: &[Write]) -> Result<(), StoreError> {
            Ok(())
        }
    }

    /// While the store is read, a phone that is there is served and may change; one that is not
    /// there yet is no new one; nobody is taken for another.
    #[test]
    fn a_known_phone_is_no_new_one_while_the_store_is_read() {
        let store = Arc::new(Paused { reached: Barrier::new(2), left: Barrier::new(2) });
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        let base = object(r#"{"ip":"192.0.2.1"}"#);
        let world = World::begin(shared, plugins(), Settings::default(), base);
        let now = Instant::from_nanos(1);
        let mut core = world.core();
        let late = EARLY + 7;
        std::thread::scope(|scope| {
            let loading = scope.spawn(|| world.load());
            store.reached.wait();
            assert!(!world.is_loaded());
            let mut ask = |ip: &str, path: &str| {
                let decision = world.decide(&tftp(ip, path), &mut core, now);
                (decision.device, decision.is_waiting)
            };
            // By its MAC, at its own address and then at that of one still to come.
            let (known, _) = ask(&address(3), &own(3));
            assert_eq!(known.map(|device| device.id.to_string()), Some("00003".to_owned()));
            let moved = ask(&address(late), &own(3)).0.expect("it is known");
            assert_eq!(moved.ip.map(|ip| ip.to_string()), Some(address(late)));
            // Not there yet, nobody, somebody at this address, nothing told: not to be decided.
            for (ip, path) in [
                (address(late), own(late)),
                ("10.9.9.9".to_owned(), "/0011ffffffff.xml".to_owned()),
                (address(4), "/spa3102.cfg".to_owned()),
                ("10.9.9.9".to_owned(), "/".to_owned()),
            ] {
                assert_eq!(ask(&ip, &path), (None, true), "{path}");
            }
            let agent = format!("Cisco/SPA504G-7.4.9c (S{late})");
            let by_serial = world.decide(&http("10.9.9.9", "/", &agent), &mut core, now);
            assert!(by_serial.is_waiting);
            let refused = world.insert_device(device(r#"{"id":"new"}"#));
            assert_eq!(refused, Err(Refusal::Store(StoreError::Loading)));
            store.left.wait();
            let loaded = loading.join().expect("it reads").expect("it can be read");
            assert_eq!(loaded, Loaded { devices: EARLY + LATE, configs: 1 });
        });
        assert!(world.is_loaded());
        assert_eq!((world.directory.len(), world.counters().created), (EARLY + LATE, 0));
        // Who came to an address keeps it; who was last seen there, before the start, has none.
        let here: Vec<_> =
            world.directory.at_address(address(late).parse().expect("one")).collect();
        assert_eq!(here.iter().map(|device| &*device.id).collect::<Vec<_>>(), ["00003"]);
        let found = world.decide(&tftp(&address(9), &own(late)), &mut core, now);
        assert_eq!(found.device.map(|device| device.id.to_string()), Some(format!("{late:05}")));
        let new = world.decide(&tftp("10.9.9.9", "/0011ffffffff.xml"), &mut core, now);
        assert!(new.device.is_some_and(|device| device.is_new));
        world.close().expect("a store that works");
    }
}
