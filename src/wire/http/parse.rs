//! Bytes become a request, a refusal or *more*, whatever the cuts; `httparse` is named only here.
//!
//! On top of what `httparse` checks, a head is refused when a line ends in a bare LF, when more
//! than one empty line stands before it, when its target, Host or lengths break a rule, and when
//! it is too large. What is refused is decided in the order of the bytes, so that a part of an
//! input is never refused otherwise than the whole.
//!
//! In one thing this is more patient than `httparse`, because real phones need it: control
//! characters in the User-Agent, and bytes that are no UTF-8 in the target. Only when `httparse`
//! has refused a head is it read again from a copy in which these bytes are masked; the values
//! are then taken from the original by their place.
//!
//! Nearly every head is read in one pass (`usual`) and comes to none of this.

use httparse::{EMPTY_HEADER, Header};
use std::borrow::Cow;

use super::request::{BodyLength, Method, Request, Version};
use super::status::Status;
use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX, HEADERS_USUAL, REQUEST_LINE_BYTES_MAX};

mod fields;
mod target;
mod usual;

use fields::Fields;
use target::Target;

/// What stands at the beginning of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it was made")]
pub enum Parsed<'b> {
    /// The beginning of a head with its short form, or nothing.
    More,
    /// A whole head.
    Request {
        /// The head.
        request: Request<'b>,
        /// Bytes of it, an empty line before it and a short form behind it included; other content
        /// follows.
        length: usize,
    },
}

/// Why a head is refused. Each is the peer's fault, and after each the connection is closed,
/// because where the next request begins is not known. What we fail at is never one of these.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum RequestError {
    /// RFC 9112 section 3: not `method SP target SP version CRLF`, or no request at all.
    #[error("the request line is malformed")]
    Line,
    /// RFC 9112 section 3: longer than `REQUEST_LINE_BYTES_MAX`.
    #[error("the request line is too long")]
    LineTooLong,
    /// RFC 9112 section 2.3: another version than 1.0 or 1.1, the preface of HTTP/2 too.
    #[error("the version is not supported")]
    Version,
    /// RFC 9112 section 3.2: none of the four forms, an empty host, or a fragment.
    #[error("the request target is malformed")]
    Target,
    /// RFC 9112 section 2.2 lets us accept it, and smuggling teaches us not to.
    #[error("a line ends in a bare line feed")]
    BareLineFeed,
    /// RFC 9112 section 5: no name, white space before the colon, folding, a control character.
    #[error("a field is malformed")]
    Field,
    /// More than `HEADERS_MAX` fields.
    #[error("there are too many fields")]
    TooManyFields,
    /// More than `HEAD_BYTES_MAX`.
    #[error("the head is too large")]
    HeadTooLarge,
    /// RFC 9112 section 3.2: none in HTTP/1.1, more than one, or a malformed one.
    #[error("the Host field is missing, repeated or malformed")]
    Host,
    /// RFC 9112 section 6.3: no decimal number, more than 64 bits, or repeated.
    #[error("the Content-Length is malformed or repeated")]
    ContentLength,
    /// RFC 9112 section 6.1: the sign of a smuggled request.
    #[error("both Content-Length and Transfer-Encoding are given")]
    BothLengths,
    /// RFC 9112 sections 6.1 and 6.3: `chunked` is not the last coding, or in HTTP/1.0.
    #[error("the Transfer-Encoding does not tell where the content ends")]
    TransferEncoding,
    /// RFC 9112 section 6.1: a coding beside `chunked`.
    #[error("the transfer coding is not known")]
    Coding,
    /// RFC 9110 section 10.1.1: something else than `100-continue`.
    #[error("the expectation is not known")]
    Expectation,
}

impl From<RequestError> for Status {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Line
            | RequestError::Target
            | RequestError::BareLineFeed
            | RequestError::Field
            | RequestError::Host
            | RequestError::ContentLength
            | RequestError::BothLengths
            | RequestError::TransferEncoding => Self::BadRequest,
            RequestError::LineTooLong => Self::UriTooLong,
            RequestError::TooManyFields | RequestError::HeadTooLarge => Self::HeaderFieldsTooLarge,
            RequestError::Version => Self::VersionNotSupported,
            RequestError::Coding => Self::NotImplemented,
            RequestError::Expectation => Self::ExpectationFailed,
        }
    }
}

