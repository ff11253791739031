//! A core on epoll, for where io_uring is forbidden: the same events from the same requests.
//!
//! Connections are registered once, edge-triggered, and what is readable or writable is remembered:
//! each gets one receive and one piece of a file a turn, so that none starves the others.

mod accept;
pub(super) mod calls;
mod datagram;
mod poller;
mod stream;

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use super::output::Outgoing;
use super::pool::Pool;
use super::sources::{Source, Sources};
use super::table::Table;
use super::{
    Counters, Event, Io, Lease, Opened, Output, Port, Setup, Sizes, Slot, Then, Waker, threads,
};
use crate::limits;
use crate::time::{self, Duration, Instant};
use accept::Accepts;
use datagram::Datagrams;
use poller::{Name, Poller, Readiness};

/// The driver on epoll.
pub struct Epoll {
    poller: Poller,
    capacity: usize,
    connections: Table<Connection>,
    sources: Sources,
    accepts: Accepts,
    datagrams: Datagrams,
    /// Connections that may have input.
    readable: VecDeque<Slot>,
    /// Connections that have more to send and whose socket may take it.
    writable: VecDeque<Slot>,
    reads: VecDeque<Reading>,
    reads_max: usize,
    piece_bytes: usize,
    lingering: VecDeque<(Instant, Slot)>,
    waker: Waker,
    receives: Rc<Pool>,
    heads: Rc<Pool>,
    chunks: Rc<Pool>,
    events: Vec<Event>,
    counters: Counters,
    linger: Duration,
    now: Instant,
}

/// One place of the table.
struct Connection {
    socket: OwnedFd,
    source: Source,
    lingers: bool,
    /// Whether it stands in `readable`.
    queued: bool,
    /// Whether more than the bytes at hand may be there: a full buffer, or the peer's end.
    more: bool,
    /// Whether the peer has ended.
    ended: bool,
    /// Whether the socket took all that it was given last.
    takes: bool,
    outgoing: Option<Outgoing>,
}

/// A file read that was asked for.
struct Reading {
    token: u64,
    file: Arc<Opened>,
    offset: u64,
    len: usize,
}

impl Epoll {
    /// Makes the sockets.
    ///
    /// # Errors
    /// What the kernel says of an address, or of descriptors.
    pub fn new(setup: &Setup, sizes: &Sizes) -> io::Result<Self> {
        let descriptors = threads::raise_descriptor_limit()?;
        let left = descriptors.saturating_sub(limits::DESCRIPTORS_RESERVED).max(descriptors / 2);
        let places = sizes.connections_max.min(left);
        let waker = Waker::new(false)?;
        let poller = Poller::new()?;
        poller.watch(waker.descriptor(), Name::Waker)?;
        let datagram_bytes = sizes.datagram_buffer_bytes;
        Ok(Self {
            capacity: places,
            connections: Table::new(places),
            sources: Sources::new(places, sizes.connections_per_source_max),
            accepts: Accepts::new(setup.http, sizes.accepts, &poller)?,
            datagrams: Datagrams::new(setup, datagram_bytes, sizes.datagram_buffers, &poller)?,
            readable: VecDeque::new(),
            writable: VecDeque::new(),
            reads: VecDeque::new(),
            reads_max: sizes.file_reads_max.max(1),
            piece_bytes: sizes.piece_bytes,
            lingering: VecDeque::new(),
            receives: Pool::new(sizes.receive_buffer_bytes, usize::from(sizes.receive_buffers)),
            heads: Pool::new(limits::OUTPUT_BUFFER_BYTES, limits::OUTPUT_BUFFERS_KEPT),
            chunks: Pool::new(sizes.chunk_bytes, limits::CHUNK_BUFFERS_KEPT),
            events: Vec::new(),
            counters: Counters::default(),
            linger: setup.linger,
            now: time::now(),
            poller,
            waker,
        })
    }

