//! Devices in memory, found by MAC, serial number, UUID or address; changes come in by one door.
//!
//! Lookups take no write lock and allocate nothing: an index gives the device itself. A change
//! names the revision it was made from and is refused when that is no longer the newest; a device
//! that an index still gives while it is being replaced is such an outdated one. Writers of one
//! device queue at a stripe (a mutex chosen by its name), and under it take one shard's guard at a
//! time; readers take one guard at a time and no stripe. So nothing waits in a circle.

mod children;
mod configs;
mod dirty;
mod grounds;
mod index;
mod lists;
mod lots;
mod order;
mod postings;
mod provisional;
mod signs;
#[cfg(test)]
mod tests;

pub use configs::{Configs, Stamp};
pub use dirty::{Dirty, Key, Taken};
pub use grounds::Grounds;
pub use lists::Lists;
pub use order::{Order, Placed, Places};
pub use provisional::may_be_same;

use ahash::RandomState;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::{Absent, Change, Device, DeviceId, Known, Mac, Place, Put, Revision, Stale};
use crate::limits;
use crate::time::Instant;
use index::Index;
use provisional::Provisional;
use signs::{ById, ByIp, ByMac, BySerial, ByUuid};

/// All devices. Duplicate MACs, serial numbers and UUIDs are legal (operators and imports may make
/// them); the least name is found first.
///
/// INVARIANT: while no writer is at work, each index holds exactly the devices of `devices` that
/// have its value.
#[derive(Debug)]
pub struct Directory {
    devices: Index<ById>,
    macs: Index<ByMac>,
    serials: Index<BySerial>,
    uuids: Index<ByUuid>,
    ips: Index<ByIp>,
    lists: Lists,
    provisional: Provisional,
    stripes: Vec<Mutex<()>>,
    hasher: RandomState,
    revisions: AtomicU64,
    auto_added: AtomicUsize,
    known: Mutex<Known>,
    is_complete: AtomicBool,
    dirty: Arc<Dirty>,
}

