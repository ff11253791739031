//! Read requests become transfers, and transfers are fed: from memory at once, from files in parts.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::Site;
use super::files::Files;
use super::repeats::{Given, Whole};
use super::stats::Tally;
use super::trace::{Asked, Fate, Ticket};
use crate::content::Found;
use crate::limits;
use crate::query::{Query, Source};
use crate::ring::{Io, Lease, Opened, Port};
use crate::time::Instant;
use crate::wire::tftp::{
    End, ErrorCode, Flow, Key, ListenOutcome, Mode, Outgoing, Packet, Request, Transfers, Transmit,
    path_of, to_netascii,
};

/// Where the name stands in a read request (RFC 1350 section 5).
const NAME_AT: usize = 2;

/// The transfers of one core.
#[derive(Debug)]
pub struct Tftp {
    transfers: Transfers<Load>,
}

/// What a transfer gives, and what it is remembered as.
#[derive(Debug)]
struct Load {
    payload: Payload,
    ticket: Ticket,
}

/// Where a transfer's bytes are.
#[derive(Debug)]
enum Payload {
    Memory(Bytes),
    File(RefCell<Window>),
}

/// A file and the part of it that is in memory. Transfers go forward, so one part is enough.
#[derive(Debug)]
struct Window {
    file: Arc<Opened>,
    offset: u64,
    bytes: Option<Lease>,
    reading: bool,
    /// Blocks that wait for the read that is under way.
    waiting: VecDeque<Outgoing>,
}

impl Tftp {
    /// None under way, over this many transfer ports.
    pub fn new(ports: u16) -> Self {
        Self { transfers: Transfers::new(ports) }
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.transfers.is_empty()
    }