    /// What another thread ends a turn with.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Where connections come in.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.accepts.address()
    }

    /// Where a datagram socket is bound.
    #[must_use]
    pub fn port_address(&self, port: Port) -> Option<SocketAddr> {
        self.datagrams.address(port)
    }

    /// Whether there is work that no descriptor announces any more.
    fn is_busy(&self) -> bool {
        let connections = self.readable.len() + self.writable.len();
        connections + self.events.len() + self.reads.len() > 0
            || self.accepts.is_ready(self.now)
            || self.datagrams.is_ready()
    }

    fn deadline(&self) -> Option<Instant> {
        let lingering = self.lingering.front().map(|(until, _)| *until);
        lingering.into_iter().chain(self.accepts.paused_until()).min()
    }

    fn became_ready(&mut self, name: Name, readiness: Readiness) {
        match name {
            Name::Listener => self.accepts.became_ready(),
            Name::Waker => {
                self.waker.look();
                self.events.push(Event::Woken);
            }
            Name::Port(number) => self.datagrams.became_ready(number, readiness),
            Name::Connection(slot) => {
                let Some(connection) = self.connections.get(slot) else {
                    self.counters.stale += 1;
                    return;
                };
                if readiness.reads && !connection.ended {
                    connection.more |= readiness.ends;
                    if !std::mem::replace(&mut connection.queued, true) {
                        self.readable.push_back(slot);
                    }
                }
                let wants = connection.outgoing.is_some();
                if readiness.writes && !std::mem::replace(&mut connection.takes, true) && wants {
                    self.writable.push_back(slot);
                }
            }
        }
    }

    /// One receive, one piece, one look at each: whoever has more waits for the next turn.
    fn serve(&mut self) {
        self.accept_some();
        for _ in 0..self.readable.len() {
            let Some(slot) = self.readable.pop_front() else { break };
            self.receive(slot);
        }
        for _ in 0..self.writable.len() {
            let Some(slot) = self.writable.pop_front() else { break };
            self.advance(slot);
        }
        for _ in 0..self.reads.len().min(self.reads_max) {
            let Some(reading) = self.reads.pop_front() else { break };
            self.read_file(&reading);
        }
        self.datagrams.serve(&mut self.events, &mut self.counters, &self.heads);
    }

    fn read_file(&mut self, reading: &Reading) {
        let mut buffer = self.chunks.take_for(reading.len);
        let read = calls::read_at(reading.file.file(), reading.offset, reading.len, &mut buffer);
        let result = read.map(|()| Lease::pooled(self.chunks.lease(buffer)));
        self.events.push(Event::Read { token: reading.token, result });
    }

    /// Closes those who have lingered long enough.
    fn end_lingering(&mut self) {
        while let Some(&(until, slot)) = self.lingering.front() {
            if until > self.now {
                return;
            }
            self.lingering.pop_front();
            self.end(slot, None);
        }
    }
}

impl Io for Epoll {
    fn turn(&mut self, until: Option<Instant>, events: &mut Vec<Event>) -> io::Result<Instant> {
        self.now = time::now();
        self.end_lingering();
        self.accepts.resume(self.now, &self.poller)?;
        let until = until.into_iter().chain(self.deadline()).min();
        let wait = until.map(|until| until.since(self.now));
        let wait = if self.is_busy() { Some(Duration::ZERO) } else { wait };
        let ready = self.poller.wait(wait)?;
        self.now = time::now();
        for number in 0..ready {
            let (name, readiness) = self.poller.ready(number);
            self.became_ready(name, readiness);
        }
        self.serve();
        events.append(&mut self.events);
        Ok(self.now)
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.heads.take()
    }

    fn send(&mut self, slot: Slot, output: Output, then: Then) {
        let open = self.connections.get(slot).filter(|connection| !connection.lingers);
        let Some(connection) = open else {
            self.heads.give(output.head);
            return;
        };
        assert!(connection.outgoing.is_none(), "one output at a time");
        connection.outgoing = Some(Outgoing::new(output, then));
        if connection.takes {
            self.advance(slot);
        }
    }

    fn close(&mut self, slot: Slot) {
        self.end(slot, None);
    }

    fn send_to(&mut self, port: Port, peer: SocketAddr, from: Option<IpAddr>, datagram: Vec<u8>) {
        self.datagrams.send(port, (peer, from), datagram, &mut self.counters, &self.heads);
    }

    fn read(&mut self, token: u64, file: &Arc<Opened>, offset: u64, len: usize) {
        self.reads.push_back(Reading { token, file: Arc::clone(file), offset, len });
    }

    fn stop_accepting(&mut self) {
        self.accepts.stop();
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn counters(&self) -> Counters {
        let streams = self.receives.leased() + self.chunks.leased();
        Counters { buffers_leased: streams + self.datagrams.leased(), ..self.counters }
    }
}
