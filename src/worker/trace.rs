//! What each phone asked in its last boots: bounded, written by one core alone, and copied by that
//! core when others want to see it. Nobody locks it.

use ahash::RandomState;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use tokio::sync::mpsc as lines;

use crate::device::{Device, Mac};
use crate::limits::{TRACE_ADDRESSES, TRACE_PATH_BYTES_MAX, TRACE_PHONES, TRACE_REQUESTS};
use crate::query::Source;
use crate::time::{Duration, Instant};
use crate::world::{Barred, Decision};

/// Whose requests are remembered together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Who {
    /// A phone that is known by its MAC.
    Phone(Mac),
    /// All others, by their address.
    Address(IpAddr),
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It was given what it asked for, or told that it has that.
    Given,
    /// There is no such file.
    Missing,
    /// The phone is unknown, and was not taken in.
    Unknown,
    /// No plugin serves the phone over this protocol.
    Unserved,
    /// The file could not be made.
    Failed,
    /// The request itself cannot be answered.
    Wrong,
    /// Its source walks through MACs.
    Refused,
    /// Its path does not begin with a tenant's key.
    Keyless,
    /// Its key is of another tenant than the phone.
    Foreign,
    /// It has to ask again: the store is being loaded, or there are too many transfers.
    Later,
    /// The peer left before it had all.
    Left,
    /// The peer of a transfer fell silent.
    Silent,
    /// The peer of a transfer ended it.
    Ended,
    /// The file changed while it was sent, or cannot be read.
    Broken,
    /// The transfer made room for another.
    Dropped,
}

impl Fate {
    /// That of a request that was decided and is answered with this status.
    pub fn of(status: u16, decision: &Decision<'_>, is_failed: bool) -> Fate {
        match status {
            _ if decision.is_refused => Fate::Refused,
            200..=399 => Fate::Given,
            503 => Fate::Later,
            404 if decision.barred == Some(Barred::Key) => Fate::Keyless,
            404 if decision.barred == Some(Barred::Tenant) => Fate::Foreign,
            404 if decision.device.is_none() => Fate::Unknown,
            404 if decision.release.is_none() => Fate::Unserved,
            404 if is_failed => Fate::Failed,
            404 => Fate::Missing,
            _ => Fate::Wrong,
        }
    }
}

/// A request that came in.
pub struct Asked<'a> {
    /// When.
    pub at: Instant,
    /// Over which protocol.
    pub source: Source,
    /// From where.
    pub ip: IpAddr,
    /// Path or file name, as it came; without the tenant's key.
    pub path: &'a [u8],
    /// The phone, as it is behind this request.
    pub device: Option<Arc<Device>>,
    /// As it is counted ([`super::STATUSES`]).
    pub status: u16,
    /// What became of it.
    pub fate: Fate,
    /// Bytes that it is given.
    pub bytes: u64,
}

/// A request that is remembered.
#[derive(Clone, Debug)]
pub struct Traced {
    /// When it came in.
    pub at: Instant,
    /// Until it was over; none while it is not.
    pub took: Option<Duration>,
    /// Over which protocol.
    pub source: Source,
    /// From where.
    pub ip: IpAddr,
    /// The phone, as it was then.
    pub device: Option<Arc<Device>>,
    /// As it is counted ([`super::STATUSES`]).
    pub status: u16,
    /// What became of it.
    pub fate: Fate,
    /// Bytes that it was given.
    pub bytes: u64,
    /// Times that something was sent again.
    pub repeats: u16,
    path: [u8; TRACE_PATH_BYTES_MAX],
    /// Bytes that it had; more than `path` holds where it was cut.
    path_len: u16,
}

const _: () = assert!(size_of::<Traced>() <= 192);

impl Traced {
    fn new(asked: Asked<'_>) -> Traced {
        let mut path = [0; TRACE_PATH_BYTES_MAX];
        let kept = asked.path.len().min(TRACE_PATH_BYTES_MAX);
        path[..kept].copy_from_slice(&asked.path[..kept]);
        Traced {
            at: asked.at,
            took: None,
            source: asked.source,
            ip: asked.ip,
            device: asked.device,
            status: asked.status,
            fate: asked.fate,
            bytes: asked.bytes,
            repeats: 0,
            path,
            path_len: u16::try_from(asked.path.len()).unwrap_or(u16::MAX),
        }
    }

    /// The path, or its beginning, and whether it is whole.
    pub fn path(&self) -> (&[u8], bool) {
        let len = usize::from(self.path_len);
        (&self.path[..len.min(TRACE_PATH_BYTES_MAX)], len <= TRACE_PATH_BYTES_MAX)
    }
}

/// Names a request that is not over; a stale one is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    is_phone: bool,
    place: u32,
    number: u64,
}

/// One core's memory. Strangers have a part of their own: however many there are, what known phones
/// asked stays.
#[derive(Debug)]
pub struct Trace {
    phones: Shelf,
    addresses: Shelf,
    followers: Vec<(Who, lines::Sender<Traced>)>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            phones: Shelf::new(TRACE_PHONES),
            addresses: Shelf::new(TRACE_ADDRESSES),
            followers: Vec::new(),
        }
    }
}

impl Trace {
    /// Remembers a request.
    pub fn asked(&mut self, asked: Asked<'_>) -> Ticket {
        let mac = asked.device.as_ref().and_then(|device| device.mac);
        let who = mac.map_or(Who::Address(asked.ip), Who::Phone);
        let (place, number) = self.shelf(mac.is_some()).put(who, Traced::new(asked));
        Ticket { is_phone: mac.is_some(), place, number }
    }

