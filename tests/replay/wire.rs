//! The kernel's side of a conversation: nothing happens that the script does not say.

use ringboot::ring::{Body, Counters, Event, Io, Lease, Opened, Output, Port, Slot, Then};
use ringboot::time::Instant;
use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::Arc;

/// Where phones ask.
pub const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A driver that the script plays; the worker has one handle of it, the script the other.
#[derive(Clone, Default)]
pub struct Scripted(Rc<RefCell<Wire>>);

/// What there is on the other side of the worker.
#[derive(Default)]
pub struct Wire {
    /// The time.
    pub now: Instant,
    /// When the worker wants to be woken.
    pub until: Option<Instant>,
    /// What it will be told next.
    pub events: Vec<Event>,
    /// Connections, by place.
    pub streams: BTreeMap<u32, Stream>,
    /// Datagrams that it has sent and the script has not read.
    pub datagrams: VecDeque<(Port, SocketAddr, Vec<u8>)>,
    /// Reads of files that it has asked for.
    pub reads: VecDeque<FileRead>,
    /// Whether it has stopped accepting.
    pub is_refusing: bool,
    /// Buffers that were taken and not given back.
    pub buffers: i64,
}

/// One connection.
pub struct Stream {
    /// Its generation.
    pub generation: u32,
    /// What is being sent on it, and what follows.
    pub output: Option<(Output, Then)>,
    /// Whether it is open.
    pub is_open: bool,
}

/// A part of a file that was asked for.
pub struct FileRead {
    token: u64,
    file: Arc<Opened>,
    offset: u64,
    len: usize,
}

impl Scripted {
    /// The other side.
    pub fn wire(&self) -> RefMut<'_, Wire> {
        self.0.borrow_mut()
    }
}

impl Wire {
    /// A new connection from `peer`, on the first place that is free.
    pub fn accept(&mut self, peer: SocketAddr) -> Slot {
        let free = |index: &u32| self.streams.get(index).is_none_or(|stream| !stream.is_open);
        let index = (0..).find(free).expect("a place");
        let generation = self.streams.get(&index).map_or(0, |old| old.generation + 1);
        self.streams.insert(index, Stream { generation, output: None, is_open: true });
        let slot = Slot { index, generation };
        self.events.push(Event::Accepted { slot, peer });
        slot
    }

    /// The connection of this name, while it has it.
    pub fn stream(&mut self, slot: Slot) -> Option<&mut Stream> {
        self.streams.get_mut(&slot.index).filter(|stream| stream.generation == slot.generation)
    }

    /// Ends a connection; the worker is told.
    pub fn close(&mut self, slot: Slot, error: Option<io::ErrorKind>) {
        let Some(stream) = self.stream(slot).filter(|stream| stream.is_open) else { return };
        stream.is_open = false;
        let output = stream.output.take();
        self.buffers -= i64::from(output.is_some());
        self.events.push(Event::Closed { slot, error });
    }

    /// Answers the next read of a file: with at most `most` bytes, or with a failure.
    pub fn answer_read(&mut self, most: Option<usize>) {
        let Some(FileRead { token, file, offset, len }) = self.reads.pop_front() else { return };
        let result = match most {
            None => Err(io::Error::from(io::ErrorKind::Other)),
            Some(most) => read_at(file.file(), offset, len.min(most)).map(Lease::owned),
        };
        self.events.push(Event::Read { token, result });
    }
}

impl Io for Scripted {
    fn turn(&mut self, until: Option<Instant>, events: &mut Vec<Event>) -> io::Result<Instant> {
        let mut wire = self.wire();
        wire.until = until;
        events.append(&mut wire.events);
        Ok(wire.now)
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.wire().buffers += 1;
        Vec::new()
    }

    fn send(&mut self, slot: Slot, output: Output, then: Then) {
        let mut wire = self.wire();
        let Some(stream) = wire.stream(slot).filter(|stream| stream.is_open) else {
            wire.buffers -= 1;
            return;
        };
        assert!(stream.output.is_none(), "one output at a time");
        stream.output = Some((output, then));
    }

    fn close(&mut self, slot: Slot) {
        self.wire().close(slot, None);
    }

    fn send_to(&mut self, port: Port, peer: SocketAddr, from: Option<IpAddr>, datagram: Vec<u8>) {
        assert_eq!(from, Some(SERVER), "an answer leaves from where it was asked for");
        let mut wire = self.wire();
        wire.buffers -= 1;
        wire.datagrams.push_back((port, peer, datagram));
    }

    fn read(&mut self, token: u64, file: &Arc<Opened>, offset: u64, len: usize) {
        let file = Arc::clone(file);
        self.wire().reads.push_back(FileRead { token, file, offset, len });
    }

    fn stop_accepting(&mut self) {
        self.wire().is_refusing = true;
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }
}

/// All bytes of an output; none when its file has become too short for it.
pub fn bytes_of(output: &Output) -> Option<Vec<u8>> {
    let mut bytes = output.head.clone();
    match &output.body {
        Body::Empty => {}
        Body::Bytes(body) => bytes.extend_from_slice(body),
        Body::File { file, offset, len } => {
            let len = usize::try_from(*len).expect("a file for tests");
            let body = read_at(file.file(), *offset, len).ok().filter(|body| body.len() == len)?;
            bytes.extend(body);
        }
    }
    Some(bytes)
}

fn read_at(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut read = 0;
    while read < len {
        match file.read_at(&mut bytes[read..], offset + read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}
