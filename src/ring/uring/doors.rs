//! Long files go from the page cache to the socket by `sendfile(2)`, a bounded number of bytes a
//! turn and behind everything else: firmware yields to configurations, and no byte is copied.
//!
//! `sendfile(2)` wants ordinary descriptors, and a connection's is a direct one: it gets a door, an
//! ordinary descriptor of the same socket, for as long as the file takes. A part that is not in
//! memory is read through the ring instead (`files`), so that no disk is waited for.

use io_uring::{IoUring, opcode};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::connection::{Phase, descriptor};
use super::token::{self, Kind};
use super::*;
use crate::ring::epoll::calls;
use crate::ring::output::Outgoing;

/// An ordinary descriptor of a connection.
#[derive(Debug, Default)]
pub(super) enum Door {
    /// None.
    #[default]
    None,
    /// The kernel was asked for one.
    Asked,
    /// It is there.
    Open(OwnedFd),
    /// There are too many.
    Refused,
}

/// Who waits for a turn's bytes.
pub(super) struct Doors {
    /// Connections whose socket may take more, in the order in which they came.
    line: VecDeque<Slot>,
    open: usize,
    most: usize,
    piece_bytes: usize,
    turn_bytes: usize,
    /// Whether anything was asked since files were sent last.
    was_asked: bool,
    /// When nobody will have asked for so long that files may take more of a turn.
    quiet_from: Instant,
}

impl Doors {
    /// None open, `sizes.doors_max` at most, and none at all where the kernel has no such thing.
    pub fn new(sizes: &Sizes, is_supported: bool) -> Self {
        Self {
            line: VecDeque::new(),
            open: 0,
            most: if is_supported { sizes.doors_max } else { 0 },
            piece_bytes: sizes.piece_bytes,
            turn_bytes: sizes.file_turn_bytes,
            was_asked: false,
            quiet_from: Instant::default(),
        }
    }

    /// Whether nobody waits.
    pub fn is_idle(&self) -> bool {
        self.line.is_empty()
    }

    /// Somebody asks for something: files keep to the smaller share of the next turn.
    pub fn note(&mut self, kind: Kind) {
        self.was_asked |= matches!(kind, Kind::Accept | Kind::Receive | Kind::Datagram);
    }

    #[cfg(test)]
    pub fn open(&self) -> usize {
        self.open
    }
}

impl Uring {
    /// The next part of the file that `slot` is sent.
    pub(super) fn want_file(&mut self, slot: Slot) {
        let connection = self.connections.get(slot).expect("invariant: it has an output");
        match connection.door {
            Door::Open(_) => self.doors.line.push_back(slot),
            Door::None if connection.is_long(self.chunks.bytes()) => {
                if self.doors.open >= self.doors.most {
                    return self.want_chunk(slot);
                }
                connection.door = Door::Asked;
                connection.entries += 1;
                self.doors.open += 1;
                let entry = opcode::FixedFdInstall::new(descriptor(slot), 0).build();
                let entry = entry.user_data(token::encode(Kind::Door, slot));
                // SAFETY: the entry points at nothing.
                unsafe { self.queue.push(&[entry]) };
            }
            Door::None | Door::Asked | Door::Refused => self.want_chunk(slot),
        }
    }

    pub(super) fn door_done(&mut self, slot: Slot, result: i32) {
        let connection = self.connections.get(slot).expect("invariant: the place is kept");
        connection.door = if result >= 0 {
            // SAFETY: the kernel has just made the descriptor for us.
            Door::Open(unsafe { OwnedFd::from_raw_fd(result) })
        } else {
            self.doors.open -= 1;
            Door::Refused
        };
        if connection.phase == Phase::Closing {
            return self.shut_door(slot);
        }
        if let Door::Open(socket) = &connection.door {
            widen(socket);
            cork(socket, true);
        }
        self.want_file(slot);
    }

    /// Lets the door of `slot` go, where it has one.
    pub(super) fn shut_door(&mut self, slot: Slot) {
        let Some(connection) = self.connections.get(slot) else { return };
        if let Door::Open(socket) = &connection.door {
            if connection.phase != Phase::Closing {
                cork(socket, false);
            }
            self.doors.open -= 1;
        }
        // Who waits for one still gets it, and lets it go then.
        if !matches!(connection.door, Door::Asked) {
            connection.door = Door::None;
        }
    }

    /// The socket of `slot` has room again, or has failed, which the next piece shows.
    pub(super) fn room_came(&mut self, slot: Slot) {
        let connection = self.connections.get(slot).expect("invariant: the place is kept");
        if connection.phase == Phase::Open {
            self.doors.line.push_back(slot);
        }
    }

