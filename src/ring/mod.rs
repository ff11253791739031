//! Sockets, buffers and files under one trait: a core's kernel side. All `unsafe` is here.
//!
//! A driver turns: it waits, gathers what happened into events, and gives them to the worker. It
//! never calls back. What the kernel reads or writes is owned by the driver until its completion;
//! a buffer has one holder (kernel, lease, free list), and they are counted.

mod beneath;
pub mod epoll;
mod lease;
mod opened;
mod output;
mod packet_info;
mod pool;
mod probe;
pub mod sockets;
mod sources;
mod table;
#[cfg(test)]
mod tests;
mod threads;
pub mod uring;
mod waker;

use bytes::Bytes;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::limits;
use crate::time::{Duration, Instant};

pub use beneath::open_beneath;
pub use lease::Lease;
pub use opened::Opened;
pub use probe::{Probe, Unavailable, probe};
pub use threads::{make_files_private, pin_to_core, raise_descriptor_limit};
pub use waker::Waker;

/// Names a connection: an index and the generation of what lies there. A stale name is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Slot {
    /// Place in the table.
    pub index: u32,
    /// Counts the uses of the place.
    pub generation: u32,
}

/// Names a datagram socket: 0 is the well-known port, the others are transfer ports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Port(pub u16);

/// What happened in a turn.
#[expect(missing_docs, reason = "each event's sentence and the types say what its fields are")]
#[derive(Debug)]
pub enum Event {
    /// A connection came in.
    Accepted { slot: Slot, peer: SocketAddr },
    /// Bytes of a stream.
    Received { slot: Slot, lease: Lease },
    /// The peer has sent all it will; it may still read.
    Finished { slot: Slot },
    /// A part of what is being sent has left; the connection is alive.
    Progress { slot: Slot },
    /// All of the last `send` has left.
    Sent { slot: Slot },
    /// The connection is gone and its name is stale. The last event of a slot.
    Closed { slot: Slot, error: Option<io::ErrorKind> },
    /// A datagram, and which address of ours it was sent to: none where its socket has only one.
    Datagram { port: Port, peer: SocketAddr, local: Option<IpAddr>, lease: Lease },
    /// A file read that was asked for with this token; empty at the end of the file.
    Read { token: u64, result: io::Result<Lease> },
    /// Another thread rang the driver's `Waker`.
    Woken,
}

/// What a connection is sent: a head in a driver's buffer and a body that is shared.
#[derive(Debug, Default)]
pub struct Output {
    /// Made in a buffer of `Io::buffer`; goes first.
    pub head: Vec<u8>,
    /// Goes after the head.
    pub body: Body,
}

/// What follows a head.
#[expect(missing_docs, reason = "the variant's sentence names its fields")]
#[derive(Debug, Default, Clone)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// A part of a file: `len` bytes from `offset`. A file that ends early, or is
    /// written over meanwhile, closes the connection.
    File { file: Arc<Opened>, offset: u64, len: u64 },
}

impl Output {
    /// Its bytes, head and body.
    pub fn len(&self) -> u64 {
        let body = match &self.body {
            Body::Empty => 0,
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File { len, .. } => *len,
        };
        self.head.len() as u64 + body
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What becomes of a connection when its output has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// It is kept: `Event::Sent` follows.
    Keep,
    /// It is closed at once: `Event::Closed` follows, no `Sent`.
    Close,
    /// Its sending half is closed, input is read and dropped until the peer's end or
    /// `LINGER_TIME_MAX` (RFC 9112 section 9.6), then it is closed: `Event::Closed` follows.
    Linger,
}

/// One core's sockets and files. One output at a time a connection; datagrams are not limited.
pub trait Io {
    /// Submits what was asked, waits until something happens or `until`, and appends what did.
    /// Returns the time at which the events were taken.
    ///
    /// # Errors
    /// Only what ends the core: the ring itself failed.
    fn turn(&mut self, until: Option<Instant>, events: &mut Vec<Event>) -> io::Result<Instant>;

    /// An empty buffer for a head or a datagram; given back by sending it.
    fn buffer(&mut self) -> Vec<u8>;

    /// Sends; must not be called again for this slot before `Sent`. A stale slot drops the output.
    fn send(&mut self, slot: Slot, output: Output, then: Then);

    /// Closes now, whatever is under way. `Event::Closed` follows, once.
    fn close(&mut self, slot: Slot);

    /// Sends one datagram from `port` and, where its socket has many addresses, from `from`: a
    /// `local` of an event. A full socket queues it; a failed one is counted.
    fn send_to(&mut self, port: Port, peer: SocketAddr, from: Option<IpAddr>, datagram: Vec<u8>);

    /// Reads `len` bytes at `offset`, fewer only at the file's end; `Event::Read` with the same
    /// token follows.
    fn read(&mut self, token: u64, file: &Arc<Opened>, offset: u64, len: usize);

