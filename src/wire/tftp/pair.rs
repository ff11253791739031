//! Tests: a client and a table of transfers on one simulated clock, over a network with a seed.

use super::{
    Destination, End, ErrorCode, Failure, Fetch, ListenOutcome, Mode, Options, Outcome, Transfers,
    Transmit, to_netascii,
};
use crate::time::{Duration, Instant};
use std::net::SocketAddr;

/// Numbers from a seed (xorshift64*).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("below a usize")
    }
}

/// What the network does to datagrams, in thousandths of them.
#[derive(Clone, Copy, Default)]
struct Faults {
    lost: u64,
    doubled: u64,
    late: u64,
}

/// A datagram under way: when it arrives, a number that keeps the order, where to, and its bytes.
struct Flight {
    arrival: Instant,
    number: u64,
    to_server: bool,
    port: u16,
    bytes: Vec<u8>,
}

struct Pair {
    now: Instant,
    client: Fetch,
    table: Transfers<()>,
    body: Vec<u8>,
    flights: Vec<Flight>,
    random: Random,
    faults: Faults,
    sent: u64,
    data_sent: u64,
}

const NAME: &[u8] = b"firmware.rom";
const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 7], 2048);
const LATENCY: Duration = Duration::from_millis(5);

fn server(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 69 + port))
}

impl Pair {
    fn new(seed: u64, faults: Faults, asked: Options, body: Vec<u8>) -> Self {
        let now = Instant::from_nanos(1_000_000);
        Self {
            now,
            client: Fetch::new(now, NAME, Mode::Octet, asked, body.len() + 1),
            table: Transfers::new(4),
            body,
            flights: Vec::new(),
            random: Random::new(seed),
            faults,
            sent: 0,
            data_sent: 0,
        }
    }

    /// Runs both sides until nothing is under way and no timer is left.
    fn drive(&mut self) {
        for _ in 0..10_000_000 {
            self.transmit();
            let Some(next) = self.next_time() else { return };
            self.now = self.now.max(next);
            self.deliver();
            if self.client.poll_timeout().is_some_and(|deadline| deadline <= self.now) {
                self.client.handle_timeout(self.now);
            }
            self.table.expire(self.now);
        }
        panic!("the pair did not come to rest");
    }

    fn next_time(&self) -> Option<Instant> {
        let arrival = self.flights.iter().map(|flight| flight.arrival).min();
        let timers = [self.client.poll_timeout(), self.table.poll_timeout()];
        timers.into_iter().flatten().chain(arrival).min()
    }

    fn transmit(&mut self) {
        let mut bytes = Vec::new();
        while let Some(to) = self.client.poll_transmit(self.now, &mut bytes) {
            let port = match to {
                Destination::Listen => 0,
                Destination::Address(address) => address.port() - 69,
            };
            self.launch(true, port, &std::mem::take(&mut bytes));
        }
        while let Some(out) = self.table.next_transmit(self.now) {
            out.transmit.encode_head(&mut bytes);
            if let Transmit::Data { offset, len, .. } = out.transmit {
                let start = usize::try_from(offset).expect("small");
                bytes.extend_from_slice(&self.body[start..start + len]);
                self.data_sent += 1;
            }
            self.launch(false, out.port, &std::mem::take(&mut bytes));
        }
    }

    fn launch(&mut self, to_server: bool, port: u16, bytes: &[u8]) {
        if self.random.below(1000) < self.faults.lost {
            return;
        }
        let copies = 1 + u64::from(self.random.below(1000) < self.faults.doubled);
        for _ in 0..copies {
            let is_late = self.random.below(1000) < self.faults.late;
            let late = Duration::from_millis(if is_late { self.random.below(40) } else { 0 });
            self.sent += 1;
            let arrival = self.now + LATENCY + late;
            let (number, bytes) = (self.sent, bytes.to_vec());
            self.flights.push(Flight { arrival, number, to_server, port, bytes });
        }
    }

    fn deliver(&mut self) {
        let (mut due, later): (Vec<_>, Vec<_>) =
            self.flights.drain(..).partition(|flight| flight.arrival <= self.now);
        self.flights = later;
        due.sort_by_key(|flight| (flight.arrival, flight.number));
        for flight in due {
            if flight.to_server {
                self.deliver_to_server(&flight);
            } else {
                self.client.handle(self.now, server(flight.port), &flight.bytes);
                self.transmit();
            }
        }
    }

    fn deliver_to_server(&mut self, flight: &Flight) {
        let peer = SocketAddr::from(CLIENT);
        let size = self.body.len() as u64;
        let answer = if flight.port == 0 {
            match self.table.on_listen(self.now, peer, &flight.bytes) {
                ListenOutcome::Silence => None,
                ListenOutcome::Error(packet) => Some(packet),
                ListenOutcome::Request(request) => {
                    self.table.begin(self.now, peer, &request, size, ());
                    None
                }
            }
        } else {
            self.table.on_transfer_datagram(self.now, flight.port, peer, &flight.bytes)
        };
        if let Some(packet) = answer {
            let mut bytes = Vec::new();
            packet.encode(&mut bytes);
            self.launch(false, flight.port, &bytes);
        }
    }

    fn assert_whole(&self, story: &str) {
        assert_eq!(self.client.outcome(), Some(Outcome::Done), "{story}");
        assert!(self.client.body() == self.body, "{story}: other bytes");
        assert!(self.table.is_empty(), "{story}: a transfer is left");
    }
}

fn body(len: usize) -> Vec<u8> {
    let mut random = Random::new(len as u64 + 1);
    (0..len).map(|_| random.next().to_be_bytes()[7]).collect()
}

