//! The life of a connection: one answer at a time, in order, and no state without a deadline.
//!
//! ```text
//!  Idle ── first byte ──▶ Head ── head whole ──▶ Answering ── all sent ──▶ Idle or Draining
//!   │                      │                      │    │                           │
//!   │ IDLE_TIME_MAX        │ HEAD_TIME_MAX: 408   │    │ WRITE_STALL_MAX           │ all drained:
//!   ▼                      │ refused: its status  │    ▼                           │ Idle
//!  close                   ▼                      │  close                         │
//!                        Ending ◀─ not kept ──────┘                                │ too slow,
//!                          │ WRITE_STALL_MAX                                       │ a bad chunk
//!                          ▼                                                       ▼
//!                        close                                                   close
//! ```
//!
//! In `Ending` the last answer is on its way with a close behind it, and nothing more is read.
//! A head that came whole is parsed where it was received. Only what is left of a turn (the
//! beginning of a head, or requests behind the one that is being answered) is copied, and the
//! copy is freed as soon as it is used up, so that an idle connection costs its own size.

use super::chunked::Chunked;
use super::parse::{Parsed, RequestError, parse};
use super::request::{BodyLength, Request};
use crate::limits::{
    CONTENT_LAG_MAX, CONTENT_RATE_MIN, DRAIN_BYTES_MAX, HEAD_TIME_MAX, IDLE_TIME_MAX,
    PIPELINED_BYTES_MAX, REQUEST_LINE_BYTES_MAX, WRITE_STALL_MAX,
};
use crate::time::{Duration, Instant};

/// What the worker does next.
#[derive(Debug)]
#[must_use]
pub enum Step<'b> {
    /// Nothing until more comes, the answer has left, or the deadline. What is left of the input
    /// goes to [`Connection::keep`].
    Wait,
    /// This is to be answered; [`Connection::answering`] says how the connection goes on.
    Request(Request<'b>),
    /// This is to be told, with `Connection: close` and a lingering close behind it.
    Reject(RequestError),
    /// The connection is closed now, without a word.
    Close,
}

/// What becomes of a connection when its answer has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum After {
    /// It is kept; [`Connection::sent`] is due.
    Keep,
    /// It is closed: the peer asked for it and has nothing more to say.
    Close,
    /// Its sending half is closed and input is dropped for a while, so that a reset does not eat
    /// the answer (RFC 9112 section 9.6).
    Linger,
}

/// What an expired deadline means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Expiry {
    /// It was not due: something happened since.
    Wait,
    /// 408 is to be told, with `Connection: close` and a lingering close behind it.
    Timeout,
    /// The connection is closed now, without a word.
    Close,
}

/// More than `PIPELINED_BYTES_MAX` would have to be kept; the peer's fault, and it is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many bytes are waiting behind the request that is answered")]
pub struct Overflow;

/// One connection's protocol; see the drawing above.
#[derive(Debug)]
pub struct Connection {
    inbox: Inbox,
    life: Life,
}

const _: () = assert!(size_of::<Connection>() <= 96);

/// Bytes that came in and are not used up: `spill[start..]`.
/// Invariant: `start <= spill.len()`, and what is pending is at most `PIPELINED_BYTES_MAX`.
#[derive(Debug, Default)]
struct Inbox {
    spill: Vec<u8>,
    start: usize,
}

#[derive(Debug)]
struct Life {
    /// When the state began, or its last progress.
    since: Instant,
    content: Content,
    /// Bytes drained since `since`.
    drained: u32,
    state: State,
    keep: bool,
    finished: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Idle,
    Head,
    Answering,
    Draining,
    Ending,
}

/// What is left of a request's content, which is read and thrown away.
#[derive(Clone, Copy, Debug)]
enum Content {
    None,
    Bytes(u64),
    Chunked(Chunked),
    /// Its end cannot be found.
    Broken,
}

