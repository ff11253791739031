//! What comes in goes to its connection, in order, with its peer's address; what goes out is whole.

use bytes::Bytes;
use std::collections::HashSet;
use std::io::Read;
use std::net::Ipv4Addr;
use std::thread;

use super::*;

on_both!(
    echoes,
    peers_are_told_apart_under_a_storm,
    a_thousand_connections_ask_often,
    a_large_body_reaches_a_slow_reader,
    head_and_body_arrive_as_one,
    an_empty_output_is_sent,
    pipelined_input_stays_in_order,
    a_waker_ends_a_turn,
    a_turn_ends_in_time,
);

fn echoes<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = thread::spawn(move || {
        let mut stream = connect(server);
        for size in [1, 100, 5_000, 100_000] {
            let sent = pattern(size);
            ask(&mut stream, &sent);
            let mut came = vec![0; size];
            stream.read_exact(&mut came).expect("echoed");
            assert!(came == sent, "{size} bytes");
        }
    });
    let mut echo = Echo::default();
    serve(&mut driver, vec![client], |driver, event| echo.handle(driver, event));
    let counters = driver.counters();
    assert_eq!((counters.accepted, counters.closed, counters.stale), (1, 1, 0));
    assert_eq!(counters.buffers_leased, 0);
}

/// 2,000 connections from 2,000 addresses at once: each is told the address that it came from.
fn peers_are_told_apart_under_a_storm<D: Driver>() {
    const EACH: u8 = 200;
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = |network: u8| {
        thread::spawn(move || {
            let connect_one = |host| connect_from(Ipv4Addr::new(127, 9, network, host), server);
            let mut streams: Vec<_> = (1..=EACH).map(connect_one).collect();
            for stream in &mut streams {
                let (came, end) = read_all(stream);
                let local = stream.local_addr().expect("bound").to_string();
                assert_eq!((String::from_utf8(came), end), (Ok(local), Ok(())));
            }
        })
    };
    let clients = (0..10).map(client).collect();
    let mut peers = HashSet::new();
    serve(&mut driver, clients, |driver, event| {
        if let Event::Accepted { slot, peer } = event {
            peers.insert(peer.ip());
            let output = head(driver, peer.to_string().as_bytes());
            driver.send(slot, output, Then::Close);
        }
    });
    assert_eq!(peers.len(), 2_000);
    assert_eq!(driver.counters().closed, 2_000);
}

fn a_thousand_connections_ask_often<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = |number: u8| {
        thread::spawn(move || {
            let mut streams: Vec<_> = (0..250).map(|_| connect(server)).collect();
            for round in 0..20_u8 {
                for (place, stream) in streams.iter_mut().enumerate() {
                    ask(stream, &[number, round, place as u8, b'?']);
                }
                for (place, stream) in streams.iter_mut().enumerate() {
                    let mut came = [0; 4];
                    stream.read_exact(&mut came).expect("echoed");
                    assert_eq!(came, [number, round, place as u8, b'?']);
                }
            }
        })
    };
    let clients = (0..4).map(client).collect();
    let mut echo = Echo::default();
    serve(&mut driver, clients, |driver, event| echo.handle(driver, event));
    let counters = driver.counters();
    assert_eq!((counters.accepted, counters.closed), (1_000, 1_000));
    assert_eq!((counters.buffers_leased, counters.overflows, counters.stale), (0, 0, 0));
}

fn a_large_body_reaches_a_slow_reader<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let body = Bytes::from(pattern(8 << 20));
    let expected = body.clone();
    let client = thread::spawn(move || {
        let mut stream = connect(server);
        let mut came = Vec::new();
        let mut piece = vec![0; 64 << 10];
        while let Ok(read @ 1..) = stream.read(&mut piece) {
            came.extend_from_slice(&piece[..read]);
            thread::sleep(Duration::from_millis(1));
        }
        assert!(came.starts_with(b"head\r\n") && came[6..] == expected);
    });
    let mut progress = 0;
    serve(&mut driver, vec![client], |driver, event| match event {
        Event::Accepted { slot, .. } => {
            let output = Output { body: Body::Bytes(body.clone()), ..head(driver, b"head\r\n") };
            driver.send(slot, output, Then::Keep);
        }
        Event::Progress { .. } => progress += 1,
        Event::Sent { slot } => driver.close(slot),
        _ => {}
    });
    let counters = driver.counters();
    assert!(counters.short_sends > 5 && progress > 5, "{counters:?}, {progress}");
}

/// Bodies below and above what is copied behind a head and what is linked to a close.
fn head_and_body_arrive_as_one<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let sizes = [0, 1, 4_096, 4_097, 8_192, 16_384, 16_385, 300_000];
    let client = thread::spawn(move || {
        for size in sizes {
            let mut stream = connect(server);
            ask(&mut stream, &u32::try_from(size).expect("small").to_be_bytes());
            let (came, end) = read_all(&mut stream);
            assert_eq!(end, Ok(()));
            assert!(came == [b"head".to_vec(), pattern(size)].concat(), "{size} bytes");
        }
    });
    serve(&mut driver, vec![client], |driver, event| {
        if let Event::Received { slot, lease } = event {
            let size = u32::from_be_bytes((*lease).try_into().expect("four bytes"));
            let body = Body::Bytes(pattern(size as usize).into());
            let output = Output { body, ..head(driver, b"head") };
            driver.send(slot, output, Then::Close);
        }
    });
}

fn an_empty_output_is_sent<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = thread::spawn(move || read_all(&mut connect(server)));
    serve(&mut driver, vec![client], |driver, event| match event {
        Event::Accepted { slot, .. } => driver.send(slot, Output::default(), Then::Keep),
        Event::Sent { slot } => driver.send(slot, Output::default(), Then::Close),
        _ => {}
    });
}

/// More than a receive's share, sent at once: it comes whole and in order, and nobody starves.
fn pipelined_input_stays_in_order<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let flood = thread::spawn(move || {
        let mut stream = connect(server);
        let sent = pattern(4 << 20);
        let mut writer = stream.try_clone().expect("cloned");
        let copy = sent.clone();
        let writing = thread::spawn(move || {
            ask(&mut writer, &copy);
            writer.shutdown(std::net::Shutdown::Write).expect("ended");
        });
        let (came, _) = read_all(&mut stream);
        writing.join().expect("written");
        assert!(came == sent, "{} of {} bytes", came.len(), sent.len());
    });
    let mut echo = Echo::default();
    serve(&mut driver, vec![flood], |driver, event| echo.handle(driver, event));
    assert_eq!(driver.counters().buffers_leased, 0);
}

fn a_waker_ends_a_turn<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let mut events = Vec::new();
    for _ in 0..3 {
        let waker = driver.bell();
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            waker.wake();
        });
        while events.is_empty() {
            driver.turn(Some(time::now() + PATIENCE), &mut events).expect("turns");
        }
        other.join().expect("rang");
        assert!(matches!(events.as_slice(), [Event::Woken]), "{events:?}");
        events.clear();
    }
}

fn a_turn_ends_in_time<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let mut events = Vec::new();
    let until = time::now() + Duration::from_millis(30);
    let mut now = time::now();
    let mut turns = 0;
    while now < until {
        now = driver.turn(Some(until), &mut events).expect("turns");
        turns += 1;
    }
    assert!(turns <= 3, "{turns} turns");
    assert!(now.since(until) < Duration::from_secs(1));
    assert!(events.is_empty(), "{events:?}");
}
