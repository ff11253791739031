//! HTTP/1.0 and 1.1 for phones, without I/O: strict where messages are framed, patient elsewhere.
//!
//! The layer's contract: nothing here panics on what a peer sends, nothing reads a clock or a
//! socket, a request costs no allocation when it arrives whole, and any cut of the same input
//! gives the same requests, the same refusal and the same end.
//!
//! ```
//! use ringboot::time::{Civil, Duration, Instant};
//! use ringboot::wire::http::{After, Connection, DateCache, Persistence, Status, Step};
//! use ringboot::wire::http::write_error;
//!
//! let now = Instant::default();
//! let dates = DateCache::new(Civil(784_111_777));
//! let mut connection = Connection::new(now);
//! let received = b"GET /cfg000b82aabbcc.xml HTTP/1.1\r\nHost: prov\r\n\r\n".as_slice();
//! let mut rest = received;
//! let mut out = Vec::new();
//! let mut after = After::Keep;
//! loop {
//!     match connection.next(now, &mut rest) {
//!         Step::Wait => break,
//!         Step::Close => return,
//!         Step::Reject(error) => {
//!             // Goes out with a lingering close; the connection answers nothing more.
//!             write_error(&mut out, Status::from(error), &dates, Persistence::Close, true);
//!         }
//!         Step::Request(request) => {
//!             assert_eq!(request.path, b"/cfg000b82aabbcc.xml");
//!             let persistence = request.persistence();
//!             write_error(&mut out, Status::NotFound, &dates, persistence, true);
//!             after = connection.answering(now, true);
//!         }
//!     }
//! }
//! connection.keep(rest).expect("nothing is left of this one");
//! assert_eq!(after, After::Keep);
//! assert!(out.starts_with(b"HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
//! // … when all of it has left:
//! connection.sent(now + Duration::from_millis(1));
//! ```

mod chunked;
mod client;
mod conditional;
mod connection;
mod date;
mod parse;
mod path;
mod request;
mod response;
mod status;

#[cfg(test)]
mod tests;

pub use chunked::{ChunkError, Chunked};
pub use client::client_address;
pub use conditional::{Representation, Selection, select};
pub use connection::{After, Connection, Expiry, Overflow, Step};
pub use date::{DateCache, parse_date, write_date};
pub use parse::{Parsed, RequestError, parse};
pub use path::{PathError, decode_path, decode_segment};
pub use request::{BodyLength, Method, Persistence, Request, Version};
pub use response::{
    ContentRange, ResponseHead, error_body, write_again, write_error, write_head, write_text,
};
pub use status::Status;
