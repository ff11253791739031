//! What the rounds gave, as tables: medians and spreads, and ratios within the same round.

use super::rounds::Run;
use super::servers::{Kind, Load};
use crate::lab::figures::{Spread, number};
use crate::lab::plot::{Bar, Bars, Tone};
use std::fmt::Write;

/// A ratio that is wanted: ringboot's processor time over another's, at most so much.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Goal {
    /// Of whom.
    pub server: Kind,
    /// Doing what.
    pub load: Load,
    /// Over whose.
    pub over: Kind,
    /// At most.
    pub most: f64,
}

/// What is wanted of ringboot: the same whether it knows a request again or not.
pub fn wanted() -> impl Iterator<Item = Goal> {
    let each = |(load, over, most)| {
        let goal = move |server: Kind| Goal { server, load, over, most };
        [Kind::Ringboot, Kind::Anew].into_iter().map(goal)
    };
    [
        (Load::Close, Kind::Bare, 1.15),
        (Load::Close, Kind::Nginx, 1.0),
        (Load::Keep, Kind::Bare, 1.2),
        (Load::Tftp, Kind::Bare, 1.2),
        (Load::Tftp, Kind::Dnsmasq, 0.65),
        (Load::Files, Kind::Nginx, 1.0),
    ]
    .into_iter()
    .flat_map(each)
}

/// Processor time of an operation in an earlier run on a machine of this kind, in microseconds.
const EARLIER: [(Load, &str, f64); 7] = [
    (Load::Close, "bare loop", 20.0),
    (Load::Close, "nginx", 25.0),
    (Load::Close, "wazo-provd", 2395.0),
    (Load::Keep, "bare loop", 6.2),
    (Load::Keep, "nginx", 10.4),
    (Load::Tftp, "bare loop", 21.7),
    (Load::Tftp, "dnsmasq", 40.0),
];

/// The loads that were measured, in the papers' order.
pub fn loads(runs: &[Run]) -> impl Iterator<Item = Load> {
    Load::ALL.into_iter().filter(|load| runs.iter().any(|run| run.load == *load))
}

/// Servers of a load that were measured, in the papers' order.
fn servers(runs: &[Run], load: Load) -> impl Iterator<Item = Kind> {
    let was = move |kind: &Kind| runs.iter().any(|run| (run.load, run.server) == (load, *kind));
    load.servers().iter().copied().filter(was)
}

fn spread(runs: &[Run], load: Load, server: Kind, of: fn(&Run) -> f64) -> Option<Spread> {
    let its = runs.iter().filter(|run| (run.load, run.server) == (load, server));
    Spread::of(its.map(of))
}

/// The ratio of two servers' processor times, round by round.
#[must_use]
pub fn ratio(runs: &[Run], load: Load, server: Kind, over: Kind) -> Option<Spread> {
    let of = |kind: Kind, round: usize| {
        let found =
            runs.iter().find(|run| (run.load, run.server, run.round) == (load, kind, round));
        found.map(|run| run.cpu_us)
    };
    let rounds = runs.iter().map(|run| run.round).max().map_or(0, |last| last + 1);
    Spread::of((0..rounds).filter_map(|round| Some(of(server, round)? / of(over, round)?)))
}

