//! The other side: a client that fetches one file, written against the RFCs and not our server.
//!
//! Used by the load generator and, with a server on one simulated clock, by the tests. Like
//! `Transfer` it has no socket and no clock; unlike it, it keeps the bytes.

use super::options::{OptionList, Options};
use super::packet::{ErrorCode, Mode, Packet, Request, put_u16s};
use crate::limits::{BLOCK_BYTES_DEFAULT, RETRANSMIT_FIRST, SENDS_MAX};
use crate::time::{Duration, Instant};
use std::net::SocketAddr;

/// One file being fetched.
#[derive(Debug)]
pub struct Fetch {
    request: Vec<u8>,
    asked: Options,
    block_bytes: usize,
    window: u16,
    first_wait: Duration,
    body_bytes_max: usize,
    /// The server's transfer address, once it has answered (RFC 1350 section 4: its TID).
    server: Option<SocketAddr>,
    body: Vec<u8>,
    /// Last block that came in order.
    received: u16,
    /// Blocks since the last acknowledgement.
    unacknowledged: u16,
    has_data: bool,
    /// Whether the gap behind `received` has been told.
    gap_told: bool,
    to_send: Option<ToSend>,
    stranger: Option<SocketAddr>,
    sends: u32,
    deadline: Instant,
    outcome: Option<Outcome>,
    size_announced: Option<u64>,
    retransmissions: u32,
}

/// Where a packet goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Destination {
    /// The server's well-known port.
    Listen,
    /// This address.
    Address(SocketAddr),
}

/// How a fetch ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The whole file is there.
    Done,
    /// It is not.
    Failed(Failure),
}

/// Why a fetch failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The server sent this ERROR.
    Refused(ErrorCode),
    /// The server fell silent.
    Silent,
    /// The OACK was not an answer to what was asked (RFC 2347).
    Options,
    /// A block larger than agreed, a file larger than `body_bytes_max`, or not as announced.
    Length,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ToSend {
    Request,
    Ack,
    Error(ErrorCode),
}

impl Fetch {
    /// A fetch of `name` with the options `asked` (`size: Some(0)` asks for `tsize`), of at most
    /// `body_bytes_max` bytes. Options go out even when they are out of range.
    pub fn new(
        now: Instant,
        name: &[u8],
        mode: Mode<'_>,
        asked: Options,
        body_bytes_max: usize,
    ) -> Self {
        let mut options = Vec::new();
        asked.write(&mut options);
        let mut request = Vec::new();
        Packet::Read(Request { name, mode, options: &options }).encode(&mut request);
        Self {
            request,
            asked,
            block_bytes: BLOCK_BYTES_DEFAULT.into(),
            window: 1,
            first_wait: asked
                .timeout_s
                .map_or(RETRANSMIT_FIRST, |seconds| Duration::from_secs(seconds.into())),
            body_bytes_max,
            server: None,
            body: Vec::new(),
            received: 0,
            unacknowledged: 0,
            has_data: false,
            gap_told: false,
            to_send: Some(ToSend::Request),
            stranger: None,
            sends: 0,
            deadline: now,
            outcome: None,
            size_announced: None,
            retransmissions: 0,
        }
    }

    /// Takes a datagram that came from `from`. After the end it still acknowledges a last block
    /// that is sent again, so that the server can end too.
    pub fn handle(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Ok(packet) = Packet::parse(datagram) else { return };
        if self.server.is_some_and(|server| server != from) {
            if !matches!(packet, Packet::Error { .. }) {
                self.stranger = Some(from);
            }
            return;
        }
        if matches!(self.outcome, Some(Outcome::Failed(_))) {
            return;
        }
        match packet {
            Packet::Error { code, .. } => self.end(Outcome::Failed(Failure::Refused(code))),
            Packet::OptionAck(list) if !self.has_data => self.take_options(now, from, list),
            Packet::Data { block, body } => self.take_data(now, from, block, body),
            _ => {}
        }
    }

