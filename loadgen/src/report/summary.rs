//! The figures of a finished storm: the table and `--json` show the same numbers.

use super::{Report, Tally, Times};
use crate::limits::LATENESS_P99_MAX;
use ringboot::time::Duration;
use serde::Serialize;
use std::collections::BTreeMap;

/// The figures; times are in seconds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    /// Phones that were to boot.
    pub phones: u64,
    /// Phones that got all that they expected.
    pub provisioned: u64,
    /// Phones that were answered to the end, and something was wrong.
    pub wrong: u64,
    /// Phones that gave up.
    pub lost: u64,
    /// Phones that were still booting when the storm was ended.
    pub unfinished: u64,
    /// From the storm's start to the last phone's end.
    pub elapsed_s: f64,
    /// Provisioned phones a second, over `elapsed_s`.
    pub phones_per_s: f64,
    /// Answers a second, over `elapsed_s`.
    pub requests_per_s: f64,
    /// Time from the storm's start until half of all phones were provisioned.
    pub provisioned_50_s: Option<f64>,
    /// The same for 99 of 100.
    pub provisioned_99_s: Option<f64>,
    /// The same for all.
    pub provisioned_100_s: Option<f64>,
    /// From a phone's planned start to its end.
    pub boot: Latency,
    /// Answers.
    pub requests: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// Steps that were tried again after a failure.
    pub retries: u64,
    /// TFTP packets that were sent again.
    pub retransmissions: u64,
    /// Kept connections that were gone when they were used again.
    pub reconnections: u64,
    /// From when a request was due to its whole answer, by protocol, vendor and kind of file.
    pub latencies: Vec<Group>,
    /// From a planned start to the actual one: the generator's own delay.
    pub lateness: Latency,
    /// Time of the generator on its cores.
    pub generator_cpu_s: f64,
    /// The same for one answer, in microseconds; 0 without answers.
    pub generator_cpu_us_per_request: f64,
    /// The generator was so late that the figures are its own.
    pub generator_late: bool,
    /// Failed attempts, by kind.
    pub troubles: BTreeMap<String, Tally>,
    /// Wrong answers, by kind.
    pub unexpected: BTreeMap<String, Tally>,
}

/// Latencies of one kind of request.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Group {
    /// `http` or `tftp`.
    pub protocol: &'static str,
    /// Vendor, as the profiles have it.
    pub vendor: String,
    /// Kind of file: `own`, `missing`, `common`, `any`.
    pub kind: &'static str,
    /// The times.
    #[serde(flatten)]
    pub latency: Latency,
}

/// Percentiles of a set of times, in seconds; 0 when there is none.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Latency {
    /// How many times there are.
    pub count: u64,
    /// Half are at most this.
    pub p50_s: f64,
    /// 99 of 100 are at most this.
    pub p99_s: f64,
    /// 999 of 1000 are at most this.
    pub p999_s: f64,
    /// All are at most this.
    pub max_s: f64,
}

impl Report {
    /// The figures of a storm that took `elapsed` in all.
    #[must_use]
    pub fn summary(&self, elapsed: Duration) -> Summary {
        let mut ends = self.provisioned.clone();
        ends.sort_unstable();
        let provisioned = ends.len() as u64;
        let elapsed_s = elapsed.as_secs_f64();
        let lateness = Latency::of(&self.lateness);
        Summary {
            phones: self.phones,
            provisioned,
            wrong: self.wrong,
            lost: self.lost,
            unfinished: self.phones.saturating_sub(provisioned + self.wrong + self.lost),
            elapsed_s,
            phones_per_s: rate(provisioned, elapsed_s),
            requests_per_s: rate(self.requests, elapsed_s),
            provisioned_50_s: until(&ends, self.phones, 50),
            provisioned_99_s: until(&ends, self.phones, 99),
            provisioned_100_s: until(&ends, self.phones, 100),
            boot: Latency::of(&self.boots),
            requests: self.requests,
            bytes: self.bytes,
            retries: self.retries,
            retransmissions: self.retransmissions,
            reconnections: self.reconnections,
            latencies: self.groups(),
            lateness,
            generator_cpu_s: self.cpu.as_secs_f64(),
            generator_cpu_us_per_request: share(self.cpu, self.requests),
            generator_late: lateness.p99_s > LATENESS_P99_MAX.as_secs_f64(),
            troubles: self.troubles.clone(),
            unexpected: self.wrongs.clone(),
        }
    }

    fn groups(&self) -> Vec<Group> {
        let group = |(key, times): (&super::Key, &Times)| Group {
            protocol: key.transport.name(),
            vendor: key.vendor.to_string(),
            kind: key.expect.name(),
            latency: Latency::of(times),
        };
        self.latencies.iter().map(group).collect()
    }
}

impl Latency {
    fn of(times: &Times) -> Self {
        Self {
            count: times.0.len(),
            p50_s: times.at(0.5).as_secs_f64(),
            p99_s: times.at(0.99).as_secs_f64(),
            p999_s: times.at(0.999).as_secs_f64(),
            max_s: Duration::from_micros(times.0.max()).as_secs_f64(),
        }
    }
}

/// When `percent` of all `phones` were provisioned; none when that many never were.
fn until(sorted_ends: &[Duration], phones: u64, percent: u64) -> Option<f64> {
    let rank = (phones * percent).div_ceil(100).max(1);
    let index = usize::try_from(rank - 1).ok()?;
    sorted_ends.get(index).map(Duration::as_secs_f64)
}

/// What one of `count` has of a time, in microseconds.
fn share(time: Duration, count: u64) -> f64 {
    match count {
        0 => 0.0,
        count => time.as_secs_f64() * 1e6 / rate(count, 1.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a storm are far smaller than 2⁵³")]
fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}
