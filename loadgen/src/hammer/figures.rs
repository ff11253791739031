//! What a hammer counted: parts of several processes add up to one line of figures.

use crate::cpu;
use crate::limits::{EXAMPLES_MAX, HAMMER_LATENCY_MAX};
use hdrhistogram::Histogram;
use ringboot::time::{Duration, Instant};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// What one process counted.
#[derive(Debug)]
pub struct Tally {
    /// Whether the warm-up is over: nothing is counted before.
    pub is_on: bool,
    begun: Instant,
    cpu_begun: Duration,
    part: Part,
    times: Histogram<u64>,
}

/// A tally that is over, as processes hand it to each other.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Part {
    /// Time that was counted, in nanoseconds.
    pub elapsed_ns: u64,
    /// Time of the thread on its core, in nanoseconds.
    pub cpu_ns: u64,
    /// Whole and right answers.
    pub operations: u64,
    /// Those of the warm-up too: what a server did for all that it used.
    pub answers: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Requests without an answer.
    pub errors: u64,
    /// Answers that were not what was asked for.
    pub wrong: u64,
    /// Kept connections that the server closed after an answer.
    pub reconnections: u64,
    /// TFTP packets that were sent again.
    pub retransmissions: u64,
    /// What was open at the end, of what is held.
    pub held: u64,
    /// Values and counts of the latencies' histogram.
    pub times: Vec<(u64, u64)>,
    /// The first errors and wrong answers, in words.
    pub examples: Vec<String>,
}

impl Tally {
    /// One that counts nothing yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let cpu_begun = cpu::now();
        Self { is_on: false, begun: now, cpu_begun, part: Part::default(), times: histogram() }
    }

    /// Counts from now on.
    pub fn switch_on(&mut self, now: Instant) {
        self.is_on = true;
        self.begun = now;
        self.cpu_begun = cpu::now();
    }

    /// A whole and right answer of `bytes` that took `took`.
    pub fn good(&mut self, took: Duration, bytes: u64) {
        self.part.answers += 1;
        if self.is_on {
            self.part.operations += 1;
            self.part.bytes += bytes;
            self.times.saturating_record(nanos(took));
        }
    }

    /// An answer that was not what was asked for; these count in the warm-up too.
    pub fn wrong(&mut self, what: impl FnOnce() -> String) {
        self.part.wrong += 1;
        self.example(what);
    }

    /// A request without an answer; these count in the warm-up too.
    pub fn error(&mut self, what: impl FnOnce() -> String) {
        self.part.errors += 1;
        self.example(what);
    }

    /// A kept connection was closed after an answer.
    pub fn reconnection(&mut self) {
        self.part.reconnections += u64::from(self.is_on);
    }

    /// TFTP packets were sent again.
    pub fn retransmissions(&mut self, count: u32) {
        self.part.retransmissions += u64::from(count);
    }

    /// Ends the time that is counted; what goes wrong later is counted all the same.
    pub fn switch_off(&mut self, now: Instant) {
        self.is_on = false;
        self.part.elapsed_ns = nanos(now.since(self.begun));
        self.part.cpu_ns = nanos(cpu::now().saturating_sub(self.cpu_begun));
    }

    /// What was counted, with `held` still open.
    #[must_use]
    pub fn end(mut self, held: usize) -> Part {
        self.part.held = held as u64;
        let pair = |value: hdrhistogram::iterators::IterationValue<u64>| {
            (value.value_iterated_to(), value.count_since_last_iteration())
        };
        self.part.times = self.times.iter_recorded().map(pair).collect();
        self.part
    }

    fn example(&mut self, what: impl FnOnce() -> String) {
        if self.part.examples.len() < EXAMPLES_MAX {
            self.part.examples.push(what());
        }
    }
}

impl Part {
    /// Adds what another process counted in the same time.
    pub fn merge(&mut self, other: Part) {
        self.elapsed_ns = self.elapsed_ns.max(other.elapsed_ns);
        self.cpu_ns += other.cpu_ns;
        self.operations += other.operations;
        self.answers += other.answers;
        self.bytes += other.bytes;
        self.errors += other.errors;
        self.wrong += other.wrong;
        self.reconnections += other.reconnections;
        self.retransmissions += other.retransmissions;
        self.held += other.held;
        self.times.extend(other.times);
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES_MAX);
    }

    /// The figures of `processes` processes with `clients` clients in all.
    #[must_use]
    pub fn figures(&self, title: Title, clients: usize, processes: usize) -> Figures {
        let mut times = histogram();
        for &(value, count) in &self.times {
            times.saturating_record_n(value, count);
        }
        let seconds = Duration::from_nanos(self.elapsed_ns).as_secs_f64();
        let at = |quantile| tenths(times.value_at_quantile(quantile));
        Figures {
            protocol: title.protocol,
            mode: title.mode,
            clients,
            processes,
            seconds: round(seconds, 1e3),
            operations: self.operations,
            answers: self.answers,
            per_second: round(ratio(self.operations, seconds), 10.0),
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: tenths(times.max()),
            errors: self.errors,
            wrong: self.wrong,
            client_cpu_us_per_operation: match self.operations {
                0 => 0.0,
                count => round(float(self.cpu_ns) / float(count) / 1e3, 1e3),
            },
            bytes: self.bytes,
            bytes_per_second: round(ratio(self.bytes, seconds), 1.0),
            reconnections: self.reconnections,
            retransmissions: self.retransmissions,
            held: title.holds.then_some(self.held),
        }
    }
}

