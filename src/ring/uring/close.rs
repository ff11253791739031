//! Closing is cancelling, waiting for every completion, and only then giving the place away.

use io_uring::{opcode, types};
use std::io;

use super::connection::{Phase, Receive, descriptor};
use super::token::{self, Kind};
use super::*;

impl Uring {
    /// Starts the end of a connection. A second call changes nothing; a stale name neither.
    pub(super) fn begin_close(&mut self, slot: Slot, error: Option<io::ErrorKind>) {
        let Some(connection) = self.connections.get(slot) else { return };
        if matches!(connection.phase, Phase::Closing | Phase::Accepting) {
            return;
        }
        connection.phase = Phase::Closing;
        connection.error = error;
        self.shut_door(slot);
        let connection = self.connections.get(slot).expect("invariant: it is closing");
        if connection.entries == 1 && connection.receive == Receive::Armed && !connection.ended {
            // By name the kernel finds it at once; by descriptor it looks at all that wait.
            self.cancel_receive(slot);
        } else if connection.entries > 0 && !connection.ended {
            connection.entries += 1;
            let all = types::CancelBuilder::fd(descriptor(slot)).all();
            let cancel = opcode::AsyncCancel2::new(all).build();
            let cancel = cancel.user_data(token::encode(Kind::Cancel, slot));
            // SAFETY: the entry points at nothing.
            unsafe { self.queue.push(&[cancel]) };
        }
        self.settle(slot);
    }

    /// Moves a closing connection on, once the kernel has nothing of it: first its descriptor goes,
    /// then its place.
    pub(super) fn settle(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get(slot) else { return };
        if connection.phase != Phase::Closing || connection.entries > 0 {
            return;
        }
        if connection.ended {
            self.release(slot);
            return;
        }
        connection.entries += 1;
        let entry = Self::close_entry(slot);
        // SAFETY: the entry points at nothing.
        unsafe { self.queue.push(&[entry]) };
    }

    pub(super) fn close_entry(slot: Slot) -> io_uring::squeue::Entry {
        opcode::Close::new(descriptor(slot)).build().user_data(token::encode(Kind::Close, slot))
    }

    pub(super) fn close_done(&mut self, slot: Slot, result: i32) {
        let connection = self.connections.get(slot).expect("invariant: the place is kept");
        if result == -libc::ECANCELED {
            // The send that it was linked to has failed and has begun the close.
            connection.linked = false;
            self.begin_close(slot, None);
            return;
        }
        connection.ended = true;
        connection.phase = Phase::Closing;
        if connection.receive == Receive::Armed {
            self.cancel_receive(slot);
        }
    }

    fn release(&mut self, slot: Slot) {
        let connection = self.connections.remove(slot).expect("invariant: it is closing");
        if let Some(outgoing) = connection.outgoing {
            self.recycle(outgoing);
        }
        if let Some(source) = connection.source {
            self.sources.leave(source);
        }
        if connection.announced {
            self.events.push(Event::Closed { slot, error: connection.error });
        }
        self.counters.closed += u64::from(connection.announced);
    }

    /// Closes the sending half and drops input from now on. `IORING_OP_SHUTDOWN` always goes to a
    /// worker thread of the kernel, as a direct descriptor has no number for `shutdown(2)`: that is
    /// paid only by the few connections that linger, the workers are bounded, and it cannot meet
    /// another connection, as the place is not freed before its completion.
    pub(super) fn begin_linger(&mut self, slot: Slot) {
        let until = self.now + self.linger;
        let connection = self.connections.get(slot).expect("invariant: its output has left");
        if connection.receive == Receive::Ended {
            self.begin_close(slot, None);
            return;
        }
        connection.phase = Phase::Lingering;
        connection.entries += 1;
        let entry = opcode::Shutdown::new(descriptor(slot), libc::SHUT_WR).build();
        let entry = entry.user_data(token::encode(Kind::Shutdown, slot));
        // SAFETY: the entry points at nothing.
        unsafe { self.queue.push(&[entry]) };
        self.lingering.push_back((until, slot));
        self.rest(slot);
    }

    pub(super) fn shutdown_done(&mut self, slot: Slot, result: i32) {
        if result < 0 {
            self.begin_close(slot, None);
        }
    }

    /// Closes those who have lingered long enough.
    pub(super) fn end_lingering(&mut self, now: Instant) {
        while let Some(&(until, slot)) = self.lingering.front() {
            if until > now {
                return;
            }
            self.lingering.pop_front();
            self.begin_close(slot, None);
        }
    }
}
