//! What a core has done, in numbers that other threads may read: one writer, no locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::query::Source;
use crate::ring::Counters;

/// One core's numbers.
#[derive(Debug, Default)]
pub struct Stats {
    /// HTTP answers by the hundreds of their status, TFTP ones in the last two places.
    answers: [AtomicU64; 8],
    transfers_done: AtomicU64,
    transfers_failed: AtomicU64,
    panics: AtomicU64,
    ring: Mutex<Counters>,
}

/// A copy of the numbers, summed over cores.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// HTTP answers that gave something: 2xx and 3xx.
    pub http_given: u64,
    /// HTTP answers 404.
    pub http_missing: u64,
    /// HTTP answers that told the peer a fault of its own, other than 404.
    pub http_refused: u64,
    /// HTTP answers 5xx.
    pub http_failed: u64,
    /// TFTP requests that began a transfer.
    pub tftp_begun: u64,
    /// TFTP requests that were answered with an ERROR, or not at all.
    pub tftp_refused: u64,
    /// TFTP transfers whose last block was acknowledged.
    pub tftp_done: u64,
    /// TFTP transfers that ended otherwise.
    pub tftp_failed: u64,
    /// Panics that were caught.
    pub panics: u64,
    /// What the drivers counted.
    pub ring: Counters,
}

const NOT_FOUND: usize = 6;
const TFTP_REFUSED: usize = 7;
const TFTP_BEGUN: usize = 0;

impl Stats {
    /// An answer left: an HTTP status, or 200 for a transfer that began and anything else for an
    /// ERROR.
    pub fn answered(&self, source: Source, status: u16) {
        let place = match (source, status) {
            (Source::Http, 404) => NOT_FOUND,
            (Source::Http, status) => usize::from(status / 100).clamp(1, 5),
            (_, 200) => TFTP_BEGUN,
            (_, _) => TFTP_REFUSED,
        };
        add(&self.answers[place]);
    }

    /// A transfer ended.
    pub fn transferred(&self, whole: bool) {
        add(if whole { &self.transfers_done } else { &self.transfers_failed });
    }

    /// A panic was caught.
    pub fn panicked(&self) {
        add(&self.panics);
    }

    /// Keeps what the driver counted by now.
    pub fn keep(&self, counters: Counters) {
        // Nobody waits long for a copy, and a core that finds it taken keeps the next one.
        if let Ok(mut kept) = self.ring.try_lock() {
            *kept = counters;
        }
    }

    /// Adds this core's numbers.
    pub fn add_to(&self, totals: &mut Totals) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let answers = |place: usize| read(&self.answers[place]);
        totals.http_given += answers(2) + answers(3);
        totals.http_missing += answers(NOT_FOUND);
        totals.http_refused += answers(4);
        totals.http_failed += answers(5);
        totals.tftp_begun += answers(TFTP_BEGUN);
        totals.tftp_refused += answers(TFTP_REFUSED);
        totals.tftp_done += read(&self.transfers_done);
        totals.tftp_failed += read(&self.transfers_failed);
        totals.panics += read(&self.panics);
        let ring = *self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        totals.ring.add(&ring);
    }
}

fn add(counter: &AtomicU64) {
    // One writer: a load and a store are enough, and cost no locked instruction.
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}
