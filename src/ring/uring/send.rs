//! An output leaves in order: one piece under way, the rest behind, a close linked to the last.

use io_uring::opcode;
use io_uring::squeue::Entry;
use std::io;

use super::connection::{Phase, Receive, descriptor};
use super::doors::Door;
use super::token::{self, Kind};
use super::*;
use crate::ring::output::Outgoing;

/// Most bytes that one send is asked to take; it takes what fits the socket's buffer.
const PIECE_BYTES_MAX: usize = 1 << 30;

impl Uring {
    pub(super) fn start_output(&mut self, slot: Slot, output: Output, then: Then) {
        let open = self.connections.get(slot).filter(|c| c.phase == Phase::Open);
        let Some(connection) = open else {
            self.heads.give(output.head);
            return;
        };
        assert!(connection.outgoing.is_none(), "one output at a time");
        connection.outgoing = Some(Outgoing::new(output, then));
        connection.kept |= then == Then::Keep;
        self.advance(slot);
    }

    /// Does the next step of an output: reads a chunk, sends a piece, or finishes.
    fn advance(&mut self, slot: Slot) {
        let connection = self.connections.get(slot).expect("invariant: it has an output");
        let outgoing = connection.outgoing.as_ref().expect("invariant: it has an output");
        if outgoing.is_done() {
            self.finish_output(slot);
        } else if outgoing.wants_chunk() {
            self.want_file(slot);
        } else {
            self.send_piece(slot);
        }
    }

    pub(super) fn send_piece(&mut self, slot: Slot) {
        let message = self.messages.at(slot.index as usize);
        let connection = self.connections.get(slot).expect("invariant: it has an output");
        let outgoing = connection.outgoing.as_ref().expect("invariant: it has an output");
        let [head, behind] = outgoing.slices();
        let whole = head.len() + behind.len();
        // A door would keep the socket open behind a linked close.
        let closes = outgoing.then == Then::Close
            && !matches!(connection.door, Door::Open(_))
            && outgoing.file_left().is_none()
            && whole <= limits::LINKED_BYTES_MAX;
        // A short send would start a linked close: the kernel goes on by itself until all has left.
        let flags = libc::MSG_NOSIGNAL | if closes { libc::MSG_WAITALL } else { 0 };
        // SAFETY: no entry of this place uses the message, as one piece is under way at most.
        let (entry, piece) = unsafe { piece_entry(slot, [head, behind], message, flags) };
        let entry = entry.user_data(token::encode(Kind::Send, slot));
        connection.piece = piece;
        connection.linked = closes;
        connection.entries += if closes { 2 } else { 1 };
        let receives = connection.receive == Receive::Armed;
        if closes && receives {
            // An armed receive would keep the socket open behind the close.
            self.cancel_receive(slot);
        }
        // SAFETY: head, body and chunk stay in the connection, and the message in its cell, until
        // the last completion of this place; none of them is written to before.
        unsafe {
            if closes {
                self.queue.push(&[queue::linked(entry), Self::close_entry(slot)]);
            } else {
                self.queue.push(&[entry]);
            }
        }
    }

    pub(super) fn send_done(&mut self, slot: Slot, result: i32) {
        let connection = self.connections.get(slot).expect("invariant: the place is kept");
        if connection.phase == Phase::Closing {
            return;
        }
        let Ok(sent) = usize::try_from(result) else {
            let error = io::Error::from_raw_os_error(-result).kind();
            self.begin_close(slot, Some(error));
            return;
        };
        let short = sent < connection.piece;
        if connection.linked && short {
            // It was told to leave whole: the connection is broken, and the close was cancelled.
            self.begin_close(slot, Some(io::ErrorKind::BrokenPipe));
            return;
        }
        let outgoing = connection.outgoing.as_mut().expect("invariant: it has an output");
        outgoing.advance(sent);
        self.counters.short_sends += u64::from(short);
        if connection.linked {
            return;
        }
        if !outgoing.is_done() {
            self.events.push(Event::Progress { slot });
        }
        self.advance(slot);
    }

    pub(super) fn finish_output(&mut self, slot: Slot) {
        let connection = self.connections.get(slot).expect("invariant: it has an output");
        let outgoing = connection.outgoing.take().expect("invariant: it has an output");
        let then = outgoing.then;
        self.recycle(outgoing);
        self.shut_door(slot);
        match then {
            Then::Keep => self.events.push(Event::Sent { slot }),
            Then::Close => self.begin_close(slot, None),
            Then::Linger => self.begin_linger(slot),
        }
    }

    /// Gives an output's buffers back to their pools.
    pub(super) fn recycle(&mut self, mut outgoing: Outgoing) {
        self.heads.give(outgoing.take_head());
        let chunk = outgoing.take_chunk();
        if chunk.capacity() > 0 {
            self.chunks.give(chunk);
        }
    }
}

/// An entry that sends both slices, and the bytes that it is asked to take: a plain send for one
/// slice, a message for two.
///
/// # Safety
/// `message` must not be used by another entry, and it and the slices must stay until this entry's
/// completion.
unsafe fn piece_entry(
    slot: Slot,
    [head, behind]: [&[u8]; 2],
    message: *mut Message,
    flags: i32,
) -> (Entry, usize) {
    let behind = &behind[..behind.len().min(PIECE_BYTES_MAX)];
    if head.is_empty() || behind.is_empty() {
        let one = if head.is_empty() { behind } else { head };
        let len = u32::try_from(one.len()).expect("invariant: a piece is small");
        let entry = opcode::Send::new(descriptor(slot), one.as_ptr(), len).flags(flags).build();
        return (entry, one.len());
    }
    let part = |bytes: &[u8]| libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: the caller promises that the message is ours; `header` points at `parts` beside it.
    let header = unsafe {
        (*message).parts = [part(head), part(behind)];
        (*message).header.msg_iov = (&raw mut (*message).parts).cast();
        (*message).header.msg_iovlen = 2;
        &raw const (*message).header
    };
    let flags = flags.unsigned_abs();
    let entry = opcode::SendMsg::new(descriptor(slot), header).flags(flags).build();
    (entry, head.len() + behind.len())
}
