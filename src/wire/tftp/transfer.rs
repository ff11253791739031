//! One file on its way to one peer: knows block numbers and deadlines, never bytes or sockets.
//!
//! ```text
//!            options agreed            ACK 0                    ACK of the last block
//! (new) ──▶ Offering ────────────────▶ Sending ─────────────▶ Over(Done)
//!      └──────────── no option ──────────▲ │
//!   ERROR from the peer ──▶ Over(Refused)  silence ──▶ Over(TimedOut)
//!   fail() ──▶ Failing ── ERROR sent ──▶ Over(Failed)
//! ```
//!
//! A duplicate ACK never causes DATA (RFC 1123 section 4.2.3.1): only an acknowledgement of a block
//! that has been sent and not yet acknowledged moves the transfer, and only it or the timer sends.
//!
//! Until the peer has answered it may be anyone's forged address. An OACK is then sent only while
//! all that was sent stays within `AMPLIFICATION_MAX` times what was received. A first block of
//! 512 bytes cannot keep that bound; it is sent `FIRST_BLOCK_SENDS_MAX` times for each request.

use super::options::Options;
use super::packet::{ErrorCode, Packet, Request, put_u16s};
use crate::limits::{
    AMPLIFICATION_MAX, FIRST_BLOCK_SENDS_MAX, RETRANSMIT_FIRST, SENDS_MAX, TRANSFER_SILENCE_MAX,
};
use crate::time::{Duration, Instant};

/// The life of a read transfer, from its request to its end.
///
/// INVARIANT: `acked < next <= sent + 1`, `sent <= acked + window`, `sent <= blocks`.
#[derive(Debug)]
pub struct Transfer {
    /// Bytes of the file.
    size: u64,
    /// Last block that the peer has, and all before it. Counts on where the wire's 16 bits wrap.
    acked: u64,
    /// Next block to send.
    next: u64,
    /// Highest block that was ever sent.
    sent: u64,
    /// When to send again, or to give up.
    deadline: Instant,
    /// When the peer's silence ends the transfer.
    silence_end: Instant,
    /// When a packet was last sent.
    last_send: Instant,
    /// Bytes of the requests received before the first answer.
    received_bytes: u32,
    /// Bytes sent before the first answer.
    sent_bytes: u32,
    block_bytes: u16,
    window: u16,
    /// Seconds before the first retransmission; 0 without the option.
    timeout_s: u8,
    /// Which options the OACK holds, as `present` packs them.
    options: u8,
    /// Sends of the oldest packet that is under way, the first one counted.
    sends: u8,
    /// Requests that asked for this transfer.
    requests: u8,
    /// Times that something was sent again.
    repeats: u16,
    /// Whether the OACK is to be sent now.
    offer_due: bool,
    answered: bool,
    state: State,
}

const _: () = assert!(size_of::<Transfer>() <= 128);

/// What is to be sent. Only the caller knows the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transmit {
    /// An OACK with these options.
    OptionAck(Options),
    /// DATA: a part of the file.
    Data {
        /// The block's number on the wire.
        block: u16,
        /// Where its bytes begin in the file (in netascii: in the converted text).
        offset: u64,
        /// How many there are; none in an empty last block.
        len: usize,
    },
    /// ERROR, once. The transfer is over.
    Error(ErrorCode),
}

/// How a transfer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The peer has acknowledged the last block.
    Done,
    /// The peer fell silent.
    TimedOut,
    /// The peer sent an ERROR.
    Refused(ErrorCode),
    /// We could not go on, and told the peer.
    Failed(ErrorCode),
    /// It made room for another.
    Dropped,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Offering,
    Sending,
    Failing(ErrorCode),
    Over(End),
}

impl Transfer {
    /// A transfer of a file of `size` bytes (in netascii: of the converted text) for `request`.
    pub fn new(now: Instant, request: &Request<'_>, size: u64) -> Self {
        let options = Options::read(request.option_list()).agree(size);
        let silence_end = now + TRANSFER_SILENCE_MAX;
        Self {
            size,
            acked: 0,
            next: 1,
            sent: 0,
            deadline: silence_end,
            silence_end,
            last_send: now,
            received_bytes: saturated(request.wire_len()),
            sent_bytes: 0,
            block_bytes: options.block_bytes_or_default(),
            window: options.window_blocks_or_default(),
            timeout_s: options.timeout_s.unwrap_or(0),
            options: present(&options),
            sends: 1,
            requests: 1,
            repeats: 0,
            offer_due: !options.is_empty(),
            answered: false,
            state: if options.is_empty() { State::Sending } else { State::Offering },
        }
    }

