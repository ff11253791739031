//! Devices in memory, found by MAC, serial number, UUID or address; changes come in by one door.
//!
//! Lookups take no write lock and allocate nothing. A change names the revision it was made from
//! and is refused when that is no longer the newest. Writers of one device queue at a stripe (a
//! mutex chosen by its name), and under it take one shard's guard at a time; readers take one guard
//! at a time and no stripe. So nothing waits in a circle.

mod configs;
mod dirty;
mod index;
mod provisional;
#[cfg(test)]
mod tests;

pub use configs::{Configs, Stamp};
pub use dirty::{Dirty, Key, Taken};
pub use provisional::may_be_same;

use ahash::RandomState;
use dashmap::DashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::{Absent, Change, Device, DeviceId, Mac, Put, Revision, Stale, Text};
use crate::limits;
use crate::time::Instant;
use index::Index;
use provisional::Provisional;

/// All devices. Duplicate MACs, serial numbers and UUIDs are legal (operators and imports may make
/// them); the least name is found first.
///
/// INVARIANT: while no writer is at work, each index holds exactly the values of `devices`.
#[derive(Debug)]
pub struct Directory {
    devices: DashMap<DeviceId, Arc<Device>, RandomState>,
    macs: Index<Mac>,
    serials: Index<Text>,
    uuids: Index<Text>,
    ips: Index<IpAddr>,
    by_config: Index<Text>,
    provisional: Provisional,
    stripes: Vec<Mutex<()>>,
    hasher: RandomState,
    revisions: AtomicU64,
    auto_added: AtomicUsize,
    dirty: Arc<Dirty>,
}

