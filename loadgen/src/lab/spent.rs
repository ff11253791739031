//! Processor time of a process with its threads and children, to the nanosecond.
//!
//! The scheduler's own count of each thread is exact. Time of what has ended meanwhile is known in
//! clock ticks only: of threads in their process's sum, of children in their parent's.

use super::figures::real;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

/// A clock tick of `/proc`: `USER_HZ` is 100 on every architecture that the server runs on.
const TICK_NS: u64 = 10_000_000;
/// Ticks by which two sums that are rounded down may differ.
const ROUNDING_NS: u64 = 3 * TICK_NS;

/// What a process and all below it had used at a moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    processes: BTreeMap<u32, OfProcess>,
    /// Nanoseconds of their control group, where they have one.
    group_ns: Option<u64>,
}

/// What one process had used.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct OfProcess {
    /// Nanoseconds by thread.
    threads: BTreeMap<u32, u64>,
    /// All its threads', the ended ones' too, in whole ticks.
    own_ns: u64,
    /// Its children's that have ended and were waited for, in whole ticks.
    children_ns: u64,
    /// Memory that it has in use.
    resident_bytes: u64,
}

/// What was used between two moments.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Spent {
    /// By the scheduler's count where threads and processes lived on, by ticks where they ended.
    pub ns: u64,
    /// By ticks alone: a check of the first.
    pub ticks_ns: u64,
    /// By the control group: children too whose parent did not wait for them.
    pub group_ns: Option<u64>,
}

impl Usage {
    /// Of the process `root` and all its descendants, now.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn now(root: u32) -> io::Result<Self> {
        let mut usage = BTreeMap::new();
        let parents = parents()?;
        for pid in descendants(root, &parents) {
            match of_process(pid) {
                Ok(of) => drop(usage.insert(pid, of)),
                // A child may end while it is looked at: its parent has its time.
                Err(error) if pid == root => return Err(error),
                Err(_) => {}
            }
        }
        Ok(Self { processes: usage, group_ns: None })
    }

    /// With what their control group had used.
    #[must_use]
    pub fn of_group(self, group_ns: Option<u64>) -> Self {
        Self { group_ns, ..self }
    }

    /// What was used since `earlier`, a moment of the same process.
    #[must_use]
    pub fn since(&self, earlier: &Usage) -> Spent {
        let none = OfProcess::default();
        let group = self.group_ns.zip(earlier.group_ns);
        let group_ns = group.map(|(now, before)| now.saturating_sub(before));
        let mut spent = Spent { group_ns, ..Spent::default() };
        for (pid, now) in &self.processes {
            let before = earlier.processes.get(pid).unwrap_or(&none);
            let of_thread = |(tid, ns): (&u32, &u64)| {
                ns.saturating_sub(before.threads.get(tid).copied().unwrap_or(0))
            };
            let threads: u64 = now.threads.iter().map(of_thread).sum();
            let ticks = now.own_ns.saturating_sub(before.own_ns);
            let have_ended = ticks > threads + ROUNDING_NS;
            let children = now.children_ns.saturating_sub(before.children_ns);
            spent.ns += if have_ended { ticks } else { threads } + children;
            spent.ticks_ns += ticks + children;
        }
        // What a child had used before is in its parent's sum once it has ended.
        let ended = earlier.processes.iter().filter(|(pid, _)| !self.processes.contains_key(pid));
        for (_, before) in ended {
            spent.ns = spent.ns.saturating_sub(before.own_ns);
            spent.ticks_ns = spent.ticks_ns.saturating_sub(before.own_ns);
        }
        spent
    }

    /// Memory that is in use, summed over the processes.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        self.processes.values().map(|of| of.resident_bytes).sum()
    }

    /// The same in MiB.
    #[must_use]
    pub fn resident_mib(&self) -> f64 {
        real(self.resident_bytes()) / f64::from(1 << 20)
    }

    /// The processes themselves.
    #[must_use]
    pub fn processes(&self) -> BTreeSet<u32> {
        self.processes.keys().copied().collect()
    }
}

impl Spent {
    /// All of it: by the group where there is one.
    #[must_use]
    pub fn all_ns(self) -> u64 {
        self.group_ns.unwrap_or(self.ns)
    }

    /// Microseconds for each of `operations`.
    #[must_use]
    pub fn micros_each(self, operations: f64) -> f64 {
        if operations > 0.0 { real(self.all_ns()) / 1000.0 / operations } else { f64::NAN }
    }
}

/// Every process and its parent.
fn parents() -> io::Result<Vec<(u32, u32)>> {
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let pids = fs::read_dir("/proc")?.flatten().filter_map(pid);
    let parent = |pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, Stat::parse(&stat)?.parent))
    };
    Ok(pids.filter_map(parent).collect())
}

fn descendants(root: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        next += 1;
        let children = parents.iter().filter(|(pid, of)| *of == parent && *pid != parent);
        found.extend(children.map(|(pid, _)| pid));
    }
    found
}

fn of_process(pid: u32) -> io::Result<OfProcess> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, format!("/proc/{pid}/stat"));
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let Stat { own_ticks, children_ticks, .. } = Stat::parse(&stat).ok_or_else(bad)?;
    let mut threads = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let Some(tid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A thread may end while it is looked at: the process's ticks have its time.
        let text = fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
        if let Some(ns) = schedstat(&text) {
            threads.insert(tid, ns);
        }
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(OfProcess {
        threads,
        own_ns: own_ticks * TICK_NS,
        children_ns: children_ticks * TICK_NS,
        resident_bytes: resident_bytes(&status).unwrap_or(0),
    })
}

