//! Accepting: a bounded number a turn, and a pause when descriptors or memory run out.

use socket2::Socket;
use std::fs::File;
use std::os::fd::AsRawFd;

use super::*;
use crate::ring::sockets::{self, Waiting};

/// The listener, and when it is looked at again.
pub(super) struct Accepts {
    listener: Option<(Socket, SocketAddr)>,
    ready: bool,
    most: usize,
    paused_until: Option<Instant>,
    pause: Duration,
    /// A descriptor in reserve: given up for a moment to take a connection in and close it.
    spare: Option<File>,
}

impl Accepts {
    pub fn new(address: Option<SocketAddr>, most: usize, poller: &Poller) -> io::Result<Self> {
        let listener = match address {
            None => None,
            Some(address) => {
                let socket = sockets::listener(address, Waiting::Poll)?;
                poller.watch(socket.as_raw_fd(), Name::Listener)?;
                let address = sockets::local_address(&socket)?;
                Some((socket, address))
            }
        };
        let (pause, spare) = (limits::ACCEPT_PAUSE_MIN, spare());
        Ok(Self { listener, ready: false, most, paused_until: None, pause, spare })
    }

    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(|(_, address)| *address)
    }

    pub fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    pub fn is_ready(&self, now: Instant) -> bool {
        self.ready && self.paused_until.is_none_or(|until| until <= now)
    }

    pub fn became_ready(&mut self) {
        self.ready = self.listener.is_some();
    }

    pub fn stop(&mut self) {
        self.listener = None;
        self.ready = false;
        self.paused_until = None;
    }

    /// Looks at the listener again after a pause.
    pub fn resume(&mut self, now: Instant, poller: &Poller) -> io::Result<()> {
        if self.paused_until.is_none_or(|until| now < until) {
            return Ok(());
        }
        self.paused_until = None;
        match &self.listener {
            Some((listener, _)) => poller.watch(listener.as_raw_fd(), Name::Listener),
            None => Ok(()),
        }
    }
}

impl Epoll {
    /// Takes connections in, as many as a turn may.
    pub(super) fn accept_some(&mut self) {
        if !self.accepts.is_ready(self.now) {
            return;
        }
        for _ in 0..self.accepts.most {
            let Some((listener, _)) = &self.accepts.listener else { return };
            match calls::accept(listener) {
                Ok(Some((socket, peer))) => {
                    self.accepts.pause = limits::ACCEPT_PAUSE_MIN;
                    self.counters.accepted += 1;
                    self.take_in(socket, sockets::canonical(&peer));
                }
                Ok(None) => return self.accepts.ready = false,
                Err(error) => match error.raw_os_error() {
                    // The peer has gone, or a signal came.
                    Some(libc::ECONNABORTED | libc::EINTR | libc::EPROTO) => {}
                    _ => return self.pause_accepting(),
                },
            }
        }
    }

    fn take_in(&mut self, socket: OwnedFd, peer: Option<SocketAddr>) {
        let Some(peer) = peer else {
            self.counters.shed += 1;
            return;
        };
        let source = Source::from(peer.ip());
        let full = self.connections.len() == self.connections.places();
        if full || !self.sources.enter(source) {
            self.counters.shed += 1;
            return;
        }
        let descriptor = socket.as_raw_fd();
        let connection = Connection {
            socket,
            source,
            lingers: false,
            queued: false,
            more: false,
            ended: false,
            takes: true,
            outgoing: None,
        };
        let slot = self.connections.insert(connection);
        let slot = slot.ok().expect("invariant: a place was free");
        if self.poller.watch(descriptor, Name::Connection(slot)).is_err() {
            self.connections.remove(slot);
            self.sources.leave(source);
            self.counters.shed += 1;
            return;
        }
        self.events.push(Event::Accepted { slot, peer });
    }

    /// Waits before it accepts again. One connection is told at once, with the spare descriptor's
    /// place; the others wait in the kernel.
    fn pause_accepting(&mut self) {
        let Some((listener, _)) = &self.accepts.listener else { return };
        if self.accepts.spare.take().is_some() && matches!(calls::accept(listener), Ok(Some(_))) {
            self.counters.shed += 1;
        }
        self.accepts.spare = spare();
        // Level-triggered, it would end each turn at once; forgotten, it costs nothing.
        let forgotten = self.poller.forget(listener.as_raw_fd());
        assert!(forgotten.is_ok(), "the listener was watched");
        self.accepts.ready = false;
        self.counters.accept_pauses += 1;
        self.accepts.paused_until = Some(self.now + self.accepts.pause);
        self.accepts.pause = (2 * self.accepts.pause).min(limits::ACCEPT_PAUSE_MAX);
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}
