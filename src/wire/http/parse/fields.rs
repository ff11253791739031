//! Of all fields the few that count, each held to its own rule about being repeated.

use super::{RequestError, target};
use crate::limits::FORM_BYTES_MAX;
use crate::wire::http::{BodyLength, Method, Version};

/// What the fields say, gathered one by one.
#[derive(Default)]
#[cfg_attr(test, derive(PartialEq, Debug))]
pub struct Fields<'b> {
    pub agent: Option<&'b [u8]>,
    pub forwarded_for: Option<&'b [u8]>,
    pub if_none_match: Option<&'b [u8]>,
    pub if_modified_since: Option<&'b [u8]>,
    pub if_range: Option<&'b [u8]>,
    pub range: Option<&'b [u8]>,
    pub expect_continue: bool,
    is_form: bool,
    host: Option<&'b [u8]>,
    length: Option<u64>,
    coding: Coding,
    says_close: bool,
    says_keep_alive: bool,
}

/// The transfer codings so far.
#[derive(Clone, Copy, Default)]
#[cfg_attr(test, derive(PartialEq, Debug))]
enum Coding {
    #[default]
    None,
    /// `chunked` alone.
    Chunked,
    /// Others, and no `chunked` yet.
    Others,
    /// Others, and `chunked` as the last.
    OthersChunked,
    /// Something stands behind `chunked`.
    Endless,
}

impl<'b> Fields<'b> {
    /// Takes one field in.
    ///
    /// # Errors
    /// A field that decides about framing or routing is malformed or repeated.
    pub fn take(&mut self, name: &[u8], value: &'b [u8]) -> Result<(), RequestError> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            4 if is("host") => self.take_host(value)?,
            5 if is("range") => once(&mut self.range, value),
            6 if is("expect") => self.take_expect(value)?,
            8 if is("if-range") => once(&mut self.if_range, value),
            10 if is("user-agent") => {
                self.agent = self.agent.or(Some(value).filter(|agent| !agent.is_empty()));
            }
            10 if is("connection") => self.take_connection(value),
            12 if is("content-type") => self.take_type(value),
            13 if is("if-none-match") => {
                self.if_none_match = self.if_none_match.or(Some(value));
            }
            14 if is("content-length") => self.take_length(value)?,
            15 if is("x-forwarded-for") => self.forwarded_for = Some(value),
            17 if is("if-modified-since") => once(&mut self.if_modified_since, value),
            17 if is("transfer-encoding") => self.take_coding(value),
            _ => {}
        }
        Ok(())
    }

    /// Whether the connection is kept after the answer (RFC 9112 section 9.3).
    pub fn keep_alive(&self, version: Version) -> bool {
        match version {
            Version::Http10 => self.says_keep_alive && !self.says_close,
            Version::Http11 => !self.says_close,
        }
    }

    /// The host: the target's own where it has one (RFC 9112 section 3.2.2).
    ///
    /// # Errors
    /// HTTP/1.1 without a Host field, whatever the target says.
    pub fn host(
        &self,
        version: Version,
        authority: Option<&'b [u8]>,
    ) -> Result<Option<&'b [u8]>, RequestError> {
        match (version, self.host) {
            (Version::Http11, None) => Err(RequestError::Host),
            (_, host) => Ok(authority.or(host)),
        }
    }

    /// How much content follows (RFC 9112 section 6.3).
    ///
    /// # Errors
    /// It cannot be told, or two fields tell it.
    pub fn body(&self, version: Version) -> Result<BodyLength, RequestError> {
        match (self.coding, self.length) {
            (Coding::None, None | Some(0)) => Ok(BodyLength::Empty),
            (Coding::None, Some(length)) => Ok(BodyLength::Bytes(length)),
            (_, Some(_)) => Err(RequestError::BothLengths),
            (Coding::Others | Coding::Endless, None) => Err(RequestError::TransferEncoding),
            (_, None) if version == Version::Http10 => Err(RequestError::TransferEncoding),
            (Coding::OthersChunked, None) => Err(RequestError::Coding),
            (Coding::Chunked, None) => Ok(BodyLength::Chunked),
        }
    }

    /// Bytes of a form that is waited for: with `100-continue` it is not sent before an answer.
    pub fn form(&self, method: Method, body: BodyLength) -> Option<usize> {
        let BodyLength::Bytes(length) = body else { return None };
        let length = usize::try_from(length).ok().filter(|length| *length <= FORM_BYTES_MAX);
        length.filter(|_| method == Method::Post && self.is_form && !self.expect_continue)
    }

    fn take_type(&mut self, value: &[u8]) {
        const FORM: &[u8] = b"application/x-www-form-urlencoded";
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        self.is_form = value[..end].trim_ascii_end().eq_ignore_ascii_case(FORM);
    }

    fn take_host(&mut self, value: &'b [u8]) -> Result<(), RequestError> {
        if self.host.is_some() || !target::is_authority(value) {
            return Err(RequestError::Host);
        }
        self.host = Some(value);
        Ok(())
    }

    fn take_expect(&mut self, value: &[u8]) -> Result<(), RequestError> {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(RequestError::Expectation);
        }
        self.expect_continue = true;
        Ok(())
    }

    fn take_connection(&mut self, value: &[u8]) {
        for option in elements(value) {
            self.says_close |= option.eq_ignore_ascii_case(b"close");
            self.says_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// `1*DIGIT`, once: a list of equal numbers may be refused too (RFC 9112 section 6.3).
    fn take_length(&mut self, value: &[u8]) -> Result<(), RequestError> {
        if self.length.is_some() || value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(RequestError::ContentLength);
        }
        let digits = std::str::from_utf8(value).map_err(|_| RequestError::ContentLength)?;
        self.length = Some(digits.parse().map_err(|_| RequestError::ContentLength)?);
        Ok(())
    }

    fn take_coding(&mut self, value: &[u8]) {
        for coding in elements(value) {
            let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
            self.coding = match (self.coding, is_chunked) {
                (Coding::None, true) => Coding::Chunked,
                (Coding::Others, true) => Coding::OthersChunked,
                (Coding::None | Coding::Others, false) => Coding::Others,
                _ => Coding::Endless,
            };
        }
    }
}

/// Keeps a value that may stand there once; a second makes it an empty one.
fn once<'b>(slot: &mut Option<&'b [u8]>, value: &'b [u8]) {
    *slot = Some(if slot.is_some() { b"" } else { value });
}

/// The elements of a comma-separated list, trimmed (RFC 9110 section 5.6.1).
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}
