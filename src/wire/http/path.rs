//! A raw path is decoded once, and what comes out never climbs, never hides a control character.

use super::status::Status;

/// Why a path names nothing; the peer's fault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a slash.
    #[error("the path is not absolute")]
    NotAbsolute,
    /// A percent sign without two hexadecimal digits (RFC 3986 section 2.1).
    #[error("a percent-escape is malformed")]
    Escape,
    /// A control character, NUL too, as such or behind an escape.
    #[error("a control character is in the path")]
    Control,
    /// A slash behind an escape: a name that no file has.
    #[error("an escaped slash is in the path")]
    EscapedSlash,
    /// A segment `.` or `..`, as such or behind escapes.
    #[error("a dot segment is in the path")]
    DotSegment,
}

impl From<PathError> for Status {
    fn from(error: PathError) -> Self {
        match error {
            PathError::NotAbsolute
            | PathError::Escape
            | PathError::Control
            | PathError::DotSegment => Self::BadRequest,
            PathError::EscapedSlash => Self::NotFound,
        }
    }
}

/// Decodes the raw path of a request once, and makes one slash of several. The result begins with
/// a slash and has no empty segment but perhaps the last. `buffer` is overwritten only when
/// the path is not plain.
///
/// # Errors
/// The peer's; each is refused before anything looks for a file.
pub fn decode_path<'b>(raw: &'b [u8], buffer: &'b mut Vec<u8>) -> Result<&'b [u8], PathError> {
    if raw.first() != Some(&b'/') {
        return Err(PathError::NotAbsolute);
    }
    // One look at each byte behind the first tells that all is well with nearly every path; no
    // branch, so that many bytes are looked at in a step.
    let is_odd = raw.iter().zip(&raw[1..]).fold(false, |is_odd, (&before, &byte)| {
        let is_bad = (byte == b'%') | (byte < b' ') | (byte == 0x7f);
        is_odd | is_bad | ((before == b'/') & ((byte == b'/') | (byte == b'.')))
    });
    if !is_odd {
        return Ok(raw);
    }
    decode_into(raw, buffer)?;
    let path = buffer.as_slice();
    if path.iter().any(u8::is_ascii_control) {
        return Err(PathError::Control);
    }
    if path.split(|byte| *byte == b'/').any(|segment| matches!(segment, b"." | b"..")) {
        return Err(PathError::DotSegment);
    }
    Ok(path)
}

/// Decodes one segment of a raw path. One with a malformed escape, or an escaped slash, stays as it
/// is: it is looked up among names that have no percent sign. `buffer` is overwritten only when
/// something has to be decoded.
pub fn decode_segment<'b>(raw: &'b [u8], buffer: &'b mut Vec<u8>) -> &'b [u8] {
    if !raw.contains(&b'%') || decode_into(raw, buffer).is_err() { raw } else { buffer }
}

fn decode_into(mut raw: &[u8], buffer: &mut Vec<u8>) -> Result<(), PathError> {
    buffer.clear();
    while let [first, rest @ ..] = raw {
        raw = rest;
        let byte = match first {
            b'%' => {
                let (escape, rest) = rest.split_first_chunk::<2>().ok_or(PathError::Escape)?;
                raw = rest;
                decode_escape(*escape)?
            }
            byte => *byte,
        };
        if byte != b'/' || buffer.last() != Some(&b'/') {
            buffer.push(byte);
        }
    }
    Ok(())
}

fn decode_escape(escape: [u8; 2]) -> Result<u8, PathError> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(PathError::Escape),
    };
    match digit(escape[0])? * 16 + digit(escape[1])? {
        b'/' => Err(PathError::EscapedSlash),
        byte => Ok(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_paths_are_decoded_once() {
        let cases: [(&[u8], &[u8]); 9] = [
            (b"/", b"/"),
            (b"/y000000000028.cfg", b"/y000000000028.cfg"),
            (b"//SEP00562B043615.cnf.xml", b"/SEP00562B043615.cnf.xml"),
            (b"/Aastra///00085D237429.cfg", b"/Aastra/00085D237429.cfg"),
            (b"/tftp%20boot/a+b.bin", b"/tftp boot/a+b.bin"),
            (b"/%252e%252e/x", b"/%2e%2e/x"),
            (b"/gr%C3%bc%FFn", b"/gr\xc3\xbc\xffn"),
            (b"/.hidden/..x/...", b"/.hidden/..x/..."),
            (b"/Polycom/", b"/Polycom/"),
        ];
        let mut buffer = b"left over".to_vec();
        for (raw, path) in cases {
            assert_eq!(decode_path(raw, &mut buffer), Ok(path), "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn what_climbs_or_hides_is_refused() {
        let cases: [(&[u8], PathError); 17] = [
            (b"", PathError::NotAbsolute),
            (b"*", PathError::NotAbsolute),
            (b"a/b", PathError::NotAbsolute),
            (b"/%", PathError::Escape),
            (b"/%4", PathError::Escape),
            (b"/%4g", PathError::Escape),
            (b"/%-1", PathError::Escape),
            (b"/a%00.cfg", PathError::Control),
            (b"/a%0d%0ab", PathError::Control),
            (b"/a%7f", PathError::Control),
            (b"/..", PathError::DotSegment),
            (b"/a/../b", PathError::DotSegment),
            (b"/%2e%2E/etc/passwd", PathError::DotSegment),
            (b"/./a", PathError::DotSegment),
            (b"//../a", PathError::DotSegment),
            (b"/..%2f..%2fetc", PathError::EscapedSlash),
            (b"/a/.%2E", PathError::DotSegment),
        ];
        let mut buffer = Vec::new();
        for (raw, error) in cases {
            assert_eq!(decode_path(raw, &mut buffer), Err(error), "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn a_segment_is_decoded_once() {
        let mut buffer = b"left over".to_vec();
        for (raw, segment) in [
            ("key-of-a", "key-of-a"),
            ("key%24of%7ea", "key$of~a"),
            ("%2524", "%24"),
            ("key%2fa", "key%2fa"),
            ("key%2", "key%2"),
            ("", ""),
        ] {
            assert_eq!(decode_segment(raw.as_bytes(), &mut buffer), segment.as_bytes(), "{raw}");
        }
    }

    #[test]
    fn a_plain_path_is_not_copied() {
        let mut buffer = Vec::new();
        let raw = b"/0004f2aabbcc.cfg";
        let path = decode_path(raw, &mut buffer).unwrap();
        assert_eq!(path.as_ptr(), raw.as_ptr());
        assert_eq!(buffer.capacity(), 0);
    }
}
