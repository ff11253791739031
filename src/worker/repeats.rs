//! Requests that came before, word for word and from the same address, and what they were given:
//! a phone that hears nothing asks again, and at its next boot it asks what it always asks.
//!
//! A decision says what it rests on ([`Grounds`]). As long as that holds, the same request is given
//! the same, and nobody reads it. What comes for the first time leaves only a part of its hash, so
//! that phones that ask once cost little, and drive out nobody who asks again.

use ahash::RandomState;
use bytes::Bytes;
use std::net::IpAddr;
use std::sync::Arc;

use crate::device::Device;
use crate::limits;
use crate::query::Query;
use crate::world::{Decision, Grounds};

/// One core's memory of requests.
#[derive(Debug)]
pub struct Repeats {
    places: Box<[Place]>,
    hasher: RandomState,
    /// Sum of what is known.
    bytes: usize,
    /// Where the search for room goes on.
    hand: usize,
}

/// A request as it came: who sent it, and its bytes from the first to the last.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'b> {
    /// An HTTP head, or a datagram.
    pub bytes: &'b [u8],
    /// Address of the peer, which may be a proxy.
    from: IpAddr,
    hash: u64,
}

/// Requests that share a place.
#[derive(Debug, Default)]
struct Place {
    /// A part of the hash of the latest one that was not known.
    latest: u32,
    known: Option<Box<Known>>,
}

#[derive(Debug)]
struct Known {
    from: IpAddr,
    bytes: Box<[u8]>,
    given: Given,
}

/// What a request was given, and all that is counted and told of it.
#[derive(Debug)]
pub struct Given {
    /// The phone.
    pub device: Arc<Device>,
    /// Whether its fetch says that the phone takes its configuration.
    pub is_trigger: bool,
    /// Whether it is told when somebody asks for it.
    pub is_sensitive: bool,
    /// Number of the vendor whose plugin serves the phone.
    pub vendor: u8,
    /// The phone's address, behind proxies.
    pub ip: IpAddr,
    /// The file, as it is sent.
    pub body: Bytes,
    /// HTTP: the answer's head.
    pub head: Box<[u8]>,
    /// HTTP: whether the peer lets the connection be kept.
    pub keep_alive: bool,
    grounds: Grounds,
    /// Bytes of the path or file name, which stands at a place that the protocol knows.
    path_len: usize,
}

const _: () = assert!(limits::REPEATS_PLACES.is_power_of_two());

impl Default for Repeats {
    fn default() -> Self {
        let places = (0..limits::REPEATS_PLACES).map(|_| Place::default()).collect();
        Repeats { places, hasher: RandomState::new(), bytes: 0, hand: 0 }
    }
}

impl Repeats {
    /// A request that can be known; none where it is empty or too long.
    pub fn whole<'b>(&self, from: IpAddr, bytes: &'b [u8]) -> Option<Whole<'b>> {
        let fits = (1..=limits::REPEAT_BYTES_MAX).contains(&bytes.len());
        fits.then(|| Whole { bytes, from, hash: self.hasher.hash_one((from, bytes)) })
    }

    /// What this request was given, where that holds.
    pub fn find(&self, asked: Whole<'_>, holds: impl FnOnce(&Grounds) -> bool) -> Option<&Given> {
        let known = self.places[asked.place()].known.as_deref()?;
        let is_it = known.from == asked.from && *known.bytes == *asked.bytes;
        Some(&known.given).filter(|given| is_it && holds(&given.grounds))
    }

    /// Notes what a request was given, where it comes for the second time and may be given that
    /// again.
    pub fn note(&mut self, asked: Whole<'_>, given: impl FnOnce() -> Option<Given>) {
        let place = &mut self.places[asked.place()];
        if std::mem::replace(&mut place.latest, asked.tag()) != asked.tag() {
            return;
        }
        let Some(given) = given() else { return };
        let known = Box::new(Known { from: asked.from, bytes: asked.bytes.into(), given });
        self.bytes += known.cost();
        self.bytes -= place.known.replace(known).map_or(0, |old| old.cost());
        while self.bytes > limits::REPEATS_BYTES_MAX {
            self.hand = (self.hand + 1) % self.places.len();
            self.bytes -= self.places[self.hand].known.take().map_or(0, |old| old.cost());
        }
    }

    /// Forgets all: what every decision rests on is another.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Whole<'_> {
    fn place(&self) -> usize {
        self.hash as usize & (limits::REPEATS_PLACES - 1)
    }

    /// What tells it from others of its place.
    fn tag(&self) -> u32 {
        (self.hash >> 32) as u32
    }
}

