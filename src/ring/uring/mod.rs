//! A core on io_uring: one ring, one thread, one `io_uring_enter` a turn.
//!
//! Accepts are single-shot, many at once, and not multishot: a multishot accept shares one address
//! buffer between its completions, so that the peer would cost a `getpeername` for each connection
//! and an ordinary descriptor to call it on. Each accept here brings its own address buffer and its
//! own place in the table of direct descriptors, which is the connection's slot, and a receive is
//! linked behind it: connection, peer and first bytes can come in one turn, with one call.
//! Descriptors cannot run out that way (direct ones have no number), and the kernel's trouble with
//! multishot accepts and deferred task work (6.6 to 6.8) is not met. The price, measured alone on
//! loopback: 5 to 8 µs of a core for a multishot accept, `getpeername` and close, 8 to 10 here,
//! when no other thread wants the process's table of descriptors, which all cores share.
//!
//! A connection's first receive is single-shot too, as most phones ask once and the answer's close
//! then finds nothing to cancel. One that is kept after its first answer receives multishot.
//!
//! What io_uring makes dangerous, and where it is met:
//!
//! | hazard | met by |
//! |---|---|
//! | memory freed or a place used again while the kernel has it | `settle`: entries are counted |
//! | a completion that comes late | `token`: kind, place, generation |
//! | a receive without a buffer ends | `arm_receives`: a line, served when buffers come back |
//! | a flood takes all buffers | `keep_to_share`: the receive ends and starts again behind |
//! | a multishot receive ends at any time | armed again only after its last completion |
//! | a full submission queue | `Queue::push`: reaps, submits, and never splits a chain |
//! | a full completion queue | the kernel keeps them, each turn fetches; counted |
//! | a short send starts a linked close | linked sends leave whole or fail (`MSG_WAITALL`) |
//! | an armed receive holds the socket open behind its close | cancelled before the send |
//! | no descriptors, no memory | `pause_accepting`: doubling pauses |
//! | blocking reads and shutdowns | `bound_workers`, `FILE_READS_MAX` |
//! | files starve answers | `doors`: a bounded number of bytes a turn, behind the answers |
//! | the ring goes while the kernel writes | `Drop`: cancels, waits, else leaks |
//!
//! Zero-copy sends are not used: their notifications cost more than copying a configuration does,
//! and long files leave without a copy anyhow (`doors`).

mod accept;
mod cells;
mod close;
mod connection;
mod datagram;
mod depart;
mod doors;
mod files;
mod gather;
mod provided;
mod queue;
mod receive;
mod send;
#[cfg(test)]
mod tests;
mod token;

use io_uring::{IoUring, cqueue, opcode, types};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use super::pool::Pool;
use super::sockets::{self, Waiting};
use super::sources::Sources;
use super::table::Table;
use super::{Counters, Event, Io, Opened, Output, Port, Setup, Sizes, Slot, Then, Waker, threads};
use crate::limits;
use crate::time::{self, Duration, Instant};
use accept::Accepts;
use cells::Cells;
use connection::{Connection, Message};
use datagram::Datagrams;
use doors::Doors;
use files::Files;
use provided::Group;
use queue::Queue;
use token::Kind;

pub(super) use provided::Provided;
pub(super) use queue::build;

/// Group of the connections' receive buffers.
const STREAMS: u16 = 0;
/// Group of the datagram sockets' buffers.
const DATAGRAMS: u16 = 1;

/// The driver on io_uring. Made and used in one thread, as the kernel asks of a ring with one
/// issuer; others reach it through its [`Waker`]:
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<ringboot::ring::uring::Uring>();
/// ```
pub struct Uring {
    queue: Queue,
    streams: Group,
    incoming: Group,
    capacity: usize,
    connections: Table<Connection>,
    messages: Cells<Message>,
    sources: Sources,
    accepts: Accepts,
    datagrams: Datagrams,
    files: Files,
    doors: Doors,
    /// Connections that wait for a receive buffer, in the order in which they ran out.
    starved: VecDeque<Slot>,
    /// Connections whose next receive is armed at the start of the next turn.
    idle: Vec<Slot>,
    /// Lingering connections and when their time is over, in order.
    lingering: VecDeque<(Instant, Slot)>,
    waker: Waker,
    rings: Cells<u64>,
    heads: Rc<Pool>,
    chunks: Rc<Pool>,
    events: Vec<Event>,
    /// Datagrams of the well-known port, which are told of behind all others of the next turn.
    requests: Vec<Event>,
    counters: Counters,
    linger: Duration,
    now: Instant,
    turn: u32,
    warnings: Vec<String>,
}