    /// When `expire` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.transfers.poll_timeout()
    }

    /// Lets every transfer whose time is up send again or end.
    pub fn expire(&mut self, now: Instant) {
        self.transfers.expire(now);
    }

    /// Takes a datagram.
    pub fn datagram(
        &mut self,
        now: Instant,
        io: &mut impl Io,
        site: &mut Site,
        (port, flow): (Port, Flow),
        datagram: &[u8],
    ) {
        let answer = if port == Port(0) {
            match self.transfers.on_listen(now, flow, datagram) {
                ListenOutcome::Silence => None,
                ListenOutcome::Error(packet) => Some(packet),
                ListenOutcome::Request(request) => {
                    let (vendor, begun) = self.request(now, site, flow, (&request, datagram));
                    let status = match begun {
                        Ok(true) => 200,
                        Ok(false) => 0,
                        Err(code) => status_of(code),
                    };
                    let source = Source::Tftp;
                    site.stats.answered(Tally { source, vendor, status, bytes: 0 });
                    begun.err().map(Packet::error)
                }
            }
        } else {
            self.transfers.on_transfer_datagram(now, port.0, flow.peer, datagram)
        };
        if let Some(packet) = answer {
            let mut out = io.buffer();
            packet.encode(&mut out);
            io.send_to(port, flow.peer, flow.local, out);
        }
    }

    /// Begins a transfer, or says why not; false where nothing is to be said. The number is that of
    /// the vendor whose plugin serves the phone.
    fn request(
        &mut self,
        now: Instant,
        site: &mut Site,
        flow: Flow,
        (request, datagram): (&Request<'_>, &[u8]),
    ) -> (u8, Result<bool, ErrorCode>) {
        let mut asked = Asked {
            at: now,
            source: Source::Tftp,
            ip: flow.peer.ip().to_canonical(),
            path: request.name,
            device: None,
            status: 400,
            fate: Fate::Wrong,
            bytes: 0,
        };
        let whole = site.repeats.whole(asked.ip, datagram);
        let (vendor, found) = match whole.and_then(|whole| site.repeat(now, whole, NAME_AT)) {
            Some(given) => {
                asked.device = Some(Arc::clone(&given.device));
                (asked.status, asked.fate) = (200, Fate::Given);
                (given.vendor, in_memory(given.body.clone()).map(Some))
            }
            None => find(site, now, (request, whole), &mut asked),
        };
        let ticket = site.trace.asked(asked);
        // A full table says nothing, too: the phone asks again.
        let begun = found.map(|found| {
            let (size, payload) = found?;
            self.transfers.begin(now, flow, request, size, Load { payload, ticket })
        });
        match begun {
            Ok(Some(_)) => {}
            Ok(None) => site.trace.over(ticket, now, None, |traced| {
                if traced.fate == Fate::Given {
                    (traced.status, traced.fate) = (0, Fate::Later);
                }
            }),
            Err(_) => site.trace.over(ticket, now, None, |_| {}),
        }
        (vendor, begun.map(|begun| begun.is_some()))
    }

    /// Sends whatever transfers may send now, and lets go of those that are over.
    pub fn transmit(&mut self, now: Instant, io: &mut impl Io, site: &mut Site) {
        while let Some(outgoing) = self.transfers.next_transmit(now) {
            self.send(io, outgoing);
        }
        while let Some(finished) = self.transfers.poll_finished() {
            site.stats.transferred(&finished);
            let fate = match finished.end {
                End::Done => Fate::Given,
                End::TimedOut => Fate::Silent,
                End::Refused(_) => Fate::Ended,
                End::Failed(_) => Fate::Broken,
                End::Dropped => Fate::Dropped,
            };
            site.trace.over(finished.payload.ticket, now, Some(fate), |traced| {
                traced.bytes = finished.acknowledged_bytes;
                traced.repeats = finished.repeats;
            });
        }
    }

    fn send(&mut self, io: &mut impl Io, outgoing: Outgoing) {
        let Transmit::Data { offset, len: len @ 1.., .. } = outgoing.transmit else {
            return send_packet(io, &outgoing, b"");
        };
        match self.payload(outgoing.key) {
            Some(Payload::Memory(bytes)) => {
                let start = usize::try_from(offset).expect("an offset in memory");
                send_packet(io, &outgoing, &bytes[start..start + len]);
            }
            Some(Payload::File(window)) => {
                let mut window = window.borrow_mut();
                match window.part(offset, len) {
                    Some(bytes) => send_packet(io, &outgoing, bytes),
                    None => window.wait(io, outgoing),
                }
            }
            None => {}
        }
    }

    fn payload(&self, key: Key) -> Option<&Payload> {
        self.transfers.payload(key).map(|load| &load.payload)
    }

    /// Takes a part of a file that was asked for.
    pub fn read(&mut self, _now: Instant, io: &mut impl Io, token: u64, result: io::Result<Lease>) {
        let key = Key::from_token(token);
        let Some(Payload::File(window)) = self.payload(key) else { return };
        let waiting = match result {
            Ok(lease) => {
                let mut window = window.borrow_mut();
                window.reading = false;
                if window.file.check().is_err() {
                    // It was cut or written over: what was sent and what it is now do not fit.
                    drop(window);
                    return self.transfers.fail(key, ErrorCode::UNDEFINED);
                }
                window.bytes = Some(lease);
                std::mem::take(&mut window.waiting)
            }
            Err(_) => return self.transfers.fail(key, ErrorCode::UNDEFINED),
        };
        let cut = waiting.front().is_some_and(|first| {
            let Some(Payload::File(window)) = self.payload(key) else { return false };
            let Transmit::Data { offset, len, .. } = first.transmit else { return false };
            window.borrow().part(offset, len).is_none()
        });
        if cut {
            // The file is shorter than the peer was told: it was cut or replaced.
            return self.transfers.fail(key, ErrorCode::UNDEFINED);
        }
        for outgoing in waiting {
            self.send(io, outgoing);
        }
    }
}

impl Window {
    fn part(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        self.bytes.as_deref()?.get(start..start.checked_add(len)?)
    }

    /// Keeps a block for later, and reads the part of the file that begins with it.
    fn wait(&mut self, io: &mut impl Io, outgoing: Outgoing) {
        let Transmit::Data { offset, len: block, .. } = outgoing.transmit else { return };
        if !self.reading {
            self.reading = true;
            self.offset = offset;
            self.bytes = None;
            let left = self.file.len().saturating_sub(offset);
            let most = if 2 * block < limits::TRANSFER_READ_BYTES {
                limits::TRANSFER_READ_BYTES
            } else {
                limits::FILE_CHUNK_BYTES
            };
            let len = usize::try_from(left).unwrap_or(usize::MAX).min(most);
            io.read(outgoing.key.to_token(), &self.file, offset, len);
        }
        if !self.waiting.contains(&outgoing) {
            self.waiting.push_back(outgoing);
        }
    }
}

