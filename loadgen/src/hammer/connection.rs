//! One HTTP connection: a request goes out whole, its answer comes in whole or fails with a reason.

use super::answer::{Answer, Check, Heads, Wrong};
use super::lines::Line;
use super::net::{Poller, Ready, Result, Socket, Wake};
use crate::http::Request;
use nix::errno::Errno;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;

/// Where a client's requests go, and what they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asker {
    /// The server.
    pub to: SocketAddr,
    /// The client's own address.
    pub source: Option<Ipv4Addr>,
    /// The request's bytes.
    pub request: Vec<u8>,
    /// Whether the connection is used again.
    pub keep: bool,
    /// Where the request has a number that no two have.
    number: Option<Range<usize>>,
}

/// A connection with one request on its way.
#[derive(Debug)]
pub struct Connection {
    socket: Socket,
    written: usize,
    answer: Answer,
    /// The answer is whole, and the server's end is waited for.
    is_whole: bool,
}

/// What a connection's readiness came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing yet.
    More,
    /// A whole answer, right or wrong; `kept` when the connection can be used again, else over.
    Answered {
        /// Whether the next request may be sent on it.
        kept: bool,
        /// The length of its body, or what is wrong with it.
        result: std::result::Result<u64, Wrong>,
    },
    /// It ended without an answer.
    Failed(Errno),
}

/// What all connections of a process share.
#[derive(Debug)]
pub struct Reading {
    /// Memory of the reads.
    pub buffer: Vec<u8>,
    /// The last head.
    pub heads: Heads,
    /// What answers must be.
    pub check: Check,
}

impl Asker {
    /// The client of a line.
    #[must_use]
    pub fn new(to: SocketAddr, line: &Line, keep: bool) -> Self {
        let request = Request {
            method: "GET",
            path: &line.path,
            host: &to.to_string(),
            agent: &line.agent,
            keep_alive: keep,
            content: None,
            is_form: false,
        };
        Self { to, source: line.source, request: request.to_bytes(), keep, number: None }
    }

    /// The same with a number in each request that no other has.
    #[must_use]
    pub fn numbered(mut self) -> Self {
        const END: &[u8] = b"\r\n";
        const DIGITS: &[u8] = b"0000000000";
        // Before the empty line at the end.
        self.request.truncate(self.request.len() - END.len());
        self.request.extend_from_slice(b"X-Number: ");
        let start = self.request.len();
        self.request.extend_from_slice(&[DIGITS, END, END].concat());
        self.number = Some(start..start + DIGITS.len());
        self
    }

    /// Before it is sent once more: another number, where requests have one.
    pub fn renew(&mut self) {
        let Some(number) = &self.number else { return };
        for digit in self.request[number.clone()].iter_mut().rev() {
            *digit += 1;
            if *digit <= b'9' {
                return;
            }
            *digit = b'0';
        }
    }

    /// What is asked for, for a person.
    #[must_use]
    pub fn path(&self) -> String {
        let line = self.request.split(|&byte| byte == b'\r').next().unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }
}

impl Connection {
    /// Connects and sends the request: on loopback both are done when this returns.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn open(asker: &Asker, poller: &Poller, who: usize) -> Result<Self> {
        let socket = Socket::connect(asker.to, asker.source)?;
        if asker.keep {
            // A connection for one request has nothing unacknowledged when it sends.
            socket.set_no_delay()?;
        }
        let written = socket.send(&asker.request)?;
        let is_sent = written == asker.request.len();
        poller.add(&socket, who, if is_sent { Wake::Came } else { Wake::CameOrRoom })?;
        Ok(Self { socket, written, answer: Answer::default(), is_whole: false })
    }

    /// Sends the next request on a kept connection.
    ///
    /// # Errors
    /// Those of the kernel; also when the socket has no room, with nothing on its way.
    pub fn ask(&mut self, asker: &Asker) -> Result<()> {
        self.answer.clear();
        self.is_whole = false;
        self.written = self.socket.send(&asker.request)?;
        if self.written < asker.request.len() { Err(Errno::ENOBUFS) } else { Ok(()) }
    }

    /// Sends what is left of the request and reads what is there of the answer.
    pub fn ready(&mut self, asker: &Asker, ready: Ready, reading: &mut Reading) -> Outcome {
        if let Err(error) = self.write(asker) {
            return Outcome::Failed(error);
        }
        loop {
            let read = match self.socket.receive(&mut reading.buffer) {
                Ok(Some(read)) => read,
                Ok(None) => return Outcome::More,
                Err(error) => return self.over(&reading.check, error),
            };
            if read > 0 {
                let piece = &reading.buffer[..read];
                match self.answer.feed(piece, &mut reading.heads, &reading.check) {
                    Ok(is_whole) => self.is_whole = is_whole,
                    Err(malformed) => {
                        return Outcome::Answered { kept: false, result: Err(malformed.into()) };
                    }
                }
            }
            // A read that left room has emptied the queue: what comes next is a new edge.
            let is_empty = read < reading.buffer.len();
            let is_end = read == 0 || (is_empty && ready.is_ending);
            let may_keep = asker.keep && self.answer.head().is_some_and(|head| head.keep_alive);
            if self.is_whole && (may_keep || is_end) {
                let result = self.answer.judge(&reading.check);
                return Outcome::Answered { kept: may_keep && !is_end, result };
            }
            if read == 0 {
                return self.over(&reading.check, Errno::ECONNRESET);
            }
            if is_empty && !is_end {
                return Outcome::More;
            }
        }
    }

    /// The socket, for those who only hold it.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    fn write(&mut self, asker: &Asker) -> Result<()> {
        if self.written < asker.request.len() {
            self.written += self.socket.send(&asker.request[self.written..])?;
        }
        Ok(())
    }

    /// The end came too early: of an answer, or before there was one.
    fn over(&self, check: &Check, error: Errno) -> Outcome {
        if self.answer.has_begun() {
            return Outcome::Answered { kept: false, result: self.answer.judge(check) };
        }
        Outcome::Failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_requests_are_alike() {
        let line = Line { source: None, path: "/a.cfg".into(), agent: "desk".into() };
        let plain = Asker::new("127.0.0.1:8667".parse().unwrap(), &line, true);
        let mut asker = plain.clone().numbered();
        let (start, _) = plain.request.split_at(plain.request.len() - 2);
        for number in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] {
            asker.renew();
            let text = format!("X-Number: {number:010}\r\n\r\n");
            assert_eq!(asker.request, [start, text.as_bytes()].concat());
        }
    }
}