/// Every combination of options that differ in kind.
fn option_sets() -> Vec<Options> {
    let mut sets = Vec::new();
    for block_bytes in [None, Some(8), Some(512), Some(1428), Some(65464)] {
        for window_blocks in [None, Some(1), Some(4), Some(64), Some(65535)] {
            for timeout_s in [None, Some(1), Some(3)] {
                for size in [None, Some(0)] {
                    sets.push(Options { block_bytes, timeout_s, size, window_blocks });
                }
            }
        }
    }
    sets
}

#[test]
fn every_size_arrives_whole_with_every_option() {
    for size in [0, 1, 7, 8, 511, 512, 513, 1024, 1428, 65464, 65465] {
        for asked in option_sets() {
            let mut pair = Pair::new(1, Faults::default(), asked, body(size));
            pair.drive();
            let story = format!("{size} bytes, {asked:?}");
            pair.assert_whole(&story);
            assert_eq!(pair.client.retransmissions(), 0, "{story}");
            let block = u64::from(asked.block_bytes_or_default());
            assert_eq!(pair.data_sent, size as u64 / block + 1, "{story}: no block twice");
            assert_eq!(pair.table.poll_finished().map(|over| over.end), Some(End::Done));
        }
    }
}

#[test]
fn three_megabytes_arrive_whole() {
    for (block_bytes, window_blocks) in
        [(None, None), (Some(1428), Some(4)), (Some(512), Some(64)), (Some(65464), None)]
    {
        let asked = Options { block_bytes, window_blocks, ..Options::default() };
        let mut pair = Pair::new(1, Faults::default(), asked, body(3 << 20));
        pair.drive();
        pair.assert_whole(&format!("{asked:?}"));
    }
}

#[test]
fn seventy_thousand_blocks_wrap_and_arrive_whole() {
    for (window_blocks, faults) in [
        (Some(64), Faults::default()),
        (None, Faults::default()),
        (Some(16), Faults { lost: 2, doubled: 2, late: 2 }),
    ] {
        let asked = Options { block_bytes: Some(8), window_blocks, ..Options::default() };
        let mut pair = Pair::new(7, faults, asked, body(70_000 * 8));
        pair.drive();
        pair.assert_whole(&format!("window {window_blocks:?}"));
    }
}

#[test]
fn losses_doubles_and_late_packets_do_not_harm_a_file() {
    let sets = option_sets();
    for seed in 1..=600 {
        let mut random = Random::new(seed);
        let faults =
            Faults { lost: random.below(60), doubled: random.below(100), late: random.below(200) };
        let asked = sets[random.index(sets.len())];
        let block = usize::from(asked.block_bytes_or_default());
        let size = random.index(40 * block.min(2000) + 1);
        let mut pair = Pair::new(seed, faults, asked, body(size));
        pair.drive();
        let story = format!("seed {seed}, {size} bytes, {asked:?}");
        match pair.client.outcome() {
            // Five losses in a row are possible; a file that is not whole is not.
            Some(Outcome::Failed(Failure::Silent)) => {
                assert!(faults.lost > 30, "{story}");
            }
            _ => pair.assert_whole(&story),
        }
    }
}

/// With every packet doubled, a sender that answers duplicates would send everything twice.
#[test]
fn doubled_packets_do_not_breed() {
    let faults = Faults { doubled: 1000, ..Faults::default() };
    let mut pair = Pair::new(3, faults, Options::default(), body(512 * 50));
    pair.drive();
    pair.assert_whole("all doubled");
    assert_eq!(pair.data_sent, 51);
}

#[test]
fn a_dead_network_ends_both_sides() {
    let faults = Faults { lost: 1000, ..Faults::default() };
    let mut pair = Pair::new(3, faults, Options::default(), body(100));
    pair.drive();
    assert_eq!(pair.client.outcome(), Some(Outcome::Failed(Failure::Silent)));
    assert!(pair.table.is_empty());
}

#[test]
fn a_failing_file_is_told_to_the_client() {
    let mut pair = Pair::new(3, Faults::default(), Options::default(), body(100_000));
    for _ in 0..20 {
        pair.transmit();
        pair.now = pair.next_time().expect("under way");
        pair.deliver();
    }
    let peer = SocketAddr::from(CLIENT);
    let out = loop {
        if let Some(out) = pair.table.next_transmit(pair.now) {
            break out;
        }
        pair.transmit();
        pair.now = pair.next_time().expect("under way");
        for flight in std::mem::take(&mut pair.flights) {
            if flight.to_server {
                pair.deliver_to_server(&flight);
            } else {
                pair.client.handle(pair.now, server(flight.port), &flight.bytes);
            }
        }
    };
    assert_eq!(out.peer, peer);
    pair.table.fail(out.key, ErrorCode::UNDEFINED);
    pair.drive();
    let refused = Failure::Refused(ErrorCode::UNDEFINED);
    assert_eq!(pair.client.outcome(), Some(Outcome::Failed(refused)));
    assert!(pair.table.is_empty());
}

#[test]
fn text_arrives_in_netascii() {
    let text = to_netascii(b"image_version: P0S3-8-12-00\nproxy1_address: 10.0.0.1\n");
    let mut pair = Pair::new(1, Faults::default(), Options::default(), text);
    let size = Options { size: Some(0), ..Options::default() };
    pair.client = Fetch::new(pair.now, b"SIPDefault.cnf", Mode::Netascii, size, 1000);
    pair.drive();
    pair.assert_whole("netascii");
}
