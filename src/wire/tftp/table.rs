//! All transfers of one core: each datagram finds its own, and an unknown peer's cost is bounded.
//!
//! A transfer is found by its transfer port (its TID on our side) and the peer's address (RFC 1350
//! section 4). Ports are few and shared; a peer that runs two transfers from one port of its own
//! gets two of ours. Work is never a scan: deadlines are an ordered set, ages and shares are lists
//! in the order of beginning.

use super::lists::{Links, List};
use super::packet::{ErrorCode, Mode, Packet, Request};
use super::transfer::{End, Transfer, Transmit};
use crate::limits::{TRANSFERS_MAX, TRANSFERS_UNANSWERED_PER_SOURCE_MAX};
use crate::time::Instant;
use ahash::AHashMap;
use std::collections::hash_map::Entry as Named;
use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

/// Names a transfer: a place and the generation of what lies there. A stale name is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    index: u32,
    generation: u32,
}

/// Between whom a transfer is: it is sent from the address that was asked, and from no other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// Who asked.
    pub peer: SocketAddr,
    /// The address of ours that was asked; none where there is only one.
    pub local: Option<IpAddr>,
}

/// What a datagram on the listening port asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListenOutcome<'a> {
    /// Nothing: it was malformed, no request, or repeats one that is being answered.
    Silence,
    /// This ERROR, from the listening port.
    Error(Packet<'static>),
    /// A file, in octet or netascii mode: `begin` a transfer or send an ERROR.
    Request(Request<'a>),
}

/// A packet to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// The transfer; its payload has the bytes.
    pub key: Key,
    /// Transfer port to send from.
    pub port: u16,
    /// Address to send to.
    pub peer: SocketAddr,
    /// Address to send from; none where there is only one.
    pub local: Option<IpAddr>,
    /// What to send.
    pub transmit: Transmit,
}

/// A transfer that is over.
#[derive(Debug)]
pub struct Finished<T> {
    /// Who asked for it.
    pub peer: SocketAddr,
    /// How it ended.
    pub end: End,
    /// Bytes of the file that the peer acknowledged.
    pub acknowledged_bytes: u64,
    /// Times that the peer's silence made it send again.
    pub repeats: u16,
    /// What `begin` was given.
    pub payload: T,
}

/// The transfers of one core, each with the caller's `T`.
///
/// INVARIANT: an entry is once in `by_peer`, once in `deadlines` (at `entry.scheduled`, never later
/// than its deadline), and in `unanswered` and its source's list in `unanswered_by_source` until
/// its peer has answered. No list of a source is empty.
#[derive(Debug)]
pub struct Transfers<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    by_peer: AHashMap<(u16, SocketAddr), u32>,
    deadlines: BTreeSet<(Instant, u32)>,
    unanswered: List,
    unanswered_links: Links,
    unanswered_by_source: AHashMap<IpAddr, List>,
    source_links: Links,
    /// Transfers that want to send, each at most once, in turn.
    ready: VecDeque<Key>,
    finished: VecDeque<Finished<T>>,
    ports: RangeInclusive<u16>,
    begun: u64,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    entry: Option<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    transfer: Transfer,
    port: u16,
    peer: SocketAddr,
    local: Option<IpAddr>,
    /// Tells a repeated request from another one of the same peer.
    request_hash: u64,
    /// Place in the order of beginning.
    order: u64,
    scheduled: Instant,
    /// Whether it stands in `unanswered` and in its source's list.
    is_waiting: bool,
    is_ready: bool,
    payload: T,
}

