//! Each step of a known phone's request is measured alone: bytes in, who, which file, bytes out.
//!
//! `cargo bench --bench request` measures, with a directory of a million phones too. Without
//! `--bench` each step runs once on a small directory, to see that it works.

mod support;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ringboot::content::{Content, Found};
use ringboot::device::{Device, raw};
use ringboot::plugin::{Info, Route};
use ringboot::time::{Civil, Duration, Instant};
use ringboot::wire::http::{
    Connection, DateCache, Parsed, Persistence, ResponseHead, Status, Step, parse, write_error,
    write_head,
};
use ringboot::wire::tftp::{ListenOutcome, Mode, Packet, Request, Transfers};
use ringboot::world::World;
use std::cell::LazyCell;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use support::{KINDS, Phone};

const YEALINK: &[u8] = b"GET /805ec0aabbcc.cfg HTTP/1.1\r\nHost: 10.0.0.1:8667\r\n\
    User-Agent: Yealink SIP-T46U 108.86.0.20 80:5e:c0:aa:bb:cc\r\nAccept: */*\r\n\
    Connection: keep-alive\r\n\r\n";
const POLYCOM: &[u8] = b"GET /0004f2aabbcc-user.cfg HTTP/1.1\r\nHost: 10.0.0.1:8667\r\n\
    User-Agent: FileTransport PolycomVVX-VVX_400-UA/5.9.7.4477 Type/Application\r\n\
    Accept: */*\r\nConnection: Keep-Alive\r\nCookie: \r\n\r\n";
const AVAYA: &[u8] = b"GET /1220SIP.cfg HTTP/1.1\r\nHost: 10.0.0.1:8667\r\n\
    User-Agent: AVAYA/SIP12x0\x17/04.00.04.00\r\n\r\n";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const NOW: Instant = Instant::from_nanos(1);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
/// Phones of the directories that are looked through.
const FLEETS: [(&str, u32); 2] = [("10 thousand", 10_000), ("1 million", 1_000_000)];
const SMALL: u32 = 64;

fn http(c: &mut Criterion) {
    let mut group = group(c, "http");
    for (name, head) in [("Yealink", YEALINK), ("Polycom", POLYCOM), ("Avaya, masked", AVAYA)] {
        assert!(matches!(parse(head), Ok(Parsed::Request { .. })));
        group.bench_function(format!("parse/{name}"), |b| b.iter(|| parse(black_box(head))));
    }
    let mut connection = Connection::new(NOW);
    group.bench_function("a kept connection's turn", |b| {
        b.iter(|| {
            let mut input = black_box(YEALINK);
            let Step::Request(request) = connection.next(NOW, &mut input) else {
                unreachable!("it is a whole request")
            };
            black_box(request.path);
            let _ = black_box(connection.answering(NOW, true));
            connection.keep(input).expect("nothing is left");
            connection.sent(NOW);
        });
    });
    let dates = DateCache::new(Civil(1_700_000_000));
    let mut out = Vec::with_capacity(1024);
    let plain = ResponseHead::new(Status::Ok, Persistence::Kept, 31_337);
    let head = ResponseHead {
        content_type: Some("text/plain; charset=utf-8"),
        etag: Some(b"\"a9993e364706816a\""),
        accept_ranges: true,
        ..plain
    };
    group.bench_function("head/200", |b| {
        b.iter(|| {
            out.clear();
            write_head(&mut out, black_box(&head), &dates);
        });
    });
    group.bench_function("head/404", |b| {
        b.iter(|| {
            out.clear();
            write_error(&mut out, Status::NotFound, &dates, black_box(Persistence::Kept), true);
        });
    });
}

