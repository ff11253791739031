//! The table: who finds which transfer, what strangers get, and that every bound holds exactly.

use super::*;
use crate::limits::TRANSFER_PORTS;
use crate::time::Duration;

const RRQ: &[u8] = b"\0\x01SEP001122334455.cnf.xml\0octet\0";
const RRQ_2: &[u8] = b"\0\x01SIPDefault.cnf\0octet\0";
const ACK_1: &[u8] = b"\0\x04\0\x01";

type Table = Transfers<&'static str>;

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn peer(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn nth_peer(n: usize) -> SocketAddr {
    let [_, b, c, d] = u32::try_from(n).expect("small").to_be_bytes();
    SocketAddr::from(([10, b, c, d], 2048))
}

fn ask(table: &mut Table, now: Instant, peer: SocketAddr, datagram: &[u8]) -> Option<Key> {
    match table.on_listen(now, peer, datagram) {
        ListenOutcome::Request(request) => table.begin(now, peer, &request, 1000, "file"),
        ListenOutcome::Silence => None,
        ListenOutcome::Error(packet) => panic!("{packet:?}"),
    }
}

fn sent(table: &mut Table, now: Instant) -> Vec<Outgoing> {
    std::iter::from_fn(|| table.next_transmit(now)).collect()
}

fn ends(table: &mut Table) -> Vec<End> {
    std::iter::from_fn(|| table.poll_finished()).map(|finished| finished.end).collect()
}

/// The sets agree with the entries, as the invariant of `Transfers` says.
fn check(table: &Table) {
    let entries: Vec<_> = table.slots.iter().filter_map(|slot| slot.entry.as_ref()).collect();
    let waiting = entries.iter().filter(|entry| entry.is_waiting).count();
    assert_eq!(entries.len(), table.len());
    assert_eq!(entries.len() + table.free.len(), table.slots.len());
    assert_eq!(table.deadlines.len(), entries.len());
    assert_eq!(table.unanswered.len(), waiting);
    let of_sources = table.unanswered_by_source.values();
    assert!(of_sources.clone().all(|list| !list.is_empty()));
    assert_eq!(of_sources.map(List::len).sum::<usize>(), waiting);
    for entry in entries {
        let deadline = entry.transfer.poll_timeout().expect("a transfer under way");
        assert!(entry.scheduled <= deadline);
        assert_eq!(entry.is_waiting, !entry.transfer.is_answered());
        assert!(entry.is_ready || !entry.transfer.wants_transmit());
    }
}

#[test]
fn what_comes_to_the_listening_port() {
    let phone = peer("10.0.0.7:2048");
    let error = |code| ListenOutcome::Error(Packet::error(code));
    let cases: &[(&[u8], ListenOutcome<'_>)] = &[
        (b"", ListenOutcome::Silence),
        (b"\0\x01name\0octet", ListenOutcome::Silence),
        (b"\0\x09name\0octet\0", ListenOutcome::Silence),
        (b"\0\x02name\0octet\0", error(ErrorCode::ACCESS_VIOLATION)),
        (b"\0\x02name\0mail\0", error(ErrorCode::ACCESS_VIOLATION)),
        (b"\0\x01name\0mail\0", error(ErrorCode::ILLEGAL_OPERATION)),
        (b"\0\x01name\0binary\0", error(ErrorCode::UNDEFINED)),
        (b"\0\x03\0\x01x", ListenOutcome::Silence),
        (ACK_1, ListenOutcome::Silence),
        (b"\0\x05\0\x01x\0", ListenOutcome::Silence),
        (b"\0\x06tsize\x000\0", ListenOutcome::Silence),
    ];
    for (datagram, outcome) in cases {
        let mut table = Table::new(1);
        let got = table.on_listen(at(0), phone, datagram);
        assert_eq!(got, *outcome, "{}", datagram.escape_ascii());
        assert!(table.is_empty());
    }
    let mut table = Table::new(1);
    for datagram in [RRQ, b"\0\x01name\0NETASCII\0tsize\x000\0"] {
        assert!(matches!(table.on_listen(at(0), phone, datagram), ListenOutcome::Request(_)));
    }
}

#[test]
fn a_transfer_runs_from_its_port_to_its_end() {
    let mut table = Table::new(4);
    let phone = peer("10.0.0.7:2048");
    let key = ask(&mut table, at(0), phone, RRQ).expect("begun");
    assert_eq!(table.payload(key), Some(&"file"));
    let first = sent(&mut table, at(0));
    assert_eq!(first.len(), 1);
    let port = first[0].port;
    assert_eq!((first[0].key, first[0].peer), (key, phone));
    assert_eq!(table.on_transfer_datagram(at(1), port, phone, ACK_1), None);
    let second = sent(&mut table, at(1));
    assert_eq!(second[0].transmit, Transmit::Data { block: 2, offset: 512, len: 488 });
    check(&table);
    assert_eq!(table.on_transfer_datagram(at(2), port, phone, b"\0\x04\0\x02"), None);
    let finished = table.poll_finished().expect("it is over");
    let told = (finished.end, finished.acknowledged_bytes, finished.peer, finished.payload);
    assert_eq!(told, (End::Done, 1000, phone, "file"));
    assert!(table.is_empty());
    assert_eq!((table.payload(key), table.poll_timeout()), (None, None));
    check(&table);
}

#[test]
fn a_stranger_gets_error_5_and_changes_nothing() {
    let mut table = Table::new(4);
    let phone = peer("10.0.0.7:2048");
    ask(&mut table, at(0), phone, RRQ);
    let port = sent(&mut table, at(0))[0].port;
    let stranger_error = Some(Packet::error(ErrorCode::UNKNOWN_TRANSFER));
    let other_port = if port == 1 { 2 } else { 1 };
    let strangers =
        [(port, peer("10.0.0.8:2048")), (port, peer("10.0.0.7:2049")), (other_port, phone)];
    for (port, stranger) in strangers {
        for datagram in [ACK_1, b"\0\x03\0\x01data", RRQ, b"\0\x06tsize\x000\0"] {
            let answer = table.on_transfer_datagram(at(1), port, stranger, datagram);
            assert_eq!(answer, stranger_error, "{stranger}");
        }
        // An ERROR is never answered, and what is no packet neither.
        for datagram in [&b"\0\x05\0\x05\0"[..], b"", b"\0", b"\0\x04\0", b"\0\x09\0\0"] {
            assert_eq!(table.on_transfer_datagram(at(1), port, stranger, datagram), None);
        }
    }
    assert_eq!(table.len(), 1);
    assert_eq!(sent(&mut table, at(1)), []);
    check(&table);
}

#[test]
fn a_repeated_request_joins_the_running_transfer() {
    let mut table = Table::new(4);
    let phone = peer("10.0.0.7:2048");
    ask(&mut table, at(0), phone, RRQ).expect("begun");
    let port = sent(&mut table, at(0))[0].port;
    assert_eq!(ask(&mut table, at(1), phone, RRQ), None);
    assert_eq!(table.len(), 1);
    assert_eq!(sent(&mut table, at(1)), []);
    assert_eq!(table.on_transfer_datagram(at(2), port, phone, ACK_1), None);
    assert_eq!(sent(&mut table, at(2)).len(), 1);
    assert_eq!(ask(&mut table, at(3), phone, RRQ), None, "late copies join too");
    assert_eq!(table.len(), 1);
    // Another port of the same phone is another transfer.
    assert!(ask(&mut table, at(3), peer("10.0.0.7:2049"), RRQ).is_some());
    check(&table);
}

/// A phone that fetches from one fixed port and never acknowledges a last block would be kept out
/// of its own file until the old transfer has died, were every repeated request to join.
#[test]
fn a_peer_that_fell_silent_may_start_afresh() {
    let mut table = Table::new(4);
    let phone = peer("10.0.0.7:2048");
    ask(&mut table, at(0), phone, RRQ).expect("begun");
    let port = sent(&mut table, at(0))[0].port;
    assert_eq!(table.on_transfer_datagram(at(1), port, phone, ACK_1), None);
    assert_eq!(sent(&mut table, at(1)).len(), 1);
    table.expire(at(1001));
    assert_eq!(sent(&mut table, at(1001)).len(), 1);
    ask(&mut table, at(1500), phone, RRQ).expect("begun again");
    let first = sent(&mut table, at(1500));
    assert_eq!(first[0].transmit, Transmit::Data { block: 1, offset: 0, len: 512 });
    assert_ne!(first[0].port, port);
    assert_eq!(ask(&mut table, at(1501), phone, RRQ), None, "and is joined in its turn");
    check(&table);
}

#[test]
fn two_files_to_one_peer_come_from_two_ports() {
    let mut table = Table::new(2);
    let phone = peer("10.0.0.7:2048");
    let first = ask(&mut table, at(0), phone, RRQ).expect("begun");
    ask(&mut table, at(0), phone, RRQ_2).expect("begun");
    let mut ports: Vec<u16> = sent(&mut table, at(0)).iter().map(|out| out.port).collect();
    ports.sort_unstable();
    assert_eq!(ports, [1, 2]);
    // A third takes the place of the oldest.
    ask(&mut table, at(1), phone, b"\0\x01RINGLIST.DAT\0octet\0").expect("begun");
    assert_eq!(ends(&mut table), [End::Dropped]);
    assert_eq!((table.len(), table.payload(first)), (2, None));
    check(&table);
}

#[test]
fn with_no_transfer_ports_all_comes_from_the_listening_port() {
    let mut table = Table::new(0);
    let phone = peer("10.0.0.7:2048");
    ask(&mut table, at(0), phone, RRQ).expect("begun");
    assert_eq!(sent(&mut table, at(0))[0].port, 0);
    assert_eq!(table.on_listen(at(1), phone, ACK_1), ListenOutcome::Silence);
    assert_eq!(sent(&mut table, at(1)).len(), 1);
    assert_eq!(table.on_listen(at(2), phone, b"\0\x04\0\x02"), ListenOutcome::Silence);
    assert_eq!(ends(&mut table), [End::Done]);
}

#[test]
fn a_source_has_its_share_of_unanswered_transfers() {
    let mut table = Table::new(4);
    for port in 0..TRANSFERS_UNANSWERED_PER_SOURCE_MAX + 3 {
        let port = u16::try_from(1024 + port).expect("small");
        let phone = SocketAddr::from(([10, 0, 0, 7], port));
        ask(&mut table, at(u64::from(port)), phone, RRQ).expect("begun");
        assert!(ask(&mut table, at(5000), nth_peer(usize::from(port)), RRQ).is_some());
    }
    assert_eq!(ends(&mut table), [End::Dropped; 3]);
    assert_eq!(table.len(), 2 * TRANSFERS_UNANSWERED_PER_SOURCE_MAX + 3);
    let oldest_kept = peer("10.0.0.7:1027");
    let of_source = table.unanswered_by_source.get(&oldest_kept.ip()).map(List::len);
    assert_eq!(of_source, Some(TRANSFERS_UNANSWERED_PER_SOURCE_MAX));
    assert_eq!(ask(&mut table, at(5001), oldest_kept, RRQ), None, "the first three went");
    check(&table);
}

#[test]
fn answered_transfers_do_not_count_against_the_share() {
    let mut table = Table::new(4);
    for port in 0..4 * TRANSFERS_UNANSWERED_PER_SOURCE_MAX {
        let phone = SocketAddr::from(([10, 0, 0, 7], u16::try_from(1024 + port).expect("small")));
        ask(&mut table, at(0), phone, RRQ).expect("begun");
        for out in sent(&mut table, at(0)) {
            assert_eq!(table.on_transfer_datagram(at(0), out.port, out.peer, ACK_1), None);
        }
    }
    assert_eq!(ends(&mut table), []);
    assert_eq!(table.len(), 4 * TRANSFERS_UNANSWERED_PER_SOURCE_MAX);
    check(&table);
}

#[test]
fn shares_are_by_ipv4_address_and_by_half_an_ipv6_one() {
    let same = |a: &str, b: &str| source_of(peer(a)) == source_of(peer(b));
    assert!(same("10.0.0.7:1", "10.0.0.7:2"));
    assert!(!same("10.0.0.7:1", "10.0.0.8:1"));
    assert!(same("[::ffff:10.0.0.7]:1", "10.0.0.7:2"));
    assert!(same("[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::]:2"));
    assert!(!same("[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1"));
}

#[test]
fn a_full_table_drops_the_oldest_unanswered_and_no_other() {
    let mut table = Table::new(u16::try_from(TRANSFER_PORTS).expect("small"));
    for n in 0..TRANSFERS_MAX {
        ask(&mut table, at(0), nth_peer(n), RRQ).expect("begun");
    }
    // The first is answered, so the second is the oldest that is not.
    let first = table.next_transmit(at(0)).expect("DATA 1");
    assert_eq!(first.peer, nth_peer(0));
    assert_eq!(table.on_transfer_datagram(at(0), first.port, first.peer, ACK_1), None);
    assert_eq!((table.len(), ends(&mut table).len()), (TRANSFERS_MAX, 0));
    ask(&mut table, at(1), nth_peer(TRANSFERS_MAX), RRQ).expect("begun");
    let dropped = table.poll_finished().expect("one made room");
    assert_eq!((dropped.peer, dropped.end), (nth_peer(1), End::Dropped));
    assert_eq!(table.len(), TRANSFERS_MAX);
    check(&table);
    for out in sent(&mut table, at(1)) {
        assert_eq!(table.on_transfer_datagram(at(1), out.port, out.peer, ACK_1), None);
    }
    assert_eq!(ask(&mut table, at(2), nth_peer(TRANSFERS_MAX + 1), RRQ), None, "all answered");
    assert_eq!(table.len(), TRANSFERS_MAX);
    check(&table);
}

#[test]
fn silence_frees_everything() {
    let mut table = Table::new(4);
    for n in 0..100 {
        ask(&mut table, at(n), nth_peer(usize::try_from(n).expect("small")), RRQ);
    }
    let mut now = at(100);
    let mut sends = sent(&mut table, now).len();
    while let Some(deadline) = table.poll_timeout() {
        now = now.max(deadline);
        table.expire(now);
        sends += sent(&mut table, now).len();
        check(&table);
    }
    assert_eq!(sends, 200, "each first block twice");
    assert_eq!(ends(&mut table), [End::TimedOut; 100]);
    assert!(now.since(at(0)) <= Duration::from_millis(30_099));
    assert!(table.is_empty() && table.unanswered.is_empty() && table.deadlines.is_empty());
}

#[test]
fn a_failure_reaches_its_peer_once() {
    let mut table = Table::new(4);
    let phone = peer("10.0.0.7:2048");
    let key = ask(&mut table, at(0), phone, RRQ).expect("begun");
    table.fail(key, ErrorCode::UNDEFINED);
    let out = sent(&mut table, at(0));
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].transmit, Transmit::Error(ErrorCode::UNDEFINED));
    assert_eq!(ends(&mut table), [End::Failed(ErrorCode::UNDEFINED)]);
    table.fail(key, ErrorCode::UNDEFINED);
    assert_eq!(sent(&mut table, at(0)), []);
}

