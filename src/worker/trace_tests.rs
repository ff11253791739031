//! What is remembered is the last of each, within its bounds, and nobody's place is another's.

use super::*;
use crate::limits::TRACE_REQUESTS;

fn phone(n: u16) -> Arc<Device> {
    let [high, low] = n.to_be_bytes();
    Arc::new(Device { mac: Some(Mac([0, 0, 0, 0, high, low])), ..Device::default() })
}

fn who(n: u16) -> Who {
    Who::Phone(phone(n).mac.expect("it has one"))
}

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn asked(device: Option<Arc<Device>>, path: &[u8], millis: u64) -> Asked<'_> {
    Asked {
        at: at(millis),
        source: Source::Http,
        ip: [192, 0, 2, 7].into(),
        path,
        device,
        status: 200,
        fate: Fate::Given,
        bytes: 100,
    }
}

fn paths(trace: &mut Trace, who: Who) -> Vec<String> {
    let shelf = trace.shelf(matches!(who, Who::Phone(_)));
    let text = |traced: &Traced| String::from_utf8_lossy(traced.path().0).into_owned();
    shelf.of(who).iter().map(text).collect()
}

#[test]
fn the_last_requests_of_a_phone_are_there_in_order() {
    let mut trace = Trace::default();
    for n in 0..TRACE_REQUESTS + 5 {
        trace.asked(asked(Some(phone(1)), format!("/{n}").as_bytes(), n as u64));
    }
    let paths = paths(&mut trace, who(1));
    assert_eq!(paths.len(), TRACE_REQUESTS);
    assert_eq!(
        (&*paths[0], paths.last().map(|p| &**p)),
        ("/5", Some(&*format!("/{}", TRACE_REQUESTS + 4)))
    );
}

#[test]
fn a_ticket_ends_its_own_request_and_no_other() {
    let mut trace = Trace { phones: Shelf::new(1), ..Trace::default() };
    let first = trace.asked(asked(Some(phone(1)), b"/a", 10));
    trace.over(first, at(25), Some(Fate::Left), |traced| traced.bytes = 7);
    let told = trace.phones.of(who(1));
    assert_eq!((told[0].took, told[0].fate), (Some(Duration::from_millis(15)), Fate::Left));
    assert_eq!(told[0].bytes, 7);
    // Another phone has its place now.
    let second = trace.asked(asked(Some(phone(2)), b"/b", 30));
    trace.over(first, at(40), None, |_| {});
    assert_eq!(trace.phones.of(who(2))[0].took, None);
    assert!(trace.phones.of(who(1)).is_empty());
    trace.over(second, at(31), None, |_| {});
    assert_eq!(trace.phones.of(who(2))[0].took, Some(Duration::from_millis(1)));
    // What was written over is over.
    for n in 0..TRACE_REQUESTS as u64 {
        trace.asked(asked(Some(phone(2)), b"/c", n));
    }
    trace.over(second, at(50), Some(Fate::Left), |_| {});
    assert!(trace.phones.of(who(2)).iter().all(|traced| traced.fate == Fate::Given));
}

#[test]
fn strangers_push_no_phone_out_and_who_asks_stays() {
    let mut trace = Trace { phones: Shelf::new(8), addresses: Shelf::new(4), ..Trace::default() };
    trace.asked(asked(Some(phone(0)), b"/own", 0));
    for n in 1..200_u16 {
        let [high, low] = n.to_be_bytes();
        trace.asked(Asked { ip: [10, 0, high, low].into(), ..asked(None, b"/x", 1) });
    }
    assert_eq!(paths(&mut trace, who(0)), ["/own"]);
    assert_eq!(trace.addresses.by_name.len(), 4);
    for n in 1..100 {
        trace.asked(asked(Some(phone(n)), b"/x", 2));
        trace.asked(asked(Some(phone(0)), b"/own", 2));
    }
    assert!(!paths(&mut trace, who(0)).is_empty());
    assert_eq!((trace.phones.by_name.len(), trace.phones.places.len()), (8, 8));
}

#[test]
fn long_paths_are_cut() {
    let mut trace = Trace::default();
    let long = vec![b'a'; TRACE_PATH_BYTES_MAX + 1];
    trace.asked(asked(None, &long, 0));
    trace.asked(asked(None, &long[1..], 0));
    let told = trace.addresses.of(Who::Address([192, 0, 2, 7].into()));
    assert_eq!(told[0].path(), (&long[1..], false));
    assert_eq!(told[1].path(), (&long[1..], true));
}

#[test]
fn the_desk_is_answered_and_followers_hear_of_their_phone_alone() {
    let (mut trace, desk) = (Trace::default(), Desk::default());
    let (follower, mut followed) = lines::channel(1);
    desk.ask(Question::Follow(who(1), follower));
    trace.serve(&desk);
    for n in [1, 2, 1] {
        let ticket = trace.asked(asked(Some(phone(n)), b"/own", 5));
        trace.over(ticket, at(6), None, |_| {});
    }
    let (asker, answer) = mpsc::channel();
    desk.ask(Question::Tell(who(1), asker));
    trace.serve(&desk);
    assert_eq!(answer.recv().expect("an answer").len(), 2);
    // The second did not fit, and nobody waited.
    assert_eq!(followed.try_recv().expect("a line").took, Some(Duration::from_millis(1)));
    assert!(followed.try_recv().is_err());
    drop(followed);
    let ticket = trace.asked(asked(Some(phone(1)), b"/own", 7));
    trace.over(ticket, at(8), None, |_| {});
    assert!(trace.followers.is_empty());
}
