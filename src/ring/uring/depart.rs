//! Datagrams leave together, with one call a socket and turn; what a full socket refuses waits.
//!
//! `sendmmsg(2)` and not an entry for each: an entry costs a request, a copied header and a
//! completion, and a datagram never waits but for room in its socket. Only those go by the ring.

use io_uring::{opcode, types};
use socket2::{SockAddr, Socket};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use super::token::{self, Kind};
use super::*;
use crate::ring::packet_info::Control;

/// A datagram that leaves, its peer, and the address that it leaves from.
pub(super) struct Departure {
    peer: SockAddr,
    control: Control,
    bytes: Vec<u8>,
}

/// A datagram that waits in the kernel for room, with all that the kernel reads.
pub(super) struct Waiter {
    message: Message,
    departure: Departure,
}

/// What `sendmmsg(2)` reads beside the datagrams; filled and emptied within a call.
pub(super) struct Batch {
    headers: Vec<libc::mmsghdr>,
    parts: Vec<libc::iovec>,
}

impl Uring {
    /// Puts a datagram behind those that leave at the start of the next turn.
    pub(super) fn depart(
        &mut self,
        port: Port,
        peer: SocketAddr,
        from: Option<IpAddr>,
        datagram: Vec<u8>,
    ) {
        let under_way = self.datagrams.under_way();
        let place = self.datagrams.ports.get_mut(usize::from(port.0));
        let Some(port) = place.filter(|_| under_way < limits::DATAGRAMS_QUEUED_MAX) else {
            self.counters.datagrams_failed += 1;
            self.heads.give(datagram);
            return;
        };
        let peer = sockets::for_family(peer, port.address);
        let control = Control::new(from, port.address);
        port.leaving.push(Departure { peer, control, bytes: datagram });
        self.datagrams.leaving += 1;
    }

    /// Sends what leaves.
    pub(super) fn send_departures(&mut self) {
        if self.datagrams.leaving == 0 {
            return;
        }
        self.datagrams.leaving = 0;
        for number in 0..self.datagrams.ports.len() {
            let Datagrams { ports, batch, .. } = &mut self.datagrams;
            let mut leaving = std::mem::take(&mut ports[number].leaving);
            let mut gone = 0;
            while gone < leaving.len() {
                match batch.send(&ports[number].socket, &leaving[gone..]) {
                    Ok(count) => gone += count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => {
                        self.counters.datagrams_failed += 1;
                        gone += 1;
                    }
                }
            }
            for departure in leaving.drain(..gone) {
                self.heads.give(departure.bytes);
            }
            for departure in leaving.drain(..) {
                self.wait_for_room(number, departure);
            }
            self.datagrams.ports[number].leaving = leaving;
        }
    }

    /// Gives a datagram to the kernel, which sends it when its socket has room.
    fn wait_for_room(&mut self, number: usize, departure: Departure) {
        let socket = types::Fd(self.datagrams.ports[number].socket.as_raw_fd());
        let waiter = Waiter { message: Message::zeroed(), departure };
        let place = match self.datagrams.free.pop() {
            Some(place) => {
                // SAFETY: the kernel does not have this cell, so it is ours; no reference is kept.
                unsafe { *self.datagrams.waiters.at(place) = waiter };
                place
            }
            None => self.datagrams.waiters.push(waiter),
        };
        let cell = self.datagrams.waiters.at(place);
        // SAFETY: as above.
        let header = unsafe {
            let Waiter { message, departure } = &mut *cell;
            message.parts[0] = part(&departure.bytes);
            name(&mut message.header, departure);
            message.header.msg_iov = (&raw mut message.parts).cast();
            &raw const message.header
        };
        let entry = opcode::SendMsg::new(socket, header).build();
        let entry = entry.user_data(token::encode_place(Kind::Depart, place));
        // SAFETY: cell and datagram stay where they are, untouched, until the completion; the
        // socket is kept until the ring is idle.
        unsafe { self.queue.push(&[entry]) };
    }

    pub(super) fn datagram_left(&mut self, place: usize, result: i32) {
        self.counters.datagrams_failed += u64::from(result < 0);
        let cell = self.datagrams.waiters.at(place);
        // SAFETY: the send has completed, so the cell is ours again; no reference is kept.
        let bytes = unsafe { std::mem::take(&mut (*cell).departure.bytes) };
        self.heads.give(bytes);
        self.datagrams.free.push(place);
    }
}

impl Batch {
    pub fn new() -> Self {
        let most = limits::DATAGRAMS_SENT_TOGETHER;
        Self { headers: Vec::with_capacity(most), parts: Vec::with_capacity(most) }
    }

    /// Sends the first of `departures` without waiting. Returns how many have left: one at least.
    fn send(&mut self, socket: &Socket, departures: &[Departure]) -> io::Result<usize> {
        self.headers.clear();
        self.parts.clear();
        let most = limits::DATAGRAMS_SENT_TOGETHER;
        self.parts.extend(departures.iter().take(most).map(|departure| part(&departure.bytes)));
        for (part, departure) in self.parts.iter_mut().zip(departures) {
            let mut header = libc::mmsghdr { msg_hdr: Message::zeroed().header, msg_len: 0 };
            name(&mut header.msg_hdr, departure);
            header.msg_hdr.msg_iov = part;
            self.headers.push(header);
        }
        let (headers, count) = (self.headers.as_mut_ptr(), self.headers.len());
        let count = u32::try_from(count).expect("invariant: a batch is small");
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: headers, parts, peers, control messages and datagrams outlive the call; all but
        // the headers are only read.
        let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers, count, flags) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

fn part(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

/// Makes `header` point at the peer and the control message of `departure`, and expect one part.
fn name(header: &mut libc::msghdr, departure: &Departure) {
    header.msg_name = departure.peer.as_ptr().cast_mut().cast();
    header.msg_namelen = departure.peer.len();
    header.msg_iovlen = 1;
    departure.control.attach(header);
}
