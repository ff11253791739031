//! Devices that the server knows: what the bench `scale` says of memory, start and decisions.

use super::flags::{Part, ScaleFlags};
use super::growth::Growth;
use super::stage::Stage;
use crate::lab::process::output;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::process::Command;

/// What a reader has to know of these figures.
pub const NOTE: &str = "What `cargo bench --bench scale` measures in one process: devices with \
                        all their indexes in memory, a start from the store, a decision for a \
                        known, unchanged phone.";

/// Runs the bench for each amount.
///
/// # Errors
/// When it fails or says nothing.
pub fn measure(flags: &ScaleFlags, stage: &Stage, growth: &mut Growth) -> Result<()> {
    for &devices in flags.amounts(Part::Devices) {
        eprintln!("{devices} devices");
        let mut command = match &flags.bench {
            Some(bench) => Command::new(bench),
            None => cargo(),
        };
        command.env("SCALE_DIR", &stage.folder).arg("--bench");
        let text = output(command.args(["--devices", &devices.to_string(), "--json"]))
            .with_context(|| format!("the bench with {devices} devices"))?;
        read(growth, devices, &text)?;
    }
    Ok(())
}

fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["bench", "--quiet", "--bench", "scale", "--"]);
    command
}

/// Takes lines as `{"measure":"start","devices":10000,"seconds":0.2}`: each number is a cost.
fn read(growth: &mut Growth, devices: u64, text: &str) -> Result<()> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let mut found = 0;
    for line in lines {
        let told: serde_json::Map<String, Value> =
            serde_json::from_str(line).with_context(|| line.to_owned())?;
        let measure = told.get("measure").and_then(Value::as_str).unwrap_or("cost");
        let of = told.get("devices").and_then(Value::as_u64).unwrap_or(devices);
        for (key, value) in told.iter().filter(|(key, _)| *key != "devices") {
            if let Some(cost) = value.as_f64() {
                growth.add(of, &format!("{measure}: {}", key.replace('_', " ")), cost);
                found += 1;
            }
        }
    }
    ensure!(found > 0, "the bench says nothing of {devices} devices:\n{text}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_bench_is_a_cost() {
        let mut growth = Growth::new("devices");
        let text = "building\n\
                    {\"measure\":\"memory\",\"devices\":1000,\"bytes_per_device\":390.5}\n\
                    {\"measure\":\"start\",\"devices\":1000,\"seconds\":0.1,\"cpu_seconds\":0.2}\n";
        read(&mut growth, 1000, text).unwrap();
        let names: Vec<&str> = growth.costs.iter().map(|cost| &*cost.name).collect();
        assert_eq!(names, ["memory: bytes per device", "start: seconds", "start: cpu seconds"]);
        assert_eq!(growth.costs[0].points, [(1000.0, 390.5)]);
        assert!(read(&mut growth, 1000, "nothing\n").is_err());
        assert!(read(&mut growth, 1000, "{\"measure\":\n").is_err());
    }
}