/// Reads the head at the beginning of `input`.
///
/// # Errors
/// The peer's; the bytes behind a refused head mean nothing.
pub fn parse(input: &[u8]) -> Result<Parsed<'_>, RequestError> {
    let Some(start) = begin(input)? else { return Ok(Parsed::More) };
    let head = match usual::read(&input[start..]) {
        Some(head) => head,
        None => match read_head(&input[start..])? {
            Some(head) => head,
            None => return Ok(Parsed::More),
        },
    };
    let Head { line, target, fields, end } = head;
    let body = fields.body(line.version)?;
    let mut length = start + end;
    let form = match fields.form(line.method, body) {
        None => None,
        Some(bytes) => {
            let Some(form) = input.get(length..length + bytes) else { return Ok(Parsed::More) };
            length += bytes;
            Some(form)
        }
    };
    let request = Request {
        method: line.method,
        target: line.target,
        path: target.path,
        args: target.args,
        version: line.version,
        keep_alive: fields.keep_alive(line.version),
        host: fields.host(line.version, target.authority)?,
        body: if form.is_some() { BodyLength::Empty } else { body },
        form,
        agent: fields.agent,
        forwarded_for: fields.forwarded_for,
        if_none_match: fields.if_none_match,
        if_modified_since: fields.if_modified_since,
        if_range: fields.if_range,
        range: fields.range,
        expect_continue: fields.expect_continue && line.version == Version::Http11,
    };
    debug_assert!(request.body != BodyLength::Bytes(0));
    Ok(Parsed::Request { request, length })
}

/// Lines and fields, read.
#[cfg_attr(test, derive(PartialEq, Debug))]
struct Head<'b> {
    line: Line<'b>,
    target: Target<'b>,
    fields: Fields<'b>,
    /// Bytes of it, the empty line at its end included.
    end: usize,
}

/// Reads any head; none while it is not whole.
fn read_head(head: &[u8]) -> Result<Option<Head<'_>>, RequestError> {
    let Some(line_end) = end_of_line(head)? else { return Ok(None) };
    let line = read_line(&head[..line_end])?;
    let target = target::split(line.method, line.target)?;
    let Some((end, count)) = end_of_fields(head, line_end)? else { return Ok(None) };
    let mut fields = Fields::default();
    read_fields(&head[line_end..end], count, &mut fields)?;
    Ok(Some(Head { line, target, fields, end }))
}

/// Where the request line begins: behind at most one empty line (RFC 9112 section 2.2).
fn begin(input: &[u8]) -> Result<Option<usize>, RequestError> {
    let start = match input {
        [] | [b'\r'] => return Ok(None),
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    };
    match input.get(start) {
        None => Ok(None),
        Some(b'\n') => Err(RequestError::BareLineFeed),
        Some(first) if IS_OF_TOKEN[usize::from(*first)] => Ok(Some(start)),
        // No need to wait for a line of what is no HTTP: a TLS greeting begins with 0x16.
        Some(_) => Err(RequestError::Line),
    }
}

/// Behind the line end of the request line, when it is there.
fn end_of_line(head: &[u8]) -> Result<Option<usize>, RequestError> {
    const WITH_END_MAX: usize = REQUEST_LINE_BYTES_MAX + 2;
    let window = &head[..head.len().min(WITH_END_MAX)];
    match memchr::memchr(b'\n', window) {
        Some(at) if at > 0 && window[at - 1] == b'\r' => Ok(Some(at + 1)),
        Some(_) => Err(RequestError::BareLineFeed),
        None if head.len() >= WITH_END_MAX => Err(RequestError::LineTooLong),
        None => Ok(None),
    }
}

/// Behind the empty line that ends the fields, and how many lines stand before it.
fn end_of_fields(head: &[u8], line_end: usize) -> Result<Option<(usize, usize)>, RequestError> {
    let window = &head[..head.len().min(HEAD_BYTES_MAX)];
    let mut from = line_end;
    let mut count = 0;
    for at in memchr::memchr_iter(b'\n', &window[line_end..]).map(|at| line_end + at) {
        if at == from || window[at - 1] != b'\r' {
            return Err(RequestError::BareLineFeed);
        }
        if at == from + 1 {
            return Ok(Some((at + 1, count)));
        }
        count += 1;
        if count > HEADERS_MAX {
            return Err(RequestError::TooManyFields);
        }
        from = at + 1;
    }
    if head.len() >= HEAD_BYTES_MAX { Err(RequestError::HeadTooLarge) } else { Ok(None) }
}

#[cfg_attr(test, derive(PartialEq, Debug))]
struct Line<'b> {
    method: Method,
    target: &'b [u8],
    version: Version,
}

/// Reads a request line that ends in CRLF.
fn read_line(line: &[u8]) -> Result<Line<'_>, RequestError> {
    let (method, target, version) = match split_line(line) {
        Err(httparse::Error::Token) if line.iter().any(|byte| *byte >= 0x80) => {
            split_line(&mask_line(line)).map_err(|error| refused_line(error, line))?
        }
        split => split.map_err(|error| refused_line(error, line))?,
    };
    Ok(Line {
        method: Method::of(&line[..method]),
        target: &line[method + 1..method + 1 + target],
        version,
    })
}

