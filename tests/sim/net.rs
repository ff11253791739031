//! A network and two kernels from a seed: late, cut, lost, doubled, reset, and the same every time.

use ringboot::ring::{Body, Counters, Event, Io, Lease, Opened, Output, Port, Slot, Then};
use ringboot::time::{Duration, Instant};
use ringboot_loadgen::chance::Chance;
use std::cell::{RefCell, RefMut};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::Arc;

/// One core's driver on the network.
pub struct SimIo {
    core: usize,
    net: Rc<RefCell<Net>>,
}

/// Names one end of a phone's link: the phone's number and its link's.
pub type LinkId = (usize, u32);

/// What a phone will be told.
pub enum ToPhone {
    Connected,
    Received(Vec<u8>),
    Datagram(SocketAddr, Vec<u8>),
    Closed(Option<ErrorKind>),
}

/// How bad things are, each in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Datagrams that are lost.
    pub lost: u64,
    /// Datagrams that come twice.
    pub doubled: u64,
    /// Pieces of a stream at which it is reset.
    pub reset: u64,
    /// Connections on which nothing arrives any more from some piece on.
    pub stalled: u64,
    /// Connections that are refused.
    pub refused: u64,
    /// File reads that fail.
    pub failed_reads: u64,
}

/// Everything between phones and workers.
pub struct Net {
    pub now: Instant,
    pub chance: Chance,
    pub weather: Weather,
    pub cores: Vec<Kernel>,
    pub to_phones: Vec<(LinkId, ToPhone)>,
    happenings: BTreeMap<(Instant, u64), Happening>,
    count: u64,
    streams: BTreeMap<u32, Stream>,
    /// Whose datagram socket has which address.
    pub datagram_links: BTreeMap<SocketAddr, LinkId>,
    /// All that happened, for comparing runs.
    pub trace: DefaultHasher,
}

/// One core's side.
#[derive(Default)]
pub struct Kernel {
    pub events: Vec<Event>,
    pub until: Option<Instant>,
    /// Generation of each place, and whether it is taken.
    places: Vec<(u32, Option<u32>)>,
    pub accepted: u64,
    pub closed: u64,
    pub buffers: i64,
    pub is_refusing: bool,
}

/// One connection; its number is never used again.
struct Stream {
    link: LinkId,
    core: usize,
    slot: Option<Slot>,
    /// When what is on its way to the server and to the phone will all have arrived.
    arrived: [Instant; 2],
    /// What is being sent: all bytes, how many have left, and what follows. A file that is too
    /// short gives fewer bytes than were promised.
    sending: Option<(Vec<u8>, usize, Then, bool)>,
    is_stalled: bool,
    phone_is_gone: bool,
}

enum Happening {
    Accept(u32, SocketAddr),
    ToServer(u32, Vec<u8>),
    EndToServer(u32),
    Leave(u32),
    LingerEnd(u32),
    ToPhone(LinkId, ToPhone),
    Datagram(usize, Port, SocketAddr, Vec<u8>),
    Read(usize, u64, io::Result<Vec<u8>>),
}

/// Address of the server.
pub const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
/// Where read requests go.
pub const LISTEN: u16 = 69;

