//! One core's loop: the only place that knows ring, protocols, phones and files, and joins them.
//!
//! A turn: the time is read once, the plugin set is taken once, events are gathered and then
//! handled, transfers send what they may, and whoever is past its deadline is told so. A panic
//! costs its connection; panics again and again cost the process, so that no dead core keeps a
//! listening socket that swallows a share of the phones.

mod answer;
mod files;
mod http;
mod parked;
mod repeats;
mod stats;
mod tftp;
mod trace;
mod wheel;

pub use stats::{PROVISIONED_WITHIN, STATUSES, Stats, Tally, Totals};
pub use trace::{Asked, Desk, Fate, Question, Ticket, Trace, Traced, Who};

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::content::{Content, Found};
use crate::limits;
use crate::query::Query;
use crate::ring::{Event, Io, Slot};
use crate::shadow::Shadow;
use crate::time::{self, Civil, Instant};
use crate::wire::http::{Connection, DateCache};
use crate::wire::tftp::Flow;
use crate::world::{Core, Decision, World, tell_sensitive};
use files::Files;
use parked::Parked;
use repeats::{Given, Repeats, Whole};
use tftp::Tftp;
use wheel::Wheel;

/// What a worker is told from outside.
#[derive(Debug, Default)]
pub struct Orders {
    stop: AtomicBool,
}

impl Orders {
    /// Asks every worker to finish what it is sending and to end. Ring its waker after that.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }
}

/// One core.
pub struct Worker<I> {
    io: I,
    site: Site,
    connections: Vec<Option<Peer>>,
    open: usize,
    /// Where the search for an idle connection goes on.
    hand: usize,
    /// How many were shed when that was last told.
    shed_told: (u64, Instant),
    wheel: Wheel,
    parked: Parked,
    tftp: Tftp,
    /// When the shutdown that is under way began.
    stopping: Option<Instant>,
    panics: u32,
    events: Vec<Event>,
    due: Vec<u32>,
}

/// What all workers share.
#[derive(Clone)]
pub struct Shared {
    /// Phones, configurations, plugins.
    pub world: Arc<World>,
    /// What they are given.
    pub content: Arc<Content>,
    /// Who may speak for others.
    pub proxies: Arc<Proxies>,
    /// Who compares with another server, where that is wanted.
    pub shadow: Option<Arc<Shadow>>,
    /// What workers are told.
    pub orders: Arc<Orders>,
}

/// Proxies that may say for whom they ask.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Proxies {
    /// How many stand between a phone and this server.
    pub count: usize,
    /// Their addresses. Nobody else is believed.
    pub trusted: Vec<IpAddr>,
}

/// What answering needs beside the connection.
struct Site {
    shared: Shared,
    core: Core,
    /// A path that had to be decoded.
    path: Vec<u8>,
    /// A key that had to be decoded.
    key: Vec<u8>,
    files: Files,
    dates: DateCache,
    civil: Civil,
    stats: Arc<Stats>,
    trace: Trace,
    repeats: Repeats,
}

/// A connection and who is at its other end.
#[derive(Debug)]
struct Peer {
    generation: u32,
    address: SocketAddr,
    http: Connection,
    /// The answer that is on its way, and whether the connection is kept behind it.
    ticket: Option<(Ticket, bool)>,
}

impl Shared {
    /// What a decision comes to; whoever compares is told.
    fn find(&self, query: &Query<'_>, decision: &Decision<'_>) -> Found {
        let found = self.content.find(&self.world, decision);
        if let Some(shadow) = &self.shadow {
            shadow.note(query, decision.release.map(|release| &**release.id()), &found);
        }
        found
    }

    /// Whether the same request may be given the same without being decided.
    fn may_repeat(&self, decision: &Decision<'_>) -> bool {
        decision.grounds.is_some() && self.shadow.is_none()
    }
}

impl Site {
    /// What a request was given that came before, where that holds; it is told and counted as
    /// then. None where it has to be read and decided. Its path stands at `path_at`.
    fn repeat(&self, now: Instant, whole: Whole<'_>, path_at: usize) -> Option<&Given> {
        let world = &self.shared.world;
        let given = self.repeats.find(whole, |grounds| world.holds(grounds))?;
        if given.is_sensitive {
            tell_sensitive(given.ip, given.path(whole.bytes, path_at));
        }
        self.stats.repeated(now, world, given);
        Some(given)
    }
}