    /// Sends a turn's worth of files, a piece to each who waits.
    pub(super) fn send_files(&mut self) {
        if std::mem::take(&mut self.doors.was_asked) {
            self.doors.quiet_from = self.now + limits::FILE_QUIET_AFTER;
        }
        let is_quiet = self.now >= self.doors.quiet_from;
        let mut left = self.doors.turn_bytes * if is_quiet { limits::FILE_TURNS_QUIET } else { 1 };
        while left > 0 {
            let Some(slot) = self.doors.line.pop_front() else { return };
            let sent = self.send_from_file(slot, left.min(self.doors.piece_bytes));
            // Who takes nothing has cost a call too.
            left = left.saturating_sub(sent.max(limits::NOT_SENT_BYTES_MAX as usize / 8));
        }
    }

    /// Sends at most `most` bytes of the file of `slot`; returns how many.
    fn send_from_file(&mut self, slot: Slot, most: usize) -> usize {
        let open = self.connections.get(slot).filter(|c| c.phase == Phase::Open);
        let Some(connection) = open else { return 0 };
        let Door::Open(socket) = &connection.door else { return 0 };
        let Some(outgoing) = connection.outgoing.as_mut() else { return 0 };
        let now = self.now;
        let piece = without_waiting(socket, || send_piece(socket, outgoing, now, most));
        let (sent, is_full) = match piece {
            Ok(Piece::Left(sent)) => (sent, false),
            Ok(Piece::Full(sent)) => (sent, true),
            Ok(Piece::Cold) => {
                self.want_chunk(slot);
                return 0;
            }
            Err(error) => {
                self.begin_close(slot, Some(error.kind()));
                return 0;
            }
        };
        let is_done = outgoing.is_done();
        if is_done {
            self.finish_output(slot);
            return sent;
        }
        if sent > 0 {
            self.events.push(Event::Progress { slot });
        }
        if !is_full {
            self.doors.line.push_back(slot);
            return sent;
        }
        self.counters.short_sends += 1;
        connection.entries += 1;
        let room = opcode::PollAdd::new(descriptor(slot), libc::POLLOUT as u32).build();
        let room = room.user_data(token::encode(Kind::Room, slot));
        // SAFETY: the entry points at nothing.
        unsafe { self.queue.push(&[room]) };
        sent
    }
}

/// Whether this kernel makes doors (6.8).
pub(super) fn are_supported(ring: &IoUring) -> bool {
    let mut operations = io_uring::register::Probe::new();
    let asked = ring.submitter().register_probe(&mut operations);
    asked.is_ok() && operations.is_supported(opcode::FixedFdInstall::CODE)
}

/// What came of a piece.
enum Piece {
    /// All of it has left: so many bytes.
    Left(usize),
    /// The socket is full behind so many bytes.
    Full(usize),
    /// It is not in memory.
    Cold,
}

/// Sends what is left of the head, then at most `most` bytes of the file.
fn send_piece(
    socket: &OwnedFd,
    outgoing: &mut Outgoing,
    now: Instant,
    most: usize,
) -> io::Result<Piece> {
    let head = outgoing.slices()[0];
    if !head.is_empty() {
        let whole = head.len();
        let sent = calls::send(socket, [head, &[]], true)?.unwrap_or(0);
        outgoing.advance(sent);
        if sent < whole {
            return Ok(Piece::Full(0));
        }
    }
    let Some((file, offset, left)) = outgoing.file_left() else { return Ok(Piece::Left(0)) };
    let len = most.min(usize::try_from(left).unwrap_or(usize::MAX));
    if !file.is_cached(now, offset, len) {
        return Ok(Piece::Cold);
    }
    file.check()?;
    let Some(sent) = calls::send_file(socket, file.file(), offset, len)? else {
        return Ok(Piece::Full(0));
    };
    if sent == 0 {
        // The file was cut: what was promised cannot be kept.
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    outgoing.advance_file(sent);
    Ok(if sent < len { Piece::Full(sent) } else { Piece::Left(sent) })
}

/// Runs calls that would wait for room in a socket of a connection as ones that do not. Between
/// turns only: the ring's own entries are to wait, and they look at the same flag when they start.
fn without_waiting<T>(socket: &OwnedFd, calls: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let set = |nonblocking: libc::c_int| {
        // SAFETY: the call reads one integer.
        unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONBIO, &raw const nonblocking) }
    };
    if set(1) != 0 {
        return Err(io::Error::last_os_error());
    }
    let result = calls();
    if set(0) != 0 {
        return Err(io::Error::last_os_error());
    }
    result
}

/// Lets a socket hold whole pieces: they are the page cache's own pages, and not copies. Where that
/// is refused, pieces are shorter.
fn widen(socket: &OwnedFd) {
    let socket = socket2::SockRef::from(socket);
    let _ = socket.set_send_buffer_size(limits::DOOR_SEND_BUFFER_BYTES);
    let _ = socket.set_tcp_notsent_lowat(limits::DOOR_NOT_SENT_BYTES_MAX);
}

/// Holds back segments that are not full, or lets them go. Where that is refused, more segments
/// leave, and nothing else.
fn cork(socket: &OwnedFd, on: bool) {
    let _ = socket2::SockRef::from(socket).set_tcp_cork(on);
}
