//! Clients that each download one large file once: bytes are counted, and samples are compared.
//!
//! What is not compared is dropped by the kernel without a copy, so that a client costs less than
//! the server that it measures.

use super::answer::{Heads, Wrong};
use super::connection::Asker;
use super::figures::{Part, Tally};
use super::flags::DownloadFlags;
use super::lines::Lines;
use super::net::{Poller, Ready, Result, Socket, Wake};
use super::{Clients, Share};
use crate::limits::{DOWNLOAD_READS, HAMMER_READ_BYTES, SAMPLE_BYTES, SAMPLE_EVERY_BYTES};
use anyhow::Context;
use nix::errno::Errno;
use ringboot::time::{self, Duration, Instant};
use std::collections::HashMap;
use std::fs;

/// Clients with one download each.
#[derive(Debug)]
pub struct Downloads {
    clients: Vec<Client>,
    left: usize,
    wanted: Option<u64>,
    heads: Heads,
    buffer: Vec<u8>,
    reference: Reference,
    tally: Tally,
    timeout: Duration,
    limit: Duration,
    until: Instant,
}

#[derive(Debug)]
struct Client {
    asker: Asker,
    socket: Option<Socket>,
    written: usize,
    has_asked: bool,
    spill: Vec<u8>,
    begun: Instant,
    /// When something came last.
    heard: Instant,
    body: Option<Body>,
}

/// How far the body of an answer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Body {
    length: u64,
    at: u64,
    /// Sum of the sample that is under way.
    sum: u64,
    is_same: bool,
}

/// What the bodies are compared with.
#[derive(Debug)]
enum Reference {
    /// The file itself, and whether all of it is compared.
    File(Vec<u8>, bool),
    /// The sums of the first client's samples, by where they begin.
    Sums(HashMap<u64, u64>),
}

/// A part of a body: compared or not, up to an offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    is_sample: bool,
    begin: u64,
    end: u64,
}

/// How a look at a socket ended.
enum Look {
    More,
    Whole,
    Wrong(Wrong),
    Different,
}

impl Downloads {
    /// The clients of one process.
    ///
    /// # Errors
    /// When the file to compare with cannot be read.
    pub fn new(flags: &DownloadFlags, lines: &Lines, share: Share) -> anyhow::Result<Self> {
        let common = &flags.common;
        let reference = match &flags.file {
            None => Reference::Sums(HashMap::new()),
            Some(file) => {
                let bytes = fs::read(file).with_context(|| file.display().to_string())?;
                Reference::File(bytes, flags.whole)
            }
        };
        let wanted = match &reference {
            Reference::File(bytes, _) => Some(bytes.len() as u64),
            Reference::Sums(_) => None,
        };
        let client = |number| Client {
            asker: Asker::new(common.to, &lines.of(number), false),
            socket: None,
            written: 0,
            has_asked: false,
            spill: Vec::new(),
            begun: Instant::default(),
            heard: Instant::default(),
            body: None,
        };
        Ok(Self {
            clients: (share.first..share.first + share.count).map(client).collect(),
            left: share.count,
            wanted: common.bytes.or(wanted),
            heads: Heads::default(),
            buffer: vec![0; HAMMER_READ_BYTES],
            reference,
            tally: Tally::new(Instant::default()),
            timeout: common.timeout,
            limit: flags.limit,
            until: Instant::default(),
        })
    }

    fn open(&mut self, poller: &Poller, who: usize, now: Instant) -> Result<()> {
        let client = &mut self.clients[who];
        (client.begun, client.heard) = (now, now);
        let socket = Socket::connect(client.asker.to, client.asker.source)?;
        poller.add(&socket, who, Wake::CameOrRoom)?;
        client.socket = Some(socket);
        Ok(())
    }

    fn fail(&mut self, who: usize, error: Errno) {
        self.clients[who].socket = None;
        self.left -= 1;
        self.tally.error(|| format!("client {who}: {error}"));
    }

