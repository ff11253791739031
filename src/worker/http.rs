//! Connections: bytes that came in become requests, requests become outputs, one at a time.

use std::sync::Arc;

use super::answer::{Answer, Reply};
use super::repeats::{Given, Whole};
use super::trace::{Asked, Fate, Ticket};
use super::{Peer, Site, Tally, Worker};
use crate::content::Found;
use crate::query::{Query, Source, split_key};
use crate::ring::{Body, Io, Output, Slot, Then};
use crate::time::Instant;
use crate::wire::http::{
    After, Connection, Expiry, Method, Persistence, Request, RequestError, Status, Step,
    client_address, decode_path, decode_segment, write_again, write_error,
};
use crate::world::Barred;

/// Where the path stands in a head that may be given the same again.
const PATH_AT: usize = b"GET ".len();

impl<I: Io> Worker<I> {
    /// Goes on with a connection as far as what came in allows.
    pub(super) fn advance(&mut self, now: Instant, slot: Slot, mut input: &[u8]) {
        let Self { connections, io, site, parked, .. } = self;
        let place = connections.get_mut(slot.index as usize);
        let Some(peer) = place.and_then(Option::as_mut) else { return };
        if peer.generation != slot.generation {
            return;
        }
        let Peer { address, http, ticket, .. } = peer;
        loop {
            let whole =
                if http.is_waiting() { site.repeats.whole(address.ip(), input) } else { None };
            let again = whole.and_then(|whole| site.answer_again(now, whole, io));
            if let Some((reply, keep_alive)) = again {
                input = &[];
                http.repeated(now, keep_alive);
                *ticket = send(io, http, now, slot, reply);
                break;
            }
            match http.next(now, &mut input) {
                Step::Wait => break,
                Step::Close => return io.close(slot),
                Step::Reject(error) => {
                    let output = site.refuse(error, io.buffer());
                    io.send(slot, output, Then::Linger);
                }
                Step::Request(request) => {
                    let whole = whole.filter(|_| input.is_empty());
                    match site.answer(now, &request, *address, io.buffer(), whole) {
                        Some(answer) => *ticket = send(io, http, now, slot, answer.reply()),
                        None => parked.keep(now, slot, &request),
                    }
                }
            }
        }
        if http.keep(input).is_err() {
            return io.close(slot);
        }
        self.wheel.arm(slot.index, http.deadline());
    }

    /// Tells everybody whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.due(now, &mut due);
        for index in due.drain(..) {
            let Some(peer) = self.connections[index as usize].as_mut() else { continue };
            let slot = Slot { index, generation: peer.generation };
            match peer.http.expire(now) {
                Expiry::Wait => {}
                Expiry::Close => {
                    if let Some((ticket, _)) = peer.ticket.take() {
                        self.site.trace.over(ticket, now, Some(Fate::Left), |_| {});
                    }
                    self.io.close(slot);
                }
                Expiry::Timeout => {
                    let mut output = Output { head: self.io.buffer(), ..Output::default() };
                    let (status, site) = (Status::RequestTimeout, &self.site);
                    write_error(&mut output.head, status, &site.dates, Persistence::Close, true);
                    site.stats.answered(told(status, &output));
                    self.io.send(slot, output, Then::Linger);
                }
            }
            self.wheel.arm(index, peer.http.deadline());
        }
        self.due = due;
        self.tftp.expire(now);
    }
}

impl Site {
    /// The answer to a head that cannot be one.
    fn refuse(&self, error: RequestError, head: Vec<u8>) -> Output {
        let mut output = Output { head, ..Output::default() };
        let status = Status::from(error);
        write_error(&mut output.head, status, &self.dates, Persistence::Close, true);
        self.stats.answered(told(status, &output));
        output
    }

    /// The answer to a request that came before, and whether the peer lets the connection be kept.
    fn answer_again(
        &mut self,
        now: Instant,
        whole: Whole<'_>,
        io: &mut impl Io,
    ) -> Option<(Reply, bool)> {
        let given = self.repeat(now, whole, PATH_AT)?;
        let mut output = Output { head: io.buffer(), body: Body::Bytes(given.body.clone()) };
        write_again(&mut output.head, Status::Ok, &given.head, &self.dates);
        let tally = Tally { vendor: given.vendor, ..told(Status::Ok, &output) };
        self.stats.answered(tally);
        let keep_alive = given.keep_alive;
        let asked = Asked {
            at: now,
            source: tally.source,
            ip: given.ip,
            path: given.path(whole.bytes, PATH_AT),
            device: Some(Arc::clone(&given.device)),
            status: tally.status,
            fate: Fate::Given,
            bytes: tally.bytes,
        };
        let ticket = self.trace.asked(asked);
        Some(((output, true, Some(ticket)), keep_alive))
    }