    /// Takes a packet of this transfer's peer. What is not due, or not for a sender, is ignored.
    pub fn handle(&mut self, now: Instant, packet: &Packet<'_>) {
        match (packet, self.state) {
            (_, State::Over(_)) => {}
            (Packet::Error { code, .. }, _) => self.state = State::Over(End::Refused(*code)),
            // RFC 2347: ACK 0 answers the OACK; nothing else is due before it.
            (Packet::Ack { block: 0 }, State::Offering) if self.sent_bytes > 0 => {
                self.state = State::Sending;
                self.progress(now);
            }
            (Packet::Ack { block }, State::Sending) => self.acknowledge(now, *block),
            _ => {}
        }
    }

    /// Takes a repetition of the request. It joins the transfer: while the peer has not answered,
    /// the first packet is sent again as soon as it has been out for the first wait.
    pub fn handle_repeat(&mut self, request: &Request<'_>) {
        if self.answered || self.is_over() {
            return;
        }
        self.requests = self.requests.saturating_add(1);
        self.received_bytes = self.received_bytes.saturating_add(saturated(request.wire_len()));
        self.deadline = self.deadline.min(self.last_send + self.first_wait());
    }

    /// Ends the transfer with one ERROR to the peer, as when a file is cut under way.
    pub fn fail(&mut self, code: ErrorCode) {
        if !self.is_over() {
            self.state = State::Failing(code);
        }
    }