    /// Reads what is there. A whole body is the end: the server closes behind it.
    fn look(&mut self, poller: &Poller, who: usize) -> Result<Look> {
        let Client { asker, socket, written, has_asked, spill, body, .. } = &mut self.clients[who];
        let Some(socket) = socket else { return Ok(Look::More) };
        if !*has_asked {
            *written += socket.send(&asker.request[*written..])?;
            if *written < asker.request.len() {
                return Ok(Look::More);
            }
            *has_asked = true;
            poller.change(socket, who, Wake::Unread)?;
        }
        for _ in 0..DOWNLOAD_READS {
            let run = body.as_ref().and_then(|body| body.run(self.reference.is_whole()));
            let most = run.map_or(HAMMER_READ_BYTES as u64, |run| run.end - run.begin);
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(HAMMER_READ_BYTES);
            let skips = run.is_some_and(|run| !run.is_sample);
            let buffer = &mut self.buffer[..most];
            let read = if skips { socket.discard(buffer)? } else { socket.receive(buffer)? };
            let Some(read) = read else { return Ok(Look::More) };
            if read == 0 {
                let (got, length) = body.map_or((0, 0), |body| (body.at, body.length));
                return if body.is_none() && spill.is_empty() {
                    Err(Errno::ECONNRESET)
                } else {
                    Ok(Look::Wrong(Wrong::Cut { got, length }))
                };
            }
            let step = match body {
                Some(body) if skips => body.skip(read),
                Some(body) => body.compare(&self.buffer[..read], &mut self.reference),
                None => {
                    spill.extend_from_slice(&self.buffer[..read]);
                    match begin(spill, &mut self.heads, self.wanted, &mut self.reference) {
                        Err(wrong) => return Ok(Look::Wrong(wrong)),
                        Ok(None) => continue,
                        Ok(Some(begun)) => body.insert(begun).is_over(),
                    }
                }
            };
            if step {
                let is_same = body.is_some_and(|body| body.is_same);
                return Ok(if is_same { Look::Whole } else { Look::Different });
            }
        }
        Ok(Look::More)
    }
}

/// The body whose head and first bytes are in `spill`; none when the head is not whole.
fn begin(
    spill: &mut Vec<u8>,
    heads: &mut Heads,
    wanted: Option<u64>,
    reference: &mut Reference,
) -> std::result::Result<Option<Body>, Wrong> {
    let Some((head, len)) = heads.read(spill)? else { return Ok(None) };
    if head.status != 200 {
        return Err(Wrong::Status(head.status));
    }
    if let Some(wanted) = wanted.filter(|&wanted| wanted != head.length) {
        return Err(Wrong::Length { got: head.length, wanted });
    }
    let rest = &spill[len..];
    if rest.len() as u64 > head.length {
        return Err(crate::http::Malformed::Surplus.into());
    }
    let mut body = Body { length: head.length, at: 0, sum: SUM_BEGIN, is_same: true };
    body.compare(rest, reference);
    *spill = Vec::new();
    Ok(Some(body))
}

impl Body {
    fn is_over(&self) -> bool {
        self.at == self.length
    }

    /// The run that the next byte lies in; the end of a body is always compared.
    fn run(&self, is_whole: bool) -> Option<Run> {
        let Self { at, length, .. } = *self;
        if at >= length {
            return None;
        }
        let tail = length.saturating_sub(SAMPLE_BYTES);
        let begin = at / SAMPLE_EVERY_BYTES * SAMPLE_EVERY_BYTES;
        let (is_sample, end) = match at {
            _ if is_whole || at >= tail => (true, length),
            _ if at < begin + SAMPLE_BYTES => (true, (begin + SAMPLE_BYTES).min(tail)),
            _ => (false, (begin + SAMPLE_EVERY_BYTES).min(tail)),
        };
        Some(Run { is_sample, begin: at, end })
    }

    /// Counts bytes that were dropped; says whether the body is over.
    fn skip(&mut self, len: usize) -> bool {
        self.at += len as u64;
        self.is_over()
    }

    /// Compares the next bytes where they lie in samples; says whether the body is over.
    fn compare(&mut self, bytes: &[u8], reference: &mut Reference) -> bool {
        let mut rest = bytes;
        while let Some(run) = self.run(reference.is_whole()).filter(|_| !rest.is_empty()) {
            let len = usize::try_from(run.end - run.begin).unwrap_or(usize::MAX).min(rest.len());
            let (piece, behind) = rest.split_at(len);
            rest = behind;
            self.at += len as u64;
            if !run.is_sample {
                continue;
            }
            match reference {
                Reference::File(file, _) => {
                    let from = usize::try_from(run.begin).unwrap_or(usize::MAX);
                    let same = file.get(from..).is_some_and(|file| file.starts_with(piece));
                    self.is_same &= same;
                }
                Reference::Sums(sums) => {
                    self.sum = piece.iter().fold(self.sum, add);
                    if self.at == run.end {
                        self.is_same &= *sums.entry(run.end).or_insert(self.sum) == self.sum;
                        self.sum = SUM_BEGIN;
                    }
                }
            }
        }
        self.is_over()
    }
}