impl<I: Io> Worker<I> {
    /// A worker over a driver whose sockets are open. `civil` is the time of day by now.
    pub fn new(
        io: I,
        shared: Shared,
        stats: Arc<Stats>,
        transfer_ports: u16,
        (now, civil): (Instant, Civil),
    ) -> Self {
        let core = shared.world.core();
        let dates = DateCache::new(civil);
        let (files, trace, repeats) = (Files::default(), Trace::default(), Repeats::default());
        let (path, key) = (Vec::new(), Vec::new());
        let site = Site { shared, core, path, key, files, dates, civil, stats, trace, repeats };
        Self {
            io,
            site,
            connections: Vec::new(),
            open: 0,
            hand: 0,
            shed_told: (0, Instant::default()),
            wheel: Wheel::new(now),
            parked: Parked::default(),
            tftp: Tftp::new(transfer_ports),
            stopping: None,
            panics: 0,
            events: Vec::with_capacity(limits::COMPLETION_ENTRIES as usize),
            due: Vec::new(),
        }
    }

    /// Turns until the orders say stop and what was being sent is sent, or the time for that is up.
    ///
    /// # Errors
    /// The ring failed, or connections panicked again and again.
    pub fn run(&mut self) -> io::Result<()> {
        loop {
            if !self.turn(time::civil_now, None)? {
                return Ok(());
            }
        }
    }

