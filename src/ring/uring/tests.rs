//! Hazards that only a ring has: each is met, counted, and leaves nothing behind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use super::*;
use crate::ring::tests::{Driver, connect, head, read_all, setup, tiny};
use crate::ring::{Body, probe};

/// A driver on a small ring, or none where rings are forbidden.
pub(super) fn driver(sizes: &Sizes) -> Option<Uring> {
    probe().ok().map(|_| Uring::open(&setup(), sizes))
}

/// Turns until `is_done` says so of all events so far.
fn until(driver: &mut Uring, mut is_done: impl FnMut(&mut Uring, &[Event]) -> bool) -> Vec<Event> {
    let give_up = time::now() + Duration::from_secs(20);
    let mut all = Vec::new();
    while !is_done(driver, &all) {
        assert!(time::now() < give_up, "{all:?} {:?}", driver.counters());
        let soon = time::now() + Duration::from_millis(5);
        driver.turn(Some(soon), &mut all).expect("turns");
    }
    all
}

pub(super) fn accept_one(driver: &mut Uring) -> (TcpStream, Slot) {
    let stream = connect(driver.http());
    let events = until(driver, |_, events| !events.is_empty());
    let [Event::Accepted { slot, .. }] = events.as_slice() else { panic!("{events:?}") };
    (stream, *slot)
}

/// kernel + leased + returned = count, for both groups.
fn assert_conserved(driver: &Uring, sizes: &Sizes) {
    for (group, count) in
        [(&driver.streams, sizes.receive_buffers), (&driver.incoming, sizes.datagram_buffers)]
    {
        let held = usize::from(group.kernel()) + usize::from(group.leased());
        assert_eq!(held + group.returned(), usize::from(count));
    }
}

#[test]
fn buffers_run_out_and_come_back_in_order() {
    let sizes = Sizes { receive_buffers: 2, ..tiny() };
    let Some(mut driver) = driver(&sizes) else { return };
    let mut streams = Vec::new();
    let mut names = Vec::new();
    for _ in 0..6 {
        let (stream, slot) = accept_one(&mut driver);
        streams.push(stream);
        names.push(slot);
    }
    // Two leases are held, and the four behind them find no buffer, one after the other.
    let mut held = Vec::new();
    for (number, stream) in streams.iter_mut().enumerate() {
        stream.write_all(&[number as u8]).expect("written");
        let starved = number.saturating_sub(1) as u64;
        held.extend(until(&mut driver, |driver, events| {
            if number < 2 {
                !events.is_empty()
            } else {
                driver.counters.buffers_exhausted == starved
            }
        }));
    }
    // The first, armed while there was a buffer, has nothing to read; the second found none left.
    assert_eq!((held.len(), driver.starved.len()), (2, 5));
    assert_eq!(driver.counters().buffers_leased, 2);
    assert_conserved(&driver, &sizes);
    // An idle turn arms nobody: there is still no buffer.
    let before = driver.counters.buffers_exhausted;
    for _ in 0..5 {
        let soon = time::now() + Duration::from_millis(1);
        driver.turn(Some(soon), &mut held).expect("turns");
    }
    assert_eq!((held.len(), driver.counters.buffers_exhausted), (2, before));
    drop(held);
    let mut order = Vec::new();
    while order.len() < 4 {
        for event in until(&mut driver, |_, events| !events.is_empty()) {
            let Event::Received { slot, .. } = event else { panic!("{event:?}") };
            order.push(slot);
        }
    }
    assert_eq!(order, names[2..]);
    assert!(driver.counters.rearmed >= 5, "{:?}", driver.counters);
    drop(streams);
    until(&mut driver, |driver, events| {
        for event in events {
            if let Event::Finished { slot } = event {
                driver.close(*slot);
            }
        }
        driver.counters.closed == 6
    });
    driver.prepare(time::now());
    assert_conserved(&driver, &sizes);
    assert_eq!(driver.streams.kernel(), 2);
}

#[test]
fn a_stale_completion_is_dropped_and_its_buffer_kept() {
    let sizes = tiny();
    let Some(mut driver) = driver(&sizes) else { return };
    let (_stream, slot) = accept_one(&mut driver);
    let old = Slot { generation: slot.generation.wrapping_sub(1), ..slot };
    for kind in [Kind::Receive, Kind::Send, Kind::Close, Kind::Cancel] {
        let name = token::decode(token::encode(kind, old)).expect("ours").1;
        driver.complete_connection(kind, name, 1, 0);
    }
    assert_eq!((driver.counters.stale, driver.events.len()), (4, 0));
    let connection = driver.connections.get(slot).expect("untouched");
    assert_eq!(connection.entries, 1);
}

