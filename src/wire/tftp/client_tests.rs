//! The client by itself: what it believes, what it refuses, and whom it answers.

use super::*;

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn server(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

fn asked() -> Options {
    Options { block_bytes: Some(1024), timeout_s: Some(2), size: Some(0), window_blocks: Some(4) }
}

fn fetch(asked: Options) -> Fetch {
    let mut fetch = Fetch::new(at(0), b"/lanpbx.cfg", Mode::Octet, asked, 10_000);
    let request = sent(&mut fetch, at(0));
    assert_eq!(request.len(), 1);
    assert_eq!(request[0].0, Destination::Listen);
    assert!(request[0].1.starts_with(b"\0\x01/lanpbx.cfg\0octet\0"));
    fetch
}

fn sent(fetch: &mut Fetch, now: Instant) -> Vec<(Destination, Vec<u8>)> {
    let mut all = Vec::new();
    let mut bytes = Vec::new();
    while let Some(to) = fetch.poll_transmit(now, &mut bytes) {
        all.push((to, std::mem::take(&mut bytes)));
    }
    all
}

#[test]
fn the_request_holds_what_is_asked() {
    let mut fetch = Fetch::new(at(0), b"a", Mode::Netascii, asked(), 1);
    let expected =
        b"\0\x01a\0netascii\0blksize\x001024\0timeout\x002\0tsize\x000\0windowsize\x004\0";
    assert_eq!(sent(&mut fetch, at(0))[0].1, expected);
}

#[test]
fn an_oack_is_taken_only_as_an_answer() {
    let cases: &[(&[u8], bool)] = &[
        (b"\0\x06blksize\x001024\0", true),
        (b"\0\x06blksize\x00512\0windowsize\x001\0timeout\x002\0tsize\x009\0", true),
        (b"\0\x06blksize\x001025\0", false),
        (b"\0\x06windowsize\x005\0", false),
        (b"\0\x06timeout\x003\0", false),
        (b"\0\x06", false),
    ];
    for (oack, is_taken) in cases {
        let mut fetch = fetch(asked());
        fetch.handle(at(1), server(3000), oack);
        let to = Destination::Address(server(3000));
        let answer = if *is_taken { &b"\0\x04\0\0"[..] } else { b"\0\x05\0\x08bad options\0" };
        assert_eq!(sent(&mut fetch, at(1)), [(to, answer.to_vec())], "{}", oack.escape_ascii());
        let failed = Some(Outcome::Failed(Failure::Options));
        assert_eq!(fetch.outcome(), if *is_taken { None } else { failed });
    }
    let mut fetch = fetch(Options { size: None, ..asked() });
    fetch.handle(at(1), server(3000), b"\0\x06tsize\x009\0");
    assert_eq!(fetch.outcome(), Some(Outcome::Failed(Failure::Options)), "not asked");
}

#[test]
fn a_server_without_options_just_sends() {
    let mut fetch = fetch(asked());
    let mut data = b"\0\x03\0\x01".to_vec();
    data.extend_from_slice(&[7; 512]);
    fetch.handle(at(1), server(3000), &data);
    assert_eq!(sent(&mut fetch, at(1))[0].1, b"\0\x04\0\x01");
    fetch.handle(at(2), server(3000), b"\0\x03\0\x02end");
    assert_eq!(fetch.outcome(), Some(Outcome::Done));
    assert_eq!(fetch.body().len(), 515);
    assert_eq!(sent(&mut fetch, at(2))[0].1, b"\0\x04\0\x02");
    // The acknowledgement was lost: the last block again is acknowledged again.
    fetch.handle(at(3), server(3000), b"\0\x03\0\x02end");
    assert_eq!(sent(&mut fetch, at(3))[0].1, b"\0\x04\0\x02");
    assert_eq!(fetch.into_body().len(), 515);
}

#[test]
fn a_second_server_is_sent_away() {
    let mut fetch = fetch(Options::default());
    let mut data = b"\0\x03\0\x01".to_vec();
    data.extend_from_slice(&[7; 512]);
    fetch.handle(at(1), server(3000), &data);
    assert_eq!(sent(&mut fetch, at(1)).len(), 1);
    fetch.handle(at(2), server(3001), b"\0\x03\0\x02x");
    let error = b"\0\x05\0\x05unknown TID\0".to_vec();
    assert_eq!(sent(&mut fetch, at(2)), [(Destination::Address(server(3001)), error)]);
    fetch.handle(at(2), server(3001), b"\0\x05\0\x01x\0");
    assert_eq!(sent(&mut fetch, at(2)), []);
    assert_eq!(fetch.outcome(), None);
}

#[test]
fn a_gap_is_told_once() {
    let mut fetch = fetch(asked());
    fetch.handle(at(1), server(3000), b"\0\x06windowsize\x004\0");
    assert_eq!(sent(&mut fetch, at(1)).len(), 1);
    let block = |n: u8| [&[0, 3, 0, n][..], &[n; 512]].concat();
    fetch.handle(at(2), server(3000), &block(1));
    assert_eq!(sent(&mut fetch, at(2)), []);
    fetch.handle(at(2), server(3000), &block(3));
    assert_eq!(sent(&mut fetch, at(2))[0].1, b"\0\x04\0\x01");
    fetch.handle(at(2), server(3000), &block(4));
    assert_eq!(sent(&mut fetch, at(2)), []);
    for n in 2..=4 {
        fetch.handle(at(3), server(3000), &block(n));
        assert_eq!(sent(&mut fetch, at(3)), []);
    }
    fetch.handle(at(3), server(3000), &block(5));
    assert_eq!(sent(&mut fetch, at(3))[0].1, b"\0\x04\0\x05", "a window after the resume");
    fetch.handle(at(4), server(3000), &block(7));
    assert_eq!(sent(&mut fetch, at(4))[0].1, b"\0\x04\0\x05", "the next gap is told too");
}

#[test]
fn lengths_are_checked() {
    let too_long = [&b"\0\x03\0\x01"[..], &[0; 513]].concat();
    let mut fetch_1 = fetch(Options::default());
    fetch_1.handle(at(1), server(3000), &too_long);
    assert_eq!(fetch_1.outcome(), Some(Outcome::Failed(Failure::Length)));
    let mut fetch_2 = fetch(asked());
    fetch_2.handle(at(1), server(3000), b"\0\x06tsize\x009\0");
    fetch_2.handle(at(2), server(3000), b"\0\x03\0\x01short");
    assert_eq!(fetch_2.outcome(), Some(Outcome::Failed(Failure::Length)), "9 were announced");
}

#[test]
fn an_error_ends_it() {
    let mut fetch = fetch(asked());
    fetch.handle(at(1), server(69), b"\0\x05\0\x01no such file\0");
    let refused = Failure::Refused(ErrorCode::FILE_NOT_FOUND);
    assert_eq!(fetch.outcome(), Some(Outcome::Failed(refused)));
    assert_eq!(sent(&mut fetch, at(1)), []);
    assert_eq!(fetch.poll_timeout(), None);
}

#[test]
fn silence_is_met_with_doubling_waits() {
    let mut fetch = fetch(Options::default());
    let mut times = Vec::new();
    while let Some(deadline) = fetch.poll_timeout() {
        fetch.handle_timeout(deadline);
        if sent(&mut fetch, deadline).len() == 1 {
            times.push(deadline.as_nanos() / 1_000_000_000);
        }
    }
    assert_eq!(times, [1, 3, 7, 15]);
    assert_eq!(fetch.outcome(), Some(Outcome::Failed(Failure::Silent)));
    assert_eq!(fetch.retransmissions(), 4);
}

/// Whatever comes, from whom it comes: nothing panics, and no more is kept than was allowed.
#[test]
fn noise_does_no_harm() {
    let samples: &[&[u8]] = &[
        b"\0\x06blksize\x001024\0windowsize\x004\0",
        b"\0\x03\0\x01<config/>",
        b"\0\x03\0\x02",
        b"\0\x04\0\x01",
        b"\0\x05\0\x01no\0",
        b"\0\x01a\0octet\0",
    ];
    for seed in 1..=300 {
        let mut random = super::super::pair::Random::new(seed);
        let mut fetch = Fetch::new(at(0), b"a", Mode::Octet, asked(), 1500);
        for turn in 0..200 {
            let mut datagram = samples[random.index(samples.len())].to_vec();
            match random.below(4) {
                0 => datagram.resize(random.index(1100), 7),
                1 => {
                    let place = random.index(datagram.len());
                    datagram[place] = u8::try_from(random.below(256)).expect("a byte");
                }
                _ => {}
            }
            let from = server(3000 + u16::from(random.below(9) == 0));
            fetch.handle(at(turn * 10), from, &datagram);
            assert!(sent(&mut fetch, at(turn * 10)).len() <= 2, "seed {seed}");
            fetch.handle_timeout(at(turn * 10));
            assert!(fetch.body().len() <= 1500, "seed {seed}");
        }
    }
}
