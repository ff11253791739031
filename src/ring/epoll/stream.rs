//! Connections: one receive a turn, output until the socket is full, one piece of a file a turn.

use std::io;

use super::calls;
use super::*;

impl Epoll {
    /// Receives once; stands in line again when there may be more.
    pub(super) fn receive(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get(slot) else { return };
        connection.queued = false;
        let mut buffer = self.receives.take();
        match calls::receive(&connection.socket, &mut buffer) {
            Ok(None) => connection.more = false,
            Ok(Some(0)) => {
                connection.ended = true;
                if connection.lingers {
                    self.end(slot, None);
                } else {
                    self.events.push(Event::Finished { slot });
                }
            }
            Ok(Some(came)) => {
                let full = came == buffer.capacity();
                if full || connection.more {
                    connection.queued = true;
                    self.readable.push_back(slot);
                }
                if !connection.lingers {
                    let lease = Lease::pooled(self.receives.lease(buffer));
                    self.events.push(Event::Received { slot, lease });
                    return;
                }
            }
            Err(error) => self.end(slot, Some(error.kind())),
        }
        self.receives.give(buffer);
    }

    /// Sends until the socket is full, the output is done, or a piece of a file has left.
    pub(super) fn advance(&mut self, slot: Slot) {
        loop {
            let Some(connection) = self.connections.get(slot) else { return };
            let Some(outgoing) = connection.outgoing.as_mut() else { return };
            let slices = outgoing.slices();
            let whole = slices[0].len() + slices[1].len();
            if whole > 0 {
                let more = outgoing.file_left().is_some();
                match calls::send(&connection.socket, slices, more) {
                    Ok(Some(sent)) => {
                        outgoing.advance(sent);
                        self.counters.short_sends += u64::from(sent < whole);
                        if !outgoing.is_done() {
                            self.events.push(Event::Progress { slot });
                        }
                    }
                    Ok(None) => return connection.takes = false,
                    Err(error) => return self.end(slot, Some(error.kind())),
                }
            } else if let Some((file, offset, left)) = outgoing.file_left() {
                let len = self.piece_bytes.min(usize::try_from(left).unwrap_or(usize::MAX));
                let checked = file.check();
                match checked
                    .and_then(|()| calls::send_file(&connection.socket, file.file(), offset, len))
                {
                    // The file was cut: what was promised cannot be kept.
                    Ok(Some(0)) => return self.end(slot, Some(io::ErrorKind::UnexpectedEof)),
                    Ok(Some(sent)) => {
                        outgoing.advance_file(sent);
                        self.counters.short_sends += u64::from(sent < len);
                        if !outgoing.is_done() {
                            self.events.push(Event::Progress { slot });
                            return self.writable.push_back(slot);
                        }
                    }
                    Ok(None) => return connection.takes = false,
                    Err(error) => return self.end(slot, Some(error.kind())),
                }
            } else {
                return self.finish(slot);
            }
        }
    }

    fn finish(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get(slot) else { return };
        let mut outgoing = connection.outgoing.take().expect("invariant: its output has left");
        self.heads.give(outgoing.take_head());
        match outgoing.then {
            Then::Keep => self.events.push(Event::Sent { slot }),
            Then::Close => self.end(slot, None),
            Then::Linger => {
                connection.lingers = true;
                if connection.ended || calls::shut_down(&connection.socket).is_err() {
                    return self.end(slot, None);
                }
                self.lingering.push_back((self.now + self.linger, slot));
            }
        }
    }

    /// Closes a connection and says so; a stale name is ignored.
    pub(super) fn end(&mut self, slot: Slot, error: Option<io::ErrorKind>) {
        let Some(connection) = self.connections.remove(slot) else { return };
        if let Some(mut outgoing) = connection.outgoing {
            self.heads.give(outgoing.take_head());
        }
        self.sources.leave(connection.source);
        self.counters.closed += 1;
        self.events.push(Event::Closed { slot, error });
    }
}
