//! What a core has done, in numbers that other threads may read: one writer, no locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::repeats::Given;
use super::trace::Desk;
use crate::device::Device;
use crate::limits::VENDORS_MAX;
use crate::query::Source;
use crate::ring::Counters;
use crate::time::{Duration, Instant};
use crate::wire::tftp::{End, Finished};
use crate::world::{Decision, World};

/// One core's numbers. They lie apart from those of other cores.
#[derive(Debug)]
#[repr(align(128))]
pub struct Stats {
    /// By source, vendor and status, in this order.
    answers: Box<[AtomicU64]>,
    /// Bytes that were given, by source: HTTP, TFTP.
    bytes: [AtomicU64; 2],
    strangers: AtomicU64,
    repeated: AtomicU64,
    transfers_done: AtomicU64,
    transfers_failed: AtomicU64,
    repeats: AtomicU64,
    boots_begun: AtomicU64,
    /// Boots by the time until the phone had its configuration; the last place is of longer ones.
    provisioned: [AtomicU64; PROVISIONED_WITHIN.len() + 1],
    provisioned_nanos: AtomicU64,
    panics: AtomicU64,
    ring: Mutex<Counters>,
    desk: Desk,
}

/// Answers are counted by these statuses. Over TFTP, 200 is a transfer that began, 404 the ERROR
/// for a file that is not there, 400 any other ERROR and 0 silence.
pub const STATUSES: [u16; 20] = [
    200, 204, 206, 304, 400, 403, 404, 405, 408, 413, 414, 416, 417, 429, 431, 500, 501, 503, 505,
    0,
];
/// Bounds of the counts of boots by their time.
pub const PROVISIONED_WITHIN: [Duration; 13] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
];

/// One answer, as it is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tally {
    /// Where the request came in.
    pub source: Source,
    /// Number of the vendor whose plugin serves the phone; 0 without.
    pub vendor: u8,
    /// One of [`STATUSES`].
    pub status: u16,
    /// Bytes that it is given.
    pub bytes: u64,
}

/// A copy of the numbers, summed over cores.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// HTTP answers that gave something: 2xx and 3xx.
    pub http_given: u64,
    /// HTTP answers 404.
    pub http_missing: u64,
    /// HTTP answers that told the peer a fault of its own, other than 404.
    pub http_refused: u64,
    /// HTTP answers 5xx.
    pub http_failed: u64,
    /// Bytes of HTTP answers.
    pub http_bytes: u64,
    /// TFTP requests that began a transfer.
    pub tftp_begun: u64,
    /// TFTP requests that were answered with an ERROR, or not at all.
    pub tftp_refused: u64,
    /// TFTP transfers whose last block was acknowledged.
    pub tftp_done: u64,
    /// TFTP transfers that ended otherwise.
    pub tftp_failed: u64,
    /// Times that a transfer sent again because its peer was silent; counted at its end.
    pub tftp_repeats: u64,
    /// Bytes of files that peers of transfers acknowledged.
    pub tftp_bytes: u64,
    /// Requests of phones that nobody knows and that were not taken in.
    pub strangers: u64,
    /// Requests that came before and were given the same, without being decided.
    pub repeated: u64,
    /// Boots that began.
    pub boots_begun: u64,
    /// Boots whose phone has its configuration, by the time of it ([`PROVISIONED_WITHIN`]).
    pub provisioned: [u64; PROVISIONED_WITHIN.len() + 1],
    /// Sum of these times, in nanoseconds.
    pub provisioned_nanos: u64,
    /// Panics that were caught.
    pub panics: u64,
    /// What the drivers counted.
    pub ring: Counters,
}

impl Default for Stats {
    fn default() -> Self {
        let zero = AtomicU64::default;
        Self {
            answers: (0..2 * VENDORS_MAX * STATUSES.len()).map(|_| zero()).collect(),
            bytes: Default::default(),
            strangers: zero(),
            repeated: zero(),
            transfers_done: zero(),
            transfers_failed: zero(),
            repeats: zero(),
            boots_begun: zero(),
            provisioned: Default::default(),
            provisioned_nanos: zero(),
            panics: zero(),
            ring: Mutex::default(),
            desk: Desk::default(),
        }
    }
}

impl Stats {
    /// Where more can be asked of the core.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// A request was answered, or, over TFTP, met with silence.
    pub fn answered(&self, tally: Tally) {
        let status = STATUSES.iter().position(|status| *status == tally.status);
        let status = status.unwrap_or(STATUSES.len() - 1);
        let vendor = usize::from(tally.vendor).min(VENDORS_MAX - 1);
        let source = usize::from(tally.source == Source::Tftp);
        add(&self.answers[(source * VENDORS_MAX + vendor) * STATUSES.len() + status], 1);
        add(&self.bytes[source], tally.bytes);
    }

    /// A request was decided: whose it was, and what it was to that phone's boot.
    pub fn asked(&self, now: Instant, world: &World, decision: &Decision<'_>, gives: bool) {
        // Who shows another tenant's key is not the phone whose file it asks for.
        let device = decision.device.as_ref().filter(|_| decision.barred.is_none());
        let Some(device) = device else {
            // Refused ones are counted by the world, and one that waits asks again.
            if !decision.is_refused && !decision.is_waiting {
                add(&self.strangers, 1);
            }
            return;
        };
        self.booting(now, world, device, gives && decision.is_trigger());
    }

