//! A request's head as slices of the bytes that were received; nothing of it is copied.

/// What a request wants done (RFC 9110 section 9). Names are case-sensitive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// A file.
    Get,
    /// A file's head.
    Head,
    /// Content for a handler.
    Post,
    /// Content to be kept under this name: logs and settings that phones upload.
    Put,
    /// To remove a file: Avaya phones and their backups.
    Delete,
    /// What can be done.
    Options,
    /// Any other; 501 is its answer (RFC 9110 section 15.6.2).
    Other,
}

/// Version of the protocol that the peer speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Version {
    /// HTTP/1.0: one request a connection, unless `Connection: keep-alive` says more.
    Http10,
    /// HTTP/1.1: kept, unless `Connection: close` says otherwise.
    Http11,
}

/// How much content follows a head (RFC 9112 section 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BodyLength {
    /// None.
    Empty,
    /// This many bytes, at least one.
    Bytes(u64),
    /// In chunks, each with its length.
    Chunked,
}

/// What an answer says about the connection's future (RFC 9112 section 9.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Persistence {
    /// It is kept, and HTTP/1.1 needs no word for it.
    Kept,
    /// It is kept, and HTTP/1.0 must be told so.
    KeptAlive,
    /// It is closed after the answer.
    Close,
}

/// One request's head. Values are trimmed of white space; a field that must not be repeated and
/// is repeated reads as an empty one, which no condition matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request<'b> {
    /// What is wanted.
    pub method: Method,
    /// The request target as it came (RFC 9112 section 3.2).
    pub target: &'b [u8],
    /// The target's raw path: no query, percent-escapes kept, `*` for OPTIONS of the server.
    pub path: &'b [u8],
    /// What stands behind the first `?`; empty without.
    pub args: &'b [u8],
    /// The peer's version.
    pub version: Version,
    /// Whether the connection can be kept after the answer.
    pub keep_alive: bool,
    /// The authority of the target, else the Host field. HTTP/1.0 may have neither.
    pub host: Option<&'b [u8]>,
    /// User-Agent, any bytes but NUL, CR and LF; an empty one counts as none.
    pub agent: Option<&'b [u8]>,
    /// The last X-Forwarded-For field.
    pub forwarded_for: Option<&'b [u8]>,
    /// If-None-Match; of several fields the first, which can only make an answer more complete.
    pub if_none_match: Option<&'b [u8]>,
    /// If-Modified-Since.
    pub if_modified_since: Option<&'b [u8]>,
    /// If-Range.
    pub if_range: Option<&'b [u8]>,
    /// Range.
    pub range: Option<&'b [u8]>,
    /// How much content follows, a form that is here already aside.
    pub body: BodyLength,
    /// The content of a POST that is a short form (`application/x-www-form-urlencoded`, at most
    /// `FORM_BYTES_MAX`): it counts as part of the head.
    pub form: Option<&'b [u8]>,
    /// `Expect: 100-continue`: the peer holds its content back until it is answered.
    pub expect_continue: bool,
}

impl Request<'_> {
    /// Whether it asks for a file and says nothing on which parts or on which condition.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let conditions = [self.if_none_match, self.if_modified_since, self.if_range, self.range];
        self.method == Method::Get
            && self.body == BodyLength::Empty
            && conditions.iter().all(Option::is_none)
    }

    /// What the answer says when the server does not want to close by itself.
    #[must_use]
    pub const fn persistence(&self) -> Persistence {
        match (self.keep_alive, self.version) {
            (false, _) => Persistence::Close,
            (true, Version::Http10) => Persistence::KeptAlive,
            (true, Version::Http11) => Persistence::Kept,
        }
    }
}

impl Method {
    /// The method of this name.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }
}
