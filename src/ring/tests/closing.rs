//! However a connection ends, its bytes have left before, it ends once, and its place is free.

use bytes::Bytes;
use std::collections::HashSet;
use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::thread;

use super::*;

on_both!(
    a_close_follows_every_byte,
    a_close_after_kept_answers_follows_every_byte,
    a_linger_does_not_reset_unread_input,
    a_linger_ends_in_time,
    a_linger_ends_with_the_peer,
    a_close_under_way_frees_the_place,
    stale_names_are_ignored,
    a_half_closed_peer_is_answered,
    a_reset_is_one_close,
    accepting_stops,
);

/// 3,000 short connections, as phones make them: each gets its whole answer, then a clean end.
fn a_close_follows_every_byte<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let answer = Bytes::from(pattern(3_000));
    let client = |expected: Bytes| {
        thread::spawn(move || {
            for _ in 0..1_000 {
                let mut stream = connect(server);
                ask(&mut stream, b"GET /0004f2aabbcc.cfg");
                let (came, end) = read_all(&mut stream);
                assert_eq!(end, Ok(()));
                assert!(came[4..] == expected && came.starts_with(b"head"));
            }
        })
    };
    let clients = (0..3).map(|_| client(answer.clone())).collect();
    serve(&mut driver, clients, |driver, event| {
        if let Event::Received { slot, .. } = event {
            let output = Output { body: Body::Bytes(answer.clone()), ..head(driver, b"head") };
            driver.send(slot, output, Then::Close);
        }
    });
    let counters = driver.counters();
    assert_eq!((counters.accepted, counters.closed, counters.stale), (3_000, 3_000, 0));
    assert_eq!(counters.buffers_leased, 0);
}

/// The close of a connection that was kept: its receive is armed, and must not hold the end back.
fn a_close_after_kept_answers_follows_every_byte<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = thread::spawn(move || {
        for _ in 0..200 {
            let mut stream = connect(server);
            for _ in 0..3 {
                ask(&mut stream, b"keep");
                let mut came = [0; 4];
                stream.read_exact(&mut came).expect("kept");
            }
            ask(&mut stream, b"last");
            assert_eq!(read_all(&mut stream), (b"last".to_vec(), Ok(())));
        }
    });
    serve(&mut driver, vec![client], |driver, event| {
        if let Event::Received { slot, lease } = event {
            let then = if &*lease == b"last" { Then::Close } else { Then::Keep };
            let output = head(driver, &lease);
            driver.send(slot, output, then);
        }
    });
    assert_eq!(driver.counters().closed, 200);
}

/// The peer still sends while it is refused: it reads the refusal whole, and no reset.
fn a_linger_does_not_reset_unread_input<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = thread::spawn(move || {
        for _ in 0..10 {
            let mut stream = connect(server);
            for _ in 0..50 {
                ask(&mut stream, &[b'x'; 10_000]);
            }
            let (came, end) = read_all(&mut stream);
            assert_eq!((came.len(), end), (20_000, Ok(())));
        }
    });
    let mut refused = HashSet::new();
    serve(&mut driver, vec![client], |driver, event| {
        if let Event::Received { slot, .. } = event
            && refused.insert(slot)
        {
            let output = head(driver, &[b'r'; 20_000]);
            driver.send(slot, output, Then::Linger);
        }
    });
    assert_eq!(driver.counters().buffers_leased, 0);
}

fn a_linger_ends_in_time<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = thread::spawn(move || {
        let mut stream = connect(server);
        let began = time::now();
        // The sending half is closed at once; the peer does nothing about it.
        assert_eq!(read_all(&mut stream), (b"no".to_vec(), Ok(())));
        assert!(time::now().since(began) < Duration::from_millis(200));
        thread::sleep(Duration::from_millis(600));
    });
    let (mut sent, mut closed) = (None, None);
    serve(&mut driver, vec![client], |driver, event| match event {
        Event::Accepted { slot, .. } => {
            sent = Some(time::now());
            let output = head(driver, b"no");
            driver.send(slot, output, Then::Linger);
        }
        Event::Closed { error, .. } => {
            assert_eq!(error, None);
            closed = Some(time::now());
        }
        _ => {}
    });
    let lingered = closed.expect("closed").since(sent.expect("sent"));
    assert!(lingered >= Duration::from_millis(299), "{lingered:?}");
    assert!(lingered < Duration::from_millis(550), "{lingered:?}");
}

fn a_linger_ends_with_the_peer<D: Driver>() {
    let setup = Setup { linger: PATIENCE, ..setup() };
    let mut driver = D::open(&setup, &Sizes::default());
    let server = driver.http();
    let client = thread::spawn(move || read_all(&mut connect(server)));
    serve(&mut driver, vec![client], |driver, event| {
        if let Event::Accepted { slot, .. } = event {
            let output = head(driver, b"bye");
            driver.send(slot, output, Then::Linger);
        }
    });
}

