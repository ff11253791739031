//! Both drivers keep the same promises on real sockets: each test runs on `io_uring` and on epoll.

mod closing;
mod datagrams;
mod exhaustion;
mod files;
mod streams;

use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::thread::JoinHandle;

use super::epoll::Epoll;
use super::uring::Uring;
use super::{Body, Event, Io, Output, Port, Setup, Sizes, Slot, Then, Waker, probe};
use crate::time::{self, Duration};

/// What the tests need of a driver beside [`Io`].
pub(super) trait Driver: Io + Sized {
    fn open(setup: &Setup, sizes: &Sizes) -> Self;
    fn http(&self) -> SocketAddr;
    fn port(&self, port: u16) -> SocketAddr;
    fn bell(&self) -> Waker;
}

impl Driver for Uring {
    fn open(setup: &Setup, sizes: &Sizes) -> Self {
        Self::new(setup, sizes).expect("a ring")
    }

    fn http(&self) -> SocketAddr {
        self.http_address().expect("listens")
    }

    fn port(&self, port: u16) -> SocketAddr {
        self.port_address(Port(port)).expect("bound")
    }

    fn bell(&self) -> Waker {
        self.waker()
    }
}

impl Driver for Epoll {
    fn open(setup: &Setup, sizes: &Sizes) -> Self {
        Self::new(setup, sizes).expect("a poller")
    }

    fn http(&self) -> SocketAddr {
        self.http_address().expect("listens")
    }

    fn port(&self, port: u16) -> SocketAddr {
        self.port_address(Port(port)).expect("bound")
    }

    fn bell(&self) -> Waker {
        self.waker()
    }
}

/// Makes each named test of this module two: one for each driver.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod uring {
            $(#[test]
            fn $name() {
                if crate::ring::probe().is_ok() {
                    super::$name::<crate::ring::uring::Uring>();
                }
            })*
        }
        mod epoll {
            $(#[test]
            fn $name() {
                super::$name::<crate::ring::epoll::Epoll>();
            })*
        }
    };
}
pub(super) use on_both;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(super) fn setup() -> Setup {
    Setup {
        http: Some(SocketAddr::new(LOOPBACK, 0)),
        tftp: None,
        transfer_ports: 0,
        linger: Duration::from_millis(300),
    }
}

/// Sizes so small that every queue and table is full again and again.
pub(super) fn tiny() -> Sizes {
    Sizes {
        submission_entries: 8,
        completion_entries: 32,
        receive_buffers: 4,
        receive_buffer_bytes: 64,
        datagram_buffers: 4,
        accepts: 4,
        connections_max: 64,
        chunk_bytes: 4096,
        file_reads_max: 2,
        doors_max: 3,
        piece_bytes: 8192,
        file_turn_bytes: 16384,
        ..Sizes::default()
    }
}

/// Time after which a test that should have ended has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Turns the driver and gives its events to `handle` until all clients have ended and no connection
/// is left. Returns what the clients returned.
pub(super) fn serve<D: Driver, T>(
    driver: &mut D,
    clients: Vec<JoinHandle<T>>,
    mut handle: impl FnMut(&mut D, Event),
) -> Vec<T> {
    let give_up = time::now() + PATIENCE;
    let mut events = Vec::new();
    let mut open = HashSet::new();
    loop {
        let idle = clients.iter().all(JoinHandle::is_finished);
        if idle && open.is_empty() {
            break;
        }
        assert!(
            time::now() < give_up,
            "{} connections are left: {:?}",
            open.len(),
            driver.counters()
        );
        let until = time::now() + Duration::from_millis(5);
        driver.turn(Some(until), &mut events).expect("turns");
        for event in events.drain(..) {
            match &event {
                Event::Accepted { slot, .. } => {
                    assert!(open.insert(*slot), "accepted once");
                }
                Event::Closed { slot, .. } => {
                    assert!(open.remove(slot), "closed once");
                }
                Event::Received { slot, lease } => {
                    assert!(open.contains(slot) && !lease.is_empty());
                }
                Event::Finished { slot } | Event::Progress { slot } | Event::Sent { slot } => {
                    assert!(open.contains(slot), "nothing comes after the close");
                }
                _ => {}
            }
            handle(driver, event);
        }
    }
    clients.into_iter().map(|client| client.join().expect("a client failed")).collect()
}

/// Connects from a given loopback address.
pub(super) fn connect_from(source: Ipv4Addr, server: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    socket.bind(&SocketAddr::from((source, 0)).into()).expect("bound");
    socket.connect(&server.into()).expect("connected");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

pub(super) fn connect(server: SocketAddr) -> TcpStream {
    connect_from(Ipv4Addr::LOCALHOST, server)
}

/// All that comes until the end, and how it ended.
pub(super) fn read_all(stream: &mut TcpStream) -> (Vec<u8>, Result<(), std::io::ErrorKind>) {
    let mut all = Vec::new();
    let end = stream.read_to_end(&mut all).map(|_| ()).map_err(|error| error.kind());
    (all, end)
}

pub(super) fn ask(stream: &mut TcpStream, question: &[u8]) {
    stream.write_all(question).expect("written");
}

/// An output of a head alone, in a buffer of the driver.
pub(super) fn head(driver: &mut impl Io, bytes: &[u8]) -> Output {
    let mut head = driver.buffer();
    assert!(head.is_empty());
    head.extend_from_slice(bytes);
    Output { head, body: Body::Empty }
}

/// Sends back what comes, and closes when the peer has ended. Answers wait for each other.
#[derive(Default)]
pub(super) struct Echo {
    waiting: HashMap<Slot, (bool, Vec<u8>, bool)>,
}

impl Echo {
    pub fn handle(&mut self, driver: &mut impl Io, event: Event) {
        let slot = match event {
            Event::Accepted { slot, .. } => {
                self.waiting.insert(slot, (false, Vec::new(), false));
                return;
            }
            Event::Closed { slot, .. } => {
                self.waiting.remove(&slot);
                return;
            }
            Event::Received { slot, lease } => {
                self.waiting.get_mut(&slot).expect("open").1.extend_from_slice(&lease);
                slot
            }
            Event::Finished { slot } => {
                self.waiting.get_mut(&slot).expect("open").2 = true;
                slot
            }
            Event::Sent { slot } => {
                self.waiting.get_mut(&slot).expect("open").0 = false;
                slot
            }
            _ => return,
        };
        let (busy, bytes, ended) = self.waiting.get_mut(&slot).expect("open");
        if *busy {
            return;
        }
        if !bytes.is_empty() {
            *busy = true;
            let output = head(driver, bytes);
            bytes.clear();
            driver.send(slot, output, Then::Keep);
        } else if *ended {
            driver.close(slot);
        }
    }
}

/// Bytes in which each position is recognised.
pub(super) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn this_machine_tells_which_drivers_it_has() {
    match probe() {
        Ok(probe) => assert!(!probe.kernel.is_empty()),
        Err(refusal) => assert!(refusal.to_string().contains("--driver epoll")),
    }
}
