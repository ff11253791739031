//! A driver without a kernel: events are put in by hand, and what is sent is looked at.

use ringboot::ring::{Counters, Event, Io, Opened, Output, Port, Slot, Then};
use ringboot::time::Instant;
use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

/// A driver with room for one answer and some datagrams; nothing is allocated while it works.
#[derive(Clone)]
pub struct Quiet(pub Rc<RefCell<Kernel>>);

/// What happens next, and what was sent.
pub struct Kernel {
    pub now: Instant,
    pub events: Vec<Event>,
    pub free: Vec<Vec<u8>>,
    pub answer: Option<Output>,
    pub datagrams: Vec<(Port, Vec<u8>)>,
}

/// Where phones ask.
pub const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

impl Quiet {
    /// At this time, with nothing to tell.
    pub fn new(now: Instant) -> Quiet {
        Quiet(Rc::new(RefCell::new(Kernel {
            now,
            events: Vec::with_capacity(8),
            free: (0..8).map(|_| Vec::with_capacity(8192)).collect(),
            answer: None,
            datagrams: Vec::with_capacity(8),
        })))
    }
}

impl Io for Quiet {
    fn turn(&mut self, _until: Option<Instant>, events: &mut Vec<Event>) -> io::Result<Instant> {
        let mut kernel = self.0.borrow_mut();
        events.append(&mut kernel.events);
        Ok(kernel.now)
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.0.borrow_mut().free.pop().expect("buffers are given back")
    }

    fn send(&mut self, _slot: Slot, output: Output, then: Then) {
        assert_eq!(then, Then::Keep);
        self.0.borrow_mut().answer = Some(output);
    }

    fn send_to(&mut self, port: Port, _peer: SocketAddr, from: Option<IpAddr>, datagram: Vec<u8>) {
        assert_eq!(from, Some(SERVER));
        self.0.borrow_mut().datagrams.push((port, datagram));
    }

    fn close(&mut self, _slot: Slot) {}

    fn read(&mut self, _token: u64, _file: &Arc<Opened>, _offset: u64, _len: usize) {}

    fn stop_accepting(&mut self) {}

    fn counters(&self) -> Counters {
        Counters::default()
    }
}
