//! Any datagram is read the same twice, and any conversation stays inside its file and ends.
//!
//! An input is taken as one datagram, and as a script: one byte for the sender (two bits), the port
//! (three bits, 0 is the listening one) and the time that passes (three bits), one byte for the
//! datagram's length, the datagram, and so on.

use ringboot::limits::{BLOCK_BYTES_MAX, SENDS_MAX, TRANSFER_SILENCE_MAX};
use ringboot::time::{Duration, Instant};
use ringboot::wire::tftp::{
    Fetch, ListenOutcome, Mode, OptionList, Options, Packet, Transfers, Transmit, path_of,
};
use std::net::{Ipv4Addr, SocketAddr};

const PORTS: u16 = 4;
const SIZE: u64 = 70_000;
const BODY_BYTES_MAX: usize = 4096;

/// Says whether `input` is a packet, or a script that begins a transfer.
pub fn check(input: &[u8]) -> bool {
    let is_packet = check_packet(input);
    let has_begun = serve(input);
    fetch(input);
    is_packet || has_begun
}

fn check_packet(datagram: &[u8]) -> bool {
    check_name(datagram);
    check_options(OptionList::new(datagram));
    let Ok(packet) = Packet::parse(datagram) else { return false };
    let mut written = Vec::new();
    packet.encode(&mut written);
    assert_eq!(Packet::parse(&written).as_ref(), Ok(&packet), "{}", datagram.escape_ascii());
    if let Packet::Read(request) | Packet::Write(request) = packet {
        assert_eq!(request.wire_len(), written.len());
        check_name(request.name);
        check_options(request.option_list());
    }
    true
}

fn check_name(name: &[u8]) {
    let mut buffer = Vec::new();
    let Ok(path) = path_of(name, &mut buffer) else { return };
    assert!(!path.starts_with(b"/"));
    assert!(!path.iter().any(u8::is_ascii_control));
    assert!(!path.split(|byte| *byte == b'/').any(|part| matches!(part, b"." | b"..")));
}

fn check_options(list: OptionList<'_>) {
    let agreed = Options::read(list).agree(SIZE);
    let mut written = Vec::new();
    agreed.write(&mut written);
    assert_eq!(written.len(), agreed.wire_len());
    assert_eq!(Options::read(OptionList::new(&written)), agreed);
}

/// The steps of a script: a peer, a port, a pause and a datagram.
fn steps(mut script: &[u8]) -> impl Iterator<Item = (SocketAddr, u16, Duration, &[u8])> {
    std::iter::from_fn(move || {
        let [flags, length, rest @ ..] = script else { return None };
        let (datagram, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        script = rest;
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1024 + u16::from(flags & 3)));
        let port = u16::from(flags >> 2 & 7).min(PORTS);
        let pause = Duration::from_millis(200) * u32::from(flags >> 5);
        Some((peer, port, pause, datagram))
    })
}

/// Runs a script against a table of transfers. After the last step all peers are silent, and the
/// table must then empty itself.
fn serve(script: &[u8]) -> bool {
    let mut transfers = Transfers::new(PORTS);
    let mut now = Instant::from_nanos(1);
    let mut has_begun = false;
    for (peer, port, pause, datagram) in steps(script) {
        now = now + pause;
        transfers.expire(now);
        if port == 0 {
            if let ListenOutcome::Request(request) = transfers.on_listen(now, peer, datagram) {
                has_begun |= transfers.begin(now, peer, &request, SIZE, ()).is_some();
            }
        } else {
            let _ = transfers.on_transfer_datagram(now, port, peer, datagram);
        }
        transmit(&mut transfers, now);
    }
    // A deadline may come early, once for each send of each of the four peers' transfers.
    let mut turns = transfers.len() * (SENDS_MAX as usize + 2);
    let end = now + TRANSFER_SILENCE_MAX;
    while let Some(deadline) = transfers.poll_timeout() {
        assert!(deadline <= end, "a deadline lies behind the peer's silence");
        assert!(turns > 0, "transfers to silent peers do not end");
        turns -= 1;
        now = now.max(deadline);
        transfers.expire(now);
        transmit(&mut transfers, now);
    }
    assert!(transfers.is_empty(), "a transfer without a deadline");
    has_begun
}

fn transmit(transfers: &mut Transfers<()>, now: Instant) {
    while let Some(outgoing) = transfers.next_transmit(now) {
        let mut out = Vec::new();
        outgoing.transmit.encode_head(&mut out);
        if let Transmit::Data { offset, len, .. } = outgoing.transmit {
            assert!(offset + len as u64 <= SIZE);
            assert!(len <= usize::from(BLOCK_BYTES_MAX));
            out.resize(out.len() + len, b'x');
        }
        assert!(Packet::parse(&out).is_ok());
    }
    while transfers.poll_finished().is_some() {}
}

/// Runs a script against the fetching side, which must keep its bound.
fn fetch(script: &[u8]) {
    let mut now = Instant::from_nanos(1);
    let asked = Options { block_bytes: Some(1428), window_blocks: Some(4), ..Options::default() };
    let mut fetch = Fetch::new(now, b"y000000000108.boot", Mode::Octet, asked, BODY_BYTES_MAX);
    let mut out = Vec::new();
    for (peer, _, pause, datagram) in steps(script) {
        now = now + pause;
        fetch.handle_timeout(now);
        fetch.handle(now, peer, datagram);
        out.clear();
        while fetch.poll_transmit(now, &mut out).is_some() {
            assert!(Packet::parse(&out).is_ok());
            out.clear();
        }
        assert!(fetch.body().len() <= BODY_BYTES_MAX);
    }
}