impl Connection {
    /// A connection that has just come in.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let life = Life {
            since: now,
            content: Content::None,
            drained: 0,
            state: State::Idle,
            keep: true,
            finished: false,
        };
        Self { inbox: Inbox::default(), life }
    }

    /// Goes one step on with what has come in, and cuts from `input` what is used up. Called until
    /// it says `Wait` or `Close`: for each receive, with an empty input after [`Self::sent`] and
    /// [`Self::finished`]. A request borrows from `input` or from the connection itself.
    pub fn next<'s, 'i: 's>(&'s mut self, now: Instant, input: &mut &'i [u8]) -> Step<'s> {
        self.drain(input);
        match (self.life.state, self.life.content) {
            (State::Answering, _) if self.life.keep => return Step::Wait,
            (State::Answering | State::Ending, _) => {
                *input = &[];
                self.inbox = Inbox::default();
                return Step::Wait;
            }
            (State::Draining, Content::None) => self.life.enter(State::Idle, now),
            (State::Draining, Content::Broken) => return Step::Close,
            (State::Draining, _) => return self.life.wait(),
            (State::Idle | State::Head, _) => {}
        }
        if self.inbox.is_empty() {
            self.next_received(now, input)
        } else {
            self.next_spilled(now, input)
        }
    }

    /// Whether nothing is on its way, and what comes in next is the beginning of a request.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.is_idle() && self.inbox.is_empty() && !self.life.finished
    }

    /// A request came in whole, and is one that was read before and had no content: it is to be
    /// answered as that of [`Step::Request`] is.
    ///
    /// # Panics
    /// The connection was not waiting for one: a mistake of the caller.
    pub fn repeated(&mut self, now: Instant, keep_alive: bool) {
        assert!(self.is_waiting(), "a request begins where none is being answered");
        self.life.enter(State::Answering, now);
        self.life.keep = keep_alive;
    }

    /// The answer to the last request is being sent. `keep` is false when the server wants to
    /// close behind it; the head must then have said so. Says what the connection does after it.
    ///
    /// # Panics
    /// There is no request that waits for an answer: a mistake of the caller.
    pub fn answering(&mut self, now: Instant, keep: bool) -> After {
        assert!(self.life.state == State::Answering, "an answer belongs to a request");
        self.inbox.release();
        if self.life.keep && keep {
            self.life.since = now;
            return After::Keep;
        }
        let is_last = !self.life.keep && matches!(self.life.content, Content::None);
        self.life.keep = false;
        self.life.enter(State::Ending, now);
        if is_last { After::Close } else { After::Linger }
    }

    /// Keeps what `next` left of the input, at the end of a turn.
    ///
    /// # Errors
    /// It is too much; the connection must be closed.
    pub fn keep(&mut self, rest: &[u8]) -> Result<(), Overflow> {
        if rest.is_empty() || self.life.state == State::Ending {
            return Ok(());
        }
        self.inbox.append(rest)
    }

    /// All of a kept answer has left. `next` is due, with an empty input.
    ///
    /// # Panics
    /// No answer was being sent: a mistake of the caller.
    pub fn sent(&mut self, now: Instant) {
        assert!(self.life.state == State::Answering, "what was sent is an answer");
        let is_whole = matches!(self.life.content, Content::None);
        self.life.enter(if is_whole { State::Idle } else { State::Draining }, now);
    }

    /// A part of an answer has left.
    pub fn progress(&mut self, now: Instant) {
        if matches!(self.life.state, State::Answering | State::Ending) {
            self.life.since = self.life.since.max(now);
        }
    }

    /// The peer has sent all it will, and may still read. `next` is due, with an empty input.
    pub fn finished(&mut self) {
        self.life.finished = true;
    }

    /// Whether it waits for a request of which nothing has come: the first to be shed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.life.state == State::Idle
    }

    /// When [`Self::expire`] is due. It moves with every call; a timer may be late, or early.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let life = &self.life;
        life.since
            + match life.state {
                State::Idle => IDLE_TIME_MAX,
                State::Head => HEAD_TIME_MAX,
                State::Answering | State::Ending => WRITE_STALL_MAX,
                State::Draining => {
                    let due = Duration::from_secs(u64::from(life.drained) / CONTENT_RATE_MIN);
                    CONTENT_LAG_MAX.saturating_add(due)
                }
            }
    }

    /// Says what the deadline means, when it has passed.
    pub fn expire(&mut self, now: Instant) -> Expiry {
        if now < self.deadline() {
            return Expiry::Wait;
        }
        if self.life.state != State::Head {
            return Expiry::Close;
        }
        self.life.enter(State::Ending, now);
        self.inbox = Inbox::default();
        Expiry::Timeout
    }

    /// Throws content away, from what is kept first.
    fn drain(&mut self, input: &mut &[u8]) {
        let Self { inbox, life } = self;
        inbox.start += life.drain(inbox.pending());
        inbox.release();
        let drained = life.drain(input);
        *input = &input[drained..];
    }

    /// A step on bytes that lie where they were received.
    fn next_received<'i>(&mut self, now: Instant, input: &mut &'i [u8]) -> Step<'i> {
        let received: &'i [u8] = input;
        match parse(received) {
            Ok(Parsed::More) => self.life.more(received, now),
            Ok(Parsed::Request { request, length }) => {
                *input = &received[length..];
                Step::Request(self.life.begin(request, !input.is_empty(), now))
            }
            Err(error) => {
                *input = &[];
                self.life.reject(error, now)
            }
        }
    }

    /// A step on bytes that were kept, with the new ones behind them.
    fn next_spilled(&mut self, now: Instant, input: &mut &[u8]) -> Step<'_> {
        let Self { inbox, life } = self;
        let seen = if life.state == State::Head { inbox.pending() } else { b"" };
        let is_known = is_still_more(seen, input);
        if inbox.append(input).is_err() {
            return Step::Close;
        }
        *input = &[];
        if is_known {
            return life.wait();
        }
        let pending = &inbox.spill[inbox.start..];
        match parse(pending) {
            Ok(Parsed::More) => life.more(pending, now),
            Ok(Parsed::Request { request, length }) => {
                inbox.start += length;
                Step::Request(life.begin(request, pending.len() > length, now))
            }
            // What is kept is dropped by the next step, in `Ending`.
            Err(error) => life.reject(error, now),
        }
    }
}