/// As it is counted.
fn status_of(code: ErrorCode) -> u16 {
    if code == ErrorCode::FILE_NOT_FOUND { 404 } else { 400 }
}

fn send_packet(io: &mut impl Io, outgoing: &Outgoing, body: &[u8]) {
    let mut out = io.buffer();
    outgoing.transmit.encode_head(&mut out);
    out.extend_from_slice(body);
    io.send_to(Port(outgoing.port), outgoing.peer, outgoing.local, out);
}

/// Whose request it is, and what it gives: none where nothing is to be said. What is remembered of
/// the request is filled in; the number is that of the vendor whose plugin serves the phone.
fn find(
    site: &mut Site,
    now: Instant,
    (request, whole): (&Request<'_>, Option<Whole<'_>>),
    asked: &mut Asked<'_>,
) -> (u8, Result<Option<(u64, Payload)>, ErrorCode>) {
    let mut buffer = std::mem::take(&mut site.path);
    let found = match path_of(request.name, &mut buffer) {
        Err(_) => (0, Err(ErrorCode::FILE_NOT_FOUND)),
        Ok(name) => {
            let query = Query {
                source: Source::Tftp,
                ip: asked.ip,
                key: None,
                path: request.name,
                name,
                args: b"",
                agent: None,
                form: None,
                vendor_class: None,
                mac: None,
            };
            decide(site, now, &query, (request.mode, whole), asked)
        }
    };
    site.path = buffer;
    found
}

fn decide(
    site: &mut Site,
    now: Instant,
    query: &Query<'_>,
    (mode, whole): (Mode<'_>, Option<Whole<'_>>),
    asked: &mut Asked<'_>,
) -> (u8, Result<Option<(u64, Payload)>, ErrorCode>) {
    let Site { shared, core, files, stats, repeats, .. } = site;
    let mut decision = shared.world.decide(query, core, now);
    let found = if decision.is_refused || decision.is_waiting {
        (asked.status, asked.fate) = (0, Fate::of(503, &decision, false));
        Ok(None)
    } else {
        let found = shared.find(query, &decision);
        let is_failed = matches!(found, Found::Failed);
        let is_made = matches!(found, Found::Bytes { .. });
        let payload = payload((found, files), query.name, mode);
        if let (Some(whole), Ok((_, Payload::Memory(bytes)))) = (whole, &payload)
            && is_made
            && shared.may_repeat(&decision)
        {
            let parts = (&b""[..], bytes, false);
            let place = (whole.bytes, NAME_AT);
            repeats.note(whole, || Given::of((&decision, query), place, parts));
        }
        asked.status = payload.as_ref().map_or_else(|code| status_of(*code), |_| 200);
        asked.fate = Fate::of(asked.status, &decision, is_failed);
        stats.asked(now, &shared.world, &decision, payload.is_ok());
        payload.map(Some)
    };
    asked.device = decision.device.take();
    (decision.vendor_number(), found)
}

/// The bytes of a transfer and how many the peer is told.
fn payload(
    (found, files): (Found, &mut Files),
    name: &[u8],
    mode: Mode<'_>,
) -> Result<(u64, Payload), ErrorCode> {
    let memory = |bytes: Bytes| {
        in_memory(if mode == Mode::Netascii { to_netascii(&bytes).into() } else { bytes })
    };
    let opened = match found {
        Found::Bytes { bytes, .. } => return memory(bytes),
        Found::File(file) => match &file.bytes {
            Some(bytes) => return memory(bytes.clone()),
            None => files.open(&file.path),
        },
        Found::Beneath(folder) => files.open_beneath(&folder, name),
        Found::Missing | Found::Failed => return Err(ErrorCode::FILE_NOT_FOUND),
    };
    let file = opened.map_err(|_| ErrorCode::FILE_NOT_FOUND)?;
    if mode == Mode::Netascii {
        // What is too large for memory is firmware, and no text.
        return Err(ErrorCode::UNDEFINED);
    }
    let waiting = VecDeque::new();
    let len = file.len();
    let window = Window { file, offset: 0, bytes: None, reading: false, waiting };
    Ok((len, Payload::File(RefCell::new(window))))
}

fn in_memory(bytes: Bytes) -> Result<(u64, Payload), ErrorCode> {
    Ok((bytes.len() as u64, Payload::Memory(bytes)))
}
