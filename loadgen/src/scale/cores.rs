//! Cores of the server: what more of them bring, and what they cost each other.

use super::flags::ScaleFlags;
use super::growth::Growth;
use super::stage::{Stage, words};
use crate::lab::client::Client;
use crate::lab::figures::real;
use anyhow::Result;
use std::fmt::Write;
use std::thread;

use crate::limits::SCALE_CLIENTS_A_CORE;

/// What a reader has to know of these figures.
pub const NOTE: &str = "Kept connections and a connection a request. The clients have the cores \
                        that the server leaves, one at least: with all cores they share. So the \
                        last row of each, what the server's cores could answer by their own time, \
                        is the one that tells of the server.";

/// Measures with each number of cores.
///
/// # Errors
/// An answer that was wrong.
pub fn measure(flags: &ScaleFlags, stage: &Stage, growth: &mut Growth) -> Result<()> {
    let requests = stage.import_asking(if flags.quick { 20 } else { 1000 })?;
    let requests = requests.display().to_string();
    let all = thread::available_parallelism().map_or(1, usize::from);
    for cores in 1..=all {
        eprintln!("{cores} cores");
        let server = stage.start(cores, 0)?;
        let free: Vec<usize> = (cores..all).collect();
        let client = Client { program: stage.own.clone(), core: None };
        for (mode, name) in [("--keep", "kept"), ("", "closed")] {
            let mut text = format!(
                "http --to {} --clients {} --seconds {} --processes {}",
                stage.address,
                SCALE_CLIENTS_A_CORE * cores,
                flags.seconds(),
                free.len().max(1)
            );
            if !free.is_empty() {
                let on: Vec<String> = free.iter().map(usize::to_string).collect();
                let _ = write!(text, " --cpu {}", on.join(","));
            }
            let words = words(&format!("{text} {mode} --requests"), &requests);
            let before = server.usage()?;
            let hammered = client.run(&words)?;
            let each = server.usage()?.since(&before).micros_each(real(hammered.answers));
            let amount = cores as u64;
            growth.add(amount, &format!("{name}: operations a second"), hammered.per_second);
            growth.add(amount, &format!("{name}: server's CPU, µs each"), each);
            let could = real(amount) * 1e6 / each;
            growth.add(amount, &format!("{name}: operations a second of its cores' time"), could);
        }
        server.stop()?;
    }
    Ok(())
}
