//! Each limit of a head is kept exactly at it and refused one past it, whatever the cuts.

use super::{Outcome, converse};
use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX, HEADERS_USUAL, REQUEST_LINE_BYTES_MAX};
use crate::wire::http::RequestError;

/// The one outcome of a head, the same whole, in pieces and byte by byte: `None` when answered.
fn refusal(input: &[u8]) -> Option<RequestError> {
    let whole = converse([input]);
    for piece in [1, 7, 1000, 4096] {
        assert_eq!(converse(input.chunks(piece)), whole, "pieces of {piece}");
    }
    match &whole[0] {
        Outcome::Answered(..) => None,
        Outcome::Rejected(error) => Some(*error),
        Outcome::Closed => panic!("closed without a word"),
    }
}

fn with_line(length: usize) -> Vec<u8> {
    let mut input = b"GET /".to_vec();
    input.resize(length - b" HTTP/1.1".len(), b'a');
    input.extend_from_slice(b" HTTP/1.1\r\nHost: a\r\n\r\n");
    input
}

fn with_head(length: usize) -> Vec<u8> {
    let mut input = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
    input.resize(length - 4, b'a');
    input.extend_from_slice(b"\r\n\r\n");
    input
}

fn with_fields(count: usize) -> Vec<u8> {
    let mut input = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
    for _ in 1..count {
        input.extend_from_slice(b"X: y\r\n");
    }
    input.extend_from_slice(b"\r\n");
    input
}

#[test]
fn the_request_line() {
    assert_eq!(refusal(&with_line(REQUEST_LINE_BYTES_MAX)), None);
    let error = Some(RequestError::LineTooLong);
    assert_eq!(refusal(&with_line(REQUEST_LINE_BYTES_MAX + 1)), error);
    assert_eq!(refusal(&with_line(3 * REQUEST_LINE_BYTES_MAX)), error);
    // Without an end it is refused as soon as it cannot end in time.
    assert_eq!(refusal(&vec![b'a'; REQUEST_LINE_BYTES_MAX + 2]), error);
}

#[test]
fn the_head() {
    assert_eq!(refusal(&with_head(HEAD_BYTES_MAX)), None);
    let error = Some(RequestError::HeadTooLarge);
    assert_eq!(refusal(&with_head(HEAD_BYTES_MAX + 1)), error);
    assert_eq!(refusal(&with_head(HEAD_BYTES_MAX + 1)[..HEAD_BYTES_MAX]), error);
    // An empty line before it does not count.
    let late = [b"\r\n", with_head(HEAD_BYTES_MAX).as_slice()].concat();
    assert_eq!(refusal(&late), None);
}

#[test]
fn the_fields() {
    for count in [1, HEADERS_USUAL, HEADERS_USUAL + 1, HEADERS_MAX] {
        assert_eq!(refusal(&with_fields(count)), None, "{count}");
    }
    assert_eq!(refusal(&with_fields(HEADERS_MAX + 1)), Some(RequestError::TooManyFields));
}

#[test]
fn a_masked_agent_among_many_fields() {
    let mut input = with_fields(HEADERS_MAX - 1);
    let end = input.len() - 2;
    input.splice(end.., *b"User-Agent: a\x17b\r\n\r\n");
    assert_eq!(refusal(&input), None);
}
