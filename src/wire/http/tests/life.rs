//! A connection answers in order, drains what it must, and never waits without an end.

use super::samples::GOOD;
use super::{Outcome, converse, converse_in_every_cut};
use crate::limits::{
    CONTENT_LAG_MAX, CONTENT_RATE_MIN, DRAIN_BYTES_MAX, HEAD_TIME_MAX, IDLE_TIME_MAX,
    PIPELINED_BYTES_MAX, WRITE_STALL_MAX,
};
use crate::time::{Duration, Instant};
use crate::wire::http::{After, Connection, Expiry, Overflow, Step};

const START: Instant = Instant::from_nanos(1_000_000);
const SECOND: Duration = Duration::from_secs(1);
const GET: &[u8] = b"GET /y000000000028.cfg HTTP/1.1\r\nHost: prov\r\n\r\n";

/// Receives bytes as a worker does, up to the next request: its path.
fn receive(connection: &mut Connection, now: Instant, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes;
    let path = match connection.next(now, &mut rest) {
        Step::Wait => None,
        Step::Request(request) => Some(request.path.to_vec()),
        other => panic!("{other:?}"),
    };
    connection.keep(rest).unwrap();
    path
}

fn is_closed(connection: &mut Connection, now: Instant, mut bytes: &[u8]) -> bool {
    matches!(connection.next(now, &mut bytes), Step::Close)
}

/// The deadline is exactly here: not a tick earlier.
fn assert_expires(connection: &mut Connection, at: Instant, expected: Expiry) {
    assert_eq!(connection.deadline(), at);
    let before = Instant::from_nanos(at.as_nanos() - 1);
    assert_eq!(connection.expire(before), Expiry::Wait);
    assert_eq!(connection.expire(at), expected);
}

#[test]
fn fifty_pipelined_requests_are_answered_in_order_one_at_a_time() {
    let paths: Vec<String> = (0..50).map(|number| format!("/{number:012x}.cfg")).collect();
    let request = |path: &String| format!("GET {path} HTTP/1.1\r\nHost: prov\r\n\r\n");
    let input: String = paths.iter().map(request).collect();
    for piece in [1, 17, 300, input.len()] {
        let mut connection = Connection::new(START);
        let mut answered = Vec::new();
        for part in input.as_bytes().chunks(piece) {
            answered.extend(receive(&mut connection, START, part));
            // Nothing is sent meanwhile: no second request comes out.
            assert!(answered.len() <= 1);
        }
        while answered.len() < paths.len() {
            assert_eq!(connection.answering(START, true), After::Keep);
            assert_eq!(receive(&mut connection, START, b""), None);
            connection.sent(START);
            answered.extend(receive(&mut connection, START, b""));
        }
        let expected: Vec<Vec<u8>> = paths.iter().map(|path| path.clone().into_bytes()).collect();
        assert_eq!(answered, expected);
        assert_eq!(connection.answering(START, true), After::Keep);
        connection.sent(START);
        assert_eq!(receive(&mut connection, START, b""), None);
        assert!(connection.is_idle());
    }
}

#[test]
fn content_is_drained_between_requests() {
    for body in [GOOD[5], GOOD[6]] {
        let input = [body, b"\r\n", GET, body, GET].concat();
        let outcomes = converse_in_every_cut(&input);
        assert_eq!(outcomes.len(), 5, "{outcomes:?}");
        assert_eq!(outcomes[4], Outcome::Closed);
        for outcome in &outcomes[..4] {
            assert!(matches!(outcome, Outcome::Answered(_, After::Keep)), "{outcome:?}");
        }
    }
}

#[test]
fn a_bad_chunk_closes_and_what_follows_is_not_answered() {
    let head =
        b"PUT /a.log HTTP/1.1\r\nHost: prov\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
    for chunks in [b"5\r\nhelloX\r\n".as_slice(), b"x", b"5\nhello\r\n0\r\n\r\n", b"-1\r\n\r\n"] {
        let outcomes = converse_in_every_cut(&[head, chunks, GET, GET].concat());
        assert_eq!(outcomes.len(), 2, "{outcomes:?}");
        assert!(matches!(outcomes[0], Outcome::Answered(_, After::Keep)));
        assert_eq!(outcomes[1], Outcome::Closed);
    }
}