    /// Stops accepting connections, for a clean shutdown. What is open goes on.
    fn stop_accepting(&mut self);

    /// Most connections that this driver can have: the descriptors may allow fewer than
    /// `CONNECTIONS_MAX`.
    fn capacity(&self) -> usize {
        limits::CONNECTIONS_MAX
    }

    /// What the driver counted since it was made.
    fn counters(&self) -> Counters;
}

/// Counts of one driver. Each hazard that is handled has its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Connections that came in.
    pub accepted: u64,
    /// Connections that are gone.
    pub closed: u64,
    /// Times that accepting paused because descriptors or memory ran out.
    pub accept_pauses: u64,
    /// Connections shed because the table or a source's share was full.
    pub shed: u64,
    /// Receives that ended because no buffer was free (ENOBUFS).
    pub buffers_exhausted: u64,
    /// Receives and accepts armed again after the kernel ended them.
    pub rearmed: u64,
    /// Completions of a slot that had gone.
    pub stale: u64,
    /// Sends that left only a part and were continued.
    pub short_sends: u64,
    /// Turns that found the completion queue's overflow flag.
    pub overflows: u64,
    /// Times that the submission queue was full and was submitted early.
    pub submission_full: u64,
    /// Turns that waited for several completions, as they came fast.
    pub gathered: u64,
    /// Datagrams that could not be sent.
    pub datagrams_failed: u64,
    /// Datagrams that came in cut.
    pub datagrams_cut: u64,
    /// Buffers that the kernel has.
    pub buffers_kernel: u64,
    /// Buffers that leases hold.
    pub buffers_leased: u64,
}

impl Counters {
    /// Adds another driver's counts.
    pub fn add(&mut self, other: &Counters) {
        self.accepted += other.accepted;
        self.closed += other.closed;
        self.accept_pauses += other.accept_pauses;
        self.shed += other.shed;
        self.buffers_exhausted += other.buffers_exhausted;
        self.rearmed += other.rearmed;
        self.stale += other.stale;
        self.short_sends += other.short_sends;
        self.overflows += other.overflows;
        self.submission_full += other.submission_full;
        self.gathered += other.gathered;
        self.datagrams_failed += other.datagrams_failed;
        self.datagrams_cut += other.datagrams_cut;
        self.buffers_kernel += other.buffers_kernel;
        self.buffers_leased += other.buffers_leased;
    }
}

/// How the sockets of a core are made.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where phones connect; none without HTTP.
    pub http: Option<SocketAddr>,
    /// Where read requests go; none without TFTP.
    pub tftp: Option<SocketAddr>,
    /// Transfer ports beside the well-known one.
    pub transfer_ports: usize,
    /// Longest time that a lingering close waits.
    pub linger: Duration,
}

/// How large the tables and queues of a driver are; the defaults are those of `limits`.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Submission queue entries, a power of two.
    pub submission_entries: u32,
    /// Completion queue entries, at least four times as many.
    pub completion_entries: u32,
    /// Receive buffers of connections, a power of two.
    pub receive_buffers: u16,
    /// Size of one, in bytes.
    pub receive_buffer_bytes: usize,
    /// Receive buffers of datagram sockets, a power of two.
    pub datagram_buffers: u16,
    /// Size of one, in bytes.
    pub datagram_buffer_bytes: usize,
    /// Most connections.
    pub connections_max: usize,
    /// Most connections of one source address.
    pub connections_per_source_max: usize,
    /// Accepts that wait in the kernel at once.
    pub accepts: usize,
    /// Bytes read at once from a file that is sent.
    pub chunk_bytes: usize,
    /// Most file reads under way.
    pub file_reads_max: usize,
    /// Most connections at once that files are sent to straight from the page cache.
    pub doors_max: usize,
    /// Bytes of a file that are sent at once that way.
    pub piece_bytes: usize,
    /// Bytes of files that are sent that way in a turn.
    pub file_turn_bytes: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            submission_entries: limits::SUBMISSION_ENTRIES,
            completion_entries: limits::COMPLETION_ENTRIES,
            receive_buffers: limits::RECEIVE_BUFFERS,
            receive_buffer_bytes: limits::RECEIVE_BUFFER_BYTES,
            datagram_buffers: limits::DATAGRAM_BUFFERS,
            datagram_buffer_bytes: limits::DATAGRAM_BUFFER_BYTES,
            connections_max: limits::CONNECTIONS_MAX,
            connections_per_source_max: limits::CONNECTIONS_PER_SOURCE_MAX,
            accepts: limits::ACCEPTS_ARMED,
            chunk_bytes: limits::FILE_CHUNK_BYTES,
            file_reads_max: limits::FILE_READS_MAX,
            doors_max: limits::DOORS_MAX,
            piece_bytes: limits::FILE_PIECE_BYTES,
            file_turn_bytes: limits::FILE_TURN_BYTES,
        }
    }
}