impl Net {
    pub fn new(seed: u64, cores: usize, weather: Weather) -> Rc<RefCell<Net>> {
        Rc::new(RefCell::new(Net {
            now: Instant::from_nanos(1_000_000_000),
            chance: Chance::of(seed, 77),
            weather,
            cores: (0..cores).map(|_| Kernel::default()).collect(),
            to_phones: Vec::new(),
            happenings: BTreeMap::new(),
            count: 0,
            streams: BTreeMap::new(),
            datagram_links: BTreeMap::new(),
            trace: DefaultHasher::new(),
        }))
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Instant> {
        self.happenings.first_key_value().map(|((at, _), _)| *at)
    }

    /// Connections that are open on the server's side.
    pub fn open(&self) -> usize {
        self.streams.values().filter(|stream| stream.slot.is_some()).count()
    }

    /// Lets everything happen that is due.
    pub fn run(&mut self) {
        while let Some(entry) = self.happenings.first_entry().filter(|e| e.key().0 <= self.now) {
            let happening = entry.remove();
            self.happen(happening);
        }
    }

    pub fn connect(&mut self, link: LinkId, from: SocketAddr) {
        if self.roll(self.weather.refused) {
            let refused = ToPhone::Closed(Some(ErrorKind::ConnectionRefused));
            return self.later(Happening::ToPhone(link, refused));
        }
        let core = usize::try_from(self.chance.below(self.cores.len() as u64)).expect("a core");
        let number = u32::try_from(self.count).expect("a small number");
        let is_stalled = self.roll(self.weather.stalled);
        let stream = Stream {
            link,
            core,
            slot: None,
            arrived: [self.now; 2],
            sending: None,
            is_stalled,
            phone_is_gone: false,
        };
        self.streams.insert(number, stream);
        self.ordered(number, 0, Happening::Accept(number, from));
        self.ordered(number, 1, Happening::ToPhone(link, ToPhone::Connected));
    }

    /// Bytes of a phone, in pieces of any size.
    pub fn send(&mut self, link: LinkId, bytes: &[u8]) {
        let Some(number) = self.number(link) else { return };
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = self.piece(rest.len());
            let (now, later) = rest.split_at(piece);
            rest = later;
            if self.roll(self.weather.reset) {
                return self.reset(number);
            }
            self.ordered(number, 0, Happening::ToServer(number, now.to_vec()));
        }
    }

    pub fn close(&mut self, link: LinkId) {
        if let Some(number) = self.number(link) {
            self.streams.get_mut(&number).expect("invariant: it was found").phone_is_gone = true;
            self.ordered(number, 0, Happening::EndToServer(number));
        }
    }

    /// A datagram to the server's address; its port says which socket of which core.
    pub fn send_to(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let (core, port) = match to.port() {
            LISTEN => {
                let mut hasher = DefaultHasher::new();
                from.hash(&mut hasher);
                (hasher.finish() % self.cores.len() as u64, 0)
            }
            port => (u64::from(port - 40_000) / 100, (port - 40_000) % 100),
        };
        let core = usize::try_from(core).expect("a core");
        for _ in 0..self.copies() {
            self.later(Happening::Datagram(core, Port(port), from, bytes.to_vec()));
        }
    }

    fn copies(&mut self) -> u32 {
        if self.roll(self.weather.lost) {
            0
        } else {
            1 + u32::from(self.roll(self.weather.doubled))
        }
    }

    fn roll(&mut self, thousandths: u64) -> bool {
        self.chance.below(1000) < thousandths
    }

    /// Few bytes, or all there are.
    fn piece(&mut self, len: usize) -> usize {
        let most = [1, 7, 100, 1460, len][usize::try_from(self.chance.below(5)).expect("small")];
        1 + usize::try_from(self.chance.below(most.min(len) as u64)).expect("small")
    }

    fn delay(&mut self) -> Duration {
        // Now and then a packet takes a long way and comes behind later ones.
        let most = if self.roll(20) { 400_000 } else { 3_000 };
        Duration::from_micros(50 + self.chance.below(most))
    }

    fn later(&mut self, happening: Happening) {
        let at = self.now + self.delay();
        self.at(at, happening);
    }

    fn at(&mut self, at: Instant, happening: Happening) {
        self.count += 1;
        self.happenings.insert((at, self.count), happening);
    }

    /// Behind all that goes the same way on the same connection.
    fn ordered(&mut self, number: u32, way: usize, happening: Happening) {
        let at = self.now + self.delay();
        let stream = self.streams.get_mut(&number).expect("invariant: it is there");
        let at = at.max(stream.arrived[way]);
        stream.arrived[way] = at;
        if !stream.is_stalled || matches!(happening, Happening::Accept(..)) {
            self.at(at, happening);
        }
    }

    fn number(&self, link: LinkId) -> Option<u32> {
        self.streams.iter().find(|(_, stream)| stream.link == link).map(|(number, _)| *number)
    }

    /// Both ends learn that the connection is gone.
    fn reset(&mut self, number: u32) {
        let error = Some(ErrorKind::ConnectionReset);
        let link = self.streams[&number].link;
        self.later(Happening::ToPhone(link, ToPhone::Closed(error)));
        self.closed(number, error);
    }

