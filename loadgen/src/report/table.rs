//! The figures for a person: one screen, the bad news last and with examples.

use super::{Group, Latency, Summary, Tally};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write_phones(f)?;
        self.write_latencies(f)?;
        write_tallies(f, "failed attempts", &self.troubles)?;
        write_tallies(f, "unexpected answers", &self.unexpected)?;
        self.write_lateness(f)
    }
}

impl Summary {
    fn write_phones(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { phones, provisioned, wrong, lost, unfinished, .. } = self;
        writeln!(
            f,
            "phones       {phones}: {provisioned} provisioned, {wrong} wrong, {lost} lost, \
             {unfinished} unfinished"
        )?;
        writeln!(
            f,
            "rate         {:.0} phones/s, {:.0} requests/s over {:.2} s",
            self.phones_per_s, self.requests_per_s, self.elapsed_s
        )?;
        let time = |part: Option<f64>| part.map_or("never".to_owned(), seconds);
        writeln!(
            f,
            "provisioned  50 % after {}, 99 % after {}, 100 % after {}",
            time(self.provisioned_50_s),
            time(self.provisioned_99_s),
            time(self.provisioned_100_s)
        )?;
        writeln!(
            f,
            "requests     {} answers, {} bytes; {} retries, {} retransmissions, \
             {} reconnections",
            self.requests, self.bytes, self.retries, self.retransmissions, self.reconnections
        )
    }

    fn write_latencies(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.latencies.iter().map(|group| group.vendor.len()).max().unwrap_or(0).max(6);
        writeln!(
            f,
            "\n{:8} {:width$} {:8} {:>9} {:>10} {:>10} {:>10} {:>10}",
            "protocol", "vendor", "kind", "count", "p50", "p99", "p99.9", "max"
        )?;
        for Group { protocol, vendor, kind, latency } in &self.latencies {
            write!(f, "{protocol:8} {vendor:width$} {kind:8} ")?;
            write_latency(f, latency)?;
        }
        write!(f, "{:8} {:width$} {:8} ", "", "", "boot")?;
        write_latency(f, &self.boot)
    }

    fn write_lateness(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Latency { p50_s, p99_s, max_s, .. } = self.lateness;
        writeln!(
            f,
            "\ngenerator    late by p50 {}, p99 {}, max {}",
            seconds(p50_s),
            seconds(p99_s),
            seconds(max_s)
        )?;
        writeln!(
            f,
            "             {:.2} s of CPU, {:.1} µs an answer",
            self.generator_cpu_s, self.generator_cpu_us_per_request
        )?;
        if self.generator_late {
            writeln!(
                f,
                "*** THE GENERATOR WAS LATE: these figures are its own as much as the server's.\n\
                 *** Give it more threads, another machine, fewer phones or a longer --over."
            )?;
        }
        Ok(())
    }
}

fn write_latency(f: &mut Formatter<'_>, latency: &Latency) -> fmt::Result {
    writeln!(
        f,
        "{:>9} {:>10} {:>10} {:>10} {:>10}",
        latency.count,
        seconds(latency.p50_s),
        seconds(latency.p99_s),
        seconds(latency.p999_s),
        seconds(latency.max_s)
    )
}

fn write_tallies(
    f: &mut Formatter<'_>,
    title: &str,
    tallies: &BTreeMap<String, Tally>,
) -> fmt::Result {
    if !tallies.is_empty() {
        writeln!(f, "\n{title}")?;
    }
    for (kind, tally) in tallies {
        writeln!(f, "  {:>9} {kind}", tally.count)?;
        for example in &tally.examples {
            writeln!(f, "            {example}")?;
        }
    }
    Ok(())
}

/// Three digits and a unit.
fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 10.0 => format!("{s:.1} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.1 => format!("{:.0} ms", s * 1e3),
        s if s >= 0.001 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}
