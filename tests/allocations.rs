//! What a known, unchanged phone asks for costs no allocation between receive and send.
//!
//! Counted are all allocations of a worker's turn over a driver that makes none itself: an HTTP
//! request on a kept connection (its own file, a file for all, a 404, a 304), and over TFTP the
//! refusal of a missing file and an acknowledgement that lets the next block go. A read request
//! that begins a transfer has to make one, and is held to a bound.

#[path = "stage/quiet.rs"]
mod quiet;
#[path = "stage/mod.rs"]
mod stage;

use quiet::{Quiet, SERVER};
use ringboot::identify::Settings;
use ringboot::ring::{Body, Event, Lease, Output, Port, Slot};
use ringboot::time::{Civil, Instant};
use ringboot::worker::{Stats, Worker};
use stage::{Folder, MemoryStore, shared};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting what this thread asks of it.
struct Counting;

// SAFETY: every call is the system allocator's own, with what the caller promised to it; counting
// touches a number of this thread that needs no allocation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Bench {
    worker: Worker<Quiet>,
    io: Quiet,
    _files: Folder,
}

/// Times that the same is asked before it costs nothing.
const UNCOUNTED: u16 = 4;

const SLOT: Slot = Slot { index: 0, generation: 0 };

impl Bench {
    /// A server that knows the phones of the conversations, and one connection.
    fn new(peer: &str) -> Bench {
        Bench::with(peer, Settings::default(), &[])
    }

    /// The same where these tenants have keys.
    fn with(peer: &str, settings: Settings, keys: &[(&str, &str)]) -> Bench {
        let store = MemoryStore::of_fleet(include_str!("replay/site.jsonl"));
        // A folder of another plugin's: that costs phones of this one no look at the disk.
        let files = Folder::new();
        files.put("wazo-aastra-5.1.0/6930.st", 1000);
        let shared = shared(&store, settings, &files.0);
        assert_eq!(shared.world.set_keys(keys.iter().copied()), keys.len());
        let io = Quiet::new(Instant::from_nanos(1_000_000_000));
        let now = (Instant::from_nanos(1_000_000_000), Civil(1_700_000_000));
        let worker = Worker::new(io.clone(), shared, Arc::new(Stats::default()), 4, now);
        let mut bench = Bench { worker, io, _files: files };
        let peer = peer.parse().expect("an address");
        bench.turn(Event::Accepted { slot: SLOT, peer });
        bench
    }

    /// Allocations of the turn in which this happens.
    fn turn(&mut self, event: Event) -> u64 {
        self.io.0.borrow_mut().events.push(event);
        let before = COUNT.get();
        let goes_on = self.worker.turn(|| Civil(1_700_000_000), None).expect("a ring that works");
        let count = COUNT.get() - before;
        assert!(goes_on);
        count
    }

    /// Asks on the kept connection: allocations until the answer, and behind it; and the answer.
    fn get(&mut self, request: &str) -> (u64, u64, Vec<u8>) {
        let lease = Lease::owned(request.as_bytes().to_vec());
        let asked = self.turn(Event::Received { slot: SLOT, lease });
        let Output { mut head, body } = self.io.0.borrow_mut().answer.take().expect("an answer");
        let mut answer = head.clone();
        if let Body::Bytes(body) = &body {
            answer.extend_from_slice(body);
        }
        drop(body);
        head.clear();
        self.io.0.borrow_mut().free.push(head);
        let sent = self.turn(Event::Sent { slot: SLOT });
        (asked, sent, answer)
    }

    /// Sends a datagram: allocations until it is handled, and what was sent.
    fn datagram(&mut self, port: u16, bytes: &[u8]) -> (u64, Vec<(Port, Vec<u8>)>) {
        let peer = "192.0.2.10:2000".parse().expect("an address");
        let lease = Lease::owned(bytes.to_vec());
        let (port, local) = (Port(port), Some(SERVER));
        let count = self.turn(Event::Datagram { port, peer, local, lease });
        let mut kernel = self.io.0.borrow_mut();
        let sent = kernel.datagrams.clone();
        while let Some((_, mut buffer)) = kernel.datagrams.pop() {
            buffer.clear();
            kernel.free.push(buffer);
        }
        (count, sent)
    }
}

#[test]
fn a_known_phone_on_a_kept_connection_costs_no_allocation() {
    let mut bench = Bench::new("192.0.2.20:2000");
    let agent = "Yealink SIP-T28P 2.73.0.50 00:15:65:4a:a9:37";
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: prov\r\nUser-Agent: {agent}\r\n{more}\r\n")
    };
    let (own, missing) = (get("/0015654aa937.cfg", ""), get("/y000000000000.boot", ""));
    let common = get("/directory_setting.xml", "");
    let (_, _, answer) = bench.get(&own);
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("je5qtq"), "{text}");
    let (_, etag) = text.split_once("ETag: ").expect("an entity tag");
    let etag = etag.split("\r\n").next().expect("a line");
    let unchanged = get("/0015654aa937.cfg", &format!("If-None-Match: {etag}\r\n"));
    for (request, status) in
        [(&own, "200"), (&missing, "404"), (&common, "200"), (&unchanged, "304")]
    {
        // Before it counts, the phone is new, then its version is, and what comes for the second
        // time is kept to be known again.
        for _ in 0..UNCOUNTED {
            bench.get(request);
        }
        for _ in 0..100 {
            let (asked, sent, answer) = bench.get(request);
            let line = String::from_utf8_lossy(&answer[..12]).into_owned();
            assert_eq!(line, format!("HTTP/1.1 {status}"), "{request}");
            assert_eq!((asked, sent), (0, 0), "{request}");
        }
    }
}