    /// The server's end is gone; the last that it hears of it.
    fn closed(&mut self, number: u32, error: Option<ErrorKind>) {
        let stream = self.streams.get_mut(&number).expect("invariant: it is there");
        let kernel = &mut self.cores[stream.core];
        if stream.sending.take().is_some() {
            kernel.buffers -= 1;
        }
        if let Some(slot) = stream.slot.take() {
            kernel.closed += 1;
            kernel.places[slot.index as usize].1 = None;
            kernel.events.push(Event::Closed { slot, error });
        }
        self.streams.remove(&number);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Accept(number, from) => self.accept(number, from),
            Happening::ToServer(number, bytes) => {
                let Some(stream) = self.streams.get(&number) else { return };
                let lease = Lease::owned(bytes);
                let lingers = matches!(stream.sending, Some((_, _, Then::Linger, _)));
                if let Some(slot) = stream.slot.filter(|_| !lingers) {
                    self.cores[stream.core].events.push(Event::Received { slot, lease });
                }
            }
            Happening::EndToServer(number) => self.end_to_server(number),
            Happening::Leave(number) => self.leave(number),
            Happening::LingerEnd(number) => {
                if self.streams.contains_key(&number) {
                    self.closed(number, None);
                }
            }
            Happening::ToPhone(link, what) => self.to_phones.push((link, what)),
            Happening::Datagram(core, port, peer, bytes) => {
                let (local, lease) = (Some(SERVER), Lease::owned(bytes));
                self.cores[core].events.push(Event::Datagram { port, peer, local, lease });
            }
            Happening::Read(core, token, result) => {
                let result = result.map(Lease::owned);
                self.cores[core].events.push(Event::Read { token, result });
            }
        }
    }

    fn accept(&mut self, number: u32, peer: SocketAddr) {
        let Some(stream) = self.streams.get_mut(&number) else { return };
        let kernel = &mut self.cores[stream.core];
        if kernel.is_refusing {
            return self.reset(number);
        }
        let free = kernel.places.iter().position(|(_, taken)| taken.is_none());
        let index = free.unwrap_or(kernel.places.len());
        if index == kernel.places.len() {
            kernel.places.push((0, None));
        }
        let place = &mut kernel.places[index];
        *place = (place.0 + 1, Some(number));
        let slot = Slot { index: u32::try_from(index).expect("small"), generation: place.0 };
        stream.slot = Some(slot);
        kernel.accepted += 1;
        kernel.events.push(Event::Accepted { slot, peer });
    }

    fn end_to_server(&mut self, number: u32) {
        let Some(stream) = self.streams.get(&number) else { return };
        let (core, slot) = (stream.core, stream.slot);
        let lingers = matches!(stream.sending, Some((_, _, Then::Linger, _)));
        match slot {
            Some(slot) if !lingers && self.chance.below(2) == 0 => {
                self.cores[core].events.push(Event::Finished { slot });
            }
            _ => self.closed(number, Some(ErrorKind::ConnectionReset)),
        }
    }

    /// A part of what is being sent leaves.
    fn leave(&mut self, number: u32) {
        let Some(stream) = self.streams.get(&number) else { return };
        let Some((bytes, sent, then, is_cut)) = stream.sending.clone() else { return };
        let (core, link, is_stalled) = (stream.core, stream.link, stream.is_stalled);
        let Some(slot) = stream.slot else { return };
        if is_stalled {
            return;
        }
        if stream.phone_is_gone || self.roll(self.weather.reset) {
            return self.reset(number);
        }
        let piece = self.piece(bytes.len() - sent);
        let part = bytes[sent..sent + piece].to_vec();
        self.ordered(number, 1, Happening::ToPhone(link, ToPhone::Received(part)));
        let sent = sent + piece;
        let stream = self.streams.get_mut(&number).expect("invariant: it is there");
        stream.sending = Some((bytes, sent, then, is_cut));
        if sent < stream.sending.as_ref().map_or(0, |(bytes, ..)| bytes.len()) {
            self.cores[core].events.push(Event::Progress { slot });
            return self.later(Happening::Leave(number));
        }
        let end = Happening::ToPhone(link, ToPhone::Closed(None));
        match then {
            _ if is_cut => self.reset(number),
            Then::Keep => {
                stream.sending = None;
                self.cores[core].buffers -= 1;
                self.cores[core].events.push(Event::Sent { slot });
            }
            Then::Close => {
                self.ordered(number, 1, end);
                self.closed(number, None);
            }
            Then::Linger => {
                self.ordered(number, 1, end);
                let at = self.now + ringboot::limits::LINGER_TIME_MAX;
                self.at(at, Happening::LingerEnd(number));
            }
        }
    }

    fn by_slot(&self, core: usize, slot: Slot) -> Option<u32> {
        let (generation, number) = *self.cores[core].places.get(slot.index as usize)?;
        number.filter(|_| generation == slot.generation)
    }
}