/// What was hammered, for the figures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Title {
    /// `http` or `tftp`.
    pub protocol: &'static str,
    /// `close`, `keep`, `tftp`, `idle`, `download` or `tftp-many`.
    pub mode: &'static str,
    /// Whether something is held open to the end.
    pub holds: bool,
}

/// The figures; times are in microseconds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Figures {
    /// `http` or `tftp`.
    pub protocol: &'static str,
    /// `close`, `keep`, `tftp`, `idle`, `download` or `tftp-many`.
    pub mode: &'static str,
    /// Clients over all processes.
    pub clients: usize,
    /// Processes, each with one thread.
    pub processes: usize,
    /// Time that was counted.
    pub seconds: f64,
    /// Whole and right answers.
    pub operations: u64,
    /// Those of the warm-up too.
    pub answers: u64,
    /// The same a second.
    pub per_second: f64,
    /// Half of the latencies are at most this.
    pub p50_us: f64,
    /// 99 of 100 are at most this.
    pub p99_us: f64,
    /// 999 of 1000 are at most this.
    pub p999_us: f64,
    /// All are at most this.
    pub max_us: f64,
    /// Requests without an answer, those of the warm-up too.
    pub errors: u64,
    /// Answers that were not what was asked for, those of the warm-up too.
    pub wrong: u64,
    /// Time of the generator on its cores, for one operation.
    pub client_cpu_us_per_operation: f64,
    /// Bytes of the bodies.
    pub bytes: u64,
    /// The same a second.
    pub bytes_per_second: f64,
    /// Kept connections that the server closed after an answer.
    pub reconnections: u64,
    /// TFTP packets that were sent again.
    pub retransmissions: u64,
    /// What was open at the end, of what is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
}

impl Display for Figures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { protocol, mode, clients, processes, seconds, operations, .. } = self;
        let Self { per_second, p50_us, p99_us, p999_us, max_us, errors, wrong, .. } = self;
        let Self { reconnections, retransmissions, bytes, bytes_per_second, .. } = self;
        let cpu = self.client_cpu_us_per_operation;
        writeln!(f, "{protocol} {mode}: {clients} clients, {processes} process(es), {seconds} s")?;
        writeln!(f, "operations   {operations}, {per_second} a second")?;
        writeln!(f, "latency      p50 {p50_us}, p99 {p99_us}, p99.9 {p999_us}, max {max_us} µs")?;
        writeln!(f, "bytes        {bytes}, {bytes_per_second} a second")?;
        writeln!(f, "bad          {errors} errors, {wrong} wrong answers")?;
        writeln!(f, "again        {reconnections} connections, {retransmissions} packets")?;
        if let Some(held) = self.held {
            writeln!(f, "held         {held} open at the end")?;
        }
        writeln!(f, "generator    {cpu} µs of CPU an operation")
    }
}

fn histogram() -> Histogram<u64> {
    let most = nanos(HAMMER_LATENCY_MAX);
    Histogram::new_with_bounds(100, most, 3).expect("invariant: bounds are 1 < 2 ≤ most")
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds as microseconds with one digit behind the point.
fn tenths(nanos: u64) -> f64 {
    round(float(nanos) / 1e3, 10.0)
}

fn ratio(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { float(count) / seconds } else { 0.0 }
}

fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

#[expect(clippy::cast_precision_loss, reason = "counts and times are far smaller than 2⁵³")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: Title = Title { protocol: "http", mode: "keep", holds: false };

    fn part(times_us: &[u64]) -> Part {
        let mut tally = Tally::new(Instant::from_nanos(0));
        tally.good(Duration::from_secs(1), 1);
        tally.switch_on(Instant::from_nanos(1_000_000_000));
        for &time in times_us {
            tally.good(Duration::from_micros(time), 10);
        }
        tally.error(|| "refused".to_owned());
        tally.switch_off(Instant::from_nanos(3_000_000_000));
        tally.end(0)
    }

    #[test]
    fn the_warm_up_is_not_counted_and_parts_add_up() {
        let mut whole = part(&[100, 200, 300]);
        assert_eq!((whole.operations, whole.bytes, whole.elapsed_ns), (3, 30, 2_000_000_000));
        whole.merge(part(&[400; 7]));
        whole.cpu_ns = 50_000;
        let figures = whole.figures(TITLE, 64, 2);
        assert_eq!((figures.operations, figures.errors), (10, 2));
        assert!((figures.per_second - 5.0).abs() < 0.01);
        assert!((figures.p50_us - 400.0).abs() < 1.0, "{}", figures.p50_us);
        assert!((figures.client_cpu_us_per_operation - 5.0).abs() < 0.01);
        let json = serde_json::to_string(&figures).unwrap();
        assert!(json.starts_with("{\"protocol\":\"http\",\"mode\":\"keep\",\"clients\":64,"));
        assert!(!json.contains("held"), "{json}");
    }

    #[test]
    fn a_part_survives_its_way_between_processes() {
        let part = part(&[100, 1_000_000]);
        let json = serde_json::to_string(&part).unwrap();
        assert_eq!(serde_json::from_str::<Part>(&json).unwrap(), part);
    }

    #[test]
    fn nothing_at_all_has_figures_too() {
        let part = Tally::new(Instant::from_nanos(5)).end(0);
        let figures = part.figures(TITLE, 1, 1);
        assert_eq!((figures.operations, figures.per_second.to_bits()), (0, 0));
    }
}
