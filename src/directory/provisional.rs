//! Devices known only by their address: one a spot, each for a time, never more than a bound.

use ahash::RandomState;
use dashmap::{DashMap, Entry};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::index::{Index, Mark};
use super::signs::ByIp;
use crate::device::{Device, DeviceId, Text};
use crate::limits;
use crate::time::Instant;

/// Where such a device is: requests without more than this make one device, not many.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Spot {
    ip: Option<IpAddr>,
    vendor: Option<Text>,
    model: Option<Text>,
}

/// When each was last seen, and who is where.
#[derive(Debug, Default)]
pub struct Provisional {
    spots: DashMap<Spot, DeviceId, RandomState>,
    places: Index<ByIp>,
    seen: DashMap<DeviceId, AtomicU64, RandomState>,
    latest: AtomicU64,
}

impl Provisional {
    /// Takes the device's spot; false where another device has it.
    #[must_use]
    pub fn claim(&self, device: &Arc<Device>) -> bool {
        match self.spots.entry(spot(device)) {
            Entry::Occupied(entry) if *entry.get() != device.id => return false,
            Entry::Occupied(_) => {}
            Entry::Vacant(entry) => drop(entry.insert(device.id.clone())),
        }
        self.places.put(None, device);
        let latest = self.latest.load(Ordering::Relaxed);
        self.seen.entry(device.id.clone()).or_insert_with(|| AtomicU64::new(latest));
        true
    }

    /// Gives up the spot of `was`, because it is elsewhere, known (then `is` is none), or gone.
    pub fn release(&self, was: &Device, is: Option<&Device>) {
        if is.is_none_or(|is| spot(is) != spot(was)) {
            self.spots.remove_if(&spot(was), |_, id| *id == was.id);
        }
        if is.is_none_or(|is| is.ip != was.ip) {
            self.places.remove(was);
        }
        if is.is_none() {
            self.seen.remove(&was.id);
        }
    }

    /// The next one at this address behind `name`, in the order of names.
    pub fn at(&self, ip: IpAddr, name: &str) -> Option<Arc<Device>> {
        self.places.after(&ip, name)
    }

    /// Marks what is now said of an address.
    pub fn mark(&self, ip: IpAddr) -> Mark {
        self.places.mark(&ip)
    }

    /// Whether the same is said still.
    pub fn stands(&self, mark: Mark) -> bool {
        self.places.stands(mark)
    }

    /// How many are at this address.
    pub fn count_at(&self, ip: IpAddr) -> usize {
        self.places.count(&ip)
    }

    /// Notes a request of the device.
    pub fn touch(&self, id: &str, now: Instant) {
        self.latest.fetch_max(now.as_nanos(), Ordering::Relaxed);
        if let Some(seen) = self.seen.get(id) {
            seen.fetch_max(now.as_nanos(), Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    /// Those not seen for `PROVISIONAL_TIME`.
    pub fn expired(&self, now: Instant) -> Vec<DeviceId> {
        let over = |at: u64| now.since(Instant::from_nanos(at)) >= limits::PROVISIONAL_TIME;
        let seen = self.seen.iter();
        seen.filter(|entry| over(entry.value().load(Ordering::Relaxed)))
            .map(|entry| entry.key().clone())
            .collect()
    }

    /// The `count` that were seen longest ago, when there are `max` or more; else none.
    pub fn surplus(&self, max: usize, count: usize) -> Vec<DeviceId> {
        if self.seen.len() < max {
            return Vec::new();
        }
        let load = |at: &AtomicU64| at.load(Ordering::Relaxed);
        let mut all: Vec<_> =
            self.seen.iter().map(|entry| (load(entry.value()), entry.key().clone())).collect();
        all.sort_unstable();
        all.truncate(count);
        all.into_iter().map(|(_, id)| id).collect()
    }
}

fn spot(device: &Device) -> Spot {
    Spot { ip: device.ip, vendor: device.vendor.clone(), model: device.model.clone() }
}

/// Whether the two may be one phone: nothing that both know differs.
pub fn may_be_same(left: &Device, right: &Device) -> bool {
    fn agree<T: PartialEq>(left: Option<&T>, right: Option<&T>) -> bool {
        left.is_none() || right.is_none() || left == right
    }
    agree(left.mac.as_ref(), right.mac.as_ref())
        && agree(left.sn.as_ref(), right.sn.as_ref())
        && agree(left.uuid.as_ref(), right.uuid.as_ref())
        && agree(left.vendor.as_ref(), right.vendor.as_ref())
        && agree(left.model.as_ref(), right.model.as_ref())
}