#[test]
fn behind_a_bad_chunk_nothing_is_kept_while_the_answer_leaves() {
    let mut connection = Connection::new(START);
    let head = b"PUT /a.log HTTP/1.1\r\nHost: prov\r\nTransfer-Encoding: chunked\r\n\r\nX";
    assert!(receive(&mut connection, START, head).is_some());
    assert_eq!(connection.answering(START, true), After::Keep);
    let more = vec![b'x'; PIPELINED_BYTES_MAX];
    for _ in 0..3 {
        let mut rest = more.as_slice();
        assert!(matches!(connection.next(START, &mut rest), Step::Wait));
        assert_eq!(rest, b"");
    }
    connection.sent(START);
    assert!(is_closed(&mut connection, START, GET));
}

#[test]
fn content_of_the_limit_is_drained_and_of_more_closes() {
    let upload = |length: u64| {
        let size = usize::try_from(length).unwrap();
        let head = format!("PUT /a.log HTTP/1.1\r\nHost: prov\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), &vec![b'x'; size], GET].concat()
    };
    let most = converse(upload(DRAIN_BYTES_MAX).chunks(4096));
    assert!(matches!(most[0], Outcome::Answered(_, After::Keep)));
    assert!(matches!(most[1], Outcome::Answered(_, After::Keep)));
    let more = converse(upload(DRAIN_BYTES_MAX + 1).chunks(4096));
    assert_eq!(more.len(), 1);
    assert!(matches!(more[0], Outcome::Answered(_, After::Linger)));
}

#[test]
fn content_held_back_until_100_is_answered_and_closed() {
    let head =
        b"PUT /a.log HTTP/1.1\r\nHost: prov\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    let outcomes = converse_in_every_cut(&[head.as_slice(), b"abc", GET].concat());
    assert_eq!(outcomes.len(), 1);
    assert!(matches!(outcomes[0], Outcome::Answered(_, After::Linger)));
}

#[test]
fn behind_a_close_nothing_is_answered() {
    let last = b"GET /a HTTP/1.1\r\nHost: prov\r\nConnection: close\r\n\r\n".as_slice();
    let outcomes = converse_in_every_cut(&[GET, last, GET, b"\0nonsense"].concat());
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
}

#[test]
fn a_half_closed_peer_is_answered() {
    let mut connection = Connection::new(START);
    let two = [GET, b"GET /b HTTP/1.1\r\nHost: prov\r\n\r\n"].concat();
    assert!(receive(&mut connection, START, &two).is_some());
    connection.finished();
    assert_eq!(receive(&mut connection, START, b""), None);
    assert_eq!(connection.answering(START, true), After::Keep);
    connection.sent(START);
    assert_eq!(receive(&mut connection, START, b"").as_deref(), Some(b"/b".as_slice()));
    // The last one is known to be the last.
    assert_eq!(connection.answering(START, true), After::Close);

    for unfinished in [&GET[..10], b"", b"\r\n"] {
        let mut connection = Connection::new(START);
        assert_eq!(receive(&mut connection, START, unfinished), None);
        connection.finished();
        assert!(is_closed(&mut connection, START, b""));
    }
}

#[test]
fn the_server_can_close_behind_any_answer() {
    let mut connection = Connection::new(START);
    assert!(receive(&mut connection, START, GET).is_some());
    // The peer does not expect it: what it sends meanwhile must not reset the connection.
    assert_eq!(connection.answering(START, false), After::Linger);
    assert_eq!(receive(&mut connection, START, GET), None);
}

#[test]
fn pipelined_bytes_are_kept_up_to_the_limit() {
    let mut connection = Connection::new(START);
    assert!(receive(&mut connection, START, GET).is_some());
    assert_eq!(connection.keep(&vec![b'a'; PIPELINED_BYTES_MAX - 1]), Ok(()));
    assert_eq!(connection.keep(b"a"), Ok(()));
    assert_eq!(connection.keep(b"a"), Err(Overflow));
}

#[test]
fn a_head_has_its_time_from_its_first_byte() {
    let mut connection = Connection::new(START);
    assert_expires(&mut connection, START + IDLE_TIME_MAX, Expiry::Close);

    let mut connection = Connection::new(START);
    let mut now = START;
    for byte in &GET[..9] {
        now = now + SECOND;
        assert_eq!(receive(&mut connection, now, &[*byte]), None);
    }
    assert_expires(&mut connection, START + SECOND + HEAD_TIME_MAX, Expiry::Timeout);
    // The answer is on its way; what comes now is not read, and no peer stalls it for ever.
    let told = START + SECOND + HEAD_TIME_MAX;
    assert_eq!(receive(&mut connection, told, &GET[9..]), None);
    assert_expires(&mut connection, told + WRITE_STALL_MAX, Expiry::Close);
}

#[test]
fn an_empty_line_is_no_beginning() {
    let mut connection = Connection::new(START);
    assert_eq!(receive(&mut connection, START + SECOND, b"\r"), None);
    assert_eq!(receive(&mut connection, START + SECOND, b"\n"), None);
    assert!(connection.is_idle());
    assert_eq!(connection.deadline(), START + IDLE_TIME_MAX);
    assert!(receive(&mut connection, START + SECOND, GET).is_some());
}

#[test]
fn a_refusal_has_a_deadline_too() {
    let mut connection = Connection::new(START);
    let mut rest = b"\x16\x03\x01".as_slice();
    assert!(matches!(connection.next(START + SECOND, &mut rest), Step::Reject(_)));
    assert_expires(&mut connection, START + SECOND + WRITE_STALL_MAX, Expiry::Close);
}

#[test]
fn an_answer_must_go_on_leaving() {
    let mut connection = Connection::new(START);
    assert!(receive(&mut connection, START, GET).is_some());
    assert_eq!(connection.answering(START + SECOND, true), After::Keep);
    assert_eq!(connection.deadline(), START + SECOND + WRITE_STALL_MAX);
    let later = START + SECOND + WRITE_STALL_MAX;
    connection.progress(later);
    assert_expires(&mut connection, later + WRITE_STALL_MAX, Expiry::Close);

    let sent = later + SECOND;
    connection.sent(sent);
    assert_eq!(receive(&mut connection, sent, b""), None);
    assert_expires(&mut connection, sent + IDLE_TIME_MAX, Expiry::Close);
}

#[test]
fn content_must_come_at_its_rate() {
    let mut connection = Connection::new(START);
    let head = b"PUT /a.log HTTP/1.1\r\nHost: prov\r\nContent-Length: 100000\r\n\r\n";
    assert!(receive(&mut connection, START, head).is_some());
    assert_eq!(connection.answering(START, true), After::Keep);
    // While the answer leaves, only the answer's pace counts.
    assert_eq!(receive(&mut connection, START + SECOND, &[b'x'; 5000]), None);
    assert_eq!(connection.deadline(), START + WRITE_STALL_MAX);
    let sent = START + SECOND;
    connection.sent(sent);
    assert_eq!(connection.deadline(), sent + CONTENT_LAG_MAX);
    let rate = usize::try_from(CONTENT_RATE_MIN).unwrap();
    for second in 1..=20 {
        let now = sent + Duration::from_secs(second);
        assert_eq!(connection.expire(now), Expiry::Wait);
        assert_eq!(receive(&mut connection, now, &vec![b'x'; rate]), None);
    }
    let late = sent + Duration::from_secs(20) + CONTENT_LAG_MAX;
    assert_expires(&mut connection, late, Expiry::Close);
    // The peer that ends in the middle of its content is not waited for.
    connection.finished();
    assert!(is_closed(&mut connection, late, b""));
}