impl Uring {
    /// Makes the ring, its buffers and the sockets, for the calling thread.
    ///
    /// # Errors
    /// What the kernel says of the ring ([`super::probe`] explains that) or of an address.
    pub fn new(setup: &Setup, sizes: &Sizes) -> io::Result<Self> {
        let descriptors = threads::raise_descriptor_limit()?;
        let (queue, smaller) = Queue::new(sizes)?;
        let places = sizes.connections_max.saturating_add(sizes.accepts).min(descriptors);
        let table = u32::try_from(places).expect("invariant: bounded by limits");
        queue.ring().submitter().register_files_sparse(table)?;
        let capacity = places.saturating_sub(sizes.accepts);
        let fewer = (capacity < sizes.connections_max)
            .then(|| format!("{capacity} connections only: RLIMIT_NOFILE is {descriptors}"));
        let warnings = smaller.into_iter().chain(fewer).chain(queue::bound_workers(queue.ring()));
        let streams = (sizes.receive_buffers, sizes.receive_buffer_bytes);
        let incoming = (sizes.datagram_buffers, sizes.datagram_buffer_bytes);
        let mut driver = Self {
            streams: Group::new(queue.ring(), STREAMS, streams.0, streams.1)?,
            incoming: Group::new(queue.ring(), DATAGRAMS, incoming.0, incoming.1)?,
            capacity,
            connections: Table::new(places),
            messages: Cells::new(places, Message::zeroed),
            sources: Sources::new(places, sizes.connections_per_source_max),
            accepts: Accepts::new(setup.http, sizes.accepts.min(places))?,
            datagrams: Datagrams::new(setup)?,
            files: Files::new(sizes.file_reads_max),
            doors: Doors::new(sizes, doors::are_supported(queue.ring())),
            starved: VecDeque::new(),
            idle: Vec::new(),
            lingering: VecDeque::new(),
            waker: Waker::new(true)?,
            rings: Cells::new(1, || 0),
            heads: Pool::new(limits::OUTPUT_BUFFER_BYTES, limits::OUTPUT_BUFFERS_KEPT),
            chunks: Pool::new(sizes.chunk_bytes, limits::CHUNK_BUFFERS_KEPT),
            events: Vec::new(),
            requests: Vec::new(),
            counters: Counters::default(),
            linger: setup.linger,
            now: time::now(),
            turn: 0,
            warnings: warnings.collect(),
            queue,
        };
        driver.arm_waker();
        Ok(driver)
    }

    /// What another thread ends a turn with.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// What was refused at the start and is done without, a line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
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

    /// What the last turn left to do: receives, accepts, and what has run out of time.
    fn prepare(&mut self, now: Instant) {
        self.turn = self.turn.wrapping_add(1);
        self.send_departures();
        self.arm_receives();
        self.arm_datagrams();
        self.arm_accepts(now);
        self.end_lingering(now);
    }

    /// The time at which the driver itself has something to do.
    fn deadline(&self) -> Option<Instant> {
        let lingering = self.lingering.front().map(|(until, _)| *until);
        lingering.into_iter().chain(self.accepts.paused_until()).min()
    }

    fn arm_waker(&mut self) {
        let bell = types::Fd(self.waker.descriptor());
        let count = self.rings.at(0).cast::<u8>();
        let entry = opcode::Read::new(bell, count, 8).build();
        let entry = entry.user_data(token::encode_place(Kind::Wake, 0));
        // SAFETY: the cell is eight bytes that stay where they are until the ring is idle.
        unsafe { self.queue.push(&[entry]) };
    }

    fn complete(&mut self, completion: &cqueue::Entry) {
        let (result, flags) = (completion.result(), completion.flags());
        let Some((kind, name)) = token::decode(completion.user_data()) else {
            self.counters.stale += 1;
            return;
        };
        self.doors.note(kind);
        match kind {
            Kind::Accept => self.accepted(name.index as usize, result),
            Kind::Read => self.read_done(name.index as usize, result),
            Kind::Datagram => self.datagram_came(name.index as usize, result, flags),
            Kind::Depart => self.datagram_left(name.index as usize, result),
            Kind::Wake => {
                self.events.push(Event::Woken);
                self.arm_waker();
            }
            Kind::Ignored => {}
            Kind::Receive
            | Kind::Send
            | Kind::Shutdown
            | Kind::Chunk
            | Kind::Door
            | Kind::Room
            | Kind::Close
            | Kind::Cancel => self.complete_connection(kind, name, result, flags),
        }
    }