    /// What to send now; ask again until there is none.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if !self.wants_transmit() {
            return None;
        }
        let transmit = match self.state {
            State::Offering => {
                self.offer_due = false;
                Transmit::OptionAck(self.offer())
            }
            State::Sending => {
                let block = self.next;
                self.next += 1;
                self.sent = self.sent.max(block);
                self.data(block)
            }
            State::Failing(code) => {
                self.state = State::Over(End::Failed(code));
                return Some(Transmit::Error(code));
            }
            State::Over(_) => unreachable!("invariant: what is over wants nothing"),
        };
        if !self.answered {
            self.sent_bytes = self.sent_bytes.saturating_add(saturated(self.first_packet_bytes()));
        }
        self.last_send = now;
        self.deadline = self.silence_end.min(now + self.wait());
        Some(transmit)
    }

    /// Whether `poll_transmit` has something.
    pub fn wants_transmit(&self) -> bool {
        match self.state {
            State::Offering => self.offer_due,
            State::Sending => self.next <= self.window_end(),
            State::Failing(_) => true,
            State::Over(_) => false,
        }
    }

    /// When to call `handle_timeout`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.is_over()).then_some(self.deadline)
    }

    /// Sends again what is under way, or gives up; nothing before the deadline.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.is_over() || now < self.deadline {
            return;
        }
        if now >= self.silence_end || u32::from(self.sends) >= SENDS_MAX {
            self.state = State::Over(End::TimedOut);
        } else if !self.answered && !self.may_resend_first() {
            self.deadline = self.silence_end;
        } else {
            self.sends += 1;
            self.repeats = self.repeats.saturating_add(1);
            self.next = self.acked + 1;
            self.offer_due = self.state == State::Offering;
            self.deadline = self.silence_end.min(now + self.wait());
        }
    }

    /// Whether the transfer is over: nothing more is sent, and what comes in is ignored.
    pub fn is_over(&self) -> bool {
        self.end().is_some()
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<End> {
        match self.state {
            State::Over(end) => Some(end),
            _ => None,
        }
    }

    /// Whether the peer has acknowledged anything: it is where it says it is.
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// Whether the peer answered and then fell silent for a retransmission or more. A request that
    /// comes from it now is a fresh start, not a late copy of the first.
    pub fn is_stalled(&self) -> bool {
        self.answered && self.sends > 1
    }

    /// Times that the peer's silence made it send again.
    pub fn repeats(&self) -> u16 {
        self.repeats
    }

    /// Bytes of the file that the peer has acknowledged.
    pub fn acknowledged_bytes(&self) -> u64 {
        self.acked.saturating_mul(u64::from(self.block_bytes)).min(self.size)
    }

    /// RFC 7440 section 4: an ACK within the window resumes behind the block that it names.
    fn acknowledge(&mut self, now: Instant, block: u16) {
        let ahead = u64::from(block.wrapping_sub(wire_number(self.acked)));
        if ahead == 0 || ahead > self.sent - self.acked {
            return;
        }
        self.acked += ahead;
        if self.acked == self.blocks() {
            self.state = State::Over(End::Done);
        }
        self.progress(now);
    }

    fn progress(&mut self, now: Instant) {
        self.answered = true;
        self.sends = 1;
        self.next = self.acked + 1;
        self.silence_end = now + TRANSFER_SILENCE_MAX;
        self.deadline = self.silence_end;
    }

    /// RFC 1350 section 6: a block shorter than the others is the last, if need be an empty one.
    fn blocks(&self) -> u64 {
        self.size / u64::from(self.block_bytes) + 1
    }

    fn window_end(&self) -> u64 {
        self.acked.saturating_add(u64::from(self.window)).min(self.blocks())
    }

    fn data(&self, block: u64) -> Transmit {
        let offset = (block - 1) * u64::from(self.block_bytes);
        let len = (self.size - offset).min(u64::from(self.block_bytes));
        let len = usize::try_from(len).expect("invariant: a block fits 16 bits");
        Transmit::Data { block: wire_number(block), offset, len }
    }

    fn offer(&self) -> Options {
        let has = |bit: u8| self.options & bit != 0;
        Options {
            block_bytes: has(1).then_some(self.block_bytes),
            timeout_s: has(2).then_some(self.timeout_s),
            size: has(4).then_some(self.size),
            window_blocks: has(8).then_some(self.window),
        }
    }

    fn first_packet_bytes(&self) -> usize {
        if self.options != 0 {
            return 2 + self.offer().wire_len();
        }
        let len = self.size.min(u64::from(self.block_bytes));
        4 + usize::try_from(len).expect("invariant: a block fits 16 bits")
    }

    fn may_resend_first(&self) -> bool {
        let packet_bytes = saturated(self.first_packet_bytes());
        let allowed_bytes = self.received_bytes.saturating_mul(saturated(AMPLIFICATION_MAX));
        if self.sent_bytes.saturating_add(packet_bytes) <= allowed_bytes {
            return true;
        }
        let sends_max = FIRST_BLOCK_SENDS_MAX.saturating_mul(u32::from(self.requests));
        self.options == 0 && u32::from(self.sends) < sends_max
    }

    /// Wait after the current send: the first wait, doubled with each send, and never so long that
    /// no time would be left to send once more.
    fn wait(&self) -> Duration {
        let doublings = u32::from(self.sends).saturating_sub(1);
        self.first_wait().saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
    }

    fn first_wait(&self) -> Duration {
        let longest = TRANSFER_SILENCE_MAX.saturating_sub(RETRANSMIT_FIRST);
        match self.timeout_s {
            0 => RETRANSMIT_FIRST,
            seconds => Duration::from_secs(seconds.into()).min(longest),
        }
    }
}

impl Transmit {
    /// Appends the packet, of DATA its head only: the block's bytes follow it.
    pub fn encode_head(&self, out: &mut Vec<u8>) {
        match self {
            Transmit::OptionAck(options) => {
                put_u16s(out, [6]);
                options.write(out);
            }
            Transmit::Data { block, .. } => put_u16s(out, [3, *block]),
            Transmit::Error(code) => Packet::error(*code).encode(out),
        }
    }
}

/// The options that are there, as bits.
fn present(options: &Options) -> u8 {
    u8::from(options.block_bytes.is_some())
        | u8::from(options.timeout_s.is_some()) << 1
        | u8::from(options.size.is_some()) << 2
        | u8::from(options.window_blocks.is_some()) << 3
}

/// A block's number on the wire: it wraps from 65535 to 0.
#[expect(clippy::cast_possible_truncation, reason = "wrapping is what is meant")]
fn wire_number(block: u64) -> u16 {
    block as u16
}

fn saturated(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "transfer_tests.rs"]
mod tests;