#[test]
fn a_key_does_not_outlive_its_transfer() {
    let mut table = Table::new(1);
    let phone = peer("10.0.0.7:2048");
    let old = ask(&mut table, at(0), phone, RRQ).expect("begun");
    assert_eq!(table.on_transfer_datagram(at(0), 1, phone, b"\0\x05\0\0\0"), None);
    let new = ask(&mut table, at(0), phone, RRQ_2).expect("begun");
    assert_eq!((old.index, table.payload(old)), (new.index, None));
    table.fail(old, ErrorCode::UNDEFINED);
    assert_eq!(sent(&mut table, at(0)).len(), 1);
    assert!(table.payload(new).is_some());
    for key in [old, new, Key { index: 7, generation: u32::MAX }] {
        assert_eq!(Key::from_token(key.to_token()), key);
    }
}

#[test]
fn transfers_take_turns() {
    let mut table = Table::new(4);
    let request = b"\0\x01rom\0octet\0blksize\x008\0windowsize\x003\0";
    for n in 0..2 {
        ask(&mut table, at(0), nth_peer(n), request).expect("begun");
    }
    for out in sent(&mut table, at(0)) {
        assert!(matches!(out.transmit, Transmit::OptionAck(_)));
        assert_eq!(table.on_transfer_datagram(at(1), out.port, out.peer, b"\0\x04\0\0"), None);
    }
    let peers: Vec<SocketAddr> = sent(&mut table, at(1)).iter().map(|out| out.peer).collect();
    let (a, b) = (nth_peer(0), nth_peer(1));
    assert_eq!(peers, [a, b, a, b, a, b]);
}

