//! The two queues of a ring: entries go in whole or not yet, completions come out once.

use io_uring::squeue::{self, Entry};
use io_uring::types::Timespec;
use io_uring::{EnterFlags, IoUring, cqueue};
use std::io;

use super::super::Sizes;
use super::gather::Gather;
use crate::limits;
use crate::time::Duration;

/// A ring, and what was reaped early to make room.
pub(super) struct Queue {
    ring: IoUring,
    backlog: Vec<cqueue::Entry>,
    in_flight: usize,
    failed: Option<io::Error>,
    /// How many completions a wait is for; none where the kernel waits for one alone.
    gather: Option<Gather>,
    /// Turns that waited for several completions.
    pub gathered: u64,
    /// Times that entries had to wait for an early submission.
    pub submission_full: u64,
    /// Times that the kernel had to keep completions for lack of room.
    pub overflows: u64,
}

/// `struct io_uring_getevents_arg` of the kernel, whose least wait the library does not set.
#[repr(C)]
struct WaitArgs {
    sigmask: u64,
    sigmask_bytes: u32,
    least_wait_us: u32,
    timeout: u64,
}

const GATHER_WAIT_US: u32 = limits::GATHER_WAIT.as_micros() as u32;

/// What an enter waits for.
#[derive(Clone, Copy, Debug, Default)]
struct Wait {
    /// Completions: after `GATHER_WAIT` one is enough.
    count: u32,
    timeout: Option<Duration>,
}

impl Queue {
    /// A ring of the given sizes for the calling thread alone. When the kernel refuses the memory,
    /// a smaller one, with a warning.
    ///
    /// # Errors
    /// What `io_uring_setup(2)` says.
    pub fn new(sizes: &Sizes) -> io::Result<(Self, Option<String>)> {
        let (ring, entries) = as_large_as_allowed(sizes.submission_entries, |entries| {
            build(entries, sizes.completion_entries)
        })?;
        let warning = (entries < sizes.submission_entries).then(|| {
            format!("the ring has {entries} entries only: RLIMIT_MEMLOCK is too small for more")
        });
        let backlog = Vec::with_capacity(ring.params().cq_entries() as usize);
        // Linux 6.12 and later.
        let gather = ring.params().is_feature_min_timeout().then(Gather::new);
        let queue = Self {
            ring,
            backlog,
            in_flight: 0,
            failed: None,
            gather,
            gathered: 0,
            submission_full: 0,
            overflows: 0,
        };
        Ok((queue, warning))
    }

    /// The ring, to register things with.
    pub fn ring(&self) -> &IoUring {
        &self.ring
    }

    /// Entries whose last completion has not been reaped.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Queues entries that belong together: all of them go into one submission, so that a chain is
    /// never split.
    ///
    /// # Safety
    /// What the entries point at must stay valid and untouched until their last completion.
    pub unsafe fn push(&mut self, entries: &[Entry]) {
        let capacity = self.ring.params().sq_entries() as usize;
        assert!(entries.len() <= capacity, "a chain fits the queue");
        if capacity - self.ring.submission().len() < entries.len() {
            self.submission_full += 1;
            self.make_room(entries.len(), capacity);
        }
        // SAFETY: the caller's promise is the queue's condition.
        match unsafe { self.ring.submission().push_multiple(entries) } {
            Ok(()) => self.in_flight += entries.len(),
            // The ring is broken; the turn says so and the core ends.
            Err(_) => assert!(self.failed.is_some(), "room was made"),
        }
    }

    /// Reaps, then submits, until there is room for `count` entries or the ring has failed.
    fn make_room(&mut self, count: usize, capacity: usize) {
        while self.failed.is_none() && capacity - self.ring.submission().len() < count {
            self.reap();
            if let Err(error) = self.enter(Wait::default()) {
                self.failed = Some(error);
            }
        }
    }