    /// One turn, which waits at most until `until`. `civil` gives the time of day; it is asked
    /// behind the wait, which may have been long. False when the worker has ended.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn turn(
        &mut self,
        civil: impl FnOnce() -> Civil,
        until: Option<Instant>,
    ) -> io::Result<bool> {
        let until = earliest(until, self.next_deadline());
        let mut events = std::mem::take(&mut self.events);
        let now = self.io.turn(until, &mut events)?;
        self.site.civil = civil();
        self.site.dates.update(self.site.civil);
        if self.site.core.begin_turn(&self.site.shared.world) {
            self.site.repeats.forget();
        }
        for event in events.drain(..) {
            self.handle_caught(now, event)?;
        }
        self.events = events;
        self.retry(now);
        self.expire(now);
        self.tftp.transmit(now, &mut self.io, &mut self.site);
        let counters = self.io.counters();
        self.tell_shed(now, counters.shed);
        self.site.stats.keep(counters);
        self.site.trace.serve(self.site.stats.desk());
        Ok(!self.is_over(now))
    }

    /// Says that connections were shed, once in a while.
    fn tell_shed(&mut self, now: Instant, shed: u64) {
        let (told, at) = self.shed_told;
        if shed > told && now.since(at) >= limits::SHED_LINE_PAUSE {
            let (count, open) = (shed - told, self.open);
            tracing::warn!(count, open, "connections are shed: the table or a share of it is full");
            self.shed_told = (shed, now);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let stop = self.stopping.map(|since| since + limits::SHUTDOWN_TIME_MAX);
        let parked = earliest(self.parked.poll_timeout(), stop);
        earliest(earliest(self.wheel.next_due(), self.tftp.poll_timeout()), parked)
    }

    /// Handles an event; a panic closes its connection.
    fn handle_caught(&mut self, now: Instant, event: Event) -> io::Result<()> {
        let slot = slot_of(&event);
        if catch_unwind(AssertUnwindSafe(|| self.handle(now, event))).is_ok() {
            return Ok(());
        }
        self.panics += 1;
        self.site.stats.panicked();
        tracing::error!(panics = self.panics, "a request made the server panic; it was dropped");
        if self.panics >= limits::PANICS_MAX {
            return Err(io::Error::other("requests make the server panic again and again"));
        }
        if let Some(slot) = slot {
            self.io.close(slot);
        }
        Ok(())
    }

    fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Accepted { slot, peer } => self.accepted(now, slot, peer),
            Event::Received { slot, lease } => self.advance(now, slot, &lease),
            Event::Finished { slot } => {
                if let Some(peer) = self.peer(slot) {
                    peer.http.finished();
                    self.advance(now, slot, &[]);
                }
            }
            Event::Progress { slot } => {
                if let Some(peer) = self.peer(slot) {
                    peer.http.progress(now);
                }
            }
            Event::Sent { slot } => {
                if let Some(peer) = self.peer(slot) {
                    peer.http.sent(now);
                    let ticket = peer.ticket.take();
                    if let Some((ticket, _)) = ticket {
                        self.site.trace.over(ticket, now, None, |_| {});
                    }
                    self.advance(now, slot, &[]);
                }
            }
            Event::Closed { slot, error } => self.closed(now, slot, error.is_some()),
            Event::Datagram { port, peer, local, lease } => {
                let flow = Flow { peer, local };
                self.tftp.datagram(now, &mut self.io, &mut self.site, (port, flow), &lease);
            }
            Event::Read { token, result } => self.tftp.read(now, &mut self.io, token, result),
            Event::Woken => {}
        }
    }

    fn accepted(&mut self, now: Instant, slot: Slot, address: SocketAddr) {
        let index = slot.index as usize;
        if index >= self.connections.len() {
            self.connections.resize_with(index + 1, || None);
        }
        assert!(self.connections[index].is_none(), "a place is free before it is used again");
        let http = Connection::new(now);
        self.wheel.arm(slot.index, http.deadline());
        self.connections[index] =
            Some(Peer { generation: slot.generation, address, http, ticket: None });
        self.open += 1;
        if self.stopping.is_some() {
            self.io.close(slot);
        } else if self.open >= self.io.capacity() - self.io.capacity() / limits::CONNECTIONS_SPARE {
            self.shed_idle(slot);
        }
    }

    /// Closes one idle connection other than `newest`, if a short search finds one.
    fn shed_idle(&mut self, newest: Slot) {
        for _ in 0..limits::IDLE_LOOKS_MAX {
            self.hand = (self.hand + 1) % self.connections.len();
            let Ok(index) = u32::try_from(self.hand) else { return };
            let idle = self.connections[self.hand].as_ref().filter(|peer| peer.http.is_idle());
            if let Some(peer) = idle.filter(|_| index != newest.index) {
                return self.io.close(Slot { index, generation: peer.generation });
            }
        }
    }

    fn closed(&mut self, now: Instant, slot: Slot, is_broken: bool) {
        let Some(peer) = self.peer(slot) else { return };
        let ticket = peer.ticket.take();
        self.connections[slot.index as usize] = None;
        self.open -= 1;
        if let Some((ticket, is_kept)) = ticket {
            let has_left = is_kept || is_broken;
            self.site.trace.over(ticket, now, has_left.then_some(Fate::Left), |_| {});
        }
    }

    fn peer(&mut self, slot: Slot) -> Option<&mut Peer> {
        let peer = self.connections.get_mut(slot.index as usize)?.as_mut()?;
        (peer.generation == slot.generation).then_some(peer)
    }

    /// Whether the shutdown is through: nothing is being sent, or its time is up.
    fn is_over(&mut self, now: Instant) -> bool {
        if !self.site.shared.orders.stop.load(Ordering::Acquire) {
            return false;
        }
        let began = *self.stopping.get_or_insert(now);
        if began == now {
            self.io.stop_accepting();
        }
        for (index, place) in (0..).zip(&self.connections) {
            if let Some(peer) = place.as_ref().filter(|peer| peer.http.is_idle()) {
                self.io.close(Slot { index, generation: peer.generation });
            }
        }
        let through = self.open == 0 && self.tftp.is_empty();
        through || now.since(began) >= limits::SHUTDOWN_TIME_MAX
    }
}

fn slot_of(event: &Event) -> Option<Slot> {
    match event {
        Event::Accepted { slot, .. }
        | Event::Received { slot, .. }
        | Event::Finished { slot }
        | Event::Progress { slot }
        | Event::Sent { slot } => Some(*slot),
        _ => None,
    }
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
