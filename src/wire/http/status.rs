//! The statuses that a phone is ever answered, and no others.

/// A status of an answer (RFC 9110 section 15, RFC 6585 for 429 and 431).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u16)]
pub enum Status {
    /// The whole of what was asked for.
    Ok = 200,
    /// Done, and there is nothing to say.
    NoContent = 204,
    /// The part that was asked for.
    PartialContent = 206,
    /// What the phone has is what we have.
    NotModified = 304,
    /// The request is no HTTP, or breaks its rules.
    BadRequest = 400,
    /// There is something, and it is not for this phone.
    Forbidden = 403,
    /// A third of a boot: a fallback that is meant to be missing.
    NotFound = 404,
    /// The method does not fit the target; `Allow` says which do.
    MethodNotAllowed = 405,
    /// The head did not come whole in time.
    RequestTimeout = 408,
    /// The content is more than is taken.
    ContentTooLarge = 413,
    /// The request line is longer than `REQUEST_LINE_BYTES_MAX`.
    UriTooLong = 414,
    /// The range begins behind the end.
    RangeNotSatisfiable = 416,
    /// An expectation other than `100-continue`.
    ExpectationFailed = 417,
    /// Too many distinct unknown phones from one source.
    TooManyRequests = 429,
    /// The head is larger than `HEAD_BYTES_MAX`, or has more fields than `HEADERS_MAX`.
    HeaderFieldsTooLarge = 431,
    /// Our fault.
    InternalError = 500,
    /// A method or a transfer coding that is not known here.
    NotImplemented = 501,
    /// Not now.
    ServiceUnavailable = 503,
    /// Neither HTTP/1.0 nor HTTP/1.1.
    VersionNotSupported = 505,
}

impl Status {
    /// The three digits.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The status line with its version and line end: what a head begins with.
    #[must_use]
    pub const fn line(self) -> &'static [u8] {
        match self {
            Self::Ok => b"HTTP/1.1 200 OK\r\n",
            Self::NoContent => b"HTTP/1.1 204 No Content\r\n",
            Self::PartialContent => b"HTTP/1.1 206 Partial Content\r\n",
            Self::NotModified => b"HTTP/1.1 304 Not Modified\r\n",
            Self::BadRequest => b"HTTP/1.1 400 Bad Request\r\n",
            Self::Forbidden => b"HTTP/1.1 403 Forbidden\r\n",
            Self::NotFound => b"HTTP/1.1 404 Not Found\r\n",
            Self::MethodNotAllowed => b"HTTP/1.1 405 Method Not Allowed\r\n",
            Self::RequestTimeout => b"HTTP/1.1 408 Request Timeout\r\n",
            Self::ContentTooLarge => b"HTTP/1.1 413 Content Too Large\r\n",
            Self::UriTooLong => b"HTTP/1.1 414 URI Too Long\r\n",
            Self::RangeNotSatisfiable => b"HTTP/1.1 416 Range Not Satisfiable\r\n",
            Self::ExpectationFailed => b"HTTP/1.1 417 Expectation Failed\r\n",
            Self::TooManyRequests => b"HTTP/1.1 429 Too Many Requests\r\n",
            Self::HeaderFieldsTooLarge => b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
            Self::InternalError => b"HTTP/1.1 500 Internal Server Error\r\n",
            Self::NotImplemented => b"HTTP/1.1 501 Not Implemented\r\n",
            Self::ServiceUnavailable => b"HTTP/1.1 503 Service Unavailable\r\n",
            Self::VersionNotSupported => b"HTTP/1.1 505 HTTP Version Not Supported\r\n",
        }
    }

    /// Whether an answer of this status may be followed by content (RFC 9110 section 6.4.1).
    #[must_use]
    pub const fn has_content(self) -> bool {
        !matches!(self, Self::NoContent | Self::NotModified)
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn a_status_line_holds_its_own_code() {
        for status in [Status::Ok, Status::NotFound, Status::HeaderFieldsTooLarge] {
            let line = std::str::from_utf8(status.line()).unwrap();
            assert!(line.starts_with(&format!("HTTP/1.1 {} ", status.code())), "{line}");
            assert!(line.ends_with("\r\n"));
        }
    }
}
