//! Receives come into buffers that the kernel chooses; who finds none waits in line for the next.

use io_uring::squeue::{Entry, Flags};
use io_uring::{cqueue, opcode};
use std::io;

use super::connection::{Phase, Receive, descriptor};
use super::token::{self, Kind};
use super::*;
use crate::ring::Lease;

impl Uring {
    /// A receive of one buffer.
    pub(super) fn receive_once(slot: Slot) -> Entry {
        opcode::Recv::new(descriptor(slot), std::ptr::null_mut(), 0)
            .buf_group(STREAMS)
            .build()
            .flags(Flags::BUFFER_SELECT)
            .user_data(token::encode(Kind::Receive, slot))
    }

    fn receive_many(slot: Slot) -> Entry {
        opcode::RecvMulti::new(descriptor(slot), STREAMS)
            .build()
            .user_data(token::encode(Kind::Receive, slot))
    }

    /// Gives returned buffers to the kernel and arms receives: first for those who wait for a
    /// buffer, as many as there are buffers, in the order in which they ran out; then for the rest.
    pub(super) fn arm_receives(&mut self) {
        let mut buffers = self.streams.refill();
        while buffers > 0 {
            let Some(slot) = self.starved.pop_front() else { break };
            if self.connections.get(slot).is_some_and(|c| c.receive == Receive::Starved) {
                buffers -= 1;
                self.counters.rearmed += 1;
                self.arm_receive(slot);
            }
        }
        let mut idle = std::mem::take(&mut self.idle);
        for slot in idle.drain(..) {
            let Some(connection) = self.connections.get(slot) else { continue };
            if connection.receive != Receive::Idle || !connection.listens() {
                continue;
            }
            // Without a buffer the kernel would end it at once, even when there is nothing to read.
            if self.starved.is_empty() && buffers > 0 {
                self.arm_receive(slot);
            } else {
                connection.receive = Receive::Starved;
                self.starved.push_back(slot);
            }
        }
        self.idle = idle;
    }

    fn arm_receive(&mut self, slot: Slot) {
        let connection = self.connections.get(slot).expect("invariant: just found");
        assert!(connection.receive != Receive::Armed, "exactly one is armed");
        if !connection.listens() {
            connection.receive = Receive::Idle;
            return;
        }
        connection.receive = Receive::Armed;
        connection.multishot = connection.kept && connection.phase == Phase::Open;
        connection.entries += 1;
        let multishot = connection.multishot;
        let entry = if multishot { Self::receive_many(slot) } else { Self::receive_once(slot) };
        // SAFETY: it writes to buffers of the group only, which the driver keeps until the ring is
        // idle.
        unsafe { self.queue.push(&[entry]) };
    }

    /// The receive of `slot` is armed in the next turn, unless that has no use by then.
    pub(super) fn rest(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get(slot) else { return };
        if connection.receive == Receive::Idle {
            self.idle.push(slot);
        }
    }

    pub(super) fn received(&mut self, slot: Slot, result: i32, flags: u32) {
        let len = usize::try_from(result).unwrap_or(0);
        let bytes = self.streams.take(flags, len);
        let connection = self.connections.get(slot).expect("invariant: the place is kept");
        let ended = !cqueue::more(flags);
        let was_multishot = connection.multishot;
        if ended {
            connection.receive = Receive::Idle;
        }
        match -result {
            ..0 => {
                if connection.phase == Phase::Open && !connection.linked {
                    let bytes = bytes.expect("invariant: bytes come in a buffer");
                    self.events.push(Event::Received { slot, lease: Lease::provided(bytes) });
                }
                if ended {
                    self.counters.rearmed += u64::from(was_multishot);
                    self.rest(slot);
                } else {
                    self.keep_to_share(slot);
                }
            }
            0 => {
                connection.receive = Receive::Ended;
                match connection.phase {
                    Phase::Open if !connection.linked => self.events.push(Event::Finished { slot }),
                    Phase::Lingering => self.begin_close(slot, None),
                    _ => {}
                }
            }
            libc::ENOBUFS => {
                self.counters.buffers_exhausted += 1;
                if ended {
                    connection.receive = Receive::Starved;
                    self.starved.push_back(slot);
                }
            }
            libc::ECANCELED | libc::EINTR | libc::EAGAIN => {
                self.counters.rearmed += u64::from(was_multishot && connection.listens());
                self.rest(slot);
            }
            errno => {
                connection.receive = Receive::Ended;
                let error = io::Error::from_raw_os_error(errno).kind();
                self.begin_close(slot, Some(error));
            }
        }
    }

    /// Ends the multishot receive of a connection that fills more buffers in a turn than its share;
    /// it goes on behind the others.
    fn keep_to_share(&mut self, slot: Slot) {
        let turn = self.turn;
        let connection = self.connections.get(slot).expect("invariant: the place is kept");
        let (last, count) = connection.share;
        let count = if last == turn { count + 1 } else { 1 };
        connection.share = (turn, count);
        if count == limits::RECEIVE_SHARE {
            self.queue.rest();
            self.cancel_receive(slot);
        }
    }

    /// Asks the kernel to give up the receive of `slot`.
    pub(super) fn cancel_receive(&mut self, slot: Slot) {
        let connection = self.connections.get(slot).expect("invariant: the place is kept");
        connection.entries += 1;
        let cancel = opcode::AsyncCancel::new(token::encode(Kind::Receive, slot)).build();
        let cancel = cancel.user_data(token::encode(Kind::Cancel, slot));
        // SAFETY: the entry points at nothing.
        unsafe { self.queue.push(&[cancel]) };
    }
}