impl Directory {
    /// An empty directory that notes its changes in `dirty`.
    pub fn new(dirty: Arc<Dirty>) -> Self {
        Self {
            devices: Index::default(),
            macs: Index::default(),
            serials: Index::default(),
            uuids: Index::default(),
            ips: Index::default(),
            lists: Lists::default(),
            provisional: Provisional::default(),
            stripes: (0..limits::DIRECTORY_STRIPES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            revisions: AtomicU64::new(0),
            auto_added: AtomicUsize::new(0),
            known: Mutex::default(),
            is_complete: AtomicBool::new(true),
            dirty,
        }
    }

    /// An empty directory that does not have all devices before [`Self::complete`].
    pub fn incomplete(dirty: Arc<Dirty>) -> Self {
        Self { is_complete: AtomicBool::new(false), ..Self::new(dirty) }
    }

    /// Whether a device that is not found is not there.
    pub fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire)
    }

    /// Says that all devices are there.
    pub fn complete(&self) {
        self.is_complete.store(true, Ordering::Release);
    }

    /// The device of this name.
    pub fn get(&self, id: &str) -> Option<Arc<Device>> {
        self.devices.first(id)
    }

    /// The device with this MAC; of several, the one with the least name.
    pub fn by_mac(&self, mac: Mac) -> Option<Arc<Device>> {
        self.macs.first(&mac)
    }

    /// The device with this serial number; of several, the one with the least name.
    pub fn by_serial(&self, sn: &str) -> Option<Arc<Device>> {
        self.serials.first(sn)
    }

    /// A device that requests made of this serial number without a MAC, other than `id`: what a
    /// phone that tells both was before it told the second.
    pub fn twin_by_serial(&self, sn: &str, id: &str) -> Option<Arc<Device>> {
        if !self.serials.has_other(sn, id) {
            return None;
        }
        // Clones share a serial number; only so many are looked at.
        let mut some = self.serials.each(sn).take(limits::ADDRESS_CANDIDATES_MAX);
        some.find(|other| *other.id != *id && stands_in(other))
    }

    /// Whether devices share serial numbers at all. Where none do, nobody but a device itself has
    /// the one that it is stored with.
    pub fn has_shared_serials(&self) -> bool {
        self.serials.has_shared()
    }

    /// The device with this UUID; of several, the one with the least name.
    pub fn by_uuid(&self, uuid: &str) -> Option<Arc<Device>> {
        self.uuids.first(uuid)
    }

    /// The devices with this address, in the order of their names.
    pub fn at_address(&self, ip: IpAddr) -> impl Iterator<Item = Arc<Device>> {
        let first = self.ips.first(&ip);
        std::iter::successors(first, move |last| self.ips.after(&ip, &last.id))
    }

    /// How many devices have this address.
    pub fn count_at(&self, ip: IpAddr) -> usize {
        self.ips.count(&ip)
    }

    /// Whether another device than `id`, which has this address or is about to, has it too.
    pub fn is_shared(&self, ip: IpAddr, id: &str) -> bool {
        self.ips.has_other(&ip, id)
    }

    /// Whether devices share addresses at all. Where none do, nobody but a device itself has the
    /// address that it is stored with.
    pub fn has_shared_addresses(&self) -> bool {
        self.ips.has_shared()
    }

    /// All devices with this UUID, in the order of their names.
    pub fn with_uuid(&self, uuid: &str) -> impl Iterator<Item = Arc<Device>> {
        self.uuids.each(uuid)
    }

    /// All devices with this MAC, in the order of their names.
    pub fn with_mac(&self, mac: Mac) -> impl Iterator<Item = Arc<Device>> {
        let first = self.macs.first(&mac);
        std::iter::successors(first, move |last| self.macs.after(&mac, &last.id))
    }

    /// All devices with this serial number, in the order of their names.
    pub fn with_serial(&self, sn: &str) -> impl Iterator<Item = Arc<Device>> {
        self.serials.each(sn)
    }

    /// The names of the devices with this configuration, in their order.
    pub fn with_config(&self, config: &str) -> Vec<DeviceId> {
        let places = self.lists.with_config(config);
        let devices = self.lists.order().each(places.iter());
        let mut names: Vec<_> = devices.map(|device| device.id.clone()).collect();
        names.sort_unstable();
        names
    }

    /// The names of the devices of this tenant, in the order in which they came.
    pub fn with_tenant(&self, tenant: &str) -> Vec<DeviceId> {
        let places = self.lists.with_tenant(tenant);
        self.lists.order().each(places.iter()).map(|device| device.id.clone()).collect()
    }

    /// All devices in the order in which they came, and the sets of those that share something.
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// How many devices there are, provisional ones counted.
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many are known only by their address.
    pub fn provisional_count(&self) -> usize {
        self.provisional.count()
    }

    /// The devices known only by this address, in the order of their names.
    pub fn provisional_at(&self, ip: IpAddr) -> impl Iterator<Item = Arc<Device>> {
        let first = self.provisional.at(ip, "");
        std::iter::successors(first, move |last| self.provisional.at(ip, &last.id))
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
        let mut all = self.devices.all();
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

    /// Makes room for so many more devices, so that none of them waits while a table grows.
    pub fn reserve(&self, count: usize) {
        // The system gives large tables page by page, which takes longer than all else here.
        std::thread::scope(|scope| {
            scope.spawn(|| self.macs.reserve(count));
            scope.spawn(|| self.ips.reserve(count));
            scope.spawn(|| self.lists.reserve(count));
            self.devices.reserve(count);
        });
    }

    /// Takes a device that the store holds; it is not written again.
    pub fn restore(&self, device: Device) {
        self.restore_all(vec![device]);
    }

    /// Takes devices that the store holds; they are not written again.
    pub fn restore_all(&self, devices: Vec<Device>) {
        let mut revision = self.revisions.fetch_add(devices.len() as u64, Ordering::Relaxed);
        let number = |(mut device, place): (Device, Place)| {
            revision += 1;
            device.revision = Revision(revision);
            device.place = place;
            Arc::new(device)
        };
        let places = self.lists.take(devices.len());
        let devices: Vec<_> = devices.into_iter().zip(places).map(number).collect();
        self.lists.put_all(&devices);
        // Before a sign is found: who finds the sign finds the device.
        for old in self.devices.put_all(&devices) {
            self.unindex(&old);
        }
        self.macs.put_all(&devices);
        self.ips.put_all(&devices);
        self.serials.put_all(&devices);
        self.uuids.put_all(&devices);
        let count = devices.iter().filter(|device| is_auto_added(device)).count();
        self.auto_added.fetch_add(count, Ordering::Relaxed);
    }

    /// Bytes of the tables that devices are found by, by what they are found by.
    pub fn table_bytes(&self) -> [(&'static str, usize); 9] {
        let [order, config, plugin, tenant] = self.lists.table_bytes();
        [
            ("id", self.devices.table_bytes()),
            ("mac", self.macs.table_bytes()),
            ("serial", self.serials.table_bytes()),
            ("uuid", self.uuids.table_bytes()),
            ("address", self.ips.table_bytes()),
            order,
            config,
            plugin,
            tenant,
        ]
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
        device.place = old.as_ref().map(|old| old.place).unwrap_or_default();
        if let Some(old) = old.as_ref().filter(|old| !anyway && ***old == device) {
            return Ok(Arc::clone(old));
        }
        device.revision = self.next_revision();
        self.known().share(&mut device, old.as_deref());
        if old.is_none() {
            device.place = self.lists.order().take_one();
        }
        let device = Arc::new(device);
        if old.is_none() {
            // Before it can be found by a sign: who finds the sign finds the device.
            self.devices.put(None, &device);
        }
        if !self.claim(old.as_deref(), &device, absent) {
            if old.is_none() {
                self.devices.remove(&device);
                self.lists.order().leave(device.place);
            }
            return Err(Stale);
        }
        self.devices.put(old.as_deref(), &device);
        self.index(old.as_deref(), &device);
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
        self.devices.remove(&old);
        self.unindex(&old);
        if !old.provisional {
            self.dirty.mark(Key::Device(old.id.clone()));
        }
        Ok(old)
    }

    /// Takes the signs that nobody may have. All or none.
    fn claim(&self, old: Option<&Device>, new: &Arc<Device>, absent: Absent) -> bool {
        let claims_mac = absent.mac && old.and_then(|old| old.mac) != new.mac;
        let claims_sn = absent.sn && old.is_none_or(|old| old.sn != new.sn);
        let claims_uuid = absent.uuid && old.is_none_or(|old| old.uuid != new.uuid);
        if claims_mac && !self.macs.claim(new) {
            return false;
        }
        let unclaim_mac = || claims_mac.then(|| self.macs.remove(new));
        if claims_sn && !self.serials.claim(new) {
            unclaim_mac();
            return false;
        }
        let spot = new.provisional && !self.provisional.claim(new);
        if spot || (claims_uuid && !self.uuids.claim(new)) {
            unclaim_mac();
            if claims_sn {
                self.serials.remove(new);
            }
            return false;
        }
        true
    }

    /// Makes the indexes give `new` where they gave `old`.
    fn index(&self, old: Option<&Device>, new: &Arc<Device>) {
        self.macs.put(old, new);
        self.ips.put(old, new);
        self.serials.put(old, new);
        self.uuids.put(old, new);
        self.lists.put(old, new);
        if let Some(was) = old.filter(|old| old.provisional) {
            self.provisional.release(was, Some(&**new).filter(|new| new.provisional));
        }
        match (old.is_some_and(is_auto_added), is_auto_added(new)) {
            (false, true) => drop(self.auto_added.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.auto_added.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
    }

    /// Makes the indexes forget a device.
    fn unindex(&self, old: &Device) {
        self.macs.remove(old);
        self.ips.remove(old);
        self.serials.remove(old);
        self.uuids.remove(old);
        self.lists.remove(old);
        if old.provisional {
            self.provisional.release(old, None);
        }
        if is_auto_added(old) {
            self.auto_added.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// All others at this address lose it; a provisional one has nothing else and goes.
    fn take_address(&self, ip: IpAddr, taker: &Device) {
        if !self.ips.has_other(&ip, &taker.id) {
            return;
        }
        let others: Vec<_> = self.ips.each(&ip).filter(|other| other.id != taker.id).collect();
        for other in others {
            // Of two that take it at once, the later one keeps it.
            if other.revision > taker.revision {
                continue;
            }
            let lost = if other.provisional {
                self.remove(&other.id, Some(other.revision)).map(drop)
            } else {
                let device = Device { ip: None, ..(*other).clone() };
                self.put_one(device, Some(other.revision), Absent::default(), false).map(drop)
            };
            if lost.is_err() {
                tracing::debug!(device = %other.id, %ip, "changed while it lost its address");
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

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the device may be a part of another: requests made it, and it has no MAC.
fn stands_in(device: &Device) -> bool {
    device.provisional || (device.mac.is_none() && is_auto_added(device))
}

fn is_auto_added(device: &Device) -> bool {
    device.is_new && !device.provisional && device.added.as_deref() == Some("auto")
}