impl Known {
    fn cost(&self) -> usize {
        size_of::<Known>() + self.bytes.len() + self.given.head.len() + self.given.body.len()
    }
}

impl Given {
    /// What a decision gave, with `head` before it; none where the next one of its kind has to be
    /// decided. `bytes` have the request's path at `start`.
    pub fn of(
        (decision, query): (&Decision<'_>, &Query<'_>),
        (bytes, start): (&[u8], usize),
        (head, body, keep_alive): (&[u8], &Bytes, bool),
    ) -> Option<Given> {
        // What is told of a file names it as it was asked for.
        let is_plain = query.path.ends_with(query.name);
        let has_path = bytes.get(start..).is_some_and(|bytes| bytes.starts_with(query.path));
        if !is_plain || !has_path {
            return None;
        }
        Some(Given {
            grounds: decision.grounds?,
            device: Arc::clone(decision.device.as_ref()?),
            is_trigger: decision.is_trigger(),
            is_sensitive: decision.is_sensitive(),
            vendor: decision.vendor_number(),
            ip: query.ip,
            path_len: query.path.len(),
            head: head.into(),
            body: body.clone(),
            keep_alive,
        })
    }

    /// The path or file name of the request, which has it at `start`.
    pub fn path<'b>(&self, bytes: &'b [u8], start: usize) -> &'b [u8] {
        &bytes[start..start + self.path_len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn given(body: Bytes) -> Given {
        Given {
            grounds: Grounds::default(),
            device: Arc::default(),
            is_trigger: false,
            is_sensitive: false,
            vendor: 0,
            ip: HERE,
            path_len: 1,
            head: Box::default(),
            body,
            keep_alive: true,
        }
    }

    #[test]
    fn what_comes_twice_is_known_word_for_word() {
        let mut repeats = Repeats::default();
        let asked = repeats.whole(HERE, b"GET /a").expect("it is short");
        repeats.note(asked, || unreachable!("it came once"));
        assert!(repeats.find(asked, |_| true).is_none());
        repeats.note(asked, || None);
        assert!(repeats.find(asked, |_| true).is_none());
        repeats.note(asked, || Some(given(Bytes::from_static(b"own"))));
        assert_eq!(repeats.find(asked, |_| true).expect("it is known").body, "own");
        assert!(repeats.find(asked, |_| false).is_none());
        // Also where the hashes are the same.
        assert!(repeats.find(Whole { bytes: b"GET /b", ..asked }, |_| true).is_none());
        let elsewhere = Whole { from: Ipv4Addr::new(192, 0, 2, 2).into(), ..asked };
        assert!(repeats.find(elsewhere, |_| true).is_none());
        repeats.forget();
        assert!(repeats.find(asked, |_| true).is_none());
    }

    #[test]
    fn no_more_is_known_than_there_is_room_for() {
        const BODY: usize = 1 << 20;
        let mut repeats = Repeats::default();
        let body = Bytes::from(vec![0; BODY]);
        for n in 0..1000_u32 {
            for _ in 0..2 {
                let bytes = n.to_le_bytes();
                let asked = repeats.whole(HERE, &bytes).expect("it is short");
                repeats.note(asked, || Some(given(body.clone())));
            }
            assert!(repeats.bytes <= limits::REPEATS_BYTES_MAX, "{n}");
        }
        let known = repeats.places.iter().filter_map(|place| place.known.as_deref());
        assert_eq!(repeats.bytes, known.map(Known::cost).sum::<usize>());
        assert!(repeats.bytes > limits::REPEATS_BYTES_MAX - 2 * BODY);
        let long = [b'x'; limits::REPEAT_BYTES_MAX + 1];
        assert!(repeats.whole(HERE, &long).is_none() && repeats.whole(HERE, b"").is_none());
        assert!(repeats.whole(HERE, &long[1..]).is_some());
    }
}
