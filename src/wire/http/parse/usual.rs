//! The head that nearly every phone sends, read in one pass: a GET of a path in ASCII, few fields,
//! no control character.
//!
//! Whatever is not just that is none of this reader's; the careful one reads it from its beginning
//! and says what it is. What this one takes means the same to both.

use super::fields::Fields;
use super::target::Target;
use super::{Head, IS_OF_TOKEN, Line};
use crate::limits::{HEADERS_USUAL, REQUEST_LINE_BYTES_MAX};
use crate::wire::http::{Method, Version};

/// Reads a whole head; none where it is another kind, or not whole.
pub fn read(head: &[u8]) -> Option<Head<'_>> {
    let window = &head[..head.len().min(REQUEST_LINE_BYTES_MAX)];
    let target = window.strip_prefix(b"GET ")?;
    let (path_end, end) = ends_of_target(target)?;
    let (target, rest) = target.split_at(end);
    let (version, mut rest) = match rest.strip_prefix(b" HTTP/1.1\r\n") {
        Some(rest) => (Version::Http11, rest),
        None => (Version::Http10, rest.strip_prefix(b" HTTP/1.0\r\n")?),
    };
    let mut fields = Fields::default();
    for _ in 0..=HEADERS_USUAL {
        if let Some(content) = rest.strip_prefix(b"\r\n") {
            let (path, args) = (&target[..path_end], target.get(path_end + 1..));
            return Some(Head {
                line: Line { method: Method::Get, target, version },
                target: Target { path, args: args.unwrap_or_default(), authority: None },
                fields,
                end: window.len() - content.len(),
            });
        }
        let colon = rest.iter().position(|&byte| !IS_OF_TOKEN[usize::from(byte)])?;
        let (name, value) = rest.split_at(colon);
        let value = value.strip_prefix(b":").filter(|_| !name.is_empty())?;
        let (value, behind) = value.split_at(first_control(value)?);
        rest = behind.strip_prefix(b"\r\n")?;
        fields.take(name, value.trim_ascii()).ok()?;
    }
    None
}

/// Where the path ends, and where the target does. A fragment is none of ours.
fn ends_of_target(target: &[u8]) -> Option<(usize, usize)> {
    if target.first() != Some(&b'/') {
        return None;
    }
    let is_of_it = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    let end = target.iter().position(|&byte| !is_of_it(byte))?;
    let path_end = target[..end].iter().position(|&byte| byte == b'?');
    Some((path_end.unwrap_or(end), end))
}

/// The place of the first control character, the tab among them. Eight bytes are looked at in a
/// step.
fn first_control(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The high bit of each byte that is below 0x20 or is 0x7f. A borrow may mark others, but only
    // those behind one that is marked by right.
    let controls = |word: u64| {
        let is_del = word ^ (ONES * 0x7f);
        let below = word.wrapping_sub(ONES * 0x20) & !word;
        let del = is_del.wrapping_sub(ONES) & !is_del;
        (below | del) & HIGHS
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let found = controls(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(8 * at + found.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(u8::is_ascii_control)?;
    Some(bytes.len() - rest.len() + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_control_character_is_found() {
        for len in 1..20 {
            for (at, byte) in (0..len).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                for others in *b"x \x80\xff\x1f\x7f" {
                    let mut bytes = vec![others; len];
                    bytes[at] = byte;
                    let first = bytes.iter().position(u8::is_ascii_control);
                    assert_eq!(first_control(&bytes), first, "{}", bytes.escape_ascii());
                }
            }
        }
    }
}
