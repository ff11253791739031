//! A control group of one server's own: it counts what children used that ended without a trace.
//!
//! A process that ignores SIGCHLD never gets its children's time (wait(2)), and neither do we by
//! `/proc`; their group has it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A group, gone when its value is.
#[derive(Debug)]
pub struct Group(PathBuf);

impl Group {
    /// Makes one below this process's own.
    ///
    /// # Errors
    /// Where there are no groups of the second version, or they may not be made.
    pub fn make(name: &str) -> io::Result<Self> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no control groups");
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let parent = folder(&mounts, &own).ok_or_else(missing)?;
        let path =
            parent.join(format!("ringboot-{}-{}", std::process::id(), name.replace(' ', "-")));
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let group = Self(path);
        group.used_ns()?;
        Ok(group)
    }

    /// The command as one that enters the group before anything else.
    #[must_use]
    pub fn around(&self, command: &Command) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo $$ >\"$0\" && exec \"$@\""]).arg(self.0.join("cgroup.procs"));
        shell.arg(command.get_program()).args(command.get_args());
        shell
    }

    /// Processor time of all that ever ran in it.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn used_ns(&self) -> io::Result<u64> {
        let text = fs::read_to_string(self.0.join("cpu.stat"))?;
        let missing = || io::Error::new(io::ErrorKind::InvalidData, "no usage_usec in cpu.stat");
        usage_ns(&text).ok_or_else(missing)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that is just ending may still be in it; the kernel lets go a little later.
        for _ in 0..50 {
            if fs::remove_dir(&self.0).is_ok() || !self.0.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        eprintln!("{}: the group stays", self.0.display());
    }
}

/// The folder of a process's own group, from its `mounts` and `cgroup`.
fn folder(mounts: &str, own: &str) -> Option<PathBuf> {
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let mut of_groups = fields.filter(|fields| fields.get(2) == Some(&"cgroup2"));
    let mount = of_groups.next()?.get(1).copied()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(Path::new(mount).join(path.trim_start_matches('/')))
}

fn usage_ns(stat: &str) -> Option<u64> {
    let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    micros.trim().parse::<u64>().ok()?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found() {
        let mounts = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let own = "2:cpuacct:/\n0::/user.slice/a.scope\n";
        let wanted = Path::new("/sys/fs/cgroup/unified/user.slice/a.scope");
        assert_eq!(folder(mounts, own).as_deref(), Some(wanted));
        assert_eq!(folder(mounts, "2:cpuacct:/\n"), None);
        assert_eq!(folder("proc /proc proc rw 0 0\n", own), None);
    }

    #[test]
    fn usage_is_read_as_the_kernel_writes() {
        assert_eq!(usage_ns("usage_usec 1234\nuser_usec 1000\n"), Some(1_234_000));
        assert_eq!(usage_ns("user_usec 1000\n"), None);
    }

    /// Where groups may be made, one has the time of children that nobody waited for.
    #[test]
    fn children_that_end_unseen_are_counted() {
        let Ok(group) = Group::make("test") else { return };
        let mut busy = Command::new("sh");
        busy.args(["-c", "trap '' CHLD; (i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done)"]);
        assert!(group.around(&busy).status().is_ok_and(|status| status.success()));
        assert!(group.used_ns().is_ok_and(|used| used > 1_000_000));
        let folder = group.0.clone();
        drop(group);
        assert!(!folder.exists());
    }
}