    /// The answer to a request: decided by the world, made by content, told by this. None where
    /// it cannot be decided yet. With the request as it came, where it was all that came.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        address: std::net::SocketAddr,
        head: Vec<u8>,
        whole: Option<Whole<'_>>,
    ) -> Option<Answer> {
        let mut answer = Answer::new(request, head);
        let mut ip = address.ip();
        let (mut buffer, mut key_buffer) =
            (std::mem::take(&mut self.path), std::mem::take(&mut self.key));
        let mut is_decided = true;
        // From here on nobody sees the key but who decides: it is in no log and in no trace.
        let (key, raw) = if self.core.asks_keys() {
            let (key, raw) = split_key(request.path);
            (Some(decode_segment(key, &mut key_buffer)), raw)
        } else {
            (None, request.path)
        };
        match decode_path(raw, &mut buffer) {
            Err(error) => answer.tell(Status::from(error), &self.dates),
            Ok(path) => {
                let proxies = &*self.shared.proxies;
                let trusts = |peer| proxies.trusted.contains(&peer);
                ip = client_address(address.ip(), request.forwarded_for, proxies.count, trusts);
                let query = Query {
                    source: Source::Http,
                    ip,
                    key,
                    path: raw,
                    name: path.strip_prefix(b"/").unwrap_or(path),
                    args: request.args,
                    agent: request.agent,
                    form: request.form,
                    vendor_class: None,
                    mac: None,
                };
                is_decided = self.decide(now, request, &query, whole, &mut answer);
            }
        }
        (self.path, self.key) = (buffer, key_buffer);
        if !is_decided {
            return None;
        }
        let tally = told(answer.status, &answer.output);
        self.stats.answered(Tally { vendor: answer.vendor, ..tally });
        answer.ticket = Some(self.trace.asked(Asked {
            at: now,
            source: tally.source,
            ip,
            path: raw,
            device: answer.device.take(),
            status: tally.status,
            fate: answer.fate,
            bytes: tally.bytes,
        }));
        Some(answer)
    }

    /// False where it cannot be decided yet.
    fn decide(
        &mut self,
        now: Instant,
        request: &Request<'_>,
        query: &Query<'_>,
        whole: Option<Whole<'_>>,
        answer: &mut Answer,
    ) -> bool {
        let mut decision = self.shared.world.decide(query, &mut self.core, now);
        let mut is_failed = false;
        let reads = matches!(request.method, Method::Get | Method::Head);
        match request.method {
            _ if reads && decision.is_waiting => return false,
            Method::Post if request.form.is_some() && decision.is_waiting => {
                answer.tell(Status::ServiceUnavailable, &self.dates);
            }
            Method::Options => answer.options(&self.dates),
            _ if decision.barred == Some(Barred::Key) => answer.tell_nowhere(&self.dates),
            _ if reads && decision.is_refused => {
                answer.tell(Status::TooManyRequests, &self.dates);
            }
            _ if (reads || request.form.is_some()) && reads != decision.takes_form() => {
                let found = self.shared.find(query, &decision);
                is_failed = matches!(found, Found::Failed);
                let is_made = matches!(found, Found::Bytes { .. });
                let found = (found, &mut self.files);
                answer.give(request, query.name, found, (&self.dates, self.civil));
                let Output { head, body } = &answer.output;
                if let (Some(whole), Body::Bytes(body)) = (whole, body)
                    && is_made
                    && request.is_plain()
                    && self.shared.may_repeat(&decision)
                {
                    let place = (whole.bytes, PATH_AT);
                    let parts = (&**head, body, request.keep_alive);
                    self.repeats.note(whole, || Given::of((&decision, query), place, parts));
                }
            }
            Method::Other => answer.tell(Status::NotImplemented, &self.dates),
            _ => answer.tell(Status::MethodNotAllowed, &self.dates),
        }
        answer.vendor = decision.vendor_number();
        answer.fate = Fate::of(answer.status.code(), &decision, is_failed);
        self.stats.asked(now, &self.shared.world, &decision, answer.fate == Fate::Given);
        answer.device = decision.device.take();
        true
    }
}

/// How an answer without a phone is counted.
fn told(status: Status, output: &Output) -> Tally {
    Tally { source: Source::Http, vendor: 0, status: status.code(), bytes: output.len() }
}

/// Sends an answer; the connection says what becomes of it then. What it is remembered as comes
/// back, and whether the connection is kept.
pub(super) fn send(
    io: &mut impl Io,
    http: &mut Connection,
    now: Instant,
    slot: Slot,
    (output, keep, ticket): Reply,
) -> Option<(Ticket, bool)> {
    let then = match http.answering(now, keep) {
        After::Keep => Then::Keep,
        After::Close => Then::Close,
        After::Linger => Then::Linger,
    };
    io.send(slot, output, then);
    ticket.map(|ticket| (ticket, then == Then::Keep))
}