/// One load's table.
#[must_use]
pub fn of_load(runs: &[Run], load: Load) -> String {
    let is_large = load == Load::Files;
    let (rate, cost, client) = if is_large {
        ("MiB a second", "server's CPU, µs a MiB", "client's CPU, µs a MiB")
    } else {
        ("operations a second", "server's CPU, µs each", "client's CPU, µs each")
    };
    let [p50, p99] = if is_large { ["small file meanwhile: p50", "p99"] } else { ["p50", "p99"] };
    let (bare, peer) = (Kind::Bare, load.peer());
    let has_bare = servers(runs, load).any(|kind| kind == bare);
    let mut columns = vec!["server", rate, p50, p99, cost];
    columns.extend(has_bare.then_some("× bare"));
    let over_peer = format!("× {}", peer.name());
    columns.extend([&*over_peer, client]);
    let mut table = format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    for server in servers(runs, load) {
        let text = |of| spread(runs, load, server, of).map_or_else(nothing, |it| it.text());
        let median = |of| {
            spread(runs, load, server, of)
                .map_or_else(nothing, |it| format!("{} µs", number(it.median)))
        };
        let over = |kind| ratio(runs, load, server, kind).map_or_else(nothing, |it| it.text());
        let mut cells = vec![
            server.name().to_owned(),
            text(|run| run.per_second),
            median(|run| run.p50_us),
            median(|run| run.p99_us),
            text(|run| run.cpu_us),
        ];
        cells.extend(has_bare.then(|| over(bare)));
        cells.extend([over(peer), text(|run| run.client_cpu_us)]);
        let _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    table
}

/// What is wanted, and whether it is so.
#[must_use]
pub fn goals(runs: &[Run]) -> String {
    let mut table =
        "| CPU of | over that of | wanted | measured | |\n|---|---|---|---|---|\n".to_owned();
    for Goal { server, load, over, most } in wanted() {
        let Some(found) = ratio(runs, load, server, over) else { continue };
        let verdict = if found.median <= most { "held" } else { "missed" };
        let (server, title, name) = (server.name(), load.title(), over.name());
        let _ = writeln!(
            table,
            "| {server} | {name}: {title} | at most {} | {} | {verdict} |",
            number(most),
            found.text()
        );
    }
    table
}

/// The earlier run, beside what was measured now.
#[must_use]
pub fn earlier(runs: &[Run]) -> String {
    let mut table = "| | earlier, µs of CPU each | now |\n|---|---|---|\n".to_owned();
    for (load, name, then) in EARLIER {
        let server = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        let now = server.and_then(|kind| spread(runs, load, kind, |run| run.cpu_us));
        let now = now.map_or_else(nothing, |it| number(it.median));
        let _ = writeln!(table, "| {name}: {} | {} | {now} |", load.title(), number(then));
    }
    table
}

/// How far the kernel's ticks are from the finer count, in percent: the median of all runs.
#[must_use]
pub fn ticks_off_percent(runs: &[Run]) -> f64 {
    let off = |run: &Run| (run.ticks_us / run.cpu_us - 1.0).abs() * 100.0;
    let waited = runs.iter().filter(|run| !run.server.loses_children());
    Spread::of(waited.map(off)).map_or(0.0, |spread| spread.median)
}

/// Processor time of each load and server, to be drawn.
#[must_use]
pub fn panels(runs: &[Run]) -> Vec<Bars> {
    let panel = |load: Load| {
        let unit = if load == Load::Files { "MiB" } else { "operation" };
        let bar = |server: Kind| {
            let tone = match server {
                Kind::Bare => Tone::Base,
                Kind::Ringboot | Kind::Anew => Tone::Own,
                Kind::Nginx | Kind::Dnsmasq | Kind::Tftpd => Tone::Peer,
            };
            let spread = spread(runs, load, server, |run| run.cpu_us)?;
            Some(Bar { label: server.name().to_owned(), spread, tone })
        };
        Bars {
            title: format!("{}: the server's CPU for one {unit}, µs", load.title()),
            bars: servers(runs, load).filter_map(bar).collect(),
        }
    };
    loads(runs).map(panel).collect()
}

fn nothing() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> Vec<Run> {
        let mut runs = Vec::new();
        let costs = [
            (Load::Keep, Kind::Bare, [6.0, 6.2, 6.4]),
            (Load::Keep, Kind::Ringboot, [6.6, 6.2, 9.6]),
            (Load::Keep, Kind::Nginx, [10.0, 10.4, 12.8]),
            (Load::Files, Kind::Nginx, [100.0, 110.0, 120.0]),
            (Load::Files, Kind::Ringboot, [90.0, 121.0, 132.0]),
        ];
        for (load, server, costs) in costs {
            for (round, cpu_us) in costs.into_iter().enumerate() {
                runs.push(Run {
                    server,
                    load,
                    round,
                    per_second: 100_000.0,
                    p50_us: 400.0,
                    p99_us: 900.0,
                    cpu_us,
                    ticks_us: cpu_us * 1.01,
                    client_cpu_us: 3.0,
                });
            }
        }
        runs
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let found = ratio(&runs(), Load::Keep, Kind::Ringboot, Kind::Bare).unwrap();
        assert_eq!(found.text(), "1.10 (1.00–1.50)");
        assert_eq!(ratio(&runs(), Load::Close, Kind::Ringboot, Kind::Bare), None);
        assert!((ticks_off_percent(&runs()) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_table_has_a_row_a_server_and_a_cell_a_column() {
        let table = of_load(&runs(), Load::Keep);
        assert_eq!(
            table.lines().collect::<Vec<_>>(),
            [
                "| server | operations a second | p50 | p99 | server's CPU, µs each | × bare \
                 | × nginx | client's CPU, µs each |",
                "|---|---|---|---|---|---|---|---|",
                "| bare loop | 100,000 | 400 µs | 900 µs | 6.20 (6.00–6.40) | 1.00 \
                 | 0.596 (0.500–0.600) | 3.00 |",
                "| ringboot | 100,000 | 400 µs | 900 µs | 6.60 (6.20–9.60) | 1.10 (1.00–1.50) \
                 | 0.660 (0.596–0.750) | 3.00 |",
                "| nginx | 100,000 | 400 µs | 900 µs | 10.4 (10.0–12.8) | 1.68 (1.67–2.00) \
                 | 1.00 | 3.00 |",
            ]
        );
        assert!(!of_load(&runs(), Load::Files).contains("× bare"));
        assert_eq!(loads(&runs()).collect::<Vec<_>>(), [Load::Keep, Load::Files]);
    }

    #[test]
    fn goals_say_what_is_held_and_what_is_missed() {
        let table = goals(&runs());
        let row = "| ringboot | bare loop: HTTP, kept connections | at most 1.20 | 1.10";
        assert!(table.contains(row), "{table}");
        assert_eq!(table.matches("| held |").count(), 1, "{table}");
        assert!(table.contains("1.10 (0.900–1.10) | missed |"), "{table}");
        assert_eq!(table.lines().count(), 4);
        let earlier = earlier(&runs());
        assert!(earlier.contains("| nginx: HTTP, kept connections | 10.4 | 10.4 |"), "{earlier}");
        assert!(earlier.contains("| 2,395 | – |"));
    }

    #[test]
    fn every_server_is_drawn() {
        let panels = panels(&runs());
        let bars: Vec<usize> = panels.iter().map(|panel| panel.bars.len()).collect();
        assert_eq!(bars, [3, 2]);
        assert_eq!(panels[0].bars[1].tone, Tone::Own);
    }
}
