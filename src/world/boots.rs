//! Boots of phones, from the first request to the file that its plugin marks: whichever cores serve
//! them, each is counted once, and nobody waits for anybody.
//!
//! A table of places that cores share. A phone's place is written by the core that serves it, and
//! by two at once only where it asks two; then a time may be off by that, and nothing else.

use ahash::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::device::Device;
use crate::limits;
use crate::time::{Duration, Instant};

/// The boots that are under way, and those that are over until their place is needed.
#[derive(Debug)]
pub struct Boots {
    places: Box<[Place]>,
    hasher: RandomState,
}

/// What a request was to its phone's boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// It was the first one.
    pub began: bool,
    /// It gave the phone its configuration, for the first time in this boot, after this time.
    pub provisioned: Option<Duration>,
}

/// A phone's boot. INVARIANT: `phone` is 0 (nobody's), or `key << 2 | USED`, with `DONE` once the
/// phone has its configuration.
#[derive(Debug, Default)]
struct Place {
    phone: AtomicU64,
    first: AtomicU64,
    last: AtomicU64,
}

const DONE: u64 = 1;
const USED: u64 = 2;
/// Bits of a MAC.
const KEY_BITS: u64 = (1 << 48) - 1;

impl Default for Boots {
    fn default() -> Self {
        Self::with_places(limits::BOOTS_MAX)
    }
}

impl Boots {
    /// Room for this many boots, a power of two.
    fn with_places(count: usize) -> Self {
        assert!(count.is_power_of_two(), "places are found by a mask");
        Self { places: (0..count).map(|_| Place::default()).collect(), hasher: RandomState::new() }
    }

    /// A request of a phone; `provisions` when it is given the file that says so.
    pub fn request(&self, device: &Device, provisions: bool, now: Instant) -> Step {
        let key = match device.mac {
            Some(mac) => mac.0.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            None => self.hasher.hash_one(&*device.id) & KEY_BITS,
        };
        let Some((place, began)) = self.place(key << 2 | USED, now) else { return Step::default() };
        place.last.store(now.as_nanos(), Ordering::Relaxed);
        let is_new = provisions && place.phone.fetch_or(DONE, Ordering::Relaxed) & DONE == 0;
        let first = Instant::from_nanos(place.first.load(Ordering::Relaxed));
        Step { began, provisioned: is_new.then(|| now.since(first)) }
    }

    /// Boots that have begun and are neither through nor given up.
    pub fn in_progress(&self, now: Instant) -> usize {
        let is_under_way = |place: &&Place| {
            let phone = place.phone.load(Ordering::Relaxed);
            phone & USED > 0 && phone & DONE == 0 && !place.is_over(now)
        };
        self.places.iter().filter(is_under_way).count()
    }

    /// The place of a phone's boot, and whether that begins now. None where there is no room.
    fn place(&self, phone: u64, now: Instant) -> Option<(&Place, bool)> {
        let mask = self.places.len() - 1;
        let hash = usize::try_from(self.hasher.hash_one(phone) >> 32).unwrap_or(0);
        let mut free = None;
        for look in 0..limits::BOOT_LOOKS_MAX {
            let place = &self.places[(hash + look) & mask];
            let there = place.phone.load(Ordering::Relaxed);
            if there & !DONE == phone {
                let began = place.is_over(now);
                if began {
                    place.first.store(now.as_nanos(), Ordering::Relaxed);
                    place.phone.store(phone, Ordering::Relaxed);
                }
                return Some((place, began));
            }
            if free.is_none() && (there == 0 || place.is_over(now)) {
                free = Some((place, there));
            }
            // Behind a place that was never used stands nobody who was put there past it.
            if there == 0 {
                break;
            }
        }
        let (place, there) = free?;
        let (good, bad) = (Ordering::Relaxed, Ordering::Relaxed);
        place.phone.compare_exchange(there, phone, good, bad).ok()?;
        place.first.store(now.as_nanos(), Ordering::Relaxed);
        Some((place, true))
    }
}

impl Place {
    /// Whether its phone has been silent for so long that its next request begins a boot.
    fn is_over(&self, now: Instant) -> bool {
        let last = Instant::from_nanos(self.last.load(Ordering::Relaxed));
        now.since(last) > limits::BOOT_SILENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Mac;

    fn phone(n: u8) -> Device {
        Device {
            id: format!("d{n}").into(),
            mac: Some(Mac([0, 1, 2, 3, 4, n])),
            ..Device::default()
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(1_000_000_000_000 + seconds * 1_000_000_000)
    }

    #[test]
    fn a_boot_lasts_from_its_first_request_to_its_configuration() {
        let boots = Boots::with_places(16);
        let nothing = Step::default();
        assert_eq!(boots.request(&phone(1), false, at(0)), Step { began: true, ..nothing });
        assert_eq!(boots.request(&phone(1), false, at(2)), nothing);
        assert_eq!(boots.in_progress(at(2)), 1);
        let provisioned = Some(Duration::from_secs(5));
        assert_eq!(boots.request(&phone(1), true, at(5)), Step { provisioned, ..nothing });
        assert_eq!(boots.request(&phone(1), true, at(6)), nothing);
        assert_eq!(boots.in_progress(at(6)), 0);
        // Behind a silence it is the next boot.
        let silence = limits::BOOT_SILENCE.as_secs();
        let step = boots.request(&phone(1), true, at(7 + silence));
        assert_eq!(step, Step { began: true, provisioned: Some(Duration::ZERO) });
        // One without a MAC is known by its name.
        let nameless = Device { mac: None, ..phone(2) };
        assert!(boots.request(&nameless, false, at(0)).began);
        assert!(!boots.request(&nameless, false, at(1)).began);
        // Who falls silent on the way is not in progress for ever.
        assert_eq!(boots.in_progress(at(1)), 1);
        assert_eq!(boots.in_progress(at(2 + silence)), 0);
    }

    #[test]
    fn more_boots_than_fit_are_not_counted_and_places_are_used_again() {
        let boots = Boots::with_places(8);
        let began = |n, time| boots.request(&phone(n), false, at(time)).began;
        assert_eq!((0..20).filter(|n| began(*n, 0)).count(), 8);
        assert_eq!((0..8).filter(|n| began(100 + n, 1)).count(), 0);
        let later = 10 + limits::BOOT_SILENCE.as_secs();
        assert_eq!((0..8).filter(|n| began(200 + n, later)).count(), 8);
    }
}