/// What is read of `/proc/PID/stat` (proc(5)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stat {
    parent: u32,
    own_ticks: u64,
    children_ticks: u64,
}

impl Stat {
    /// The second field is the program's name in parentheses, and a name may hold both.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            parent: u32::try_from(number(4)?).ok()?,
            own_ticks: number(14)? + number(15)?,
            children_ticks: number(16)? + number(17)?,
        })
    }
}

/// Time on a processor, the first number of three (`Documentation/scheduler/sched-stats.rst`).
fn schedstat(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process, its threads and their time, its own time in ticks, its children's.
    type Process<'a> = (u32, &'a [(u32, u64)], u64, u64);

    fn usage(processes: &[Process<'_>]) -> Usage {
        let of = |&(pid, threads, own_ns, children_ns): &Process<'_>| {
            let threads = threads.iter().copied().collect();
            (pid, OfProcess { threads, own_ns, children_ns, resident_bytes: 1000 })
        };
        Usage { processes: processes.iter().map(of).collect(), group_ns: None }
    }

    #[test]
    fn reads_what_the_kernel_writes() {
        assert_eq!(schedstat("16405829123 1230911 8731\n"), Some(16_405_829_123));
        assert_eq!(schedstat("0 0 0\n"), Some(0));
        for text in ["", "\n", "x 1 2", "-1 0 0"] {
            assert_eq!(schedstat(text), None, "{text:?}");
        }
        let stat = "77 (a) b) S 12 77 77 0 -1 4194560 1 2 3 4 150 50 7 3 20 0 5 0 99 1 2\n";
        let wanted = Stat { parent: 12, own_ticks: 200, children_ticks: 10 };
        assert_eq!(Stat::parse(stat), Some(wanted));
        for text in ["", "77 (a) S", "77 (a) S x 77 77 0 -1 4194560 1 2 3 4 150 50 7 3 20"] {
            assert_eq!(Stat::parse(text), None, "{text:?}");
        }
        assert_eq!(resident_bytes("Name:\ta\nVmRSS:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(resident_bytes("Name:\ta\n"), None);
    }

    #[test]
    fn threads_add_up_and_new_ones_count_whole() {
        let before = usage(&[(1, &[(1, 500), (2, 700)], 0, 0)]);
        let after = usage(&[(1, &[(1, 600), (2, 900), (3, 50)], 0, 0)]);
        assert_eq!(after.since(&before), Spent { ns: 350, ..Spent::default() });
        assert_eq!(after.resident_bytes(), 1000);
    }

    #[test]
    fn a_group_knows_best() {
        let at = |ns, group| usage(&[(1, &[(1, ns)], 0, 0)]).of_group(group);
        let spent = at(600, Some(5_000)).since(&at(100, Some(1_000)));
        assert_eq!((spent.ns, spent.all_ns()), (500, 4_000));
        assert!((spent.micros_each(2.0) - 2.0).abs() < 1e-9);
        assert_eq!(at(600, Some(5_000)).since(&at(100, None)).all_ns(), 500);
    }

    #[test]
    fn what_ended_is_in_the_ticks() {
        let second = 1_000_000_000;
        let before = usage(&[(1, &[(1, 0), (2, second)], second, 0)]);
        let after = usage(&[(1, &[(1, second / 2)], 4 * second, 0)]);
        let wanted = Spent { ns: 3 * second, ticks_ns: 3 * second, group_ns: None };
        assert_eq!(after.since(&before), wanted);
    }

    #[test]
    fn children_count_once_whether_they_live_or_have_ended() {
        let second = 1_000_000_000;
        let before = usage(&[(1, &[(1, 0)], 0, 0), (5, &[(5, second)], second, 0)]);
        let alive = usage(&[(1, &[(1, 0)], 0, 0), (5, &[(5, 3 * second)], 3 * second, 0)]);
        let ended = usage(&[(1, &[(1, 0)], 0, 3 * second)]);
        for after in [alive, ended] {
            assert_eq!(after.since(&before).ns, 2 * second);
        }
        let forked = usage(&[(1, &[(1, 0)], 0, 0), (9, &[(9, 7)], 0, 0)]);
        assert_eq!(forked.since(&usage(&[(1, &[(1, 0)], 0, 0)])).ns, 7);
    }

    #[test]
    fn children_of_children_are_found() {
        let parents = [(1, 0), (2, 1), (3, 1), (4, 2), (9, 7)];
        assert_eq!(descendants(1, &parents), [1, 2, 3, 4]);
        assert_eq!(descendants(9, &parents), [9]);
    }

    #[test]
    fn this_process_has_used_some_time() {
        let own = std::process::id();
        let before = Usage::now(own).unwrap();
        let until = before.processes[&own].threads.values().sum::<u64>() + 2_000_000;
        let mut after = before.clone();
        while after.processes[&own].threads.values().sum::<u64>() < until {
            after = Usage::now(own).unwrap();
        }
        assert!(after.since(&before).ns >= 2_000_000);
        assert!(after.resident_bytes() > 0);
        assert!(after.processes().contains(&own));
    }
}