/// Whether a head of which `seen` was not whole is not whole with `new` either: no line ends in
/// it, no limit is near, and it is no form that is waited for. Keeps a head that drips in from
/// being parsed again for each byte.
fn is_still_more(seen: &[u8], new: &[u8]) -> bool {
    const EMPTY_LINE_AND_FIRST: usize = 3;
    seen.len() >= EMPTY_LINE_AND_FIRST
        && seen.len() + new.len() <= REQUEST_LINE_BYTES_MAX
        && memchr::memchr(b'\n', new).is_none()
        && memchr::memmem::find(seen, b"\r\n\r\n").is_none()
}

impl Inbox {
    fn is_empty(&self) -> bool {
        self.start == self.spill.len()
    }

    fn pending(&self) -> &[u8] {
        &self.spill[self.start..]
    }

    /// Frees the copy when it is used up.
    fn release(&mut self) {
        if self.is_empty() && self.spill.capacity() > 0 {
            *self = Self::default();
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Overflow> {
        if self.pending().len().saturating_add(bytes.len()) > PIPELINED_BYTES_MAX {
            return Err(Overflow);
        }
        if !bytes.is_empty() {
            self.spill.drain(..self.start);
            self.start = 0;
            self.spill.extend_from_slice(bytes);
        }
        Ok(())
    }
}

impl Life {
    fn enter(&mut self, state: State, now: Instant) {
        self.state = state;
        self.since = now;
        self.drained = 0;
    }

    /// Waits for more, unless the peer has said that there is none.
    fn wait<'b>(&self) -> Step<'b> {
        if self.finished { Step::Close } else { Step::Wait }
    }

    /// The bytes are not a whole head. The time for one begins with its first byte; an empty line
    /// behind the last content does not count, some clients send it.
    fn more<'b>(&mut self, pending: &[u8], now: Instant) -> Step<'b> {
        if self.state == State::Idle && !b"\r\n".starts_with(pending) {
            self.enter(State::Head, now);
        }
        self.wait()
    }

    /// A head is whole; `has_more` when bytes follow it.
    fn begin<'b>(&mut self, mut request: Request<'b>, has_more: bool, now: Instant) -> Request<'b> {
        self.enter(State::Answering, now);
        self.content = Content::of(request.body);
        let is_drained = match request.body {
            BodyLength::Empty => !self.finished || has_more,
            // Whether content follows an answer that is not 100 cannot be known (RFC 9110 10.1.1).
            _ if request.expect_continue => false,
            BodyLength::Bytes(length) => length <= DRAIN_BYTES_MAX,
            BodyLength::Chunked => true,
        };
        request.keep_alive &= is_drained;
        self.keep = request.keep_alive;
        request
    }

    fn reject<'b>(&mut self, error: RequestError, now: Instant) -> Step<'b> {
        self.enter(State::Ending, now);
        self.keep = false;
        Step::Reject(error)
    }

    fn drain(&mut self, bytes: &[u8]) -> usize {
        let drained = self.content.advance(bytes);
        let more = u32::try_from(drained).unwrap_or(u32::MAX);
        self.drained = self.drained.saturating_add(more);
        drained
    }
}

impl Content {
    fn of(length: BodyLength) -> Self {
        match length {
            BodyLength::Empty => Self::None,
            BodyLength::Bytes(length) => Self::Bytes(length),
            BodyLength::Chunked => Self::Chunked(Chunked::default()),
        }
    }

    /// How many of the bytes are content, or lie behind content whose end is not known.
    fn advance(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::None => 0,
            Self::Broken => bytes.len(),
            Self::Bytes(left) => {
                let taken =
                    usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::None;
                }
                taken
            }
            Self::Chunked(chunked) => {
                let taken = chunked.advance(bytes);
                if taken.is_err() {
                    *self = Self::Broken;
                } else if chunked.is_done() {
                    *self = Self::None;
                }
                taken.unwrap_or(bytes.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_freed_when_it_is_used_up() {
        let now = Instant::default();
        let mut connection = Connection::new(now);
        let (first, mut second) = b"GET /a HTTP/1.1\r\nHost: prov\r\n\r\n".split_at(20);
        assert_eq!(connection.keep(first), Ok(()));
        assert!(connection.inbox.spill.capacity() > 0);
        assert!(matches!(connection.next(now, &mut second), Step::Request(_)));
        assert_eq!(connection.answering(now, true), After::Keep);
        assert_eq!(connection.inbox.spill.capacity(), 0);
    }
}