/// Hundreds of entries in one turn on a queue of eight: it is submitted early, no chain is split,
/// and no completion is lost, though the completion queue is just as small.
#[test]
fn a_full_queue_is_submitted_early() {
    let sizes = Sizes { accepts: 4, connections_max: 60, receive_buffers: 64, ..tiny() };
    let Some(mut driver) = driver(&sizes) else { return };
    let streams: Vec<_> = (0..60).map(|_| connect(driver.http())).collect();
    let events = until(&mut driver, |driver, _| driver.counters.accepted == 60);
    for event in events {
        let Event::Accepted { slot, .. } = event else { panic!("{event:?}") };
        let output = head(&mut driver, b"all at once");
        driver.send(slot, output, Then::Close);
    }
    assert!(driver.counters().submission_full > 10, "{:?}", driver.counters());
    until(&mut driver, |driver, _| driver.counters.closed == 60);
    for mut stream in streams {
        assert_eq!(read_all(&mut stream), (b"all at once".to_vec(), Ok(())));
    }
    assert_eq!((driver.counters.stale, driver.counters().buffers_leased), (0, 0));
    assert_conserved(&driver, &sizes);
}

/// The first receive is of one buffer, so that a close has nothing to cancel; a kept connection
/// receives multishot, without an entry for each request.
#[test]
fn a_kept_connection_receives_multishot() {
    let Some(mut driver) = driver(&Sizes::default()) else { return };
    let (mut stream, slot) = accept_one(&mut driver);
    let mut entries = Vec::new();
    for _ in 0..5 {
        stream.write_all(b"GET").expect("written");
        until(&mut driver, |_, events| !events.is_empty());
        let output = head(&mut driver, b"200");
        driver.send(slot, output, Then::Keep);
        until(&mut driver, |_, events| {
            events.iter().any(|event| matches!(event, Event::Sent { .. }))
        });
        stream.read_exact(&mut [0; 3]).expect("answered");
        let connection = driver.connections.get(slot).expect("open");
        entries.push((connection.multishot, connection.entries));
    }
    assert_eq!(entries, [(true, 1); 5]);
    // Only the first receive ended by itself.
    assert_eq!(driver.counters.rearmed, 0);
}

/// A connection that fills buffers without end gives way after its share in a turn.
#[test]
fn a_flood_keeps_to_its_share() {
    let Some(mut driver) = driver(&Sizes::default()) else { return };
    let (mut stream, slot) = accept_one(&mut driver);
    let output = head(&mut driver, b"kept");
    driver.send(slot, output, Then::Keep);
    stream.write_all(b"first").expect("written");
    until(&mut driver, |driver, events| {
        events.len() >= 2 && driver.connections.get(slot).is_some_and(|c| c.multishot)
    });
    let flood = thread::spawn(move || {
        let bytes = vec![b'x'; 16 << 20];
        stream.write_all(&bytes).expect("written");
        stream
    });
    let (mut came, mut most) = (0, 0);
    let mut events = Vec::new();
    while came < 16 << 20 {
        driver.turn(Some(time::now() + Duration::from_secs(5)), &mut events).expect("turns");
        let receives = events.len();
        for event in events.drain(..) {
            let Event::Received { lease, .. } = event else { panic!("{event:?}") };
            came += lease.len();
        }
        most = most.max(receives);
        // The reader is slow, so that the kernel has more than a share each time.
        thread::sleep(Duration::from_micros(200));
    }
    let _open = flood.join().expect("written");
    assert!(most >= limits::RECEIVE_SHARE as usize, "{most} receives in a turn");
    assert!(most < usize::from(limits::RECEIVE_BUFFERS) / 2, "{most} receives in a turn");
    assert!(driver.counters.rearmed > 0);
}

