//! The machine that figures are of, as it describes itself, so that nobody types it.

use super::process::{find, output};
use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::thread;

/// What a reader needs to know of a machine to read its figures.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The distribution's name.
    pub system: String,
    /// The day, as the calendar has it (UTC).
    pub day: String,
    /// The commit that was measured; with `+` when files differ from it.
    pub commit: String,
    /// Programs and their versions.
    pub versions: Vec<(String, String)>,
}

impl Machine {
    /// This one, now; what cannot be found out is said to be unknown.
    #[must_use]
    pub fn describe() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            processor: value(&read("/proc/cpuinfo"), "model name", ':').unwrap_or_else(unknown),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory_bytes(&read("/proc/meminfo")).unwrap_or(0),
            kernel: some(read("/proc/sys/kernel/osrelease").trim()),
            system: value(&read("/etc/os-release"), "PRETTY_NAME", '=').unwrap_or_else(unknown),
            day: said(Command::new("date").args(["-u", "+%Y-%m-%d"])),
            commit: commit(),
            versions: Vec::new(),
        }
    }

    /// Adds a program's version: the first line that it says when asked with `flag`.
    pub fn add_version(&mut self, name: &str, program: &str, flag: &str) {
        let Some(path) = find(program) else { return };
        let Ok(output) = Command::new(path).arg(flag).output() else { return };
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        if let Some(version) = text.lines().next().and_then(version) {
            self.versions.push((name.to_owned(), version));
        }
    }

    /// As lines of a Markdown table.
    #[must_use]
    pub fn table(&self) -> String {
        let versions: Vec<String> =
            self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let memory_gb = self.memory_bytes.div_ceil(1 << 30).to_string() + " GiB";
        let mut table = "| | |\n|---|---|\n".to_owned();
        for (name, text) in [
            ("day", &self.day),
            ("commit", &self.commit),
            ("processor", &self.processor),
            ("cores", &self.cores.to_string()),
            ("memory", &memory_gb),
            ("kernel", &self.kernel),
            ("system", &self.system),
            ("servers", &versions.join(", ")),
        ] {
            if !text.is_empty() {
                let _ = writeln!(table, "| {name} | {text} |");
            }
        }
        table
    }
}

fn commit() -> String {
    let id = said(Command::new("git").args(["rev-parse", "--short=12", "HEAD"]));
    let changed = output(Command::new("git").args(["status", "--porcelain", "-uno"]));
    // What this tool writes itself does not make another program of what it measured.
    let differs = |line: &str| line.get(3..).is_some_and(|path| !path.starts_with("docs/"));
    let is_changed = changed.is_ok_and(|text| text.lines().any(differs));
    if is_changed { id + "+" } else { id }
}

fn said(command: &mut Command) -> String {
    some(output(command).unwrap_or_default().trim())
}

fn some(text: &str) -> String {
    if text.is_empty() { unknown() } else { text.to_owned() }
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// The value of the first line `key<separator>value`, without white space and quotes around it.
fn value(text: &str, key: &str, separator: char) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(separator));
    let (_, value) = pairs.find(|(found, _)| found.trim() == key)?;
    Some(value.trim().trim_matches('"').to_owned())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let total = value(meminfo, "MemTotal", ':')?;
    let kilobytes: u64 = total.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The first word with a digit in front and a dot in it: `nginx/1.22.1`, `Dnsmasq version 2.90`.
fn version(line: &str) -> Option<String> {
    let mut words = line.split(|c: char| c.is_whitespace() || "/,".contains(c));
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    words.find(|word| is_version(word) && word.contains('.')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (line, wanted) in [
            ("nginx version: nginx/1.22.1", Some("1.22.1")),
            ("Dnsmasq version 2.90  Copyright (c) 2000-2024 Simon Kelley", Some("2.90")),
            ("tftp-hpa 5.2, with remap, with tcpwrappers", Some("5.2")),
            ("ringboot 0.1.0", Some("0.1.0")),
            ("usage: it", None),
        ] {
            assert_eq!(version(line).as_deref(), wanted);
        }
    }

    #[test]
    fn the_kernel_is_read_as_it_writes() {
        assert_eq!(
            memory_bytes("MemTotal:       24661160 kB\nMemFree: 1 kB\n"),
            Some(25_253_027_840)
        );
        let text = "processor\t: 0\nmodel name\t: A fast one\n";
        assert_eq!(value(text, "model name", ':').as_deref(), Some("A fast one"));
        let text = "NAME=\"D\"\nPRETTY_NAME=\"D 12 (b)\"\n";
        assert_eq!(value(text, "PRETTY_NAME", '=').as_deref(), Some("D 12 (b)"));
        assert_eq!(value("", "a", '='), None);
    }

    #[test]
    fn this_machine_has_a_kernel_and_a_core() {
        let machine = Machine::describe();
        assert!(machine.cores >= 1 && machine.memory_bytes > 0);
        assert!(machine.table().contains(&machine.kernel));
    }
}
