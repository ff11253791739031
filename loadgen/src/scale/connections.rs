//! Idle connections: what each costs the server, and whether good clients notice them.

use super::flags::{Part, ScaleFlags};
use super::growth::Growth;
use super::stage::{Stage, words};
use crate::lab::figures::real;
use anyhow::{Context, Result, ensure};
use ringboot::time::{self, Duration};
use std::fs;
use std::thread;

use crate::limits::{SCALE_CLIENTS, SCALE_OPEN_TIME};

/// What a reader has to know of these figures.
pub const NOTE: &str = "Connections that have asked once and are silent, beside good clients on \
                        kept connections; the server on one core, all clients on another. Memory \
                        is the server process's own; the kernel's is not in it.";

/// Time between two looks at how many connections there are.
const LOOK: Duration = Duration::from_millis(50);

/// Holds each amount open and measures beside it.
///
/// # Errors
/// Connections that could not be opened, or an answer that was wrong.
pub fn measure(flags: &ScaleFlags, stage: &Stage, growth: &mut Growth) -> Result<()> {
    let requests = stage.import_asking(phones(flags))?.display().to_string();
    for &connections in flags.amounts(Part::Connections) {
        eprintln!("{connections} connections");
        let server = stage.start(1)?;
        let client = stage.client();
        let good = |seconds: f64| {
            let text = format!(
                "http --keep --to {} --clients {SCALE_CLIENTS} --seconds {seconds} --requests",
                stage.address
            );
            words(&text, &requests)
        };
        // What a first request allocates is not the connections'.
        client.run(&good(0.1))?;
        let before = server.usage()?;
        let others = sockets()?;
        let text = format!(
            "idle --to {} --connections {connections} --seconds {} --requests",
            stage.address,
            flags.seconds() + flags.spare_seconds()
        );
        let idle = client.start(&words(&text, &requests))?;
        let begun = time::now();
        // Both ends are on this machine.
        while sockets()?.saturating_sub(others) < 2 * connections {
            let took = time::now().since(begun);
            ensure!(
                took < SCALE_OPEN_TIME,
                "{connections} connections were not open after {} s: {} were",
                SCALE_OPEN_TIME.as_secs(),
                sockets()?.saturating_sub(others) / 2
            );
            thread::sleep(LOOK);
        }
        let opened = time::now().since(begun);
        let held = server.usage()?;
        let hammered = client.run(&good(flags.seconds()))?;
        let spent = server.usage()?.since(&held);
        let idle = idle.finish()?;
        ensure!(idle.held == connections, "{} of {connections} stayed open", idle.held);
        server.stop()?;
        let memory = held.resident_bytes().saturating_sub(before.resident_bytes());
        growth.add(connections, "good client, p50, µs", hammered.p50_us);
        growth.add(connections, "good client, p99, µs", hammered.p99_us);
        let each = spent.micros_each(real(hammered.answers));
        growth.add(connections, "server's CPU, µs a good request", each);
        growth.add(connections, "server's memory, MiB", held.resident_mib());
        growth.add(
            connections,
            "what it grew, bytes a connection",
            real(memory) / real(connections),
        );
        growth.add(connections, "until all are open, s", opened.as_secs_f64());
    }
    Ok(())
}

fn phones(flags: &ScaleFlags) -> u64 {
    if flags.quick { 20 } else { 1000 }
}

/// TCP sockets of this machine.
fn sockets() -> Result<u64> {
    let text = fs::read_to_string("/proc/net/sockstat").context("/proc/net/sockstat")?;
    in_use(&text).context("/proc/net/sockstat has no TCP line")
}

/// `TCP: inuse 12 orphan 0 tw 3 alloc 14 mem 2`
fn in_use(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_ascii_whitespace();
    words.find(|word| *word == "inuse")?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_counted_as_the_kernel_does() {
        let text = "sockets: used 99\nTCP: inuse 12 orphan 0 tw 3 alloc 14 mem 2\nUDP: inuse 1\n";
        assert_eq!(in_use(text), Some(12));
        assert_eq!(in_use("UDP: inuse 1\n"), None);
        assert!(sockets().is_ok());
    }
}
