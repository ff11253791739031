//! A connection keeps its place until the kernel's last completion for it, whoever closes it.

use io_uring::types;
use std::io;

use super::super::Slot;
use super::super::output::Outgoing;
use super::super::sources::Source;
use super::doors::Door;

/// ```text
/// Accepting ─▶ Open ─▶ Lingering ─▶ Closing ─▶ (the place is free)
///     │          └──────────────────────▲
///     └───── refused: no event ─────────┘
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// The place is kept for an accept that waits in the kernel.
    Accepting,
    /// It has a name that the worker knows.
    Open,
    /// Its sending half is closed; input is dropped.
    Lingering,
    /// It waits for its last completions.
    Closing,
}

/// Where a connection's receive stands; exactly one is armed, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Receive {
    /// None is armed; the next turn arms one.
    Idle,
    /// The kernel has it.
    Armed,
    /// It waits for a buffer.
    Starved,
    /// The peer has ended.
    Ended,
}

/// One place of the table. INVARIANT: the place is freed only with `entries == 0` and `ended`.
#[derive(Debug)]
pub(super) struct Connection {
    pub phase: Phase,
    pub receive: Receive,
    /// Whether the receive that is armed is multishot.
    pub multishot: bool,
    /// Whether it stays, or has stayed, after an answer.
    pub kept: bool,
    /// Entries that the kernel has not completed for the last time.
    pub entries: u32,
    /// Whether the direct descriptor is gone (or never was).
    pub ended: bool,
    /// Whether the worker was told of it.
    pub announced: bool,
    /// Whether a close is linked behind the piece under way.
    pub linked: bool,
    /// Bytes of the piece under way.
    pub piece: usize,
    /// Turn in which bytes came last, and how many receives that turn had.
    pub share: (u32, u32),
    pub error: Option<io::ErrorKind>,
    pub source: Option<Source>,
    pub outgoing: Option<Outgoing>,
    pub door: Door,
}

impl Connection {
    /// A place for an accept with its linked receive.
    pub fn accepting() -> Self {
        Self {
            phase: Phase::Accepting,
            receive: Receive::Armed,
            multishot: false,
            kept: false,
            entries: 1,
            ended: true,
            announced: false,
            linked: false,
            piece: 0,
            share: (0, 0),
            error: None,
            source: None,
            outgoing: None,
            door: Door::None,
        }
    }

    /// Whether it is sent more of a file than `bytes`.
    pub fn is_long(&self, bytes: usize) -> bool {
        let left = self.outgoing.as_ref().and_then(Outgoing::file_left);
        left.is_some_and(|(_, _, left)| left > bytes as u64)
    }

    /// Whether what it sends may still be read, so that it makes sense to receive.
    pub fn listens(&self) -> bool {
        match self.phase {
            Phase::Open => !self.linked,
            Phase::Lingering => true,
            Phase::Accepting | Phase::Closing => false,
        }
    }
}

/// The direct descriptor of a connection: it has its slot's index.
pub(super) fn descriptor(slot: Slot) -> types::Fixed {
    types::Fixed(slot.index)
}

/// What `sendmsg(2)` reads: a header and two parts. One for each place, so that none is allocated.
pub(super) struct Message {
    pub header: libc::msghdr,
    pub parts: [libc::iovec; 2],
}

impl Message {
    /// An empty one.
    pub fn zeroed() -> Self {
        // SAFETY: integers and pointers only, for which zero is a value.
        unsafe { std::mem::zeroed() }
    }
}