    fn complete_connection(&mut self, kind: Kind, name: Slot, result: i32, flags: u32) {
        let slot = self.connections.name(name.index).filter(|slot| token::is_same(*slot, name));
        let Some(slot) = slot else {
            self.counters.stale += 1;
            // A buffer is never lost, whoever it came for.
            drop(self.streams.take(flags, 0));
            return;
        };
        if !cqueue::more(flags) {
            let connection = self.connections.get(slot).expect("invariant: just named");
            assert!(connection.entries > 0, "each entry has one last completion");
            connection.entries -= 1;
        }
        match kind {
            Kind::Receive => self.received(slot, result, flags),
            Kind::Send => self.send_done(slot, result),
            Kind::Chunk => self.chunk_done(slot, result),
            Kind::Door => self.door_done(slot, result),
            Kind::Room => self.room_came(slot),
            Kind::Close => self.close_done(slot, result),
            Kind::Shutdown => self.shutdown_done(slot, result),
            _ => {}
        }
        self.settle(slot);
    }
}

impl Io for Uring {
    fn turn(&mut self, until: Option<Instant>, events: &mut Vec<Event>) -> io::Result<Instant> {
        let now = time::now();
        self.prepare(now);
        let until = until.into_iter().chain(self.deadline()).min();
        let timeout = until.map(|until| until.since(now));
        // Those who wait for buffers that are there are armed, some a turn, before it waits again.
        let arms = !self.starved.is_empty() && self.streams.kernel() > 0;
        if !self.doors.is_idle() {
            // Answers leave first, files behind them.
            self.queue.turn(false, None)?;
            self.send_files();
        }
        let mut requests = std::mem::take(&mut self.requests);
        let waits = self.events.is_empty() && requests.is_empty() && self.doors.is_idle() && !arms;
        self.queue.turn(waits, timeout)?;
        self.now = time::now();
        let mut completions = self.queue.take();
        for completion in completions.drain(..) {
            self.complete(&completion);
        }
        self.queue.recycle(completions);
        events.append(&mut self.events);
        events.append(&mut requests);
        Ok(self.now)
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.heads.take()
    }

    fn send(&mut self, slot: Slot, output: Output, then: Then) {
        self.start_output(slot, output, then);
    }

    fn close(&mut self, slot: Slot) {
        self.begin_close(slot, None);
    }

    fn send_to(&mut self, port: Port, peer: SocketAddr, from: Option<IpAddr>, datagram: Vec<u8>) {
        self.depart(port, peer, from, datagram);
    }

    fn read(&mut self, token: u64, file: &Arc<Opened>, offset: u64, len: usize) {
        self.want_read(token, file, offset, len);
    }

    fn stop_accepting(&mut self) {
        self.cancel_accepts();
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn counters(&self) -> Counters {
        let leased = u64::from(self.streams.leased()) + u64::from(self.incoming.leased());
        Counters {
            submission_full: self.queue.submission_full,
            overflows: self.queue.overflows,
            gathered: self.queue.gathered,
            buffers_kernel: u64::from(self.streams.kernel()) + u64::from(self.incoming.kernel()),
            buffers_leased: leased + self.chunks.leased(),
            ..self.counters
        }
    }
}

impl Drop for Uring {
    /// Cancels all and waits until the kernel has let go; what it does not let go is leaked, as the
    /// kernel might still write to it.
    fn drop(&mut self) {
        self.send_departures();
        let cancel = opcode::AsyncCancel2::new(types::CancelBuilder::any().all()).build();
        let cancel = cancel.user_data(token::encode_place(Kind::Ignored, 0));
        // SAFETY: the entry points at nothing.
        unsafe { self.queue.push(&[cancel]) };
        for _ in 0..limits::QUIET_TURNS_MAX {
            if self.queue.in_flight() == 0 {
                return;
            }
            if self.queue.turn(true, Some(limits::QUIET_TURN)).is_err() {
                break;
            }
            // Chains that a cancel broke end by themselves; nothing new is started here.
            self.queue.take().clear();
        }
        self.streams.leak();
        self.incoming.leak();
        self.messages.leak();
        self.rings.leak();
        self.accepts.leak();
        self.datagrams.leak();
        self.files.leak();
        std::mem::forget(std::mem::replace(&mut self.connections, Table::new(0)));
    }
}

/// Registers and unregisters a small buffer ring: what a probe cannot see otherwise.
///
/// # Errors
/// What `io_uring_register(2)` says.
pub(super) fn try_buffers(ring: &IoUring) -> io::Result<()> {
    let group = Group::new(ring, STREAMS, 8, 64)?;
    ring.submitter().unregister_buf_ring(group.id())
}
