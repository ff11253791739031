//! Any bytes are the same conversation whole, byte by byte and cut in two, and none of them panics.

use ringboot::time::{Civil, Instant};
use ringboot::wire::http::{
    After, Connection, Parsed, Representation, Request, RequestError, Selection, Step, Version,
    client_address, decode_path, parse, parse_date, select,
};
use std::net::{IpAddr, Ipv4Addr};

const NOW: Instant = Instant::from_nanos(1);
const LENGTH: u64 = 1000;

#[derive(PartialEq, Eq, Debug)]
enum Outcome {
    /// A request as its `Debug` text, and what followed its answer.
    Answered(String, After),
    Rejected(RequestError),
    Closed,
}

/// Says whether a request stands at the beginning of `input`.
pub fn check(input: &[u8]) -> bool {
    let whole = converse([input]);
    assert_eq!(converse(input.chunks(1)), whole, "byte by byte: {}", input.escape_ascii());
    // A place that depends on the input alone, so that a failure can be run again.
    let sum = input.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31) ^ usize::from(*byte));
    let (first, second) = input.split_at(sum % (input.len() + 1));
    let place = first.len();
    assert_eq!(converse([first, second]), whole, "cut at {place}: {}", input.escape_ascii());
    let Ok(Parsed::Request { request, length }) = parse(input) else { return false };
    assert!(input[..length].ends_with(b"\r\n\r\n"));
    check_request(&request);
    true
}

/// Each answer leaves at once, and the peer says at the end that there is no more.
fn converse<'i>(pieces: impl IntoIterator<Item = &'i [u8]>) -> Vec<Outcome> {
    let mut connection = Connection::new(NOW);
    let mut outcomes = Vec::new();
    for piece in pieces {
        if !take(&mut connection, piece, &mut outcomes) {
            return outcomes;
        }
    }
    connection.finished();
    take(&mut connection, &[], &mut outcomes);
    outcomes
}

/// Takes in one piece; false when the connection is closed.
fn take(connection: &mut Connection, piece: &[u8], outcomes: &mut Vec<Outcome>) -> bool {
    let mut rest = piece;
    loop {
        let request = match connection.next(NOW, &mut rest) {
            Step::Wait => break,
            Step::Close => {
                outcomes.push(Outcome::Closed);
                return false;
            }
            Step::Reject(error) => {
                outcomes.push(Outcome::Rejected(error));
                continue;
            }
            Step::Request(request) => format!("{request:?}"),
        };
        let after = connection.answering(NOW, true);
        outcomes.push(Outcome::Answered(request, after));
        if after == After::Keep {
            connection.sent(NOW);
        }
    }
    connection.keep(rest).is_ok()
}

/// What is true of every request that is taken.
fn check_request(request: &Request<'_>) {
    assert!(request.version == Version::Http10 || request.host.is_some());
    assert!(!request.path.is_empty());
    assert!(!request.path.iter().any(|byte| matches!(byte, 0..=32 | 127)));
    if let Some(agent) = request.agent {
        assert!(!agent.is_empty());
        assert!(!agent.iter().any(|byte| b"\0\r\n".contains(byte)));
    }
    if let Ok(path) = decode_path(request.path, &mut Vec::new()) {
        assert!(path.starts_with(b"/"));
        assert!(!path.windows(2).any(|pair| pair == b"//"));
        let mut segments = path.split(|byte| *byte == b'/');
        assert!(!segments.any(|segment| matches!(segment, b"." | b"..")));
    }
    let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
    assert_eq!(client_address(peer, request.forwarded_for, 1, |_| false), peer);
    let _ = client_address(peer, request.forwarded_for, 3, |_| true);
    let _ = request.if_modified_since.map(parse_date);
    let now = Civil(784_111_777);
    let file = Representation { etag: Some(b"\"5d41402a\""), modified: Some(now), length: LENGTH };
    if let Selection::Part { first, last } = select(request, &file, now) {
        assert!(first <= last);
        assert!(last < LENGTH);
    }
}
