//! How a storm went: every latency counts, nothing is averaged away, threads' reports add up.

mod summary;
mod table;

pub use summary::{Group, Latency, Summary};

use crate::limits::{EXAMPLES_MAX, HISTOGRAM_TIME_MAX};
use crate::phone::{Answer, Event, Outcome};
use crate::profile::{Expect, Transport};
use hdrhistogram::Histogram;
use ringboot::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of a storm, or of one thread's part of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    phones: u64,
    latencies: BTreeMap<Key, Times>,
    /// Of provisioned phones: time from the storm's start to their end, in any order.
    provisioned: Vec<Duration>,
    boots: Times,
    lateness: Times,
    wrong: u64,
    lost: u64,
    requests: u64,
    bytes: u64,
    retries: u64,
    retransmissions: u64,
    reconnections: u64,
    /// Time that the generator's threads were on a core.
    cpu: Duration,
    troubles: BTreeMap<String, Tally>,
    wrongs: BTreeMap<String, Tally>,
}

/// What latencies are told apart by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    /// Protocol.
    pub transport: Transport,
    /// Vendor, as the profiles have it.
    pub vendor: Arc<str>,
    /// Kind of file.
    pub expect: Expect,
}

/// How often something happened, and the first examples.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// The first few.
    pub examples: Vec<String>,
}

impl Report {
    /// The report of a storm of `phones` phones that is about to begin.
    #[must_use]
    pub fn of(phones: u64) -> Self {
        Self { phones, ..Self::default() }
    }

    /// Takes the time that a thread of the generator was on a core.
    pub fn record_cpu(&mut self, time: Duration) {
        self.cpu += time;
    }

    /// Takes an event of a phone of `vendor`, at the time `at` after the storm's start.
    pub fn record(&mut self, at: Duration, vendor: &Arc<str>, event: Event) {
        match event {
            Event::Began { late } => self.lateness.record(late),
            Event::Answered(answer) => self.answer(vendor, answer),
            Event::Troubled { what, trouble } => {
                self.troubles.entry(trouble.kind()).or_default().add(what);
            }
            Event::Retried => self.retries += 1,
            Event::Retransmitted => self.retransmissions += 1,
            Event::Reconnected => self.reconnections += 1,
            Event::Ended { outcome, took } => self.ended(at, outcome, took),
        }
    }

    /// Adds another thread's part.
    pub fn merge(&mut self, other: Report) {
        self.phones += other.phones;
        for (key, times) in other.latencies {
            self.latencies.entry(key).or_default().merge(&times);
        }
        self.provisioned.extend(other.provisioned);
        self.boots.merge(&other.boots);
        self.lateness.merge(&other.lateness);
        self.wrong += other.wrong;
        self.lost += other.lost;
        self.requests += other.requests;
        self.bytes += other.bytes;
        self.retries += other.retries;
        self.retransmissions += other.retransmissions;
        self.reconnections += other.reconnections;
        self.cpu += other.cpu;
        for (kind, tally) in other.troubles {
            self.troubles.entry(kind).or_default().merge(tally);
        }
        for (kind, tally) in other.wrongs {
            self.wrongs.entry(kind).or_default().merge(tally);
        }
    }

    fn answer(&mut self, vendor: &Arc<str>, answer: Answer) {
        let Answer { transport, expect, latency, bytes, wrong } = answer;
        let key = Key { transport, vendor: Arc::clone(vendor), expect };
        self.latencies.entry(key).or_default().record(latency);
        self.requests += 1;
        self.bytes += bytes;
        if let Some((what, wrong)) = wrong {
            let tally = self.wrongs.entry(wrong.kind().to_owned()).or_default();
            tally.add(format!("{what}: {wrong}"));
        }
    }

    fn ended(&mut self, at: Duration, outcome: Outcome, took: Duration) {
        match outcome {
            Outcome::Provisioned => {
                self.provisioned.push(at);
                self.boots.record(took);
            }
            Outcome::Wrong => self.wrong += 1,
            Outcome::Lost => self.lost += 1,
        }
    }
}

impl Tally {
    fn add(&mut self, example: String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example);
        }
    }

    fn merge(&mut self, other: Tally) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES_MAX);
    }
}

/// Times to three significant digits, from a microsecond up to `HISTOGRAM_TIME_MAX`.
#[derive(Clone, Debug)]
struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        let most = micros(HISTOGRAM_TIME_MAX);
        Self(Histogram::new_with_bounds(1, most, 3).expect("invariant: bounds are 1 < 2 ≤ most"))
    }
}

impl Times {
    fn record(&mut self, time: Duration) {
        self.0.saturating_record(micros(time));
    }

    fn merge(&mut self, other: &Times) {
        self.0.add(&other.0).expect("invariant: all histograms have the same bounds");
    }

    fn at(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(quantile))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
