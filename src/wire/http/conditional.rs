//! Conditions and ranges are decided by pure functions, and a doubtful one costs a whole file.

use super::date::parse_date;
use super::request::{Method, Request};
use crate::time::Civil;

/// What is known of a file before its bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Representation<'a> {
    /// Entity tag with its quotes, `W/` before a weak one.
    pub etag: Option<&'a [u8]>,
    /// When it was last modified.
    pub modified: Option<Civil>,
    /// Bytes of it.
    pub length: u64,
}

/// Which part of a file is the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Selection {
    /// 304: the phone has it.
    NotModified,
    /// 200: all of it.
    Whole,
    /// 206: from the first to the last byte, both included; `first <= last < length`.
    Part {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte.
        last: u64,
    },
    /// 416: nothing of what was asked for is there.
    Unsatisfiable,
}

/// Decides in the order of RFC 9110 section 13.2.2. Conditions count for GET and HEAD, ranges for
/// GET; more than one range is answered with the whole, never with a multiplied answer.
pub fn select(request: &Request<'_>, file: &Representation<'_>, now: Civil) -> Selection {
    if !matches!(request.method, Method::Get | Method::Head) {
        return Selection::Whole;
    }
    if is_unmodified(request, file) {
        return Selection::NotModified;
    }
    match request.range {
        Some(range) if request.method == Method::Get && may_resume(request, file, now) => {
            select_range(range, file.length)
        }
        _ => Selection::Whole,
    }
}

/// If-None-Match goes before If-Modified-Since (RFC 9110 sections 13.1.2 and 13.1.3).
fn is_unmodified(request: &Request<'_>, file: &Representation<'_>) -> bool {
    match (request.if_none_match, request.if_modified_since) {
        (Some(b"*"), _) => true,
        (Some(tags), _) => file.etag.is_some_and(|etag| lists_tag(tags, etag)),
        (None, Some(date)) => match (parse_date(date), file.modified) {
            (Some(since), Some(modified)) => modified <= since,
            _ => false,
        },
        (None, None) => false,
    }
}

/// If-Range: a strong tag that is the same, or the very date (RFC 9110 section 13.1.5). A date is
/// strong when the file is older than this second (section 8.8.2.2).
fn may_resume(request: &Request<'_>, file: &Representation<'_>, now: Civil) -> bool {
    match request.if_range {
        None => true,
        Some(tag) if tag.starts_with(b"\"") => file.etag == Some(tag),
        Some(date) => file
            .modified
            .is_some_and(|modified| parse_date(date) == Some(modified) && modified < now),
    }
}