impl SimIo {
    /// The driver of one core.
    pub fn new(core: usize, net: &Rc<RefCell<Net>>) -> SimIo {
        SimIo { core, net: Rc::clone(net) }
    }

    fn net(&self) -> RefMut<'_, Net> {
        self.net.borrow_mut()
    }
}

impl Io for SimIo {
    fn turn(&mut self, until: Option<Instant>, events: &mut Vec<Event>) -> io::Result<Instant> {
        let mut net = self.net();
        let now = net.now;
        let kernel = &mut net.cores[self.core];
        kernel.until = until;
        events.append(&mut kernel.events);
        Ok(now)
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.net().cores[self.core].buffers += 1;
        Vec::new()
    }

    fn send(&mut self, slot: Slot, output: Output, then: Then) {
        let mut net = self.net();
        let Some(number) = net.by_slot(self.core, slot) else {
            net.cores[self.core].buffers -= 1;
            return;
        };
        let (bytes, is_cut) = bytes_of(output);
        let stream = net.streams.get_mut(&number).expect("invariant: its place names it");
        assert!(stream.sending.is_none(), "one output at a time");
        stream.sending = Some((bytes, 0, then, is_cut));
        net.later(Happening::Leave(number));
    }

    fn close(&mut self, slot: Slot) {
        let mut net = self.net();
        let Some(number) = net.by_slot(self.core, slot) else { return };
        let link = net.streams[&number].link;
        net.ordered(number, 1, Happening::ToPhone(link, ToPhone::Closed(None)));
        net.closed(number, None);
    }

    fn send_to(&mut self, port: Port, peer: SocketAddr, from: Option<IpAddr>, datagram: Vec<u8>) {
        assert_eq!(from, Some(SERVER), "an answer leaves from where it was asked for");
        let mut net = self.net();
        net.cores[self.core].buffers -= 1;
        let link = net.datagram_links.get(&peer).copied();
        let number = if port.0 == 0 {
            LISTEN
        } else {
            40_000 + u16::try_from(self.core).expect("small") * 100 + port.0
        };
        let from = SocketAddr::new(SERVER, number);
        for _ in 0..net.copies() {
            if let Some(link) = link {
                net.later(Happening::ToPhone(link, ToPhone::Datagram(from, datagram.clone())));
            }
        }
    }

    fn read(&mut self, token: u64, file: &Arc<Opened>, offset: u64, len: usize) {
        let mut guard = self.net();
        let net = &mut *guard;
        // Short by chance, and never shorter than any block that is asked for.
        let short = if net.roll(300) { len.min(16_384) } else { len };
        let result = if net.roll(net.weather.failed_reads) {
            Err(io::Error::from(ErrorKind::Other))
        } else {
            let mut bytes = vec![0; short];
            file.file().read_at(&mut bytes, offset).map(|read| {
                bytes.truncate(read);
                bytes
            })
        };
        net.later(Happening::Read(self.core, token, result));
    }

    fn stop_accepting(&mut self) {
        self.net().cores[self.core].is_refusing = true;
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }
}

/// The bytes of an output, and whether its file gave fewer than were promised.
fn bytes_of(output: Output) -> (Vec<u8>, bool) {
    let mut bytes = output.head;
    match output.body {
        Body::Empty => (bytes, false),
        Body::Bytes(body) => {
            bytes.extend_from_slice(&body);
            (bytes, false)
        }
        Body::File { file, offset, len } => {
            let mut body = vec![0; usize::try_from(len).expect("a file for tests")];
            let is_cut = file.file().read_exact_at(&mut body, offset).is_err();
            bytes.extend_from_slice(&body);
            (bytes, is_cut)
        }
    }
}
