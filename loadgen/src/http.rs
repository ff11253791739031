//! The phones' side of HTTP/1.1, sans-IO: requests are written, answers are read strictly.

use crate::limits::{ANSWER_HEAD_BYTES_MAX, ANSWER_HEADERS_MAX};

/// A request that is about to be written.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `PUT` or `POST`.
    pub method: &'a str,
    /// Path with its leading slash.
    pub path: &'a str,
    /// The server, as `Host` has it.
    pub host: &'a str,
    /// The User-Agent; none when empty.
    pub agent: &'a str,
    /// Whether the connection may be used again.
    pub keep_alive: bool,
    /// Content of a PUT or a POST.
    pub content: Option<&'a [u8]>,
    /// Whether the content is a form.
    pub is_form: bool,
}

impl Request<'_> {
    /// The bytes to send (RFC 9112 sections 3 and 5).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { method, path, host, agent, .. } = self;
        let length = self.content.map(|content| content.len().to_string());
        let fields = [
            ("Host", Some(*host)),
            ("User-Agent", (!agent.is_empty()).then_some(*agent)),
            ("Accept", Some("*/*")),
            ("Connection", (!self.keep_alive).then_some("close")),
            ("Content-Type", self.is_form.then_some("application/x-www-form-urlencoded")),
            ("Content-Length", length.as_deref()),
        ];
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in fields {
            if let Some(value) = value {
                head.extend([name, ": ", value, "\r\n"]);
            }
        }
        head += "\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.content.unwrap_or_default());
        bytes
    }
}

/// The server broke the rules of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    /// Not a status line and fields (RFC 9112 sections 4 and 5).
    #[error("malformed answer head")]
    Head,
    /// The head is longer than any server's.
    #[error("answer head too long")]
    HeadTooLong,
    /// Neither a length nor a status that has no content: phones need it.
    #[error("answer without Content-Length")]
    NoLength,
    /// A length that is no number, or two that differ (RFC 9112 section 6.3).
    #[error("answer with an invalid Content-Length")]
    Length,
    /// A coding that was not asked for and that phones do not know.
    #[error("answer with Transfer-Encoding")]
    Coding,
    /// Bytes after the content of the only answer that is due.
    #[error("bytes after the answer")]
    Surplus,
}

/// What the status line and the fields say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Length of the content, in bytes.
    pub length: u64,
    /// Whether the server keeps the connection (RFC 9112 section 9.3).
    pub keep_alive: bool,
}

/// Reads one answer that comes in pieces.
#[derive(Debug, Default)]
pub struct Reader {
    /// Bytes of an unfinished head.
    spill: Vec<u8>,
    head: Option<Head>,
    remaining: u64,
}

impl Reader {
    /// Takes a piece, gives its content to `content`, and says whether the answer is complete.
    ///
    /// # Errors
    /// [`Malformed`]: the connection cannot be used any more.
    pub fn feed(
        &mut self,
        piece: &[u8],
        content: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, Malformed> {
        if self.head.is_some() {
            return self.content(piece, content);
        }
        self.spill.extend_from_slice(piece);
        let spill = std::mem::take(&mut self.spill);
        let mut rest = spill.as_slice();
        while let Some((head, len)) = parse(rest)? {
            rest = &rest[len..];
            // An interim answer comes before the final one (RFC 9110 section 15.2).
            if head.status >= 200 {
                self.head = Some(head);
                self.remaining = head.length;
                return self.content(rest, content);
            }
        }
        if rest.len() > ANSWER_HEAD_BYTES_MAX {
            return Err(Malformed::HeadTooLong);
        }
        self.spill = rest.to_vec();
        Ok(false)
    }

    /// The head, as soon as it is there.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// Whether any byte of the answer came.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.head.is_some() || !self.spill.is_empty()
    }

    fn content(&mut self, piece: &[u8], content: &mut dyn FnMut(&[u8])) -> Result<bool, Malformed> {
        self.remaining =
            self.remaining.checked_sub(piece.len() as u64).ok_or(Malformed::Surplus)?;
        if !piece.is_empty() {
            content(piece);
        }
        Ok(self.remaining == 0)
    }
}

/// The head that `bytes` begin with and its length; none when they are only a part of one.
///
/// # Errors
/// [`Malformed`]: the connection cannot be used any more.
pub fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Malformed> {
    let mut fields = [httparse::EMPTY_HEADER; ANSWER_HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut fields);
    match answer.parse(bytes) {
        Err(httparse::Error::TooManyHeaders) => Err(Malformed::HeadTooLong),
        Err(_) => Err(Malformed::Head),
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(len)) if len > ANSWER_HEAD_BYTES_MAX => {
            Err(Malformed::HeadTooLong)
        }
        Ok(httparse::Status::Complete(len)) => head(&answer).map(|head| Some((head, len))),
    }
}

