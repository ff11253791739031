//! Accepts wait in the kernel, each with a place and an address buffer of its own.

use io_uring::{opcode, types};
use socket2::{SockAddr, SockAddrStorage, Socket};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use super::connection::{Connection, Phase};
use super::token::{self, Kind};
use super::*;
use crate::ring::sources::Source;

/// The listener and the accepts that may wait on it.
pub(super) struct Accepts {
    listener: Option<(Socket, SocketAddr)>,
    peers: Cells<Peer>,
    /// The place that each accept in the kernel has reserved.
    slots: Vec<Option<Slot>>,
    /// Accepts that are not in the kernel.
    idle: Vec<usize>,
    paused_until: Option<Instant>,
    pause: Duration,
    stopped: bool,
}

/// What `accept(2)` writes to.
struct Peer {
    address: SockAddrStorage,
    len: libc::socklen_t,
}

impl Accepts {
    pub fn new(address: Option<SocketAddr>, count: usize) -> io::Result<Self> {
        let listener = match address {
            None => None,
            Some(address) => {
                let socket = sockets::listener(address, Waiting::Ring)?;
                let address = sockets::local_address(&socket)?;
                Some((socket, address))
            }
        };
        let count = if listener.is_some() { count } else { 0 };
        Ok(Self {
            listener,
            peers: Cells::new(count, || Peer { address: SockAddrStorage::zeroed(), len: 0 }),
            slots: vec![None; count],
            idle: (0..count).collect(),
            paused_until: None,
            pause: limits::ACCEPT_PAUSE_MIN,
            stopped: false,
        })
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(|(_, address)| *address)
    }

    pub fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    pub fn leak(&mut self) {
        self.peers.leak();
    }
}

impl Uring {
    /// Gives the kernel all accepts that it does not have, unless accepting pauses.
    pub(super) fn arm_accepts(&mut self, now: Instant) {
        if self.accepts.stopped || self.accepts.paused_until.is_some_and(|until| now < until) {
            return;
        }
        self.accepts.paused_until = None;
        while let Some(number) = self.accepts.idle.pop() {
            let Ok(slot) = self.connections.insert(Connection::accepting()) else {
                // Places are freed when closing connections have had their last completion.
                self.accepts.idle.push(number);
                return;
            };
            self.arm_accept(number, slot);
        }
    }

    fn arm_accept(&mut self, number: usize, slot: Slot) {
        let (listener, _) = self.accepts.listener.as_ref().expect("invariant: else no accepts");
        let peer = self.accepts.peers.at(number);
        // SAFETY: the kernel does not have this accept, so the cell is ours; no reference is kept.
        let (address, len) = unsafe {
            (*peer).len = size_of::<SockAddrStorage>() as libc::socklen_t;
            ((&raw mut (*peer).address).cast::<libc::sockaddr>(), &raw mut (*peer).len)
        };
        let place = types::DestinationSlot::try_from_slot_target(slot.index);
        let accept = opcode::Accept::new(types::Fd(listener.as_raw_fd()), address, len)
            .file_index(Some(place.expect("invariant: places are far fewer")))
            .build()
            .user_data(token::encode_place(Kind::Accept, number));
        let receive = Self::receive_once(slot);
        self.accepts.slots[number] = Some(slot);
        // SAFETY: the cell stays where it is and untouched until the accept's completion; the
        // listener is kept until all accepts have completed; the receive writes to its group.
        unsafe { self.queue.push(&[queue::linked(accept), receive]) };
    }

    pub(super) fn accepted(&mut self, number: usize, result: i32) {
        let slot = self.accepts.slots[number].take().expect("invariant: it was armed");
        self.accepts.idle.push(number);
        if result < 0 {
            self.accept_failed(slot, -result);
            return;
        }
        self.accepts.pause = limits::ACCEPT_PAUSE_MIN;
        self.counters.accepted += 1;
        let peer = self.accepts.peers.at(number);
        // SAFETY: the accept has completed: the cell is ours, and the kernel has written a socket
        // address of `len` bytes to it, which are plain numbers.
        let peer = unsafe { SockAddr::new((&raw const (*peer).address).read(), (*peer).len) };
        let peer = sockets::canonical(&peer);
        let full = self.open() >= self.connections_max();
        let source = peer.map(|peer| Source::from(peer.ip()));
        let entered = source.filter(|source| !full && self.sources.enter(*source));
        let connection = self.connections.get(slot).expect("invariant: reserved");
        connection.ended = false;
        connection.phase = Phase::Open;
        connection.source = entered;
        match peer {
            Some(peer) if entered.is_some() => {
                connection.announced = true;
                self.events.push(Event::Accepted { slot, peer });
            }
            _ => {
                self.counters.shed += 1;
                self.begin_close(slot, None);
            }
        }
    }