/// Whether a list of tags holds this one, weakly compared (RFC 9110 section 8.8.3.2). A malformed
/// list ends where it is malformed.
fn lists_tag(mut tags: &[u8], etag: &[u8]) -> bool {
    loop {
        tags = tags.trim_ascii_start();
        if let [b',', rest @ ..] = tags {
            tags = rest;
            continue;
        }
        let [b'"', inner @ ..] = opaque(tags) else { return false };
        let Some(end) = memchr::memchr(b'"', inner) else { return false };
        if &opaque(tags)[..end + 2] == opaque(etag) {
            return true;
        }
        tags = &inner[end + 1..];
    }
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// One range of bytes (RFC 9110 section 14.1.2); what is none is no range at all (section 14.2).
fn select_range(value: &[u8], length: u64) -> Selection {
    const UNIT: &[u8] = b"bytes=";
    let Some((unit, set)) = value.split_at_checked(UNIT.len()) else { return Selection::Whole };
    let mut bounds = set.trim_ascii().splitn(2, |byte| *byte == b'-');
    let (Some(first), Some(last)) = (bounds.next(), bounds.next()) else { return Selection::Whole };
    if !unit.eq_ignore_ascii_case(UNIT) {
        return Selection::Whole;
    }
    match (first, last) {
        (b"", suffix) => match parse_offset(suffix) {
            None => Selection::Whole,
            Some(0) => Selection::Unsatisfiable,
            // Satisfiable, and yet no Content-Range can say so.
            Some(_) if length == 0 => Selection::Whole,
            Some(suffix) => {
                Selection::Part { first: length.saturating_sub(suffix), last: length - 1 }
            }
        },
        (first, last) => {
            let end = if last.is_empty() { Some(u64::MAX) } else { parse_offset(last) };
            match (parse_offset(first), end) {
                (Some(first), Some(last)) if first > last => Selection::Whole,
                (Some(first), Some(_)) if first >= length => Selection::Unsatisfiable,
                (Some(first), Some(last)) => Selection::Part { first, last: last.min(length - 1) },
                _ => Selection::Whole,
            }
        }
    }
}

/// `1*DIGIT`; what does not fit is as good as the largest.
fn parse_offset(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |offset, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        Some(offset.saturating_mul(10).saturating_add(u64::from(digit)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::{Parsed, parse};

    const MODIFIED: Civil = Civil(784_111_777);
    const NOW: Civil = Civil(784_200_000);
    const WHOLE: Selection = Selection::Whole;
    const SAME: Selection = Selection::NotModified;
    const NONE: Selection = Selection::Unsatisfiable;

    const fn part(first: u64, last: u64) -> Selection {
        Selection::Part { first, last }
    }

    fn selected(method: &str, fields: &str, length: u64) -> Selection {
        let text = format!("{method} /46xxsettings.txt HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let Ok(Parsed::Request { request, .. }) = parse(text.as_bytes()) else {
            panic!("{text}");
        };
        let file = Representation { etag: Some(b"\"a,b\""), modified: Some(MODIFIED), length };
        select(&request, &file, NOW)
    }

    #[test]
    fn ranges() {
        let cases = [
            ("0-", part(0, 99)),
            ("0-0", part(0, 0)),
            ("10-19", part(10, 19)),
            ("99-", part(99, 99)),
            ("50-1000", part(50, 99)),
            ("0-99999999999999999999999", part(0, 99)),
            ("-1", part(99, 99)),
            ("-100", part(0, 99)),
            ("-1000", part(0, 99)),
            ("100-", NONE),
            ("100-200", NONE),
            ("99999999999999999999999-", NONE),
            ("-0", NONE),
            ("5-4", WHOLE),
            ("-", WHOLE),
            ("", WHOLE),
            ("a-b", WHOLE),
            ("+1-2", WHOLE),
            ("1-2-3", WHOLE),
            ("--1", WHOLE),
            ("0-1,3-4", WHOLE),
            ("0-,0-,0-,0-", WHOLE),
        ];
        for (set, expected) in cases {
            let fields = format!("Range: bytes={set}\r\n");
            assert_eq!(selected("GET", &fields, 100), expected, "{set}");
            assert_eq!(selected("HEAD", &fields, 100), WHOLE, "HEAD {set}");
        }
        assert_eq!(selected("GET", "Range: BYTES=1-2\r\n", 100), part(1, 2));
        assert_eq!(selected("GET", "Range: lines=1-2\r\n", 100), WHOLE);
        assert_eq!(selected("GET", "Range: b\r\n", 100), WHOLE);
        assert_eq!(selected("GET", "Range: bytes=-5\r\n", 0), WHOLE);
        assert_eq!(selected("GET", "Range: bytes=0-\r\n", 0), NONE);
        let twice = "Range: bytes=0-1\r\nRange: bytes=3-4\r\n";
        assert_eq!(selected("GET", twice, 100), WHOLE);
    }

    #[test]
    fn conditions() {
        let cases = [
            ("If-None-Match: \"a,b\"", SAME),
            ("If-None-Match: W/\"a,b\"", SAME),
            ("If-None-Match: \"x\", \"a,b\"", SAME),
            ("If-None-Match: , \"x\" ,W/\"y\",\"a,b\"", SAME),
            ("If-None-Match: *", SAME),
            ("If-None-Match: \"a\"", WHOLE),
            ("If-None-Match: a,b", WHOLE),
            ("If-None-Match: \"a,b", WHOLE),
            ("If-None-Match: ", WHOLE),
            ("If-None-Match: \"x\", a", WHOLE),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", SAME),
            ("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", SAME),
            ("If-Modified-Since: Sun Nov  6 08:49:37 1994", SAME),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", WHOLE),
            ("If-Modified-Since: yesterday", WHOLE),
            // The tag goes first, and its no is a no.
            ("If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", WHOLE),
        ];
        for (field, expected) in cases {
            let fields = format!("{field}\r\nRange: lines=1\r\n");
            assert_eq!(selected("GET", &fields, 100), expected, "{field}");
            assert_eq!(selected("HEAD", &fields, 100), expected, "HEAD {field}");
            assert_eq!(selected("POST", &fields, 100), WHOLE, "POST {field}");
        }
    }

    #[test]
    fn a_range_is_resumed_only_in_the_same_file() {
        let cases = [
            ("\"a,b\"", part(5, 99)),
            ("\"other\"", WHOLE),
            ("W/\"a,b\"", WHOLE),
            ("Sun, 06 Nov 1994 08:49:37 GMT", part(5, 99)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", part(5, 99)),
            ("Sun, 06 Nov 1994 08:49:38 GMT", WHOLE),
            ("Sun, 06 Nov 1994 08:49:36 GMT", WHOLE),
            ("", WHOLE),
        ];
        for (validator, expected) in cases {
            let fields = format!("Range: bytes=5-\r\nIf-Range: {validator}\r\n");
            assert_eq!(selected("GET", &fields, 100), expected, "{validator}");
        }
    }

    #[test]
    fn a_file_of_this_second_is_not_resumed_by_its_date() {
        let text =
            b"GET / HTTP/1.0\r\nRange: bytes=5-\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        let Ok(Parsed::Request { request, .. }) = parse(text) else { panic!("a good request") };
        let file = Representation { etag: None, modified: Some(MODIFIED), length: 9 };
        assert_eq!(select(&request, &file, MODIFIED), WHOLE);
        assert_eq!(select(&request, &file, Civil(MODIFIED.0 + 1)), part(5, 8));
    }
}
