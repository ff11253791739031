//! Datagrams come in multishot, their addresses in front of them, in the order of their sockets.

use io_uring::types::RecvMsgOut;
use io_uring::{cqueue, opcode, types};
use socket2::{SockAddr, SockAddrStorage, Socket};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use super::depart::{Batch, Departure, Waiter};
use super::token::{self, Kind};
use super::*;
use crate::ring::Lease;
use crate::ring::packet_info::{self, CONTROL_BYTES};

/// Room for the sender's address in front of a datagram.
const NAME_BYTES: usize = size_of::<libc::sockaddr_in6>();

/// The datagram sockets, and the datagrams that leave.
pub(super) struct Datagrams {
    pub ports: Vec<DatagramPort>,
    headers: Cells<libc::msghdr>,
    pub batch: Batch,
    /// Datagrams in the ports' lists.
    pub leaving: usize,
    /// Datagrams in the kernel, and places of those that were.
    pub waiters: Cells<Waiter>,
    pub free: Vec<usize>,
}

pub(super) struct DatagramPort {
    pub socket: Socket,
    pub address: SocketAddr,
    armed: bool,
    /// Datagrams that leave at the start of the next turn.
    pub leaving: Vec<Departure>,
}

impl Datagrams {
    pub fn new(setup: &Setup) -> io::Result<Self> {
        let mut ports = Vec::new();
        if let Some(address) = setup.tftp {
            for socket in sockets::datagrams(address, setup.transfer_ports, Waiting::Ring)? {
                let address = sockets::local_address(&socket)?;
                let leaving = Vec::new();
                ports.push(DatagramPort { socket, address, armed: false, leaving });
            }
        }
        let headers = Cells::new(1, || {
            let mut header = Message::zeroed().header;
            header.msg_namelen = NAME_BYTES as libc::socklen_t;
            header.msg_controllen = CONTROL_BYTES as _;
            header
        });
        let waiters = Cells::new(0, || unreachable!("none is made"));
        let batch = Batch::new();
        Ok(Self { ports, headers, batch, leaving: 0, waiters, free: Vec::new() })
    }

    /// Datagrams that have not left.
    pub fn under_way(&self) -> usize {
        self.leaving + self.waiters.len() - self.free.len()
    }

    pub fn address(&self, port: Port) -> Option<SocketAddr> {
        self.ports.get(usize::from(port.0)).map(|port| port.address)
    }

    pub fn leak(&mut self) {
        self.headers.leak();
        self.waiters.leak();
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
        let event = Event::Datagram { port, peer, local, lease: Lease::provided(bytes) };
        // A request is told of a turn later, behind the acknowledgements that its peer sent before
        // it, which come to another socket: it would be taken for a repeat of what they end.
        let events = if number == 0 { &mut self.requests } else { &mut self.events };
        events.push(event);
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
