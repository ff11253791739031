//! Requests that cannot be decided yet wait, and nobody is told anything wrong: while the store is
//! being loaded, a phone that is not found may be one that is not there yet.

use super::Worker;
use super::http::send;
use crate::limits;
use crate::ring::{Io, Slot};
use crate::time::Instant;
use crate::wire::http::{Method, Parsed, Request, Version, parse};

/// Connections that wait for an answer, each with the head of its request.
#[derive(Debug, Default)]
pub struct Parked {
    heads: Vec<(Slot, Vec<u8>)>,
    due: Instant,
}

impl Parked {
    /// Keeps a request; its connection goes on waiting for the answer.
    pub fn keep(&mut self, now: Instant, slot: Slot, request: &Request<'_>) {
        if self.heads.is_empty() {
            self.due = now + limits::PARKED_PAUSE;
        }
        self.heads.push((slot, head_of(request)));
    }

    /// When they are looked at again.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.heads.is_empty()).then_some(self.due)
    }
}

impl<I: Io> Worker<I> {
    /// Asks again for those that wait.
    pub(super) fn retry(&mut self, now: Instant) {
        if self.parked.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        for (slot, head) in std::mem::take(&mut self.parked.heads) {
            let Self { connections, io, site, parked, .. } = self;
            let place = connections.get_mut(slot.index as usize).and_then(Option::as_mut);
            let Some(peer) = place.filter(|peer| peer.generation == slot.generation) else {
                continue;
            };
            let Ok(Parsed::Request { request, .. }) = parse(&head) else {
                // Not reached: it was written from a request that was read.
                io.close(slot);
                continue;
            };
            match site.answer(now, &request, peer.address, io.buffer(), None) {
                Some(answer) => {
                    peer.ticket = send(io, &mut peer.http, now, slot, answer.reply());
                    self.wheel.arm(slot.index, peer.http.deadline());
                }
                None => parked.keep(now, slot, &request),
            }
        }
    }
}

/// The head again, with all that an answer depends on.
fn head_of(request: &Request<'_>) -> Vec<u8> {
    let mut head = Vec::with_capacity(256);
    let method: &[u8] = if request.method == Method::Head { b"HEAD " } else { b"GET " };
    let version: &[u8] = match request.version {
        Version::Http10 => b" HTTP/1.0\r\n",
        Version::Http11 => b" HTTP/1.1\r\n",
    };
    for part in [method, request.target, version] {
        head.extend_from_slice(part);
    }
    let connection: &[u8] = if request.keep_alive { b"keep-alive" } else { b"close" };
    for (name, value) in [
        ("Connection", Some(connection)),
        ("Host", request.host),
        ("User-Agent", request.agent),
        ("X-Forwarded-For", request.forwarded_for),
        ("If-None-Match", request.if_none_match),
        ("If-Modified-Since", request.if_modified_since),
        ("If-Range", request.if_range),
        ("Range", request.range),
    ] {
        let Some(value) = value else { continue };
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_the_same_again() {
        for text in [
            "GET /805ec0aabbcc.cfg?a=b HTTP/1.1\r\nHost: 192.0.2.1:8667\r\nUser-Agent: Yealink \
             SIP-T46U 108.86.0.20 80:5e:c0:aa:bb:cc\r\nIf-None-Match: \"a\"\r\nRange: bytes=0-9\r\n\
             X-Forwarded-For: 192.0.2.7\r\n\r\n",
            "HEAD /a%20b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: close\r\nHost: a\r\nIf-Modified-Since: x\r\n\r\n",
        ] {
            let Ok(Parsed::Request { request, .. }) = parse(text.as_bytes()) else {
                panic!("{text}");
            };
            let head = head_of(&request);
            let Ok(Parsed::Request { request: again, .. }) = parse(&head) else {
                panic!("{text}");
            };
            assert_eq!(again, request);
        }
    }
}