    /// The next packet to send, written to `out`; ask again until there is none.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Destination> {
        if let Some(stranger) = self.stranger.take() {
            Packet::error(ErrorCode::UNKNOWN_TRANSFER).encode(out);
            return Some(Destination::Address(stranger));
        }
        let server = self.server.map_or(Destination::Listen, Destination::Address);
        match self.to_send.take()? {
            ToSend::Request => out.extend_from_slice(&self.request),
            ToSend::Ack => put_u16s(out, [4, self.received]),
            ToSend::Error(code) => Packet::error(code).encode(out),
        }
        self.sends = self.sends.max(1);
        self.deadline = now + self.wait();
        Some(server)
    }

    /// When to call `handle_timeout`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.outcome.is_none().then_some(self.deadline)
    }

    /// Sends the last packet again, or gives up; nothing before the deadline.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.outcome.is_some() || now < self.deadline || self.to_send.is_some() {
            return;
        }
        if self.sends >= SENDS_MAX {
            self.end(Outcome::Failed(Failure::Silent));
            return;
        }
        self.sends += 1;
        self.retransmissions += 1;
        self.deadline = now + self.wait();
        if self.server.is_some() {
            self.acknowledge();
        } else {
            self.to_send = Some(ToSend::Request);
        }
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The bytes so far; after `Outcome::Done` the whole file.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The bytes, for keeping.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// Packets that this side sent again after a timeout.
    pub fn retransmissions(&self) -> u32 {
        self.retransmissions
    }

    fn take_options(&mut self, now: Instant, from: SocketAddr, list: OptionList<'_>) {
        let agreed = Options::read(list);
        self.server = Some(from);
        if !is_answer_to(&agreed, &self.asked) || list.pairs().count() == 0 {
            self.to_send = Some(ToSend::Error(ErrorCode::OPTIONS_REFUSED));
            self.outcome = Some(Outcome::Failed(Failure::Options));
            return;
        }
        self.block_bytes = agreed.block_bytes_or_default().into();
        self.window = agreed.window_blocks_or_default();
        self.size_announced = agreed.size;
        self.progress(now);
        self.acknowledge();
    }

    fn take_data(&mut self, now: Instant, from: SocketAddr, block: u16, body: &[u8]) {
        let is_next = block == self.received.wrapping_add(1) && self.outcome.is_none();
        if self.server.is_none() && !is_next {
            return;
        }
        self.server = Some(from);
        if !is_next {
            self.take_other_data(block);
            return;
        }
        if body.len() > self.block_bytes || self.body.len() + body.len() > self.body_bytes_max {
            self.to_send = Some(ToSend::Error(ErrorCode::DISK_FULL));
            self.outcome = Some(Outcome::Failed(Failure::Length));
            return;
        }
        self.body.extend_from_slice(body);
        self.received = block;
        self.has_data = true;
        self.gap_told = false;
        self.unacknowledged += 1;
        self.progress(now);
        let is_last = body.len() < self.block_bytes;
        if is_last {
            let is_whole = |size| u64::try_from(self.body.len()).is_ok_and(|len| len == size);
            let is_announced = self.size_announced.is_none_or(is_whole);
            let failed = Outcome::Failed(Failure::Length);
            self.outcome = Some(if is_announced { Outcome::Done } else { failed });
        }
        // RFC 7440 section 4: a window is acknowledged as one, and the end of the file at once.
        if is_last || self.unacknowledged >= self.window {
            self.acknowledge();
        }
    }

    /// A block that is not the next one: the last again is acknowledged again; behind a gap the
    /// last in order is acknowledged once (RFC 7440 section 4).
    fn take_other_data(&mut self, block: u16) {
        let behind = self.received.wrapping_sub(block);
        let is_old = behind < u16::MAX / 2;
        if behind == 0 {
            self.acknowledge();
        } else if !is_old && !self.gap_told && self.outcome.is_none() {
            self.gap_told = true;
            self.acknowledge();
        }
    }

    fn acknowledge(&mut self) {
        self.unacknowledged = 0;
        self.to_send = Some(ToSend::Ack);
    }

    fn progress(&mut self, now: Instant) {
        self.sends = 1;
        self.deadline = now + self.wait();
    }

    fn wait(&self) -> Duration {
        let doublings = self.sends.saturating_sub(1);
        self.first_wait.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
        self.to_send = None;
    }
}

/// RFC 2347: an OACK holds nothing that was not asked; sizes may only be lowered (2348, 7440), a
/// time-out is the one that was asked (2349).
fn is_answer_to(agreed: &Options, asked: &Options) -> bool {
    fn lowered(agreed: Option<u16>, asked: Option<u16>) -> bool {
        agreed.is_none_or(|agreed| asked.is_some_and(|asked| agreed <= asked))
    }
    lowered(agreed.block_bytes, asked.block_bytes)
        && lowered(agreed.window_blocks, asked.window_blocks)
        && agreed.timeout_s.is_none_or(|agreed| asked.timeout_s == Some(agreed))
        && (agreed.size.is_none() || asked.size.is_some())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