impl<T> Transfers<T> {
    /// An empty table over the transfer ports `1..=ports`. With none, transfers are answered from
    /// the listening port, 0: what passes a NAT or a load balancer that knows only one port.
    pub fn new(ports: u16) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_peer: AHashMap::new(),
            deadlines: BTreeSet::new(),
            unanswered: List::default(),
            unanswered_links: Links::default(),
            unanswered_by_source: AHashMap::new(),
            source_links: Links::default(),
            ready: VecDeque::new(),
            finished: VecDeque::new(),
            ports: if ports == 0 { 0..=0 } else { 1..=ports },
            begun: 0,
        }
    }

    /// Transfers under way.
    pub fn len(&self) -> usize {
        self.by_peer.len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.by_peer.is_empty()
    }

    /// Takes a datagram of the listening port.
    pub fn on_listen<'a>(
        &mut self,
        now: Instant,
        flow: impl Into<Flow>,
        datagram: &'a [u8],
    ) -> ListenOutcome<'a> {
        let flow = flow.into();
        let refuse = |code| ListenOutcome::Error(Packet::error(code));
        match Packet::parse(datagram) {
            Ok(Packet::Read(request)) => match request.mode {
                // RFC 1350 section 1: mail is obsolete, and never was for reading.
                Mode::Mail => refuse(ErrorCode::ILLEGAL_OPERATION),
                Mode::Other(_) => refuse(ErrorCode::UNDEFINED),
                Mode::Octet | Mode::Netascii if self.join(flow, &request) => ListenOutcome::Silence,
                Mode::Octet | Mode::Netascii => ListenOutcome::Request(request),
            },
            Ok(Packet::Write(_)) => refuse(ErrorCode::ACCESS_VIOLATION),
            Ok(packet) => {
                self.handle(now, 0, flow.peer, &packet);
                ListenOutcome::Silence
            }
            Err(_) => ListenOutcome::Silence,
        }
    }

    /// Begins a transfer of `size` bytes (in netascii: of the converted text). None when the table
    /// is full of transfers that peers have answered: say nothing, the peer will ask again.
    ///
    /// An earlier transfer to the same peer gets another port, or makes room when there is none.
    pub fn begin(
        &mut self,
        now: Instant,
        flow: impl Into<Flow>,
        request: &Request<'_>,
        size: u64,
        payload: T,
    ) -> Option<Key> {
        let Flow { peer, local } = flow.into();
        let source = source_of(peer);
        if let Some(waiting) = self.unanswered_by_source.get(&source)
            && waiting.len() >= TRANSFERS_UNANSWERED_PER_SOURCE_MAX
            && let Some(oldest) = waiting.first()
        {
            self.drop_entry(oldest);
        }
        let port = self.port_for(peer);
        if self.len() >= TRANSFERS_MAX {
            self.drop_entry(self.unanswered.first()?);
        }
        self.begun += 1;
        let transfer = Transfer::new(now, request, size);
        let scheduled = transfer.poll_timeout().unwrap_or(now);
        let request_hash = self.hash_of(request);
        let order = self.begun;
        let entry = Entry {
            transfer,
            port,
            peer,
            local,
            request_hash,
            order,
            scheduled,
            is_waiting: true,
            is_ready: false,
            payload,
        };
        let key = self.occupy(entry);
        self.by_peer.insert((port, peer), key.index);
        self.deadlines.insert((scheduled, key.index));
        self.unanswered_links.push(&mut self.unanswered, key.index);
        let waiting = self.unanswered_by_source.entry(source).or_default();
        self.source_links.push(waiting, key.index);
        self.settle(key.index);
        Some(key)
    }

    /// Takes a datagram of a transfer port. The answer, if any, is for its sender: ERROR 5 tells a
    /// stranger that it has no transfer here (RFC 1350 section 4), and no transfer notices.
    #[must_use]
    pub fn on_transfer_datagram(
        &mut self,
        now: Instant,
        port: u16,
        peer: SocketAddr,
        datagram: &[u8],
    ) -> Option<Packet<'static>> {
        match Packet::parse(datagram) {
            Ok(packet) if self.handle(now, port, peer, &packet) => None,
            // An ERROR is never answered, and what is no packet neither.
            Ok(Packet::Error { .. }) | Err(_) => None,
            Ok(_) => Some(Packet::error(ErrorCode::UNKNOWN_TRANSFER)),
        }
    }

    /// The next packet to send, in turn among the transfers; ask again until there is none.
    #[must_use]
    pub fn next_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        while let Some(key) = self.ready.pop_front() {
            let Some(entry) = self.entry_mut(key) else { continue };
            entry.is_ready = false;
            let (port, peer, local) = (entry.port, entry.peer, entry.local);
            let transmit = entry.transfer.poll_transmit(now);
            self.settle(key.index);
            if let Some(transmit) = transmit {
                return Some(Outgoing { key, port, peer, local, transmit });
            }
        }
        None
    }

    /// When to call `expire`; it may then find nothing to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Lets every transfer whose deadline has passed send again or end.
    pub fn expire(&mut self, now: Instant) {
        while let Some((scheduled, index)) = self.deadlines.first().copied() {
            if scheduled > now {
                return;
            }
            self.deadlines.pop_first();
            let entry = self.entry_at(index);
            entry.transfer.handle_timeout(now);
            // What ended is taken out by `settle`, and has to stand somewhere until then.
            entry.scheduled = entry.transfer.poll_timeout().unwrap_or(now);
            let scheduled = entry.scheduled;
            self.deadlines.insert((scheduled, index));
            self.settle(index);
        }
    }

    /// Ends a transfer with one ERROR to its peer.
    pub fn fail(&mut self, key: Key, code: ErrorCode) {
        if let Some(entry) = self.entry_mut(key) {
            entry.transfer.fail(code);
            self.settle(key.index);
        }
    }

    /// The payload of a transfer that is under way.
    pub fn payload(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.index as usize)?;
        let entry = slot.entry.as_ref().filter(|_| slot.generation == key.generation)?;
        Some(&entry.payload)
    }

    /// The next transfer that is over; ask every turn until there is none, or they pile up.
    #[must_use]
    pub fn poll_finished(&mut self) -> Option<Finished<T>> {
        self.finished.pop_front()
    }

    /// Whether `request` repeats that of a running transfer, and then joins it. Asked of another
    /// address of ours it is another request: its answer has to come from there.
    fn join(&mut self, Flow { peer, local }: Flow, request: &Request<'_>) -> bool {
        let hash = self.hash_of(request);
        let joins = |entry: &Entry<T>| {
            let repeats = entry.request_hash == hash && entry.local == local;
            repeats && !entry.transfer.is_stalled()
        };
        let index = self
            .ports
            .clone()
            .filter_map(|port| self.by_peer.get(&(port, peer)).copied())
            .find(|index| self.slots[*index as usize].entry.as_ref().is_some_and(joins));
        if let Some(index) = index {
            self.entry_at(index).transfer.handle_repeat(request);
            self.settle(index);
        }
        index.is_some()
    }

    fn hash_of(&self, request: &Request<'_>) -> u64 {
        self.by_peer.hasher().hash_one(request)
    }

    /// Hands a packet to its transfer, if there is one.
    fn handle(&mut self, now: Instant, port: u16, peer: SocketAddr, packet: &Packet<'_>) -> bool {
        let Some(&index) = self.by_peer.get(&(port, peer)) else { return false };
        self.entry_at(index).transfer.handle(now, packet);
        self.settle(index);
        true
    }

    /// A port on which the peer has no transfer, taken in turn; else that of its oldest, dropped.
    fn port_for(&mut self, peer: SocketAddr) -> u16 {
        let (first, count) = (*self.ports.start(), self.ports.len());
        let shift = self.begun % (count as u64);
        let turn = |step: u16| first + (step + u16::try_from(shift).unwrap_or(0)) % width(count);
        let mut candidates = (0..width(count)).map(turn);
        if let Some(port) = candidates.find(|port| !self.by_peer.contains_key(&(*port, peer))) {
            return port;
        }
        let of_peer = self.ports.clone().filter_map(|port| self.by_peer.get(&(port, peer)));
        let order_of = |index: &&u32| self.slots[**index as usize].entry.as_ref().map(|e| e.order);
        let oldest = *of_peer.min_by_key(order_of).expect("invariant: every port is taken");
        let port = self.entry_at(oldest).port;
        self.drop_entry(oldest);
        port
    }

    /// Brings the sets in line with what the transfer has become.
    fn settle(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        let entry = slot.entry.as_mut().expect("invariant: settled entries are there");
        if let Some(end) = entry.transfer.end() {
            self.remove(index, end);
            return;
        }
        if entry.transfer.wants_transmit() && !entry.is_ready {
            entry.is_ready = true;
            self.ready.push_back(Key { index, generation: slot.generation });
        }
        let deadline = entry.transfer.poll_timeout().unwrap_or(entry.scheduled);
        // A later deadline waits for `expire`: an acknowledgement then moves nothing in the set.
        if deadline < entry.scheduled {
            self.deadlines.remove(&(entry.scheduled, index));
            self.deadlines.insert((deadline, index));
            entry.scheduled = deadline;
        }
        if entry.is_waiting && entry.transfer.is_answered() {
            entry.is_waiting = false;
            let source = source_of(entry.peer);
            self.forget_waiting(source, index);
        }
    }

    /// Takes an entry out of the lists of those whose peers have not answered.
    fn forget_waiting(&mut self, source: IpAddr, index: u32) {
        self.unanswered_links.remove(&mut self.unanswered, index);
        if let Named::Occupied(mut waiting) = self.unanswered_by_source.entry(source) {
            self.source_links.remove(waiting.get_mut(), index);
            if waiting.get().is_empty() {
                waiting.remove();
            }
        }
    }

    fn drop_entry(&mut self, index: u32) {
        self.remove(index, End::Dropped);
    }

    fn remove(&mut self, index: u32, end: End) {
        let slot = &mut self.slots[index as usize];
        let entry = slot.entry.take().expect("invariant: an entry is removed once");
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        self.by_peer.remove(&(entry.port, entry.peer));
        self.deadlines.remove(&(entry.scheduled, index));
        if entry.is_waiting {
            self.forget_waiting(source_of(entry.peer), index);
        }
        self.finished.push_back(Finished {
            peer: entry.peer,
            end,
            acknowledged_bytes: entry.transfer.acknowledged_bytes(),
            repeats: entry.transfer.repeats(),
            payload: entry.payload,
        });
    }

    fn occupy(&mut self, entry: Entry<T>) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, entry: None });
            u32::try_from(self.slots.len() - 1).expect("invariant: TRANSFERS_MAX fits")
        });
        let slot = &mut self.slots[index as usize];
        assert!(slot.entry.is_none(), "a free slot is empty");
        slot.entry = Some(entry);
        Key { index, generation: slot.generation }
    }

    fn entry_at(&mut self, index: u32) -> &mut Entry<T> {
        let slot = &mut self.slots[index as usize];
        slot.entry.as_mut().expect("invariant: the sets name entries that are there")
    }

    fn entry_mut(&mut self, key: Key) -> Option<&mut Entry<T>> {
        let slot = self.slots.get_mut(key.index as usize)?;
        slot.entry.as_mut().filter(|_| slot.generation == key.generation)
    }
}

/// A peer of a server that has only one address.
impl From<SocketAddr> for Flow {
    fn from(peer: SocketAddr) -> Self {
        Self { peer, local: None }
    }
}

impl Key {
    /// The key as one number: what a file read carries through the ring.
    pub fn to_token(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    /// The key of `to_token`.
    pub fn from_token(token: u64) -> Self {
        let halves = token.to_be_bytes();
        let number = |half: &[u8]| half.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        Self { generation: number(&halves[..4]), index: number(&halves[4..]) }
    }
}

/// Whom a share belongs to: an IPv4 address, or the /64 of an IPv6 one.
fn source_of(peer: SocketAddr) -> IpAddr {
    match peer.ip().to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        IpAddr::V4(ip) => IpAddr::V4(ip),
    }
}

fn width(count: usize) -> u16 {
    u16::try_from(count).expect("invariant: ports are numbered in 16 bits")
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