fn tftp(c: &mut Criterion) {
    let mut group = group(c, "tftp");
    let options = b"blksize\x001428\0tsize\x000\0windowsize\x004\0";
    let request = Request { name: b"/SEP00562B043615.cnf.xml", mode: Mode::Octet, options };
    let mut read = Vec::new();
    Packet::Read(request).encode(&mut read);
    for (name, datagram) in [("request", &*read), ("acknowledgement", b"\0\x04\x12\x34")] {
        assert!(Packet::parse(datagram).is_ok());
        group.bench_function(format!("parse/{name}"), |b| {
            b.iter(|| Packet::parse(black_box(datagram)));
        });
    }
    let peer = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 7), 50_000));
    group.bench_function("a transfer of one block", |b| {
        let mut transfers = Transfers::new(4);
        let plain = b"\0\x01/spa504G.cfg\0octet\0";
        b.iter(|| {
            let ListenOutcome::Request(request) = transfers.on_listen(NOW, peer, plain) else {
                unreachable!("it is a read request")
            };
            let _ = transfers.begin(NOW, peer, &request, 400, ());
            let port = transfers.next_transmit(NOW).expect("the first block").port;
            assert!(transfers.on_transfer_datagram(NOW, port, peer, b"\0\x04\0\x01").is_none());
            black_box(transfers.poll_finished()).expect("it is over");
        });
    });
    group.bench_function("a turn of a long transfer", |b| {
        let mut transfers = Transfers::new(4);
        let plain = Request { options: b"", ..request };
        transfers.begin(NOW, peer, &plain, u64::MAX / 2, ()).expect("there is room");
        let first = transfers.next_transmit(NOW).expect("the first block");
        let mut block = 1_u16;
        b.iter(|| {
            let [high, low] = block.to_be_bytes();
            let ack = [0, 4, high, low];
            assert!(transfers.on_transfer_datagram(NOW, first.port, peer, &ack).is_none());
            block = block.wrapping_add(1);
            black_box(transfers.next_transmit(NOW)).expect("the next block");
        });
    });
}

fn extract(c: &mut Criterion) {
    let mut group = group(c, "extract");
    let plugins = support::plugins();
    let mut scratch = plugins.scratch();
    for (number, kind) in (0..).zip(&KINDS) {
        let phone = Phone::new(number);
        let query = phone.query();
        let told = plugins.extract(&query, &mut scratch);
        assert_eq!(told.vendor, Some(kind.vendor.as_bytes()));
        assert_eq!(told.mac, Some(phone.mac));
        group.bench_function(kind.vendor, |b| {
            b.iter(|| black_box(plugins.extract(black_box(&query), &mut scratch)).mac);
        });
    }
    let browser = support::http(HERE, "/", BROWSER);
    let file = support::tftp(HERE, "/SEP00562B043615.cnf.xml");
    let own = support::tftp(HERE, "/0002fda1b2c3.xml");
    for (name, query) in [("a browser", browser), ("TFTP, missing", file), ("TFTP, own", own)] {
        group.bench_function(name, |b| {
            b.iter(|| black_box(plugins.extract(black_box(&query), &mut scratch)).mac);
        });
    }
}

/// What more vendors cost the phones of others.
fn vendors(c: &mut Criterion) {
    let mut group = group(c, "vendors");
    for vendors in if support::is_large() { &[4, 21, 84][..] } else { &[4, 22] } {
        // Made by the first step that is not filtered out.
        let world = LazyCell::new(|| support::world_with(support::plugins_of(*vendors), SMALL));
        let picks = support::picks(SMALL);
        for (kind, pick) in KINDS.iter().zip(0..) {
            let phone = Phone::new(pick);
            group.bench_function(format!("{vendors}/extract {}", kind.vendor), |b| {
                let plugins = world.plugins();
                let mut scratch = plugins.scratch();
                b.iter(|| black_box(plugins.extract(&phone.query(), &mut scratch)).mac);
            });
        }
        group.bench_function(format!("{vendors}/decide"), |b| {
            check_unchanged(&world, &picks);
            let mut core = world.core();
            let mut round = picks.iter().cycle();
            b.iter(|| {
                let phone = round.next().expect("a cycle has no end");
                black_box(world.decide(&phone.query(), &mut core, NOW)).is_stored
            });
        });
    }
}

fn associate(c: &mut Criterion) {
    let mut group = group(c, "associate");
    let plugins = support::plugins();
    for kind in &KINDS {
        let bytes = |text: &'static str| Some(text.as_bytes());
        let info = Info {
            vendor: bytes(kind.vendor),
            model: bytes(kind.model),
            version: bytes(kind.version),
        };
        let winner = plugins.associate(&info).map(|release| &**release.id());
        assert_eq!(winner, Some(kind.plugin));
        group.bench_function(kind.vendor, |b| {
            b.iter(|| black_box(plugins.associate(black_box(&info))));
        });
    }
}

fn route(c: &mut Criterion) {
    let mut group = group(c, "route");
    let plugins = support::plugins();
    for (number, kind) in (0..).zip(&KINDS) {
        let phone = Phone::new(number);
        let release = plugins.release(kind.plugin).expect("a release");
        let device =
            Device { mac: Some(phone.mac), model: Some(kind.model.into()), ..Device::default() };
        let own = phone.own.trim_start_matches('/').as_bytes();
        assert!(matches!(release.route(own, &device), Route::Device { .. }));
        let missing = b"3111-46157-002.sip.ld";
        assert!(matches!(release.route(missing, &device), Route::Missing { .. }));
        for (name, path) in [("own", own), ("missing", missing)] {
            group.bench_function(format!("{}/{name}", kind.vendor), |b| {
                b.iter(|| release.route(black_box(path), &device));
            });
        }
    }
}