impl Reference {
    fn is_whole(&self) -> bool {
        matches!(self, Self::File(_, true))
    }
}

/// FNV-1a with 64 bits: quick, and any cut of the bytes gives the same sum.
const SUM_BEGIN: u64 = 0xcbf2_9ce4_8422_2325;

fn add(sum: u64, byte: &u8) -> u64 {
    (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
}

impl Clients for Downloads {
    fn begin(&mut self, poller: &Poller, now: Instant) {
        self.tally.switch_on(now);
        self.until = now + self.limit;
        for who in 0..self.clients.len() {
            if let Err(error) = self.open(poller, who, time::now()) {
                self.fail(who, error);
            }
        }
    }

    fn ready(&mut self, poller: &Poller, ready: Ready) {
        let who = ready.who;
        if self.clients[who].socket.is_none() {
            return;
        }
        let look = match self.look(poller, who) {
            Ok(look) => look,
            Err(error) => return self.fail(who, error),
        };
        let now = time::now();
        let client = &mut self.clients[who];
        client.heard = now;
        let length = client.body.map_or(0, |body| body.length);
        match look {
            Look::More => return,
            Look::Whole => self.tally.good(now.since(client.begun), length),
            Look::Wrong(wrong) => self.tally.wrong(|| format!("client {who}: {wrong}")),
            Look::Different => self.tally.wrong(|| format!("client {who}: other bytes")),
        }
        client.socket = None;
        self.left -= 1;
    }

    fn tick(&mut self, _poller: &Poller, now: Instant) -> bool {
        for who in 0..self.clients.len() {
            let client = &self.clients[who];
            let is_silent = now.since(client.heard) > self.timeout || now >= self.until;
            if client.socket.is_some() && is_silent {
                self.fail(who, Errno::ETIMEDOUT);
            }
        }
        if self.left == 0 && self.tally.is_on {
            self.tally.switch_off(now);
        }
        self.left > 0
    }

    fn end(self: Box<Self>) -> Part {
        self.tally.end(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(len: u64) -> Vec<u8> {
        (0..len).map(|at| u8::try_from((at / 7 + at / 4096) % 251).unwrap()).collect()
    }

    /// Feeds a body in pieces, as a socket would, and says whether it was taken for the same.
    fn feed(bytes: &[u8], piece: usize, reference: &mut Reference) -> bool {
        let length = bytes.len() as u64;
        let mut body = Body { length, at: 0, sum: SUM_BEGIN, is_same: true };
        for piece in bytes.chunks(piece) {
            body.compare(piece, reference);
        }
        assert!(body.is_over());
        body.is_same
    }

    #[test]
    fn samples_are_the_same_however_they_are_cut() {
        for len in [1, SAMPLE_BYTES, SAMPLE_BYTES + 1, 2 * SAMPLE_EVERY_BYTES + 5000] {
            let bytes = file(len);
            let mut reference = Reference::Sums(HashMap::new());
            for piece in [bytes.len(), 1000, 65_536, 4096] {
                assert!(feed(&bytes, piece, &mut reference), "{len} {piece}");
            }
            for at in [0, bytes.len() - 1] {
                let mut other = bytes.clone();
                other[at] ^= 1;
                assert!(!feed(&other, 4000, &mut reference), "{len} {at}");
            }
        }
    }

    #[test]
    fn a_file_is_compared_in_samples_or_whole() {
        let bytes = file(2 * SAMPLE_EVERY_BYTES);
        let mut other = bytes.clone();
        other[usize::try_from(SAMPLE_BYTES).unwrap() + 1] ^= 1;
        for (is_whole, same) in [(false, true), (true, false)] {
            let mut reference = Reference::File(bytes.clone(), is_whole);
            assert!(feed(&bytes, 3000, &mut reference));
            assert_eq!(feed(&other, 3000, &mut reference), same);
        }
    }

    #[test]
    fn runs_tile_a_body() {
        for length in [1, 4096, 5000, SAMPLE_EVERY_BYTES, 3 * SAMPLE_EVERY_BYTES + 1] {
            let mut body = Body { length, at: 0, sum: 0, is_same: true };
            let mut sampled = 0;
            while let Some(run) = body.run(false) {
                assert!(run.begin == body.at && run.end > run.begin && run.end <= length);
                sampled += if run.is_sample { run.end - run.begin } else { 0 };
                body.at = run.end;
            }
            assert!(sampled >= SAMPLE_BYTES.min(length), "{length}");
        }
    }
}
