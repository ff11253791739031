//! Heads of answers, written into the caller's buffer: always dated, always with their length.

use super::date::{DATE_BYTES, DateCache, write_date};
use super::request::Persistence;
use super::status::Status;
use crate::time::Civil;

/// What an answer's head says. Unset fields are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: Status,
    /// What becomes of the connection.
    pub persistence: Persistence,
    /// Bytes of content; of a HEAD those that GET would have. Left out where the status has no
    /// content (RFC 9110 section 8.6).
    pub content_length: u64,
    /// Media type.
    pub content_type: Option<&'a str>,
    /// When the file was last modified; never written later than `Date` (RFC 9110 8.8.2.1).
    pub last_modified: Option<Civil>,
    /// Entity tag with its quotes.
    pub etag: Option<&'a [u8]>,
    /// Whether parts can be asked for.
    pub accept_ranges: bool,
    /// Which part this is.
    pub content_range: Option<ContentRange>,
    /// The methods that fit: 405 must have it (RFC 9110 section 15.5.6).
    pub allow: Option<&'a str>,
    /// Seconds after which to come again, for 429 and 503.
    pub retry_after: Option<u32>,
}

/// The part of a file (RFC 9110 section 14.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentRange {
    /// 206: offsets of the first and last byte, and bytes of the whole.
    Part {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte.
        last: u64,
        /// Bytes of the whole.
        length: u64,
    },
    /// 416: bytes of the whole.
    Unsatisfied {
        /// Bytes of the whole.
        length: u64,
    },
}

const DATE_NAME: &[u8] = b"Date: ";
const SERVER: &[u8] = b"\r\nServer: ringboot\r\n";
const TEXT: &str = "text/plain";

impl ResponseHead<'_> {
    /// A head that says nothing but its status, length and what becomes of the connection.
    #[must_use]
    pub const fn new(status: Status, persistence: Persistence, content_length: u64) -> Self {
        Self {
            status,
            persistence,
            content_length,
            content_type: None,
            last_modified: None,
            etag: None,
            accept_ranges: false,
            content_range: None,
            allow: None,
            retry_after: None,
        }
    }
}

/// Appends a head, its empty line included. Nothing is allocated but what `out` needs.
///
/// # Panics
/// A value has a line end in it, or a part lies outside its whole: a mistake of the caller.
pub fn write_head(out: &mut Vec<u8>, head: &ResponseHead<'_>, dates: &DateCache) {
    write_start(out, head.status, dates);
    if head.status.has_content() {
        write_number(out, b"Content-Length: ", head.content_length);
    }
    if let Some(media_type) = head.content_type {
        write_field(out, b"Content-Type: ", media_type.as_bytes());
    }
    if let Some(modified) = head.last_modified {
        write_field(out, b"Last-Modified: ", &write_date(modified.min(dates.now())));
    }
    if let Some(etag) = head.etag {
        write_field(out, b"ETag: ", etag);
    }
    if head.accept_ranges {
        out.extend_from_slice(b"Accept-Ranges: bytes\r\n");
    }
    if let Some(range) = head.content_range {
        write_range(out, range);
    }
    if let Some(methods) = head.allow {
        write_field(out, b"Allow: ", methods.as_bytes());
    }
    if let Some(seconds) = head.retry_after {
        write_number(out, b"Retry-After: ", u64::from(seconds));
    }
    write_end(out, head.persistence);
}

/// Appends a head of this status that [`write_head`] wrote before, with the date of now.
pub fn write_again(out: &mut Vec<u8>, status: Status, head: &[u8], dates: &DateCache) {
    let start = out.len() + status.line().len() + DATE_NAME.len();
    out.extend_from_slice(head);
    out[start..start + DATE_BYTES].copy_from_slice(dates.text());
}