/// Looking up and deciding, in a small and in a large directory.
fn directory(c: &mut Criterion) {
    let mut group = group(c, "directory");
    for (name, count) in FLEETS {
        let count = if support::is_large() { count } else { SMALL };
        let picks = support::picks(count);
        // Made by the first step that is not filtered out.
        let world = LazyCell::new(|| {
            let world = support::world(count);
            check_unchanged(&world, &picks);
            world
        });
        let mut round = picks.iter().cycle();
        let mut next = || round.next().expect("a cycle has no end");
        group.bench_function(format!("retrieve by MAC/{name}"), |b| {
            let directory = &world.directory;
            b.iter(|| black_box(directory.by_mac(next().mac)).is_some());
        });
        group.bench_function(format!("retrieve by address/{name}"), |b| {
            let directory = &world.directory;
            b.iter(|| black_box(directory.at_address(next().ip).next()).is_some());
        });
        group.bench_function(format!("decide/{name}"), |b| {
            let mut core = world.core();
            b.iter(|| black_box(world.decide(&next().query(), &mut core, NOW)).is_stored);
        });
        let content = Content::default();
        group.bench_function(format!("decide and find, kept/{name}"), |b| {
            let mut core = world.core();
            let few = &picks[..picks.len().min(4096)];
            for phone in few {
                find(&world, &content, phone);
            }
            let mut round = few.iter().cycle();
            b.iter(|| {
                let phone = round.next().expect("a cycle has no end");
                let decision = world.decide(&phone.query(), &mut core, NOW);
                content.find(&world, &decision)
            });
        });
    }
}

/// What is measured are known phones that tell nothing new: no device may change.
fn check_unchanged(world: &World, picks: &[Phone]) {
    let mut core = world.core();
    for phone in picks.iter().take(64) {
        let known = world.directory.by_mac(phone.mac).expect("a known phone");
        let decision = world.decide(&phone.query(), &mut core, NOW);
        let device = decision.device.expect("a known phone");
        assert_eq!(device.revision, known.revision, "{device:?}, not {known:?}");
        assert!(matches!(decision.route, Route::Device { .. }), "{}", phone.own);
    }
}

fn find(world: &World, content: &Content, phone: &Phone) -> usize {
    let mut core = world.core();
    let decision = world.decide(&phone.query(), &mut core, NOW);
    match content.find(world, &decision) {
        Found::Bytes { bytes, .. } => bytes.len(),
        other => panic!("{}: {other:?}", phone.own),
    }
}

/// Making a file: its settings, the file alone, all of it, and not at all.
fn content(c: &mut Criterion) {
    let mut group = group(c, "content");
    let settings = support::settings("full");
    group.bench_function("validate", |b| b.iter(|| raw::validate(black_box(&settings))));
    let world = support::world(SMALL);
    group.bench_function("flatten", |b| b.iter(|| world.configs.flatten(black_box("phone-0"))));
    let plugins = world.plugins();
    for (number, kind) in (0..).zip(&KINDS) {
        let phone = Phone::new(number);
        let largest = support::largest(&plugins, kind.vendor, &settings, &phone);
        let support::Largest { release, device, file, bytes } = &largest;
        let model = device.model.as_deref().unwrap_or_default();
        group.bench_function(format!("render/{} {model}, {bytes} bytes", kind.vendor), |b| {
            b.iter(|| release.render(*file, device, black_box(&settings)));
        });
        let mut core = world.core();
        let decision = world.decide(&phone.query(), &mut core, NOW);
        for (name, content) in [("cold", Content::with_bound(0)), ("kept", Content::default())] {
            assert!(find(&world, &content, &phone) > 0);
            group.bench_function(format!("find, {name}/{}", kind.vendor), |b| {
                b.iter(|| content.find(&world, black_box(&decision)));
            });
            let renders = content.counters().renders;
            assert!(name == "cold" || renders == 1, "{renders}");
        }
    }
    world.close().expect("a store that works");
}

fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group
        .throughput(Throughput::Elements(1))
        .sample_size(20)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    group
}

criterion_group!(benches, http, tftp, extract, vendors, associate, route, directory, content);
criterion_main!(benches);
