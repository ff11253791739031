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
const LOOK: Duration = Duration::from_millis(200);

/// Holds each amount open and measures beside it.
///
/// # Errors
/// Connections that could not be opened, or an answer that was wrong.
pub fn measure(flags: &ScaleFlags, stage: &Stage, growth: &mut Growth) -> Result<()> {
    let requests = stage.import_asking(phones(flags))?.display().to_string();
    for &connections in flags.amounts(Part::Connections) {
        eprintln!("{connections} connections");
        let server = stage.start(1, connections)?;
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
        let others = established(stage.address.port())?;
        let text = format!(
            "idle --to {} --connections {connections} --seconds {} --requests",
            stage.address,
            flags.seconds() + flags.spare_seconds()
        );
        let idle = client.start(&words(&text, &requests))?;
        let begun = time::now();
        while established(stage.address.port())?.saturating_sub(others) < connections {
            let took = time::now().since(begun);
            ensure!(
                took < SCALE_OPEN_TIME,
                "{connections} connections were not open after {} s: {} were",
                SCALE_OPEN_TIME.as_secs(),
                established(stage.address.port())?.saturating_sub(others)
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

/// Connections that this port's server has.
fn established(port: u16) -> Result<u64> {
    let text = fs::read_to_string("/proc/net/tcp").context("/proc/net/tcp")?;
    Ok(count(&text, port))
}

/// `0: 0100007F:220B 0100007F:9C41 01 …`: number, local address, peer, state (1 is established).
fn count(text: &str, port: u16) -> u64 {
    let local = format!(":{port:04X}");
    let of_port = |line: &&str| {
        let mut words = line.split_ascii_whitespace().skip(1);
        words.next().is_some_and(|address| address.ends_with(&local)) && words.nth(1) == Some("01")
    };
    text.lines().filter(of_port).map(|_| 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_of_one_port_are_counted() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue\n\
               0: 0100007F:220B 00000000:0000 0A 00000000:00000000\n\
               1: 0100007F:220B 0200007F:9C41 01 00000000:00000000\n\
               2: 0200007F:9C41 0100007F:220B 01 00000000:00000000\n\
               3: 0100007F:220B 0300007F:9C42 06 00000000:00000000\n";
        assert_eq!(count(text, 0x220b), 1);
        assert_eq!(count("", 80), 0);
        assert!(established(1).is_ok());
    }
}
