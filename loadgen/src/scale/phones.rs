//! Phones that boot at once: what a phone costs the server, and how long all of them take.

use super::flags::{Part, ScaleFlags};
use super::growth::Growth;
use super::stage::Stage;
use crate::lab::figures::real;
use crate::lab::process::{output, pinned};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::fs;

/// What a reader has to know of these figures.
pub const NOTE: &str = "Storms of all vendors' phones, all at once, against one core with empty \
                        caches: each phone's own file is rendered. The phones run on another core.";

/// A storm's figures, as far as they are read here.
#[derive(Deserialize)]
struct Storm {
    provisioned: u64,
    provisioned_100_s: Option<f64>,
    requests: u64,
    boot: Boot,
}

#[derive(Deserialize)]
struct Boot {
    p99_s: f64,
}

/// Boots each amount.
///
/// # Errors
/// A phone that did not get its own.
pub fn measure(flags: &ScaleFlags, stage: &Stage, growth: &mut Growth) -> Result<()> {
    for &phones in flags.amounts(Part::Phones) {
        eprintln!("{phones} phones");
        let fleet = stage.import(phones, None)?;
        let server = stage.start(1, 0)?;
        let json = stage.folder.join("storm.json");
        let address = stage.address.to_string();
        let mut storm = pinned(&stage.own, stage.client_core);
        storm.arg("storm").arg("--fleet").arg(&fleet).args(["--http", &address]);
        storm.args(["--tftp", &address, "--arrival", "all-at-once", "--spread", "--threads", "1"]);
        storm.args(["--timeout", "5m", "--no-progress", "--json"]).arg(&json);
        storm.arg("--plugins-dir").arg(&stage.plugins);
        let before = server.usage()?;
        output(&mut storm)?;
        let after = server.usage()?;
        server.stop()?;
        let text = fs::read_to_string(&json).with_context(|| json.display().to_string())?;
        let told: Storm = serde_json::from_str(&text).context("a storm's figures")?;
        ensure!(told.provisioned == phones, "{} of {phones} phones booted", told.provisioned);
        let spent = after.since(&before);
        growth.add(phones, "server's CPU, µs a phone", spent.micros_each(real(phones)));
        growth.add(phones, "server's CPU, µs a request", spent.micros_each(real(told.requests)));
        growth.add(phones, "until all have their files, s", told.provisioned_100_s.unwrap_or(0.0));
        growth.add(phones, "a phone's boot, p99, s", told.boot.p99_s);
        growth.add(phones, "server's memory, MiB", after.resident_mib());
    }
    Ok(())
}