    /// Submits all, and waits for a completion or, at most, `timeout`; without `wait` for nothing.
    /// On a busy ring it waits for several, a short time. One system call.
    ///
    /// # Errors
    /// What ends the ring.
    pub fn turn(&mut self, wait: bool, timeout: Option<Duration>) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if !wait || !self.backlog.is_empty() {
            self.enter(Wait { count: 0, timeout })?;
            self.reap();
            return Ok(());
        }
        let count = self.gather.as_ref().map_or(1, Gather::want);
        self.gathered += u64::from(count > 1);
        self.enter(Wait { count, timeout })?;
        self.reap();
        if let Some(gather) = &mut self.gather {
            gather.learn(self.backlog.len());
        }
        Ok(())
    }

    /// Waits for one completion only for some turns, as a connection floods.
    pub fn rest(&mut self) {
        if let Some(gather) = &mut self.gather {
            gather.rest();
        }
    }

    fn enter(&mut self, Wait { count, timeout }: Wait) -> io::Result<()> {
        if self.ring.submission().cq_overflow() {
            self.overflows += 1;
        }
        let queued = u32::try_from(self.ring.submission().len()).expect("invariant: a u32");
        let timespec = timeout.map(Timespec::from);
        let timeout = timespec.as_ref().map_or(0, |timespec| (&raw const *timespec) as u64);
        let least_wait_us = if count > 1 { GATHER_WAIT_US } else { 0 };
        let args = WaitArgs { sigmask: 0, sigmask_bytes: 0, least_wait_us, timeout };
        // With deferred task work, completions are made only by an enter that asks for events.
        let flags = (EnterFlags::GETEVENTS | EnterFlags::EXT_ARG).bits();
        // SAFETY: `args` is what EXT_ARG announces, and it and the time it points at outlive the
        // call; the entries' memory is promised by `push`.
        match unsafe { self.ring.submitter().enter(queued, count, flags, Some(&args)) } {
            Ok(_) => Ok(()),
            Err(error) => match error.raw_os_error() {
                // The time is over; a signal; completions have to be reaped first; memory is short
                // for now: nothing is lost, the queue keeps what was not taken.
                Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => Ok(()),
                _ => Err(error),
            },
        }
    }

    fn reap(&mut self) {
        for completion in self.ring.completion() {
            if !cqueue::more(completion.flags()) {
                self.in_flight -= 1;
            }
            self.backlog.push(completion);
        }
    }

    /// The completions so far, in order; to be given back empty by [`Self::recycle`].
    pub fn take(&mut self) -> Vec<cqueue::Entry> {
        std::mem::take(&mut self.backlog)
    }

    /// Takes the emptied list back. What was reaped meanwhile stays, in order.
    pub fn recycle(&mut self, mut list: Vec<cqueue::Entry>) {
        assert!(list.is_empty());
        list.append(&mut self.backlog);
        self.backlog = list;
    }
}

/// Makes `entry` start the next one when it has fully succeeded.
pub(super) fn linked(entry: Entry) -> Entry {
    entry.flags(squeue::Flags::IO_LINK)
}

/// A ring for one thread whose completions are made when it asks for them.
///
/// # Errors
/// What `io_uring_setup(2)` says.
pub(in crate::ring) fn build(entries: u32, completions: u32) -> io::Result<IoUring> {
    IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_submit_all()
        .setup_clamp()
        .setup_cqsize(completions.max(4 * entries))
        .dontfork()
        .build(entries)
}

/// Makes something of `entries`, or of half as many as long as there is no memory for more.
fn as_large_as_allowed<T>(
    mut entries: u32,
    make: impl Fn(u32) -> io::Result<T>,
) -> io::Result<(T, u32)> {
    loop {
        match make(entries) {
            Err(error)
                if error.raw_os_error() == Some(libc::ENOMEM)
                    && entries > limits::SUBMISSION_ENTRIES_MIN =>
            {
                entries /= 2;
            }
            result => return result.map(|made| (made, entries)),
        }
    }
}

/// Bounds the threads that the kernel starts for what would block; refused, it is a warning.
pub(super) fn bound_workers(ring: &IoUring) -> Option<String> {
    let mut most = [limits::KERNEL_WORKERS_MAX; 2];
    let refused = ring.submitter().register_iowq_max_workers(&mut most).err()?;
    Some(format!("the kernel's workers are not bounded: {refused}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that locks memory for `most` entries.
    fn made_with(most: u32) -> io::Result<((), u32)> {
        as_large_as_allowed(1024, |entries| {
            if entries <= most { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ENOMEM)) }
        })
    }

    #[test]
    fn a_ring_is_as_large_as_memory_allows() {
        assert_eq!(made_with(4096).expect("made").1, 1024);
        assert_eq!(made_with(300).expect("made").1, 256);
        assert_eq!(made_with(64).expect("made").1, 64);
        assert_eq!(made_with(63).expect_err("refused").raw_os_error(), Some(libc::ENOMEM));
        let forbidden = as_large_as_allowed(1024, |_| -> io::Result<()> {
            Err(io::Error::from_raw_os_error(libc::EPERM))
        });
        assert_eq!(forbidden.expect_err("refused").raw_os_error(), Some(libc::EPERM));
    }
}
