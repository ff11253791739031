//! The epoll instance: descriptors go in with a name, names come out with what they are ready for.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::super::Slot;
use crate::limits;
use crate::time::Duration;

/// What is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Name {
    /// The listening socket.
    Listener,
    /// The waker's bell.
    Waker,
    /// A datagram socket.
    Port(usize),
    /// A connection.
    Connection(Slot),
}

/// What a descriptor may be ready for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Readiness {
    pub reads: bool,
    pub writes: bool,
    /// The peer's end or an error is behind what can be read.
    pub ends: bool,
}

/// First of the indexes that are no connection's.
const OTHERS: u32 = u32::MAX - 0xffff;
const LISTENER: u32 = u32::MAX;
const WAKER: u32 = u32::MAX - 1;

const _: () = assert!(limits::CONNECTIONS_MAX < OTHERS as usize);

/// An epoll instance and room for one turn's events.
pub(super) struct Poller {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Poller {
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if epoll < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and has no other owner.
        let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
        Ok(Self { epoll, events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS] })
    }

    /// Watches a descriptor until it is closed: sockets for each change, listener and bell for as
    /// long as there is something.
    pub fn watch(&self, descriptor: RawFd, name: Name) -> io::Result<()> {
        let events = match name {
            Name::Listener | Name::Waker => libc::EPOLLIN,
            Name::Port(_) => libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET,
            Name::Connection(_) => {
                libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET
            }
        };
        self.control(libc::EPOLL_CTL_ADD, descriptor, events, encode(name))
    }

    /// Watches a descriptor no more.
    pub fn forget(&self, descriptor: RawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, descriptor, 0, 0)
    }

    /// Waits for something or, at most, `wait`; returns how many names are ready.
    pub fn wait(&mut self, wait: Option<Duration>) -> io::Result<usize> {
        // Rounded up: a turn that ends early would only come again.
        let millis = wait.map_or(-1, |wait| {
            i32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        });
        let room = i32::try_from(self.events.len()).expect("invariant: small");
        let events = self.events.as_mut_ptr();
        // SAFETY: `events` is writable for `room` entries.
        let ready = unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), events, room, millis) };
        match usize::try_from(ready) {
            Ok(ready) => Ok(ready),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(0),
                error => Err(error),
            },
        }
    }

    /// The `number`th of the names that were ready.
    pub fn ready(&self, number: usize) -> (Name, Readiness) {
        let event = self.events[number];
        let has = |flags: i32| event.events & flags.cast_unsigned() != 0;
        let ends = has(libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR);
        let readiness =
            Readiness { reads: has(libc::EPOLLIN) || ends, writes: has(libc::EPOLLOUT), ends };
        (decode(event.u64), readiness)
    }

    fn control(&self, what: i32, descriptor: RawFd, events: i32, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events.cast_unsigned(), u64: token };
        // SAFETY: `event` is readable; the kernel copies it.
        match unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), what, descriptor, &raw mut event) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Events that one turn takes from the kernel; the others come in the next.
const EVENTS: usize = 1024;

fn encode(name: Name) -> u64 {
    match name {
        Name::Listener => u64::from(LISTENER),
        Name::Waker => u64::from(WAKER),
        Name::Port(number) => u64::from(OTHERS) + number as u64,
        Name::Connection(slot) => u64::from(slot.generation) << 32 | u64::from(slot.index),
    }
}

fn decode(token: u64) -> Name {
    let index = (token & u64::from(u32::MAX)) as u32;
    match index {
        LISTENER => Name::Listener,
        WAKER => Name::Waker,
        OTHERS.. => Name::Port((index - OTHERS) as usize),
        _ => Name::Connection(Slot { index, generation: (token >> 32) as u32 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_out_as_they_went_in() {
        let slot = Slot { index: 16_383, generation: u32::MAX };
        for name in [Name::Listener, Name::Waker, Name::Port(4), Name::Connection(slot)] {
            assert_eq!(decode(encode(name)), name);
        }
    }
}
