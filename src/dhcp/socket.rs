//! Reports come as datagrams over a socket of this machine, from those alone who may write to it;
//! what cannot be taken is counted, and nobody waits for us.

use std::collections::VecDeque;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use super::{Lease, read};
use crate::limits;
use crate::time::{self, Instant};
use crate::world::{Core, World};

/// Owner and group may send.
const MODE: u32 = 0o660;

/// A socket that is there, and nobody reads yet.
#[derive(Debug)]
pub struct Doorway {
    socket: UnixDatagram,
    path: PathBuf,
}

/// The thread that reads the socket.
pub struct Listener {
    shared: Arc<Shared>,
    path: PathBuf,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    taken: AtomicU64,
    passed: AtomicU64,
    bad: AtomicU64,
    dropped: AtomicU64,
}

/// What was counted since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Leases that were given.
    pub taken: u64,
    /// Leases that ended: nothing is done for those.
    pub passed: u64,
    /// Datagrams that are no report.
    pub bad: u64,
    /// Reports that found no room while the store was loaded.
    pub dropped: u64,
}

impl Doorway {
    /// Makes the socket. One that a server left behind is replaced; one that is read is not.
    ///
    /// # Errors
    /// A path that cannot be had, or a group that is not there.
    pub fn open(path: &Path, group: Option<&str>) -> io::Result<Doorway> {
        // Nothing is left behind for a group that is not there.
        let group = group.map(group_id).transpose()?;
        let is_socket = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
        if is_socket {
            if UnixDatagram::unbound()?.connect(path).is_ok() {
                return Err(io::Error::new(ErrorKind::AddrInUse, "another server reads it"));
            }
            fs::remove_file(path)?;
        }
        let socket = UnixDatagram::bind(path)?;
        if group.is_some() {
            chown(path, None, group)?;
        }
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        socket.set_read_timeout(Some(limits::LEASE_PAUSE))?;
        Ok(Doorway { socket, path: path.to_owned() })
    }

    /// Reads it until the listener is stopped.
    ///
    /// # Errors
    /// A thread that cannot be had.
    pub fn listen(self, world: Arc<World>) -> io::Result<Listener> {
        let shared = Arc::new(Shared::default());
        let kept = Arc::clone(&shared);
        let Doorway { socket, path } = self;
        let run = move || {
            let core = world.core();
            let now = time::now();
            Reader { world, core, shared: kept, waiting: VecDeque::new(), told: now }.run(&socket);
        };
        let thread = thread::Builder::new().name("dhcp".to_owned()).spawn(run)?;
        Ok(Listener { shared, path, thread })
    }
}

impl Listener {
    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        let [taken, passed, bad, dropped] =
            [&self.shared.taken, &self.shared.passed, &self.shared.bad, &self.shared.dropped]
                .map(|count| count.load(Ordering::Relaxed));
        Counters { taken, passed, bad, dropped }
    }

    /// Takes no more reports, and takes the socket away.
    pub fn stop(self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if self.thread.join().is_err() {
            tracing::error!("the reader of DHCP reports panicked");
        }
        drop(fs::remove_file(&self.path));
    }
}

/// One thread's memory.
struct Reader {
    world: Arc<World>,
    core: Core,
    shared: Arc<Shared>,
    /// Leases that cannot be decided before more of the store is loaded.
    waiting: VecDeque<Lease>,
    /// When something was last logged.
    told: Instant,
}

impl Reader {
    fn run(mut self, socket: &UnixDatagram) {
        // One byte more than there may be: a longer datagram is cut, and told by that.
        let mut buffer = [0; limits::LEASE_BYTES_MAX + 1];
        let (mut lost, mut tried) = (0, time::now());
        while !self.shared.is_over.load(Ordering::Relaxed) {
            let received = socket.recv(&mut buffer);
            let now = time::now();
            match received {
                Ok(length) => lost += self.take(&buffer[..length], now),
                Err(error) if is_pause(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "the socket for DHCP reports");
                    return;
                }
            }
            if now.since(tried) >= limits::LEASE_PAUSE {
                tried = now;
                self.retry(now);
            }
            if lost > 0 && now.since(self.told) >= limits::LEASE_LINE_PAUSE {
                tracing::warn!(lost, "reports of a DHCP server were not understood or had no room");
                (lost, self.told) = (0, now);
            }
        }
        if !self.waiting.is_empty() {
            tracing::warn!(lost = self.waiting.len(), "reports of a DHCP server were not decided");
        }
    }

    /// Takes a datagram; how many reports were lost by it.
    fn take(&mut self, bytes: &[u8], now: Instant) -> u64 {
        let report = serde_json::from_slice(bytes).map_err(|error| error.to_string());
        let is_short = bytes.len() <= limits::LEASE_BYTES_MAX;
        let (count, lost) = match report.and_then(|report| read(&report)) {
            Ok(None) => (&self.shared.passed, 0),
            Ok(Some(lease)) if is_short && self.waiting.is_empty() => {
                if !lease.decide(&self.world, &mut self.core, now) {
                    self.waiting.push_back(lease);
                }
                (&self.shared.taken, 0)
            }
            Ok(Some(lease)) if is_short && self.waiting.len() < limits::LEASES_WAITING_MAX => {
                self.waiting.push_back(lease);
                (&self.shared.taken, 0)
            }
            Ok(Some(_)) => (&self.shared.dropped, 1),
            Err(error) => {
                tracing::debug!(error, "a DHCP server's report");
                (&self.shared.bad, 1)
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        lost
    }

    /// Decides what waits, in the order in which it came.
    fn retry(&mut self, now: Instant) {
        while let Some(lease) = self.waiting.pop_front() {
            if !lease.decide(&self.world, &mut self.core, now) {
                self.waiting.push_front(lease);
                return;
            }
        }
    }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// A group's number, by its name in `/etc/group` (group(5)) or as it is.
fn group_id(group: &str) -> io::Result<u32> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = fs::read_to_string("/etc/group")?;
    let found = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok())?
    });
    let missing = || io::Error::new(ErrorKind::NotFound, format!("there is no group {group:?}"));
    found.ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_numbers() {
        assert_eq!((group_id("root").ok(), group_id("12").ok()), (Some(0), Some(12)));
        let error = group_id("no such group").expect_err("none");
        assert_eq!(error.to_string(), "there is no group \"no such group\"");
    }

    #[test]
    fn a_socket_that_was_left_behind_is_replaced_and_no_other() {
        let folder = std::env::temp_dir().join(format!("ringboot-dhcp-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("dhcp.sock");
        let first = Doorway::open(&path, None).expect("a socket");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        let error = Doorway::open(&path, None).expect_err("in use");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        drop(first);
        drop(Doorway::open(&path, None).expect("left behind"));
        fs::remove_file(&path).expect("there");
        fs::write(&path, "somebody's").expect("a file");
        assert!(Doorway::open(&path, None).is_err());
        assert_eq!(fs::read(&path).expect("still there"), b"somebody's");
        fs::remove_dir_all(&folder).expect("ours");
    }
}