/// Appends a whole answer that says only its status: a head and, `with_content`, a line of text.
/// HEAD is answered without. The 404 of a kept connection is three copies of prepared bytes.
pub fn write_error(
    out: &mut Vec<u8>,
    status: Status,
    dates: &DateCache,
    persistence: Persistence,
    with_content: bool,
) {
    let body = error_body(status);
    if status == Status::NotFound && persistence == Persistence::Kept {
        write_start(out, status, dates);
        out.extend_from_slice(NOT_FOUND_REST);
        if with_content {
            out.extend_from_slice(body);
        }
    } else {
        write_text(out, (status, body), dates, persistence, with_content);
    }
}

/// Appends a whole answer of a status and a line of text. HEAD is answered without the line.
pub fn write_text(
    out: &mut Vec<u8>,
    (status, text): (Status, &[u8]),
    dates: &DateCache,
    persistence: Persistence,
    with_content: bool,
) {
    let content_type = status.has_content().then_some(TEXT);
    let head = ResponseHead::new(status, persistence, text.len() as u64);
    write_head(out, &ResponseHead { content_type, ..head }, dates);
    if with_content {
        out.extend_from_slice(text);
    }
}

/// The content of an answer that says only its status: the status in words.
#[must_use]
pub fn error_body(status: Status) -> &'static [u8] {
    const PREFIX: usize = b"HTTP/1.1 404 ".len();
    if status.has_content() { &status.line()[PREFIX..] } else { b"" }
}

/// What a 404 says behind its date; a test holds it against `write_head`.
const NOT_FOUND_REST: &[u8] = b"Content-Length: 11\r\nContent-Type: text/plain\r\n\r\n";

fn write_start(out: &mut Vec<u8>, status: Status, dates: &DateCache) {
    let line = status.line();
    out.reserve(line.len() + DATE_NAME.len() + DATE_BYTES + SERVER.len());
    out.extend_from_slice(line);
    out.extend_from_slice(DATE_NAME);
    out.extend_from_slice(dates.text());
    out.extend_from_slice(SERVER);
}

fn write_end(out: &mut Vec<u8>, persistence: Persistence) {
    out.extend_from_slice(match persistence {
        Persistence::Kept => b"\r\n",
        Persistence::KeptAlive => b"Connection: keep-alive\r\n\r\n",
        Persistence::Close => b"Connection: close\r\n\r\n",
    });
}

/// A value with a line end in it would be another field: ours are constants, tags and dates.
fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    assert!(!value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "a field has one line");
    out.extend_from_slice(name);
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn write_number(out: &mut Vec<u8>, name: &[u8], number: u64) {
    out.extend_from_slice(name);
    push_decimal(out, number);
    out.extend_from_slice(b"\r\n");
}

fn write_range(out: &mut Vec<u8>, range: ContentRange) {
    out.extend_from_slice(b"Content-Range: bytes ");
    let length = match range {
        ContentRange::Part { first, last, length } => {
            assert!(first <= last);
            assert!(last < length);
            push_decimal(out, first);
            out.push(b'-');
            push_decimal(out, last);
            length
        }
        ContentRange::Unsatisfied { length } => {
            out.push(b'*');
            length
        }
    };
    out.push(b'/');
    push_decimal(out, length);
    out.extend_from_slice(b"\r\n");
}

fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    const DIGITS_MAX: usize = 20;
    let mut digits = [b'0'; DIGITS_MAX];
    let mut at = DIGITS_MAX;
    loop {
        at -= 1;
        digits[at] += (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Civil = Civil(784_111_777);

    fn written(head: &ResponseHead<'_>) -> String {
        let mut out = Vec::new();
        write_head(&mut out, head, &DateCache::new(NOW));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_says_what_it_is_told() {
        let bare = ResponseHead::new(Status::PartialContent, Persistence::KeptAlive, 10);
        let head = ResponseHead {
            content_type: Some("application/xml"),
            last_modified: Some(Civil(NOW.0 + 5)),
            etag: Some(b"\"5d41402a\""),
            accept_ranges: true,
            content_range: Some(ContentRange::Part { first: 0, last: 9, length: u64::MAX }),
            ..bare
        };
        assert_eq!(
            written(&head),
            "HTTP/1.1 206 Partial Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             Server: ringboot\r\nContent-Length: 10\r\nContent-Type: application/xml\r\n\
             Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"5d41402a\"\r\n\
             Accept-Ranges: bytes\r\nContent-Range: bytes 0-9/18446744073709551615\r\n\
             Connection: keep-alive\r\n\r\n"
        );
    }

    #[test]
    fn a_head_that_is_written_again_differs_in_its_date() {
        let bare = ResponseHead::new(Status::Ok, Persistence::KeptAlive, 10);
        let head = ResponseHead { etag: Some(b"\"5d41402a\""), ..bare };
        let dates = DateCache::new(Civil(NOW.0 + 86_400));
        let (mut again, mut anew) = (b"before".to_vec(), b"before".to_vec());
        write_again(&mut again, Status::Ok, written(&head).as_bytes(), &dates);
        write_head(&mut anew, &head, &dates);
        assert_eq!(again.escape_ascii().to_string(), anew.escape_ascii().to_string());
    }

    #[test]
    fn refusals_say_what_they_must() {
        let head = ResponseHead::new(Status::RangeNotSatisfiable, Persistence::Kept, 0);
        let range = Some(ContentRange::Unsatisfied { length: 0 });
        let text = written(&ResponseHead { content_range: range, ..head });
        assert!(text.contains("\r\nContent-Range: bytes */0\r\n"), "{text}");
        assert!(text.contains("\r\nContent-Length: 0\r\n"), "{text}");

        let head = ResponseHead::new(Status::MethodNotAllowed, Persistence::Close, 0);
        let text = written(&ResponseHead { allow: Some("GET, HEAD"), ..head });
        assert!(text.contains("\r\nAllow: GET, HEAD\r\n"), "{text}");
        assert!(text.ends_with("\r\nConnection: close\r\n\r\n"), "{text}");

        let head = ResponseHead::new(Status::TooManyRequests, Persistence::Close, 0);
        let text = written(&ResponseHead { retry_after: Some(600), ..head });
        assert!(text.contains("\r\nRetry-After: 600\r\n"), "{text}");
    }

    #[test]
    fn without_content_there_is_no_length() {
        for status in [Status::NotModified, Status::NoContent] {
            let text = written(&ResponseHead::new(status, Persistence::Kept, 7));
            assert!(!text.contains("Content-Length"), "{text}");
            let mut out = Vec::new();
            write_error(&mut out, status, &DateCache::new(NOW), Persistence::Close, true);
            assert!(out.ends_with(b"Connection: close\r\n\r\n"));
        }
    }

    #[test]
    fn the_prepared_404_is_the_one_that_would_be_written() {
        let dates = DateCache::new(NOW);
        let body = error_body(Status::NotFound);
        assert_eq!(body, b"Not Found\r\n");
        let head = ResponseHead::new(Status::NotFound, Persistence::Kept, body.len() as u64);
        let expected = written(&ResponseHead { content_type: Some(TEXT), ..head });

        let mut out = Vec::new();
        write_error(&mut out, Status::NotFound, &dates, Persistence::Kept, false);
        assert_eq!(out, expected.as_bytes());
        out.clear();
        write_error(&mut out, Status::NotFound, &dates, Persistence::Kept, true);
        assert_eq!(out, [expected.as_bytes(), body].concat());
    }

    #[test]
    #[should_panic(expected = "a field has one line")]
    fn a_value_never_becomes_a_field() {
        let head = ResponseHead::new(Status::Ok, Persistence::Kept, 0);
        written(&ResponseHead { etag: Some(b"\"a\r\nSet-Cookie: b\""), ..head });
    }
}
