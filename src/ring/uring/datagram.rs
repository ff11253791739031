//! Datagrams come in multishot, their addresses in front of them, and leave one message each.

use io_uring::types::RecvMsgOut;
use io_uring::{cqueue, opcode, types};
use socket2::{SockAddr, SockAddrStorage, Socket};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use super::token::{self, Kind};
use super::*;
use crate::ring::Lease;
use crate::ring::packet_info::{self, CONTROL_BYTES, Control};

/// Room for the sender's address in front of a datagram.
const NAME_BYTES: usize = size_of::<libc::sockaddr_in6>();

/// The datagram sockets, and the datagrams that leave.
pub(super) struct Datagrams {
    ports: Vec<DatagramPort>,
    headers: Cells<libc::msghdr>,
    departures: Cells<Departure>,
    free: Vec<usize>,
}

struct DatagramPort {
    socket: Socket,
    address: SocketAddr,
    armed: bool,
}

/// A datagram on its way, with all that the kernel reads.
struct Departure {
    message: Message,
    peer: SockAddr,
    control: Control,
    bytes: Vec<u8>,
}

impl Datagrams {
    pub fn new(setup: &Setup) -> io::Result<Self> {
        let mut ports = Vec::new();
        if let Some(address) = setup.tftp {
            for socket in sockets::datagrams(address, setup.transfer_ports, Waiting::Ring)? {
                let address = sockets::local_address(&socket)?;
                ports.push(DatagramPort { socket, address, armed: false });
            }
        }
        let headers = Cells::new(1, || {
            let mut header = Message::zeroed().header;
            header.msg_namelen = NAME_BYTES as libc::socklen_t;
            header.msg_controllen = CONTROL_BYTES as _;
            header
        });
        let departures = Cells::new(0, || unreachable!("none is made"));
        Ok(Self { ports, headers, departures, free: Vec::new() })
    }

    pub fn address(&self, port: Port) -> Option<SocketAddr> {
        self.ports.get(usize::from(port.0)).map(|port| port.address)
    }

    pub fn leak(&mut self) {
        self.headers.leak();
        self.departures.leak();
    }
}

impl Uring {
    /// Arms the receive of each socket whose receive has ended, if there are buffers.
    pub(super) fn arm_datagrams(&mut self) {
        if self.incoming.refill() == 0 {
            return;
        }
        for number in 0..self.datagrams.ports.len() {
            let port = &mut self.datagrams.ports[number];
            if port.armed {
                continue;
            }
            port.armed = true;
            let socket = types::Fd(port.socket.as_raw_fd());
            let header = self.datagrams.headers.at(0).cast_const();
            let entry = opcode::RecvMsgMulti::new(socket, header, DATAGRAMS).build();
            let entry = entry.user_data(token::encode_place(Kind::Datagram, number));
            // SAFETY: the header is never written to, and it, the socket and the group's buffers
            // are kept until the ring is idle.
            unsafe { self.queue.push(&[entry]) };
        }
    }

    pub(super) fn datagram_came(&mut self, number: usize, result: i32, flags: u32) {
        if !cqueue::more(flags) {
            self.datagrams.ports[number].armed = false;
            self.counters.rearmed += 1;
        }
        let Ok(len) = usize::try_from(result) else {
            self.counters.buffers_exhausted += u64::from(result == -libc::ENOBUFS);
            return;
        };
        let Some(mut bytes) = self.incoming.take(flags, len) else { return };
        // SAFETY: the header is only ever read, by the kernel too.
        let header = unsafe { &*self.datagrams.headers.at(0) };
        let Ok(message) = RecvMsgOut::parse(&bytes, header) else { return };
        if message.is_payload_truncated() {
            self.counters.datagrams_cut += 1;
            return;
        }
        let Some(peer) = sender(message.name_data()) else { return };
        let local = packet_info::local(message.control_data());
        let before = bytes.len() - message.payload_data().len();
        bytes.skip(before);
        let port = Port(u16::try_from(number).expect("invariant: ports are few"));
        self.events.push(Event::Datagram { port, peer, local, lease: Lease::provided(bytes) });
    }

    /// Sends one datagram; a full socket keeps it in the kernel's line.
    pub(super) fn depart(
        &mut self,
        port: Port,
        peer: SocketAddr,
        from: Option<IpAddr>,
        datagram: Vec<u8>,
    ) {
        let Some(port) = self.datagrams.ports.get(usize::from(port.0)) else {
            self.counters.datagrams_failed += 1;
            return;
        };
        let under_way = self.datagrams.departures.len() - self.datagrams.free.len();
        if under_way >= limits::DATAGRAMS_QUEUED_MAX {
            self.counters.datagrams_failed += 1;
            self.heads.give(datagram);
            return;
        }
        let peer = sockets::for_family(peer, port.address);
        let control = Control::new(from, port.address);
        let socket = types::Fd(port.socket.as_raw_fd());
        let number = self.datagrams.free.pop().unwrap_or_else(|| {
            let (message, peer) = (Message::zeroed(), peer.clone());
            let departure = Departure { message, peer, control: Control::None, bytes: vec![] };
            self.datagrams.departures.push(departure)
        });
        let cell = self.datagrams.departures.at(number);
        // SAFETY: the kernel does not have this cell, so it is ours; no reference is kept.
        let header = unsafe {
            (*cell).peer = peer;
            (*cell).control = control;
            (*cell).bytes = datagram;
            let part = libc::iovec {
                iov_base: (*cell).bytes.as_mut_ptr().cast(),
                iov_len: (*cell).bytes.len(),
            };
            (*cell).message.parts[0] = part;
            (*cell).message.header.msg_name = (*cell).peer.as_ptr().cast_mut().cast();
            (*cell).message.header.msg_namelen = (*cell).peer.len();
            (*cell).message.header.msg_iov = (&raw mut (*cell).message.parts).cast();
            (*cell).message.header.msg_iovlen = 1;
            (*cell).control.attach(&mut (*cell).message.header);
            &raw const (*cell).message.header
        };
        let entry = opcode::SendMsg::new(socket, header).build();
        let entry = entry.user_data(token::encode_place(Kind::Depart, number));
        // SAFETY: cell and datagram stay where they are, untouched, until the completion; the
        // socket is kept until the ring is idle.
        unsafe { self.queue.push(&[entry]) };
    }

    pub(super) fn datagram_left(&mut self, number: usize, result: i32) {
        self.counters.datagrams_failed += u64::from(result < 0);
        let cell = self.datagrams.departures.at(number);
        // SAFETY: the send has completed, so the cell is ours again; no reference is kept.
        let bytes = unsafe { std::mem::take(&mut (*cell).bytes) };
        self.heads.give(bytes);
        self.datagrams.free.push(number);
    }
}

/// The sender as the kernel wrote it.
fn sender(name: &[u8]) -> Option<SocketAddr> {
    let mut storage = SockAddrStorage::zeroed();
    let len = libc::socklen_t::try_from(name.len()).ok()?;
    if name.len() > size_of::<SockAddrStorage>() {
        return None;
    }
    let start = (&raw mut storage).cast::<u8>();
    // SAFETY: `name` fits the storage, as was just checked, and does not overlap it.
    unsafe { std::ptr::copy_nonoverlapping(name.as_ptr(), start, name.len()) };
    // SAFETY: the storage holds what the kernel wrote as a socket address of this length; what it
    // did not write is zero.
    let address = unsafe { SockAddr::new(storage, len) };
    sockets::canonical(&address)
}
