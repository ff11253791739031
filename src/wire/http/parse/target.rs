//! A request target in any of its forms becomes a path, and a host that is empty is refused.

use std::net::Ipv6Addr;

use super::{RequestError, table};
use crate::wire::http::Method;

/// The parts of a request target.
#[cfg_attr(test, derive(PartialEq, Debug))]
pub struct Target<'b> {
    pub path: &'b [u8],
    pub args: &'b [u8],
    pub authority: Option<&'b [u8]>,
}

/// Takes a target apart (RFC 9112 section 3.2).
///
/// # Errors
/// No origin-form, absolute-form of `http` or `https`, or `*` of OPTIONS; or a fragment.
pub fn split(method: Method, target: &[u8]) -> Result<Target<'_>, RequestError> {
    if target.contains(&b'#') {
        return Err(RequestError::Target);
    }
    match target {
        b"*" if method == Method::Options => {
            Ok(Target { path: target, args: b"", authority: None })
        }
        [b'/', ..] => {
            let (path, args) = split_query(target);
            Ok(Target { path, args, authority: None })
        }
        _ => split_absolute(target),
    }
}

/// Whether a value is `uri-host [ ":" port ]` (RFC 9110 section 7.2), which may be empty.
pub fn is_authority(value: &[u8]) -> bool {
    if let [b'[', literal @ ..] = value {
        let Some(end) = memchr::memchr(b']', literal) else { return false };
        return is_ipv6(&literal[..end]) && is_port(&literal[end + 1..]);
    }
    let end = memchr::memchr(b':', value).unwrap_or(value.len());
    is_name(&value[..end]) && is_port(&value[end..])
}

fn split_query(target: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, b""),
    }
}

/// `http://host:port/path?query`, as a client with a proxy writes it, and some phones without.
fn split_absolute(target: &[u8]) -> Result<Target<'_>, RequestError> {
    let rest = [b"http://".as_slice(), b"https://"]
        .iter()
        .find_map(|scheme| {
            let (start, rest) = target.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(rest)
        })
        .ok_or(RequestError::Target)?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    // RFC 9110 section 4.2.1: an empty host must be refused.
    if !is_authority(authority) || matches!(authority, [] | [b':', ..]) {
        return Err(RequestError::Target);
    }
    let (path, args) = split_query(rest);
    let path = if path.is_empty() { b"/" } else { path };
    Ok(Target { path, args, authority: Some(authority) })
}

/// `reg-name` of RFC 3986 section 3.2.2, to which every IPv4 address belongs.
fn is_name(mut name: &[u8]) -> bool {
    while let [first, rest @ ..] = name {
        name = match (first, rest) {
            (byte, _) if IS_OF_NAME[usize::from(*byte)] => rest,
            (b'%', [high, low, rest @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                rest
            }
            _ => return false,
        };
    }
    true
}

/// `unreserved / sub-delims` of RFC 3986 section 2, for each byte.
const IS_OF_NAME: [bool; 256] =
    table(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=");

fn is_ipv6(literal: &[u8]) -> bool {
    std::str::from_utf8(literal).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Nothing, or a colon and a number of 16 bits, which may be empty.
fn is_port(rest: &[u8]) -> bool {
    match rest {
        [] | [b':'] => true,
        [b':', digits @ ..] => {
            let add = |number: u16, digit: &u8| {
                let digit = char::from(*digit).to_digit(10)?;
                number.checked_mul(10)?.checked_add(u16::try_from(digit).ok()?)
            };
            digits.iter().try_fold(0, add).is_some()
        }
        _ => false,
    }
}