    /// A request is over, as its fate was or as `fate` says now; `change` adds what is known now.
    pub fn over(
        &mut self,
        ticket: Ticket,
        now: Instant,
        fate: Option<Fate>,
        change: impl FnOnce(&mut Traced),
    ) {
        let shelf = if ticket.is_phone { &mut self.phones } else { &mut self.addresses };
        let Some((who, traced)) = shelf.find(ticket) else { return };
        traced.took = Some(now.since(traced.at));
        traced.fate = fate.unwrap_or(traced.fate);
        change(traced);
        if self.followers.is_empty() {
            return;
        }
        let told = traced.clone();
        // One who does not keep up misses lines; the phone does not wait for him.
        self.followers.retain(|(wanted, to)| {
            let is_gone = *wanted == who
                && matches!(to.try_send(told.clone()), Err(lines::error::TrySendError::Closed(_)));
            !is_gone
        });
    }

    /// Answers who asked at the desk.
    pub fn serve(&mut self, desk: &Desk) {
        for question in desk.take() {
            self.followers.retain(|(_, to)| !to.is_closed());
            match question {
                Question::Tell(who, to) => {
                    let shelf = self.shelf(matches!(who, Who::Phone(_)));
                    // Whoever asked may have gone.
                    let _ = to.send(shelf.of(who));
                }
                Question::Follow(who, to) => self.followers.push((who, to)),
            }
        }
    }

    fn shelf(&mut self, is_phone: bool) -> &mut Shelf {
        if is_phone { &mut self.phones } else { &mut self.addresses }
    }
}

/// Some phones, each with its last requests. INVARIANT: `by_name` names the place of each.
#[derive(Debug)]
struct Shelf {
    by_name: HashMap<Who, u32, RandomState>,
    places: Vec<Place>,
    most: usize,
    /// Where the search for a place goes on.
    hand: usize,
}

/// A phone's requests, the last `TRACE_REQUESTS` of them: number `n` lies at its remainder.
#[derive(Debug)]
struct Place {
    who: Who,
    /// Asked since the hand last went by.
    is_used: bool,
    /// Numbers of the first request that is its own, and of the next one.
    first: u64,
    next: u64,
    requests: Vec<Traced>,
}

impl Shelf {
    fn new(most: usize) -> Shelf {
        let by_name = HashMap::with_capacity_and_hasher(most, RandomState::new());
        Shelf { by_name, places: Vec::with_capacity(most), most, hand: 0 }
    }

    fn put(&mut self, who: Who, traced: Traced) -> (u32, u64) {
        let place = match self.by_name.get(&who) {
            Some(place) => *place,
            None => self.place_for(who),
        };
        let phone = &mut self.places[place as usize];
        phone.is_used = true;
        let number = phone.next;
        phone.next += 1;
        let at = index(number);
        match phone.requests.get_mut(at) {
            Some(old) => *old = traced,
            None => phone.requests.push(traced),
        }
        (place, number)
    }

    /// A place for one that has none: a new one, else that of one who has not asked for long.
    fn place_for(&mut self, who: Who) -> u32 {
        let place = if self.places.len() < self.most {
            let requests = Vec::with_capacity(TRACE_REQUESTS);
            self.places.push(Place { who, is_used: true, first: 0, next: 0, requests });
            self.places.len() - 1
        } else {
            while std::mem::take(&mut self.places[self.hand].is_used) {
                self.hand = (self.hand + 1) % self.most;
            }
            let place = self.hand;
            self.hand = (self.hand + 1) % self.most;
            let phone = &mut self.places[place];
            self.by_name.remove(&phone.who);
            phone.who = who;
            phone.first = phone.next;
            place
        };
        let place = u32::try_from(place).expect("invariant: TRACE_PHONES fits");
        self.by_name.insert(who, place);
        place
    }

    fn find(&mut self, ticket: Ticket) -> Option<(Who, &mut Traced)> {
        let phone = self.places.get_mut(ticket.place as usize)?;
        if !phone.numbers().contains(&ticket.number) {
            return None;
        }
        Some((phone.who, &mut phone.requests[index(ticket.number)]))
    }

    fn of(&self, who: Who) -> Vec<Traced> {
        let Some(place) = self.by_name.get(&who) else { return Vec::new() };
        let phone = &self.places[*place as usize];
        phone.numbers().map(|number| phone.requests[index(number)].clone()).collect()
    }
}

impl Place {
    /// Of the requests that are there.
    fn numbers(&self) -> std::ops::Range<u64> {
        self.first.max(self.next.saturating_sub(TRACE_REQUESTS as u64))..self.next
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number % TRACE_REQUESTS as u64).expect("invariant: it is less than a bound")
}

/// What is asked of a core from outside.
#[derive(Debug)]
pub enum Question {
    /// What one has asked, the oldest first.
    Tell(Who, mpsc::Sender<Vec<Traced>>),
    /// What one asks from now on.
    Follow(Who, lines::Sender<Traced>),
}

/// Where others leave what they want to know of a core; it looks once a turn.
#[derive(Debug, Default)]
pub struct Desk {
    is_asked: AtomicBool,
    questions: Mutex<Vec<Question>>,
}

impl Desk {
    /// Leaves a question. Ring the core's waker after that.
    pub fn ask(&self, question: Question) {
        self.lock().push(question);
        self.is_asked.store(true, Ordering::Release);
    }

    fn take(&self) -> Vec<Question> {
        if !self.is_asked.load(Ordering::Relaxed) || !self.is_asked.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Question>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