/// Sends that cannot end, as nobody reads, are closed: each place is free again, buffers and all.
fn a_close_under_way_frees_the_place<D: Driver>() {
    let sizes = Sizes { connections_max: 8, ..Sizes::default() };
    let mut driver = D::open(&setup(), &sizes);
    let server = driver.http();
    let client = thread::spawn(move || {
        for _ in 0..20 {
            let streams: Vec<_> = (0..8).map(|_| connect(server)).collect();
            for mut stream in streams {
                let (came, _) = read_all(&mut stream);
                assert!(came.len() < 64 << 20);
            }
        }
    });
    let body = Bytes::from(vec![0; 64 << 20]);
    let mut accepted = 0;
    serve(&mut driver, vec![client], |driver, event| match event {
        Event::Accepted { slot, .. } => {
            accepted += 1;
            let then = [Then::Keep, Then::Close, Then::Linger][accepted % 3];
            driver.send(slot, Output { head: Vec::new(), body: Body::Bytes(body.clone()) }, then);
        }
        Event::Progress { slot } => {
            driver.close(slot);
            driver.close(slot);
        }
        Event::Sent { .. } => panic!("nobody has read it"),
        _ => {}
    });
    let counters = driver.counters();
    assert_eq!(counters.closed + counters.shed, 160, "{counters:?}");
}

fn stale_names_are_ignored<D: Driver>() {
    let sizes = Sizes { connections_max: 1, accepts: 2, ..Sizes::default() };
    let mut driver = D::open(&setup(), &sizes);
    let server = driver.http();
    let client = thread::spawn(move || {
        for _ in 0..20 {
            let mut stream = connect(server);
            ask(&mut stream, b"?");
            assert_eq!(read_all(&mut stream), (b"mine".to_vec(), Ok(())));
        }
    });
    let mut stale = Vec::new();
    serve(&mut driver, vec![client], |driver, event| match event {
        Event::Received { slot, .. } => {
            for old in &stale {
                let output = head(driver, b"not yours");
                driver.send(*old, output, Then::Close);
                driver.close(*old);
            }
            let output = head(driver, b"mine");
            driver.send(slot, output, Then::Close);
        }
        Event::Closed { slot, .. } => stale.push(slot),
        _ => {}
    });
    let names: HashSet<_> = stale.iter().collect();
    let places: HashSet<_> = stale.iter().map(|slot| slot.index).collect();
    assert!(names.len() == 20 && places.len() <= 3, "{stale:?}");
}

fn a_half_closed_peer_is_answered<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = thread::spawn(move || {
        let mut stream = connect(server);
        ask(&mut stream, b"GET /");
        stream.shutdown(Shutdown::Write).expect("ended");
        assert_eq!(read_all(&mut stream), (b"answer".to_vec(), Ok(())));
    });
    let mut finished = 0;
    serve(&mut driver, vec![client], |driver, event| {
        if let Event::Finished { slot } = event {
            finished += 1;
            let output = head(driver, b"answer");
            driver.send(slot, output, Then::Close);
        }
    });
    assert_eq!(finished, 1);
}

fn a_reset_is_one_close<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let client = thread::spawn(move || {
        let mut stream = connect(server);
        ask(&mut stream, b"hello");
        let mut came = [0; 5];
        stream.read_exact(&mut came).expect("echoed");
        let socket = socket2::SockRef::from(&stream);
        // An end without lingering is a reset.
        socket.set_linger(Some(Duration::ZERO)).expect("set");
    });
    let mut echo = Echo::default();
    let mut ends = Vec::new();
    serve(&mut driver, vec![client], |driver, event| {
        if let Event::Closed { error, .. } = &event {
            ends.push(*error);
        }
        echo.handle(driver, event);
    });
    assert_eq!(ends, [Some(ErrorKind::ConnectionReset)]);
}

/// What is open goes on; who comes new is refused.
fn accepting_stops<D: Driver>() {
    let mut driver = D::open(&setup(), &Sizes::default());
    let server = driver.http();
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let client = thread::spawn(move || {
        let mut open = connect(server);
        ask(&mut open, b"stop");
        told.recv().expect("told");
        assert!(TcpStream::connect(server).is_err());
        ask(&mut open, b"still");
        let mut came = [0; 9];
        open.read_exact(&mut came).expect("echoed");
        assert_eq!(&came, b"stopstill");
    });
    let mut echo = Echo::default();
    let mut turns = 0;
    serve(&mut driver, vec![client], |driver, event| {
        if matches!(event, Event::Received { .. }) && turns == 0 {
            turns = 1;
            driver.stop_accepting();
            let mut events = Vec::new();
            let soon = time::now() + Duration::from_millis(50);
            while time::now() < soon {
                driver.turn(Some(soon), &mut events).expect("turns");
            }
            assert!(events.is_empty(), "{events:?}");
            tell.send(()).expect("told");
        }
        echo.handle(driver, event);
    });
}