/// Random datagrams from a few peers at random times: nothing panics, and the sets stay right.
#[test]
fn the_invariant_holds_under_noise() {
    let datagrams: &[&[u8]] = &[
        RRQ,
        RRQ_2,
        b"\0\x01a\0octet\0windowsize\x004\0blksize\x0064\0",
        b"\0\x04\0\0",
        ACK_1,
        b"\0\x04\0\x02",
        b"\0\x04\0\x03",
        b"\0\x05\0\0\0",
        b"\0\x03\0\x01x",
        b"\0\x02a\0octet\0",
        b"\0",
    ];
    for seed in 1..=20 {
        let mut random = super::super::pair::Random::new(seed);
        let mut table = Table::new(2);
        let mut now = at(0);
        for _ in 0..2000 {
            now = now + Duration::from_millis(random.below(300));
            let datagram = datagrams[random.index(datagrams.len())];
            let phone = nth_peer(random.index(5));
            let port = u16::try_from(random.below(3)).expect("small");
            match port {
                0 if datagram == b"\0\x02a\0octet\0" => {
                    assert!(matches!(
                        table.on_listen(now, phone, datagram),
                        ListenOutcome::Error(_)
                    ));
                }
                0 => drop(ask(&mut table, now, phone, datagram)),
                _ => drop(table.on_transfer_datagram(now, port, phone, datagram)),
            }
            table.expire(now);
            let turn = random.index(4);
            for _ in 0..turn {
                if let Some(out) = table.next_transmit(now) {
                    assert!(!matches!(out.transmit, Transmit::Error(_)), "seed {seed}");
                }
            }
            check(&table);
            while table.poll_finished().is_some() {}
        }
    }
}

