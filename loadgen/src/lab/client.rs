//! The one client of all servers: the hammer as a process of its own, and what it reports.

use super::process::{pinned, signal};
use super::spent::Usage;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::PathBuf;
use std::process::{Child, Stdio};

/// Runs hammers.
#[derive(Clone, Debug)]
pub struct Client {
    /// This program.
    pub program: PathBuf,
    /// The core that it runs on; wherever the system lets it unless given.
    pub core: Option<usize>,
}

/// A hammer that runs.
#[derive(Debug)]
pub struct Running {
    /// None when its end was waited for.
    child: Option<Child>,
    what: String,
}

/// What a hammer reports, as far as it is read here; times are in microseconds.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
pub struct Hammered {
    /// Time that was counted.
    pub seconds: f64,
    /// Whole and right answers in that time.
    pub operations: u64,
    /// Those of the warm-up before it too.
    pub answers: u64,
    /// Operations a second.
    pub per_second: f64,
    /// Half of the latencies are at most this.
    pub p50_us: f64,
    /// 99 of 100 are at most this.
    pub p99_us: f64,
    /// Time of the client on its core, for one operation.
    pub client_cpu_us_per_operation: f64,
    /// Bytes of the bodies.
    #[serde(default)]
    pub bytes: u64,
    /// What was open at the end, of what is held.
    #[serde(default)]
    pub held: u64,
}

impl Client {
    /// Starts one with these arguments.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn start(&self, arguments: &[String]) -> Result<Running> {
        let mut command = pinned(&self.program, self.core);
        command.arg("hammer").args(arguments).arg("--json").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let what = format!("hammer {}", arguments.join(" "));
        Ok(Running { child: Some(command.spawn().with_context(|| what.clone())?), what })
    }

    /// Runs one to its end.
    ///
    /// # Errors
    /// When it cannot be run, or an answer was wrong or missing.
    pub fn run(&self, arguments: &[String]) -> Result<Hammered> {
        self.start(arguments)?.finish()
    }
}

impl Running {
    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When an answer was wrong or missing, with what it says of that.
    pub fn finish(mut self) -> Result<Hammered> {
        let what = std::mem::take(&mut self.what);
        let child = self.child.take().context("it was waited for")?;
        let output = child.wait_with_output().with_context(|| what.clone())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        let (text, said) = (text.trim(), said.trim());
        ensure!(output.status.success(), "{what}: {}\n{text}\n{said}", output.status);
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).with_context(|| format!("{what}: {text}"))
    }
}

impl Drop for Running {
    /// A hammer that nobody waits for any more ends, and so do its parts.
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let id = child.id();
        let of = Usage::now(id).map_or_else(|_| [id].into(), |usage| usage.processes());
        if let Err(error) = signal("-TERM", &of).and_then(|()| Ok(child.wait()?)) {
            eprintln!("{}: {error:#}", self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn start(command: &mut Command) -> Running {
        Running { child: Some(command.spawn().unwrap()), what: "hammer".to_owned() }
    }

    #[test]
    fn a_hammer_that_is_dropped_ends() {
        let mut running = start(Command::new("sleep").arg("60"));
        assert!(running.is_running());
        let id = running.child.as_ref().unwrap().id();
        drop(running);
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    }

    fn finish(script: &str) -> Result<Hammered> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped());
        start(&mut command).finish()
    }

    #[test]
    fn a_report_is_read_and_failures_are_told() {
        let line = r#"{"protocol":"http","mode":"keep","clients":64,"processes":1,"seconds":5.0,
            "operations":10,"answers":11,"per_second":2.0,"p50_us":1.5,"p99_us":2.5,
            "p999_us":3.0,"max_us":4.0,"errors":0,"wrong":0,"client_cpu_us_per_operation":6.5,
            "bytes":20}"#;
        let line = line.replace('\n', "");
        let hammered = finish(&format!("echo '{line}'")).unwrap();
        let wanted = Hammered {
            seconds: 5.0,
            operations: 10,
            answers: 11,
            per_second: 2.0,
            p50_us: 1.5,
            p99_us: 2.5,
            client_cpu_us_per_operation: 6.5,
            bytes: 20,
            held: 0,
        };
        assert_eq!(hammered, wanted);
        let error = finish("echo refused >&2; exit 4").unwrap_err().to_string();
        assert!(error.contains("refused"), "{error}");
        assert!(finish("echo none").is_err());
    }
}