impl Directory {
    /// An empty directory that notes its changes in `dirty`.
    pub fn new(dirty: Arc<Dirty>) -> Self {
        Self {
            devices: DashMap::default(),
            macs: Index::default(),
            serials: Index::default(),
            uuids: Index::default(),
            ips: Index::default(),
            by_config: Index::default(),
            provisional: Provisional::default(),
            stripes: (0..limits::DIRECTORY_STRIPES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            revisions: AtomicU64::new(0),
            auto_added: AtomicUsize::new(0),
            dirty,
        }
    }

    /// The device of this name.
    pub fn get(&self, id: &str) -> Option<Arc<Device>> {
        self.devices.get(id).map(|device| Arc::clone(&device))
    }

    /// The device with this MAC; of several, the one with the least name.
    pub fn by_mac(&self, mac: Mac) -> Option<Arc<Device>> {
        self.first(&self.macs, &mac, |device| device.mac == Some(mac))
    }

    /// The device with this serial number; of several, the one with the least name.
    pub fn by_serial(&self, sn: &str) -> Option<Arc<Device>> {
        self.first(&self.serials, sn, |device| device.sn.as_deref() == Some(sn))
    }

    /// A device that requests made of this serial number without a MAC, other than `id`: what a
    /// phone that tells both was before it told the second.
    pub fn twin_by_serial(&self, sn: &str, id: &str) -> Option<Arc<Device>> {
        if !self.serials.has_other(sn, id) {
            return None;
        }
        // Clones share a serial number; only so many are looked at.
        let names = (0..limits::ADDRESS_CANDIDATES_MAX).map_while(|at| self.serials.name(sn, at));
        let others = names.filter(|other| **other != *id);
        others.filter_map(|other| self.get(&other)).find(|other| stands_in(other))
    }

    /// The device with this UUID; of several, the one with the least name.
    pub fn by_uuid(&self, uuid: &str) -> Option<Arc<Device>> {
        self.first(&self.uuids, uuid, |device| device.uuid.as_deref() == Some(uuid))
    }

    /// The devices with this address, in the order of their names.
    pub fn at_address(&self, ip: IpAddr) -> impl Iterator<Item = Arc<Device>> {
        (0..)
            .map_while(move |place| self.ips.name(&ip, place))
            .filter_map(|id| self.get(&id))
            .filter(move |device| device.ip == Some(ip))
    }

    /// How many devices have this address.
    pub fn count_at(&self, ip: IpAddr) -> usize {
        self.ips.count(&ip)
    }

    /// Whether another device than `id` has this address.
    pub fn is_shared(&self, ip: IpAddr, id: &str) -> bool {
        self.ips.has_other(&ip, id)
    }

    /// The names of the devices with this configuration.
    pub fn with_config(&self, config: &str) -> Vec<DeviceId> {
        self.by_config.names(config)
    }

    /// How many devices there are, provisional ones counted.
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// How many are known only by their address.
    pub fn provisional_count(&self) -> usize {
        self.provisional.count()
    }

    /// The devices known only by this address, in the order of their names.
    pub fn provisional_at(&self, ip: IpAddr) -> impl Iterator<Item = Arc<Device>> {
        (0..)
            .map_while(move |place| self.provisional.at(ip, place))
            .filter_map(|id| self.get(&id))
            .filter(move |device| device.provisional && device.ip == Some(ip))
    }

    /// How many devices are known only by this address.
    pub fn provisional_count_at(&self, ip: IpAddr) -> usize {
        self.provisional.count_at(ip)
    }

    /// How many devices requests have made that no operator has taken over.
    pub fn auto_added_count(&self) -> usize {
        self.auto_added.load(Ordering::Relaxed)
    }

    /// All devices as they are, in the order of their names.
    pub fn all(&self) -> Vec<Arc<Device>> {
        let mut all: Vec<_> = self.devices.iter().map(|entry| Arc::clone(entry.value())).collect();
        all.sort_unstable_by(|left, right| left.id.cmp(&right.id));
        all
    }

    /// Notes a request of a provisional device.
    pub fn touch(&self, id: &str, now: Instant) {
        self.provisional.touch(id, now);
    }

    /// Removes provisional devices that have not been seen for `PROVISIONAL_TIME`; says how many.
    pub fn expire(&self, now: Instant) -> usize {
        let expired = self.provisional.expired(now);
        expired.iter().filter(|id| self.drop_if(id, |device| device.provisional)).count()
    }

    /// Takes a device that the store holds; it is not written again.
    pub fn restore(&self, mut device: Device) {
        device.revision = self.next_revision();
        let device = Arc::new(device);
        self.reindex(None, Some(&device));
        self.devices.insert(device.id.clone(), device);
    }

    /// Takes a change. The device comes back as it is now (a removed one as it last was).
    ///
    /// # Errors
    /// [`Stale`] when another core was first: the caller decides again.
    pub fn apply(&self, change: Change) -> Result<Arc<Device>, Stale> {
        match change {
            Change::Put(put) => self.put(*put),
            Change::Remove { id, base } => self.remove(&id, base),
        }
    }

    fn put(&self, put: Put) -> Result<Arc<Device>, Stale> {
        assert!(!put.device.id.is_empty());
        if put.device.provisional && put.base.is_none() {
            self.make_room();
        }
        let stored = self.put_one(put.device, put.base, put.absent, put.takes_address)?;
        if let Some(ip) = stored.ip.filter(|_| put.takes_address) {
            self.take_address(ip, &stored);
        }
        if let Some(merged) = put.merged.filter(|merged| *merged != stored.id) {
            self.drop_if(&merged, stands_in);
        }
        Ok(stored)
    }

    fn put_one(
        &self,
        mut device: Device,
        base: Option<Revision>,
        absent: Absent,
        anyway: bool,
    ) -> Result<Arc<Device>, Stale> {
        let _turn = self.stripe(&device.id);
        let old = self.get(&device.id);
        if old.as_ref().map(|old| old.revision) != base {
            return Err(Stale);
        }
        device.revision = base.unwrap_or_default();
        if let Some(old) = old.as_ref().filter(|old| !anyway && ***old == device) {
            return Ok(Arc::clone(old));
        }
        device.revision = self.next_revision();
        let device = Arc::new(device);
        if old.is_none() {
            // Before it can be found by a sign: who finds the sign finds the device.
            self.devices.insert(device.id.clone(), Arc::clone(&device));
        }
        if !self.claim(old.as_deref(), &device, absent) {
            if old.is_none() {
                self.devices.remove(&device.id);
            }
            return Err(Stale);
        }
        self.devices.insert(device.id.clone(), Arc::clone(&device));
        self.reindex(old.as_deref(), Some(&device));
        if !device.provisional {
            self.dirty.mark(Key::Device(device.id.clone()));
        }
        Ok(device)
    }

    fn remove(&self, id: &str, base: Option<Revision>) -> Result<Arc<Device>, Stale> {
        let _turn = self.stripe(id);
        let old = self.get(id).ok_or(Stale)?;
        if base.is_some_and(|base| base != old.revision) {
            return Err(Stale);
        }
        self.devices.remove(id);
        self.reindex(Some(&old), None);
        if !old.provisional {
            self.dirty.mark(Key::Device(old.id.clone()));
        }
        Ok(old)
    }

    /// Takes the signs that nobody may have. All or none.
    fn claim(&self, old: Option<&Device>, new: &Device, absent: Absent) -> bool {
        let had_mac = old.and_then(|old| old.mac) == new.mac;
        let had_sn = old.is_some_and(|old| old.sn == new.sn);
        let had_uuid = old.is_some_and(|old| old.uuid == new.uuid);
        let mac = new.mac.filter(|_| absent.mac && !had_mac);
        let sn = new.sn.as_ref().filter(|_| absent.sn && !had_sn);
        let uuid = new.uuid.as_ref().filter(|_| absent.uuid && !had_uuid);
        if mac.is_some_and(|mac| !self.macs.claim(mac, &new.id)) {
            return false;
        }
        let unclaim_mac = || {
            if let Some(mac) = mac {
                self.macs.remove(&mac, &new.id);
            }
        };
        if sn.is_some_and(|sn| !self.serials.claim(sn.clone(), &new.id)) {
            unclaim_mac();
            return false;
        }
        let spot = new.provisional && !self.provisional.claim(new);
        if spot || uuid.is_some_and(|uuid| !self.uuids.claim(uuid.clone(), &new.id)) {
            unclaim_mac();
            if let Some(sn) = sn {
                self.serials.remove(&**sn, &new.id);
            }
            return false;
        }
        true
    }

    /// Makes the indexes say of `new` what they said of `old`.
    fn reindex(&self, old: Option<&Device>, new: Option<&Device>) {
        let id = &old.or(new).expect("invariant: a change has a before or an after").id;
        move_name(&self.macs, old.and_then(|d| d.mac), new.and_then(|d| d.mac), id);
        move_name(&self.ips, old.and_then(|d| d.ip), new.and_then(|d| d.ip), id);
        let sn = |d: &Device| d.sn.clone();
        move_name(&self.serials, old.and_then(sn), new.and_then(sn), id);
        let uuid = |d: &Device| d.uuid.clone();
        move_name(&self.uuids, old.and_then(uuid), new.and_then(uuid), id);
        let config = |d: &Device| d.config.clone();
        move_name(&self.by_config, old.and_then(config), new.and_then(config), id);
        if let Some(was) = old.filter(|old| old.provisional) {
            self.provisional.release(was, new.filter(|new| new.provisional));
        }
        match (old.is_some_and(is_auto_added), new.is_some_and(is_auto_added)) {
            (false, true) => drop(self.auto_added.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.auto_added.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
    }

    /// All others at this address lose it; a provisional one has nothing else and goes.
    fn take_address(&self, ip: IpAddr, taker: &Device) {
        if !self.ips.has_other(&ip, &taker.id) {
            return;
        }
        for id in self.ips.names(&ip).into_iter().filter(|id| *id != taker.id) {
            let Some(other) = self.get(&id) else { continue };
            // Of two that take it at once, the later one keeps it.
            if other.ip != Some(ip) || other.revision > taker.revision {
                continue;
            }
            let lost = if other.provisional {
                self.remove(&id, Some(other.revision)).map(drop)
            } else {
                let device = Device { ip: None, ..(*other).clone() };
                self.put_one(device, Some(other.revision), Absent::default(), false).map(drop)
            };
            if lost.is_err() {
                tracing::debug!(device = %id, %ip, "changed while it lost its address");
            }
        }
    }

    fn drop_if(&self, id: &str, condition: fn(&Device) -> bool) -> bool {
        let device = self.get(id).filter(|device| condition(device));
        device.is_some_and(|device| self.remove(id, Some(device.revision)).is_ok())
    }

    /// Before a provisional device comes in: the oldest go, a share at a time.
    fn make_room(&self) {
        let share = limits::PROVISIONAL_MAX / 64;
        for id in self.provisional.surplus(limits::PROVISIONAL_MAX, share) {
            self.drop_if(&id, |device| device.provisional);
        }
    }

    fn stripe(&self, id: &str) -> MutexGuard<'_, ()> {
        let place = self.hasher.hash_one(id) % limits::DIRECTORY_STRIPES as u64;
        let place = usize::try_from(place).expect("invariant: less than DIRECTORY_STRIPES");
        self.stripes[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_revision(&self) -> Revision {
        Revision(self.revisions.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn first<K, Q>(
        &self,
        index: &Index<K>,
        key: &Q,
        has_it: impl Fn(&Device) -> bool,
    ) -> Option<Arc<Device>>
    where
        K: std::borrow::Borrow<Q> + Eq + std::hash::Hash,
        Q: Eq + std::hash::Hash + ?Sized,
    {
        let mut place = 0;
        // One whose sign is just changing is passed over.
        while let Some(id) = index.name(key, place) {
            if let Some(device) = self.get(&id).filter(|device| has_it(device)) {
                return Some(device);
            }
            place += 1;
        }
        None
    }
}

/// Moves a name from one value to another, where they differ.
fn move_name<K: Eq + std::hash::Hash>(
    index: &Index<K>,
    old: Option<K>,
    new: Option<K>,
    id: &DeviceId,
) {
    if let Some(old) = old.filter(|old| new.as_ref() != Some(old)) {
        index.remove(&old, id);
    }
    if let Some(new) = new {
        index.add(new, id);
    }
}

/// Whether the device may be a part of another: requests made it, and it has no MAC.
fn stands_in(device: &Device) -> bool {
    device.provisional || (device.mac.is_none() && is_auto_added(device))
}

fn is_auto_added(device: &Device) -> bool {
    device.is_new && !device.provisional && device.added.as_deref() == Some("auto")
}