fn head(answer: &httparse::Response<'_, '_>) -> Result<Head, Malformed> {
    let status = answer.code.filter(|code| (100..600).contains(code)).ok_or(Malformed::Head)?;
    // RFC 9110 sections 15.2, 15.3.5 and 15.4.5: these have no content whatever the fields say.
    let bare = status < 200 || status == 204 || status == 304;
    let mut length = None;
    let mut keep_alive = answer.version == Some(1);
    for field in answer.headers.iter() {
        if field.name.eq_ignore_ascii_case("content-length") {
            let value = decimal(field.value)?;
            if length.is_some_and(|earlier| earlier != value) {
                return Err(Malformed::Length);
            }
            length = Some(value);
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Malformed::Coding);
        } else if field.name.eq_ignore_ascii_case("connection") {
            keep_alive = kept(field.value, keep_alive);
        }
    }
    let length = if bare { 0 } else { length.ok_or(Malformed::NoLength)? };
    Ok(Head { status, length, keep_alive })
}

/// RFC 9110 section 8.6: `Content-Length = 1*DIGIT`.
fn decimal(value: &[u8]) -> Result<u64, Malformed> {
    let digits = value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).map_err(|_| Malformed::Length)?;
    text.parse().ok().filter(|_| digits).ok_or(Malformed::Length)
}

fn kept(value: &[u8], otherwise: bool) -> bool {
    let mut kept = otherwise;
    for option in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
        if option.eq_ignore_ascii_case(b"close") {
            return false;
        }
        kept |= option.eq_ignore_ascii_case(b"keep-alive");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Result<Option<(Head, Vec<u8>)>, Malformed>;

    fn read(pieces: &[&[u8]]) -> Read {
        let mut reader = Reader::default();
        let mut body = Vec::new();
        let mut done = false;
        for piece in pieces {
            done = reader.feed(piece, &mut |bytes| body.extend_from_slice(bytes))?;
        }
        Ok(reader.head().filter(|_| done).map(|head| (head, body)))
    }

    /// The answer whole; and cut at every byte it must be the same.
    fn read_cut(text: &str) -> Read {
        let whole = read(&[text.as_bytes()]);
        for cut in 1..text.len() {
            let (left, right) = text.as_bytes().split_at(cut);
            assert_eq!(read(&[left, right]), whole, "{text:?} cut at {cut}");
        }
        whole
    }

    fn head(status: u16, length: u64, keep_alive: bool) -> Head {
        Head { status, length, keep_alive }
    }

    #[test]
    fn reads_what_servers_answer() {
        for (text, wanted, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", head(200, 5, true), "hello"),
            ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", head(404, 0, true), ""),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", head(200, 1, false), "x"),
            (
                "HTTP/1.1 201 \r\nContent-Length:0\r\nConnection: Close\r\n\r\n",
                head(201, 0, false),
                "",
            ),
            ("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", head(304, 0, true), ""),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
                head(200, 2, true),
                "ab",
            ),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
                head(204, 0, true),
                "",
            ),
        ] {
            assert_eq!(read_cut(text), Ok(Some((wanted, body.as_bytes().to_vec()))), "{text}");
        }
    }

    #[test]
    fn says_more_for_a_part() {
        assert_eq!(read_cut("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"), Ok(None));
        assert_eq!(read_cut("HTTP/1.1 200 OK\r\nContent-Le"), Ok(None));
    }

    #[test]
    fn refuses_what_phones_cannot_read() {
        for (text, wanted) in [
            ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", Malformed::NoLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n", Malformed::Length),
            ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", Malformed::Length),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                Malformed::Length,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Malformed::Coding),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", Malformed::Surplus),
            ("HTTP/2 200 OK\r\n\r\n", Malformed::Head),
            ("hello\r\n\r\n", Malformed::Head),
        ] {
            assert_eq!(read(&[text.as_bytes()]), Err(wanted), "{text}");
        }
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(ANSWER_HEAD_BYTES_MAX));
        assert_eq!(read(&[long.as_bytes()]), Err(Malformed::HeadTooLong));
    }

    #[test]
    fn writes_a_request() {
        let mut request = Request {
            method: "GET",
            path: "/0015654aa937.cfg",
            host: "10.0.0.1:8667",
            agent: "Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37",
            keep_alive: true,
            content: None,
            is_form: false,
        };
        assert_eq!(
            String::from_utf8_lossy(&request.to_bytes()),
            "GET /0015654aa937.cfg HTTP/1.1\r\nHost: 10.0.0.1:8667\r\n\
             User-Agent: Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37\r\nAccept: */*\r\n\r\n"
        );
        request.method = "PUT";
        request.agent = "";
        request.keep_alive = false;
        request.content = Some(b"log");
        assert_eq!(
            String::from_utf8_lossy(&request.to_bytes()),
            "PUT /0015654aa937.cfg HTTP/1.1\r\nHost: 10.0.0.1:8667\r\nAccept: */*\r\n\
             Connection: close\r\nContent-Length: 3\r\n\r\nlog"
        );
    }
}