#[test]
fn a_known_phone_under_its_tenants_key_costs_no_allocation() {
    let settings = Settings { url_key: true, ..Settings::default() };
    let keys = [("other", "key-of-other"), (&*settings.master_tenant.clone(), "key-of-ours")];
    let mut bench = Bench::with("192.0.2.20:2000", settings, &keys);
    let agent = "Yealink SIP-T28P 2.73.0.50 00:15:65:4a:a9:37";
    for (path, status) in [
        ("/key-of-ours/0015654aa937.cfg", "200"),
        ("/key%2dof-ours/0015654aa937.cfg", "200"),
        ("/key-of-ours/directory_setting.xml", "200"),
        ("/key-of-ours/y000000000000.boot", "404"),
        ("/wrong-key/0015654aa937.cfg", "404"),
        ("/0015654aa937.cfg", "404"),
    ] {
        let get = format!("GET {path} HTTP/1.1\r\nHost: prov\r\nUser-Agent: {agent}\r\n\r\n");
        for round in 0..20 {
            let (asked, sent, answer) = bench.get(&get);
            let line = String::from_utf8_lossy(&answer[..12]).into_owned();
            assert_eq!(line, format!("HTTP/1.1 {status}"), "{path}");
            assert!(round < UNCOUNTED || (asked, sent) == (0, 0), "{asked}, {sent}: {path}");
        }
    }
}

#[test]
fn a_known_phone_of_any_vendor_costs_no_allocation() {
    let mut bench = Bench::new("192.0.2.21:2000");
    let polycom = "FileTransport PolycomVVX-VVX_400-UA/5.9.7.4477 Type/Application";
    for (agent, own) in [
        (polycom, "/0004f2aabbcc-user.cfg"),
        // The version counts here, and only here.
        (polycom, "/0004f2aabbcc-phone.cfg"),
        ("Mitel6873i MAC:00-08-5D-AA-BB-CC V:4.3.0.2036-SIP", "/Aastra/00085DAABBCC.cfg"),
        // Its model is another one's short name.
        ("Aastra57i MAC:00-08-5D-AA-BB-CD V:3.3.1.4365-SIP", "/Aastra/00085DAABBCD.cfg"),
        ("Cisco/SPA504G-7.5.5 (002699AABBCC)(CBT141400UK)", "/002699aabbcc.xml"),
        // It is known by its serial number alone, and its model is written without the dash.
        ("Linksys/SPA-942-6.1.5(a) (88019FA42805)", "/spa-942.xml"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "/"),
    ] {
        for path in [own, "/Nothing/Of/That/Name.CFG"] {
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: prov\r\nUser-Agent: {agent}\r\n\r\n");
            for round in 0..20 {
                let (asked, sent, _) = bench.get(&request);
                assert!(round < UNCOUNTED || (asked, sent) == (0, 0), "{asked}, {sent}: {request}");
            }
        }
    }
}

#[test]
fn a_known_phone_over_tftp_costs_no_allocation_but_for_its_transfer() {
    /// A transfer stands in five ordered or hashed sets; each may take memory for one entry.
    const TRANSFER_ALLOCATIONS_MAX: u64 = 8;
    let mut bench = Bench::new("192.0.2.20:2000");
    let own = b"\0\x01/000e08123456.xml\0octet\0";
    let missing = b"\0\x01/nothing.cfg\0octet\0";
    for round in 0..100_u16 {
        let (begun, sent) = bench.datagram(0, own);
        let (port, data) = sent.first().expect("the first block");
        assert!(data.starts_with(b"\0\x03\0\x01"), "{}", data.escape_ascii());
        let mut block = 1_u16;
        let mut len = data.len();
        while len == 516 {
            let [high, low] = block.to_be_bytes();
            let (count, sent) = bench.datagram(port.0, &[0, 4, high, low]);
            block += 1;
            len = sent.first().expect("the next block").1.len();
            assert!(round < UNCOUNTED || count == 0, "{count} allocations behind ACK {block}");
        }
        assert!(block > 2, "a file of several blocks");
        let [high, low] = block.to_be_bytes();
        let (ended, sent) = bench.datagram(port.0, &[0, 4, high, low]);
        assert_eq!(sent, []);
        let (refused, sent) = bench.datagram(0, missing);
        assert!(sent[0].1.starts_with(b"\0\x05\0\x01"));
        if round >= UNCOUNTED {
            assert_eq!((ended, refused), (0, 0), "round {round}");
            assert!(begun <= TRANSFER_ALLOCATIONS_MAX, "{begun} allocations for a transfer");
        }
    }
}