    /// The linked receive ends by itself, and the place is free then.
    fn accept_failed(&mut self, slot: Slot, errno: i32) {
        let connection = self.connections.get(slot).expect("invariant: reserved");
        connection.phase = Phase::Closing;
        match errno {
            // The peer has gone, or nobody asks any more.
            libc::ECONNABORTED | libc::EINTR | libc::EPROTO | libc::ECANCELED => {}
            // Descriptors or memory are short (or what else would fail at once again).
            _ => self.pause_accepting(),
        }
        self.settle(slot);
        self.drop_listener();
    }

    fn pause_accepting(&mut self) {
        if self.accepts.paused_until.is_some() {
            return;
        }
        self.counters.accept_pauses += 1;
        self.accepts.paused_until = Some(self.now + self.accepts.pause);
        self.accepts.pause = (2 * self.accepts.pause).min(limits::ACCEPT_PAUSE_MAX);
    }

    pub(super) fn cancel_accepts(&mut self) {
        self.accepts.stopped = true;
        self.accepts.paused_until = None;
        for number in 0..self.accepts.slots.len() {
            if self.accepts.slots[number].is_some() {
                let accept = token::encode_place(Kind::Accept, number);
                let cancel = opcode::AsyncCancel::new(accept).build();
                let cancel = cancel.user_data(token::encode_place(Kind::Ignored, 0));
                // SAFETY: the entry points at nothing.
                unsafe { self.queue.push(&[cancel]) };
            }
        }
        self.drop_listener();
    }

    /// Closes the listener when nobody accepts any more, so that the kernel refuses connections
    /// instead of keeping them waiting.
    fn drop_listener(&mut self) {
        let waits = self.accepts.slots.iter().any(Option::is_some);
        if self.accepts.stopped && !waits {
            self.accepts.listener = None;
        }
    }

    /// Connections beside the one that just came: places without those that wait for an accept.
    fn open(&self) -> usize {
        let waiting = self.accepts.slots.len() - self.accepts.idle.len();
        self.connections.len().saturating_sub(waiting + 1)
    }

    fn connections_max(&self) -> usize {
        self.connections.places().saturating_sub(self.accepts.slots.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accept_one, driver};
    use super::*;
    use crate::ring::tests::tiny;

    /// What the kernel says when it has no descriptors or no memory left: accepting pauses, once
    /// for all accepts that fail together, longer each time up to a limit, and goes on by itself.
    #[test]
    fn accepting_pauses_and_goes_on() {
        let Some(mut driver) = driver(&tiny()) else { return };
        let mut events = Vec::new();
        driver.turn(Some(time::now()), &mut events).expect("turns");
        for (round, errno) in
            [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOBUFS, libc::EMFILE]
                .into_iter()
                .enumerate()
        {
            // As if the kernel had failed them: the real ones still wait, on places of their own.
            let armed = std::mem::replace(&mut driver.accepts.slots, vec![None; 4]);
            let idle = std::mem::take(&mut driver.accepts.idle);
            for number in 0..2 {
                let mut failed = Connection::accepting();
                failed.entries = 0;
                driver.accepts.slots[number] = driver.connections.insert(failed).ok();
                driver.accepted(number, -errno);
            }
            driver.accepts.slots = armed;
            driver.accepts.idle = idle;
            assert_eq!(driver.counters.accept_pauses, round as u64 + 1);
            let until = driver.accepts.paused_until().expect("pauses");
            let pause = until.since(driver.now);
            assert!(pause >= limits::ACCEPT_PAUSE_MIN && pause <= limits::ACCEPT_PAUSE_MAX);
            assert_eq!(driver.deadline(), Some(until));
            driver.now = until;
            driver.arm_accepts(until);
            assert_eq!(driver.accepts.paused_until(), None);
        }
        assert_eq!(driver.accepts.pause, limits::ACCEPT_PAUSE_MAX);
        accept_one(&mut driver);
        assert_eq!(driver.accepts.pause, limits::ACCEPT_PAUSE_MIN);
    }
}
