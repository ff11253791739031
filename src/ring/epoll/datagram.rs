//! Datagrams: a bounded number a turn comes in, and what a full socket refuses waits in line.

use socket2::{SockAddr, Socket};
use std::ops::Range;
use std::os::fd::AsRawFd;

use super::*;
use crate::ring::packet_info::{self, Control};
use crate::ring::sockets::{self, Waiting};

/// The datagram sockets.
pub(super) struct Datagrams {
    ports: Vec<DatagramPort>,
    pool: Rc<Pool>,
}

struct DatagramPort {
    socket: Socket,
    address: SocketAddr,
    reads: bool,
    takes: bool,
    waiting: VecDeque<Departure>,
}

/// A datagram that leaves, its peer, and the address that it leaves from.
struct Departure {
    peer: SockAddr,
    control: Control,
    bytes: Vec<u8>,
}

impl Datagrams {
    pub fn new(setup: &Setup, bytes: usize, kept: u16, poller: &Poller) -> io::Result<Self> {
        let mut ports = Vec::new();
        if let Some(address) = setup.tftp {
            for socket in sockets::datagrams(address, setup.transfer_ports, Waiting::Poll)? {
                poller.watch(socket.as_raw_fd(), Name::Port(ports.len()))?;
                let address = sockets::local_address(&socket)?;
                let waiting = VecDeque::new();
                ports.push(DatagramPort { socket, address, reads: false, takes: true, waiting });
            }
        }
        Ok(Self { ports, pool: Pool::new(bytes, usize::from(kept)) })
    }

    pub fn address(&self, port: Port) -> Option<SocketAddr> {
        self.ports.get(usize::from(port.0)).map(|port| port.address)
    }

    pub fn leased(&self) -> u64 {
        self.pool.leased()
    }

    pub fn became_ready(&mut self, number: usize, readiness: Readiness) {
        let port = &mut self.ports[number];
        port.reads |= readiness.reads;
        port.takes |= readiness.writes;
    }

    pub fn is_ready(&self) -> bool {
        self.ports.iter().any(|port| port.reads || (port.takes && !port.waiting.is_empty()))
    }

    /// Sends what waits and receives what is there. Requests are looked for first and told of last:
    /// behind the acknowledgements that their peers sent before them, which come to other sockets.
    pub fn serve(&mut self, events: &mut Vec<Event>, counters: &mut Counters, heads: &Pool) {
        let mut requests = Vec::new();
        self.serve_ports(0..self.ports.len().min(1), &mut requests, counters, heads);
        if !requests.is_empty() {
            // Their readiness may be newer than what the poller has told.
            self.ports.iter_mut().for_each(|port| port.reads = true);
        }
        self.serve_ports(1..self.ports.len(), events, counters, heads);
        events.append(&mut requests);
    }

    fn serve_ports(
        &mut self,
        numbers: Range<usize>,
        events: &mut Vec<Event>,
        counters: &mut Counters,
        heads: &Pool,
    ) {
        for number in numbers {
            while self.ports[number].takes {
                let Some(first) = self.ports[number].waiting.pop_front() else { break };
                self.ports[number].attempt(first, counters, heads, true);
            }
            for _ in 0..limits::DATAGRAMS_TURN_MAX {
                if !self.ports[number].reads {
                    break;
                }
                self.receive(number, events, counters);
            }
        }
    }

    fn receive(&mut self, number: usize, events: &mut Vec<Event>, counters: &mut Counters) {
        let port = &mut self.ports[number];
        let mut buffer = self.pool.take();
        match calls::receive_from(&port.socket, &mut buffer) {
            Ok(Some(Some(origin))) => {
                if let Some(peer) = sockets::canonical(&origin.peer) {
                    let local = packet_info::local(&origin.control);
                    let port = Port(u16::try_from(number).expect("invariant: ports are few"));
                    let lease = Lease::pooled(self.pool.lease(buffer));
                    events.push(Event::Datagram { port, peer, local, lease });
                    return;
                }
            }
            Ok(Some(None)) => counters.datagrams_cut += 1,
            Ok(None) => port.reads = false,
            // The error of an earlier send; the next datagram is behind it.
            Err(_) => {}
        }
        self.pool.give(buffer);
    }

    /// Sends a datagram, behind those that wait.
    pub fn send(
        &mut self,
        port: Port,
        (peer, from): (SocketAddr, Option<IpAddr>),
        bytes: Vec<u8>,
        counters: &mut Counters,
        heads: &Pool,
    ) {
        let Some(port) = self.ports.get_mut(usize::from(port.0)) else {
            counters.datagrams_failed += 1;
            return heads.give(bytes);
        };
        let peer = sockets::for_family(peer, port.address);
        let control = Control::new(from, port.address);
        let departure = Departure { peer, control, bytes };
        if port.takes && port.waiting.is_empty() {
            port.attempt(departure, counters, heads, false);
        } else if port.waiting.len() < limits::DATAGRAMS_QUEUED_MAX {
            port.waiting.push_back(departure);
        } else {
            counters.datagrams_failed += 1;
            heads.give(departure.bytes);
        }
    }
}

impl DatagramPort {
    fn attempt(
        &mut self,
        departure: Departure,
        counters: &mut Counters,
        heads: &Pool,
        was_first: bool,
    ) {
        let Departure { peer, control, bytes } = &departure;
        match calls::send_to(&self.socket, bytes, peer, control) {
            Ok(Some(_)) => heads.give(departure.bytes),
            Ok(None) => {
                self.takes = false;
                if was_first {
                    self.waiting.push_front(departure);
                } else {
                    self.waiting.push_back(departure);
                }
            }
            Err(_) => {
                counters.datagrams_failed += 1;
                heads.give(departure.bytes);
            }
        }
    }
}
