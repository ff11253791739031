//! One hammer as several processes: each has descriptors and a core of its own, the first adds up.

use super::figures::Part;
use anyhow::{Context, Result, bail};
use std::env;
use std::io::Read;
use std::process::{Command, Stdio};

/// Starts `processes` others with the flags of this one and adds up what they counted.
///
/// # Errors
/// When one cannot be started, or ends badly; it has said why.
pub fn run(processes: usize) -> Result<Part> {
    let program = env::current_exe().context("this program's own file")?;
    let mut children = Vec::with_capacity(processes);
    for part in 0..processes {
        let mut command = Command::new(&program);
        command.args(env::args_os().skip(1)).arg("--part").arg(part.to_string());
        let number = processes.to_string();
        command.arg("--processes").arg(number).stdout(Stdio::piped());
        children.push(command.spawn().context("a process")?);
    }
    let mut sum = Part::default();
    let mut failed = 0;
    for mut child in children {
        let mut text = String::new();
        if let Some(mut output) = child.stdout.take() {
            output.read_to_string(&mut text).context("a process's figures")?;
        }
        if child.wait().context("a process")?.success() {
            sum.merge(serde_json::from_str(&text).context("a process's figures")?);
        } else {
            failed += 1;
        }
    }
    if failed > 0 {
        bail!("{failed} of {processes} processes failed");
    }
    Ok(sum)
}