    /// A request was given what the same one was given before.
    pub fn repeated(&self, now: Instant, world: &World, given: &Given) {
        add(&self.repeated, 1);
        self.booting(now, world, &given.device, given.is_trigger);
    }

    fn booting(&self, now: Instant, world: &World, device: &Device, provisions: bool) {
        let step = world.boots.request(device, provisions, now);
        if step.began {
            add(&self.boots_begun, 1);
        }
        if let Some(after) = step.provisioned {
            self.provisioned(after);
        }
    }

    /// A phone has its configuration, this long after its first request.
    fn provisioned(&self, after: Duration) {
        let place = PROVISIONED_WITHIN.iter().position(|bound| after <= *bound);
        add(&self.provisioned[place.unwrap_or(PROVISIONED_WITHIN.len())], 1);
        add(&self.provisioned_nanos, u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
    }

    /// A transfer ended.
    pub fn transferred<T>(&self, finished: &Finished<T>) {
        let is_whole = finished.end == End::Done;
        add(if is_whole { &self.transfers_done } else { &self.transfers_failed }, 1);
        add(&self.repeats, u64::from(finished.repeats));
        add(&self.bytes[1], finished.acknowledged_bytes);
    }

    /// A panic was caught.
    pub fn panicked(&self) {
        add(&self.panics, 1);
    }

    /// Keeps what the driver counted by now.
    pub fn keep(&self, counters: Counters) {
        // Nobody waits long for a copy, and a core that finds it taken keeps the next one.
        if let Ok(mut kept) = self.ring.try_lock() {
            *kept = counters;
        }
    }

    /// Every count of answers that is not zero, with where the requests came in, the vendor's
    /// number and the status.
    pub fn answers(&self) -> impl Iterator<Item = ((Source, u8, u16), u64)> {
        let counts = self.answers.iter().map(read).enumerate().filter(|(_, count)| *count > 0);
        counts.map(|(place, count)| {
            let (rest, status) = (place / STATUSES.len(), place % STATUSES.len());
            let source = if rest < VENDORS_MAX { Source::Http } else { Source::Tftp };
            let vendor = u8::try_from(rest % VENDORS_MAX).expect("invariant: VENDORS_MAX fits");
            ((source, vendor, STATUSES[status]), count)
        })
    }

    /// Adds this core's numbers.
    pub fn add_to(&self, totals: &mut Totals) {
        for ((source, _, status), count) in self.answers() {
            *match (source, status) {
                (Source::Http, 404) => &mut totals.http_missing,
                (Source::Http, 200..=399) => &mut totals.http_given,
                (Source::Http, 400..=499) => &mut totals.http_refused,
                (Source::Http, _) => &mut totals.http_failed,
                (_, 200) => &mut totals.tftp_begun,
                (_, _) => &mut totals.tftp_refused,
            } += count;
        }
        totals.http_bytes += read(&self.bytes[0]);
        totals.tftp_bytes += read(&self.bytes[1]);
        totals.tftp_done += read(&self.transfers_done);
        totals.tftp_failed += read(&self.transfers_failed);
        totals.tftp_repeats += read(&self.repeats);
        totals.strangers += read(&self.strangers);
        totals.repeated += read(&self.repeated);
        totals.boots_begun += read(&self.boots_begun);
        for (total, count) in totals.provisioned.iter_mut().zip(&self.provisioned) {
            *total += read(count);
        }
        totals.provisioned_nanos += read(&self.provisioned_nanos);
        totals.panics += read(&self.panics);
        let ring = *self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        totals.ring.add(&ring);
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add(counter: &AtomicU64, count: u64) {
    // One writer: a load and a store are enough, and cost no locked instruction.
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_apart_and_summed() {
        let stats = Stats::default();
        let tally = |source, vendor, status| Tally { source, vendor, status, bytes: 10 };
        for (source, vendor, status) in [
            (Source::Http, 3, 200),
            (Source::Http, 3, 304),
            (Source::Http, 0, 404),
            (Source::Http, 63, 429),
            (Source::Tftp, 3, 200),
            (Source::Tftp, 3, 404),
            (Source::Tftp, 0, 0),
        ] {
            stats.answered(tally(source, vendor, status));
        }
        let mut answers: Vec<_> = stats.answers().map(|(key, _)| key).collect();
        answers.dedup();
        assert_eq!(answers.len(), 7, "{answers:?}");
        assert!(answers.contains(&(Source::Http, 63, 429)));
        let mut totals = Totals::default();
        stats.add_to(&mut totals);
        assert_eq!((totals.http_given, totals.http_missing, totals.http_refused), (2, 1, 1));
        assert_eq!((totals.tftp_begun, totals.tftp_refused, totals.http_bytes), (1, 2, 40));
    }

    #[test]
    fn boots_are_counted_by_their_time() {
        let stats = Stats::default();
        for millis in [1, 50, 51, 400_000] {
            stats.provisioned(Duration::from_millis(millis));
        }
        let mut totals = Totals::default();
        stats.add_to(&mut totals);
        assert_eq!(totals.provisioned[..2], [2, 1]);
        assert_eq!(totals.provisioned[PROVISIONED_WITHIN.len()], 1);
        assert_eq!(totals.provisioned_nanos, 400_102_000_000);
    }
}
