//! What the kernel says of this process: memory, descriptors, time on the processors.

use std::fs;

/// Ticks of a second in `/proc/self/stat` (`USER_HZ`, the same on all machines that Linux has).
const TICKS: f64 = 100.0;

/// The figures; what the kernel does not tell is none.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Process {
    /// Bytes in memory.
    pub resident_bytes: Option<u64>,
    /// Bytes of addresses.
    pub virtual_bytes: Option<u64>,
    /// Descriptors that are open.
    pub open_files: Option<u64>,
    /// Descriptors that may be.
    pub files_max: Option<u64>,
    /// Time on the processors, in seconds.
    pub cpu_seconds: Option<f64>,
}

impl Process {
    /// Reads them (proc(5)).
    pub fn read() -> Process {
        let text = |name: &str| fs::read_to_string(name).unwrap_or_default();
        let (status, stat, bounds) =
            (text("/proc/self/status"), text("/proc/self/stat"), text("/proc/self/limits"));
        Process {
            resident_bytes: kilobytes(&status, "VmRSS:"),
            virtual_bytes: kilobytes(&status, "VmSize:"),
            // The folder itself is open while it is read.
            open_files: fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64 - 1),
            files_max: files_max(&bounds),
            cpu_seconds: cpu_seconds(&stat),
        }
    }
}

fn kilobytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn files_max(bounds: &str) -> Option<u64> {
    let line = bounds.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15; the name before them may hold anything, and ends with the last `)`.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_all_of_it() {
        let process = Process::read();
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 100_000), "{process:?}");
        assert!(process.virtual_bytes >= process.resident_bytes, "{process:?}");
        assert!(process.open_files.is_some_and(|count| count >= 3), "{process:?}");
        assert!(process.files_max > process.open_files, "{process:?}");
        assert!(process.cpu_seconds.is_some(), "{process:?}");
    }

    #[test]
    fn a_name_with_a_parenthesis_misleads_nobody() {
        let stat = "7 (a) b) S 1 1 1 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 4 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds(""), None);
    }
}
