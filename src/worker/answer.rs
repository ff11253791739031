//! An HTTP answer in the making: a status, a head, and the part of a file that was asked for.

use bytes::Bytes;
use std::io::{self, Write as _};
use std::sync::Arc;

use super::files::Files;
use super::trace::{Fate, Ticket};
use crate::content::Found;
use crate::device::Device;
use crate::ring::{Body, Opened, Output};
use crate::time::Civil;
use crate::wire::http::{
    ContentRange, DateCache, Method, Persistence, Representation, Request, ResponseHead, Selection,
    Status, select, write_error, write_head, write_text,
};

/// What phones may do here (RFC 9110 section 10.2.1).
const ALLOW: &str = "GET, HEAD, OPTIONS";

/// What is said under a key that is no tenant's.
const NOWHERE: &[u8] = b"Nowhere to route this request.\r\n";

/// One answer.
#[derive(Debug)]
pub struct Answer {
    /// What is sent.
    pub output: Output,
    /// Its status.
    pub status: Status,
    /// Whether the server would keep the connection.
    pub keep: bool,
    /// Number of the vendor whose plugin serves the phone.
    pub vendor: u8,
    /// The phone, once it is known.
    pub device: Option<Arc<Device>>,
    /// What becomes of the request.
    pub fate: Fate,
    /// What it is remembered as.
    pub ticket: Option<Ticket>,
    persistence: Persistence,
    with_content: bool,
}

/// What leaves, whether the server would keep the connection, and what it is remembered as.
pub type Reply = (Output, bool, Option<Ticket>);

impl Answer {
    /// An answer to `request` that says nothing yet, in the buffer `head`.
    pub fn new(request: &Request<'_>, head: Vec<u8>) -> Self {
        Self {
            output: Output { head, body: Body::Empty },
            status: Status::NotFound,
            keep: true,
            vendor: 0,
            device: None,
            fate: Fate::Wrong,
            ticket: None,
            persistence: request.persistence(),
            with_content: request.method != Method::Head,
        }
    }

    /// What is left of it for the connection.
    pub fn reply(self) -> Reply {
        (self.output, self.keep, self.ticket)
    }

    /// Says only a status.
    pub fn tell(&mut self, status: Status, dates: &DateCache) {
        self.status = status;
        if status == Status::TooManyRequests {
            self.keep = false;
            self.persistence = Persistence::Close;
        }
        let head = &mut self.output.head;
        if status == Status::MethodNotAllowed {
            let fields = ResponseHead::new(status, self.persistence, 0);
            write_head(head, &ResponseHead { allow: Some(ALLOW), ..fields }, dates);
        } else {
            write_error(head, status, dates, self.persistence, self.with_content);
        }
    }

    /// Says 404 in the words of a request that is routed to nobody (spec section 4.4).
    pub fn tell_nowhere(&mut self, dates: &DateCache) {
        self.status = Status::NotFound;
        let head = &mut self.output.head;
        write_text(head, (self.status, NOWHERE), dates, self.persistence, self.with_content);
    }

    /// Says what can be asked.
    pub fn options(&mut self, dates: &DateCache) {
        self.status = Status::Ok;
        let fields = ResponseHead::new(Status::Ok, self.persistence, 0);
        write_head(&mut self.output.head, &ResponseHead { allow: Some(ALLOW), ..fields }, dates);
    }

    /// Gives what was found, or the part of it that was asked for. `name` tells the media type.
    pub fn give(
        &mut self,
        request: &Request<'_>,
        name: &[u8],
        (found, files): (Found, &mut Files),
        now: (&DateCache, Civil),
    ) {
        let kind = media_type(name);
        match found {
            Found::Bytes { bytes, etag } => {
                self.give_bytes(request, kind, (&bytes, etag.as_str().as_bytes(), None), now);
            }
            Found::File(file) => match &file.bytes {
                Some(bytes) => {
                    let etag = FileTag::of(file.modified, file.len);
                    let tags = (bytes, etag.as_bytes(), Some(file.modified));
                    self.give_bytes(request, kind, tags, now);
                }
                None => self.give_file(request, kind, files.open(&file.path), now),
            },
            Found::Beneath(folder) => {
                self.give_file(request, kind, files.open_beneath(&folder, name), now);
            }
            Found::Missing | Found::Failed => self.tell(Status::NotFound, now.0),
        }
    }