/// A phone that has two of our addresses for its servers asks the second with the same socket when
/// the first is slow: it takes an answer only from there, and the first transfer stays as it is.
#[test]
fn what_is_sent_leaves_from_the_address_that_was_asked() {
    let mut table = Table::new(4);
    let mut keys = Vec::new();
    for local in ["192.0.2.1", "192.0.2.2"] {
        let flow = Flow { peer: peer("10.0.0.7:2048"), local: local.parse().ok() };
        let ListenOutcome::Request(request) = table.on_listen(at(0), flow, RRQ) else {
            panic!("it is another request")
        };
        keys.push(table.begin(at(0), flow, &request, 1000, "file").expect("there is room"));
        assert_eq!(table.on_listen(at(0), flow, RRQ), ListenOutcome::Silence);
        let first = sent(&mut table, at(0));
        assert!(!first.is_empty() && first.iter().all(|packet| packet.local == flow.local));
    }
    // The payload of a transfer that fails is gone before its ERROR is sent: the address is not.
    table.fail(keys[1], ErrorCode::UNDEFINED);
    let [error] = sent(&mut table, at(1))[..] else { panic!("one ERROR") };
    assert!(matches!(error.transmit, Transmit::Error(_)), "{error:?}");
    assert_eq!(error.local, "192.0.2.2".parse().ok());
    check(&table);
    assert_eq!(table.len(), 1);
}