/// Lengths of method and target; one space stands between them.
fn split_line(line: &[u8]) -> Result<(usize, usize, Version), httparse::Error> {
    let mut request = httparse::Request::new(&mut []);
    // Partial, always: the fields are not in the line.
    let _ = request.parse(line)?;
    match (request.method, request.path, request.version) {
        (Some(method), Some(target), Some(0)) => Ok((method.len(), target.len(), Version::Http10)),
        (Some(method), Some(target), Some(1)) => Ok((method.len(), target.len(), Version::Http11)),
        _ => Err(httparse::Error::Version),
    }
}

/// A copy of the line whose target has a letter for each byte that is not ASCII.
fn mask_line(line: &[u8]) -> Vec<u8> {
    let method = memchr::memchr(b' ', line).unwrap_or(line.len());
    let mut masked = line.to_vec();
    masked[method..].iter_mut().filter(|byte| **byte >= 0x80).for_each(|byte| *byte = b'x');
    masked
}

/// A version of its proper form, in its place, is refused as one; the rest is no request line.
fn refused_line(error: httparse::Error, line: &[u8]) -> RequestError {
    let version = line.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
    match (error, version) {
        (
            httparse::Error::Version,
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9', b'\r', b'\n'],
        ) => RequestError::Version,
        _ => RequestError::Line,
    }
}

/// Reads the `count` fields of a block that ends in an empty line.
fn read_fields<'b>(
    block: &'b [u8],
    count: usize,
    fields: &mut Fields<'b>,
) -> Result<(), RequestError> {
    if count <= HEADERS_USUAL {
        read_fields_into(&mut [EMPTY_HEADER; HEADERS_USUAL], block, fields)
    } else {
        read_fields_into(&mut [EMPTY_HEADER; HEADERS_MAX], block, fields)
    }
}

fn read_fields_into<'b, const N: usize>(
    headers: &mut [Header<'b>; N],
    block: &'b [u8],
    fields: &mut Fields<'b>,
) -> Result<(), RequestError> {
    match httparse::parse_headers(block, headers) {
        Ok(httparse::Status::Complete((_, found))) => {
            found.iter().try_for_each(|field| fields.take(field.name.as_bytes(), field.value))
        }
        Err(httparse::Error::HeaderValue) => read_masked_fields::<N>(block, fields),
        _ => Err(RequestError::Field),
    }
}

#[cold]
fn read_masked_fields<'b, const N: usize>(
    block: &'b [u8],
    fields: &mut Fields<'b>,
) -> Result<(), RequestError> {
    let Cow::Owned(masked) = mask_agent(block) else { return Err(RequestError::Field) };
    let mut headers = [EMPTY_HEADER; N];
    let Ok(httparse::Status::Complete((_, found))) = httparse::parse_headers(&masked, &mut headers)
    else {
        return Err(RequestError::Field);
    };
    for field in found {
        // The copy is as long as the original: what stands in one stands there in the other.
        let at = field.value.as_ptr().addr() - masked.as_ptr().addr();
        fields.take(field.name.as_bytes(), &block[at..at + field.value.len()])?;
    }
    Ok(())
}

/// The block with a letter for each control character in a User-Agent, which real phones send
/// (`AVAYA/SIP12x0\x17/04.00.04.00`); NUL, CR and LF stay and are refused.
fn mask_agent(block: &[u8]) -> Cow<'_, [u8]> {
    const NAME: &[u8] = b"user-agent:";
    let mut masked = Cow::Borrowed(block);
    let mut from = 0;
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        let is_agent = line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
        for (at, byte) in line.iter().enumerate() {
            let is_bad = matches!(byte, 1..=8 | 11 | 12 | 14..=31 | 127);
            if is_agent && is_bad {
                masked.to_mut()[from + at] = b'x';
            }
        }
        from += line.len();
    }
    masked
}

/// What a token is made of (RFC 9110 section 5.6.2), for each byte.
const IS_OF_TOKEN: [bool; 256] =
    table(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~");

/// For each byte whether it is one of these.
const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http::tests::samples::GOOD;

    /// Changed anywhere, a head that the reader of the usual ones takes means what it means to the
    /// careful one.
    #[test]
    fn both_readers_agree() {
        const BYTES: &[u8] = b"\0\t\n\r !#%/09:?AZaz\x7f\x80\xff";
        let mut taken = 0;
        for sample in GOOD {
            let mut input = sample.to_vec();
            for (at, byte) in (0..sample.len()).flat_map(|at| BYTES.iter().map(move |b| (at, b))) {
                input[at] = *byte;
                if let Some(usual) = usual::read(&input) {
                    let text = input.escape_ascii();
                    let careful = read_head(&input).unwrap_or_else(|e| panic!("{text}: {e}"));
                    assert_eq!(Some(usual), careful, "{text}");
                    taken += 1;
                }
                input[at] = sample[at];
            }
            assert!(usual::read(&sample[..sample.len() - 1]).is_none());
        }
        assert!(taken > 5000, "{taken}");
    }
}