    fn give_bytes(
        &mut self,
        request: &Request<'_>,
        media_type: &'static str,
        (bytes, etag, modified): (&Bytes, &[u8], Option<Civil>),
        now: (&DateCache, Civil),
    ) {
        let length = bytes.len() as u64;
        let whole = Representation { etag: Some(etag), modified, length };
        let index = |n: u64| usize::try_from(n).expect("an offset in memory");
        let part = |first, last| Body::Bytes(bytes.slice(index(first)..=index(last)));
        self.represent(request, &whole, media_type, now, part);
    }

    fn give_file(
        &mut self,
        request: &Request<'_>,
        media_type: &'static str,
        opened: io::Result<Arc<Opened>>,
        now: (&DateCache, Civil),
    ) {
        let Ok(file) = opened else {
            return self.tell(Status::NotFound, now.0);
        };
        let (len, modified) = (file.len(), Civil(file.modified_seconds()));
        let etag = FileTag::of(modified, len);
        let whole =
            Representation { etag: Some(etag.as_bytes()), modified: Some(modified), length: len };
        let part = |first: u64, last: u64| {
            let (file, len) = (Arc::clone(&file), last - first + 1);
            Body::File { file, offset: first, len }
        };
        self.represent(request, &whole, media_type, now, part);
    }

    fn represent(
        &mut self,
        request: &Request<'_>,
        whole: &Representation<'_>,
        media_type: &'static str,
        (dates, now): (&DateCache, Civil),
        part: impl Fn(u64, u64) -> Body,
    ) {
        let length = whole.length;
        let (status, range, body) = match select(request, whole, now) {
            Selection::NotModified => (Status::NotModified, None, None),
            Selection::Unsatisfiable => {
                let range = ContentRange::Unsatisfied { length };
                (Status::RangeNotSatisfiable, Some(range), None)
            }
            Selection::Whole if length == 0 => (Status::Ok, None, None),
            Selection::Whole => (Status::Ok, None, Some((0, length - 1))),
            Selection::Part { first, last } => {
                let range = ContentRange::Part { first, last, length };
                (Status::PartialContent, Some(range), Some((first, last)))
            }
        };
        self.status = status;
        let head = ResponseHead {
            content_type: body.is_some().then_some(media_type),
            last_modified: whole.modified,
            etag: whole.etag,
            accept_ranges: true,
            content_range: range,
            ..ResponseHead::new(
                status,
                self.persistence,
                body.map_or(0, |(first, last)| last - first + 1),
            )
        };
        write_head(&mut self.output.head, &head, dates);
        if self.with_content
            && let Some((first, last)) = body
        {
            self.output.body = part(first, last);
        }
    }
}

/// The entity tag of a file, made without an allocation. INVARIANT: `len <= bytes.len()`.
struct FileTag {
    bytes: [u8; FILE_TAG_BYTES_MAX],
    len: usize,
}

/// Two numbers of 64 bits in hexadecimal, a dash, two quotes.
const FILE_TAG_BYTES_MAX: usize = 16 + 1 + 16 + 2;

impl FileTag {
    fn of(modified: Civil, len: u64) -> FileTag {
        let mut bytes = [0; FILE_TAG_BYTES_MAX];
        let mut rest = &mut bytes[..];
        write!(rest, "\"{:x}-{len:x}\"", modified.0).expect("invariant: the longest tag fits");
        let len = FILE_TAG_BYTES_MAX - rest.len();
        FileTag { bytes, len }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn media_type(name: &[u8]) -> &'static str {
    match name.rsplit(|&byte| byte == b'.').next() {
        Some(b"xml") => "application/xml",
        Some(b"cfg" | b"txt" | b"conf" | b"inf") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