/// An entry that still runs keeps the place: a close waits for the file read of its connection.
#[test]
fn a_place_is_kept_until_the_last_completion() {
    let Some(mut driver) = driver(&tiny()) else { return };
    let (_stream, slot) = accept_one(&mut driver);
    let file = std::fs::File::open("/proc/self/exe").expect("opens");
    let file = Arc::new(Opened::new(file).expect("a file"));
    let len = file.len();
    let body = Body::File { file: Arc::clone(&file), offset: 0, len };
    driver.send(slot, Output { head: Vec::new(), body }, Then::Keep);
    driver.close(slot);
    let connection = driver.connections.get(slot).expect("kept");
    assert_eq!((connection.phase, connection.entries), (connection::Phase::Closing, 3));
    assert_eq!(Arc::strong_count(&file), 2);
    let events = until(&mut driver, |_, events| !events.is_empty());
    let [Event::Closed { slot: closed, error: None }] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((*closed, Arc::strong_count(&file)), (slot, 1));
    assert!(driver.connections.get(slot).is_none());
    assert_eq!((driver.files.under_way(), driver.counters.stale), (0, 0));
}

/// More completions at once than the queue holds: the kernel keeps them, which is counted, and
/// each comes.
#[test]
fn an_overflow_is_counted_and_loses_nothing() {
    let sizes = Sizes { accepts: 32, connections_max: 200, receive_buffers: 256, ..tiny() };
    let Some(mut driver) = driver(&sizes) else { return };
    let mut streams = Vec::new();
    let mut names = Vec::new();
    for _ in 0..150 {
        let (stream, slot) = accept_one(&mut driver);
        streams.push(stream);
        names.push(slot);
    }
    for stream in &mut streams {
        stream.write_all(b"all at once").expect("written");
    }
    let events = until(&mut driver, |_, events| events.len() >= 150);
    let came = events.iter().filter(|event| matches!(event, Event::Received { .. })).count();
    assert_eq!((came, driver.counters.stale), (150, 0));
    assert!(driver.counters().overflows > 0, "{:?}", driver.counters());
    drop(events);
    driver.prepare(time::now());
    assert_conserved(&driver, &sizes);
}

#[test]
fn the_queues_are_as_large_as_they_are_asked_for() {
    if probe().is_err() {
        return;
    }
    let (queue, warning) = Queue::new(&Sizes::default()).expect("a ring");
    assert_eq!(queue.ring().params().sq_entries(), limits::SUBMISSION_ENTRIES);
    assert!(queue.ring().params().cq_entries() >= 4 * limits::SUBMISSION_ENTRIES);
    assert_eq!(warning, None);
    let odd = Sizes { submission_entries: 0, ..Sizes::default() };
    assert!(Queue::new(&odd).is_err());
}

/// A door is an ordinary descriptor: it is let go of with its file, and with a connection that ends
/// in the middle, also when the kernel has not made it yet.
#[test]
fn doors_are_counted_and_shut() {
    let sizes = Sizes { doors_max: 2, ..tiny() };
    let Some(mut driver) = driver(&sizes) else { return };
    let file = std::fs::File::open("/proc/self/exe").expect("opens");
    let file = Arc::new(Opened::new(file).expect("a file"));
    let output = |len| {
        let body = Body::File { file: Arc::clone(&file), offset: 0, len };
        Output { head: Vec::new(), body }
    };
    let (mut kept, first) = accept_one(&mut driver);
    let (ended, second) = accept_one(&mut driver);
    let (chunks, third) = accept_one(&mut driver);
    let (_stream, fourth) = accept_one(&mut driver);
    driver.send(first, output(100_000), Then::Keep);
    driver.send(second, output(file.len()), Then::Close);
    driver.send(third, output(file.len()), Then::Keep);
    assert!(driver.doors.open() <= 2);
    let mut came = vec![0; 100_000];
    let reader = thread::spawn(move || {
        kept.read_exact(&mut came).expect("whole");
        kept
    });
    until(&mut driver, |_, events| {
        events.iter().any(|event| matches!(event, Event::Sent { slot } if *slot == first))
    });
    drop((ended, chunks));
    until(&mut driver, |driver, _| driver.counters.closed == 2);
    assert_eq!(driver.doors.open(), 0);
    let _kept = reader.join().expect("no panic");
    driver.send(fourth, output(file.len()), Then::Close);
    driver.close(fourth);
    until(&mut driver, |driver, _| driver.counters.closed == 3);
    assert_eq!(driver.doors.open(), 0);
}
