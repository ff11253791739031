//! One phone's boot without sockets and clocks: what came in and a time go in, actions come out.
//!
//! ```text
//!              due                connected              answer
//! ▶ Waiting ─────────▶ Connecting ─────────▶ Asking ───────────────▶ Waiting … Over
//!      ▲    kept connection: straight to Asking │                       │
//!      │    TFTP: ───────────────▶ Fetching ────┼── last block, ERROR ──┘
//!      └── pause, twice as long each time ◀─────┴── time-out, close, 5xx … ; too often: Over
//! ```

mod event;

pub use event::{Answer, Event, Outcome, Trouble};

use crate::chance::Chance;
use crate::fleet::Member;
use crate::http::{Reader, Request};
use crate::inspect::{Got, Inspector};
use crate::limits::{DATA_HEAD_BYTES, RETRY_FIRST, RETRY_MAX, TFTP_FILE_BYTES_MAX};
use crate::profile::{Expect, Method, Options, Profile, Step, Transport};
use crate::template::{Template, Values};
use ringboot::limits::BLOCK_BYTES_DEFAULT;
use ringboot::time::{Duration, Instant};
use ringboot::wire::tftp::{self, Destination, ErrorCode, Failure, Fetch, Mode};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// A phone that boots.
#[derive(Debug)]
pub struct Phone {
    profile: Arc<Profile>,
    member: Arc<Member>,
    setup: Setup,
    chance: Chance,
    /// The step that is waited for or under way.
    step: usize,
    /// Attempts at this step that failed.
    failed: u32,
    /// When the phone's start was due.
    start: Instant,
    /// When this step's request was due: its latency counts from here, over all retries.
    due: Instant,
    wrong: u32,
    link: Option<OpenLink>,
    links: u32,
    state: State,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
}

/// What is the same for all phones of a storm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setup {
    /// The HTTP server; steps over HTTP need it.
    pub http: Option<SocketAddr>,
    /// The TFTP server; steps over TFTP need it.
    pub tftp: Option<SocketAddr>,
    /// Time for one HTTP answer, connecting included.
    pub answer_time: Duration,
    /// Attempts at one step before the phone is lost.
    pub attempts: u32,
    /// Whether a connection is kept for the next request.
    pub keep_alive: bool,
    /// Seeds the phones' pauses.
    pub seed: u64,
}

/// Names a connection or a datagram socket of one phone; what comes of an old one is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Link(pub u32);

/// What the phone wants done. A phone has one link at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Open a connection; answered by `Input::Connected` or `Input::Closed`.
    Connect(Link, SocketAddr),
    /// Send bytes on a connection.
    Send(Link, Vec<u8>),
    /// Open a datagram socket towards a server, for datagrams of up to so many bytes; answered
    /// only when it fails.
    Open(Link, SocketAddr, usize),
    /// Send a datagram.
    SendTo(Link, SocketAddr, Vec<u8>),
    /// Close either; not answered.
    Close(Link),
}

/// What happened to a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input<'b> {
    /// The connection is there.
    Connected,
    /// Bytes of a connection.
    Received(&'b [u8]),
    /// A datagram and its sender.
    Datagram(SocketAddr, &'b [u8]),
    /// The peer closed, or the link failed.
    Closed(Option<ErrorKind>),
}

#[derive(Debug)]
enum State {
    Waiting { until: Instant },
    Connecting { until: Instant },
    Asking { until: Instant, reader: Reader, inspector: Inspector },
    Fetching(Box<Fetch>),
    Over(Outcome),
}

#[derive(Clone, Copy, Debug)]
struct OpenLink {
    name: Link,
    /// Whether a request was answered on it.
    used: bool,
}

impl Phone {
    /// A phone that starts at `start`.
    #[must_use]
    pub fn new(start: Instant, profile: Arc<Profile>, member: Arc<Member>, setup: Setup) -> Self {
        let number = member.mac.0.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let chance = Chance::of(setup.seed, number);
        let due = start + profile.steps[0].delay;
        Self {
            profile,
            member,
            setup,
            chance,
            step: 0,
            failed: 0,
            start,
            due,
            wrong: 0,
            link: None,
            links: 0,
            state: State::Waiting { until: due },
            actions: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes what happened to `link`.
    pub fn handle(&mut self, now: Instant, link: Link, input: Input<'_>) {
        let Some(open) = self.link.filter(|open| open.name == link) else { return };
        match (&mut self.state, input) {
            (State::Connecting { .. }, Input::Connected) => self.ask(now),
            (State::Connecting { .. }, Input::Closed(error)) => {
                self.fail(now, Trouble::Connect(error));
            }
            (State::Asking { .. }, Input::Received(bytes)) => self.receive(now, bytes),
            (State::Asking { reader, .. }, Input::Closed(error)) => match reader.has_begun() {
                // A server may close a kept connection just when it is used again; then the
                // request goes out once more (RFC 9112 section 9.3.1).
                false if open.used => self.reconnect(now),
                false => self.fail(now, Trouble::Closed(error)),
                true => self.fail(now, Trouble::Cut(error)),
            },
            (State::Fetching(fetch), Input::Datagram(from, bytes)) => {
                fetch.handle(now, from, bytes);
                self.pump(now);
            }
            (State::Fetching(_), Input::Closed(error)) => {
                self.fail(now, Trouble::Closed(error));
            }
            (State::Waiting { .. }, Input::Closed(_)) => self.close(),
            (State::Waiting { .. }, Input::Received(_)) => {
                self.close();
                self.note(Trouble::Malformed(crate::http::Malformed::Surplus));
            }
            _ => {}
        }
    }

    /// The next thing to do; ask again until there is none.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next thing to report; ask again until there is none.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call `handle_timeout`; none when the boot is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { until }
            | State::Connecting { until }
            | State::Asking { until, .. } => Some(*until),
            State::Fetching(fetch) => fetch.poll_timeout(),
            State::Over(_) => None,
        }
    }

    /// Does what is due; nothing before it is.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|until| now < until) {
            return;
        }
        match &mut self.state {
            State::Waiting { .. } => self.begin(now),
            State::Connecting { .. } => self.fail(now, Trouble::ConnectTime),
            State::Asking { .. } => self.fail(now, Trouble::AnswerTime),
            State::Fetching(fetch) => {
                let before = fetch.retransmissions();
                fetch.handle_timeout(now);
                if fetch.retransmissions() > before {
                    self.events.push_back(Event::Retransmitted);
                }
                self.pump(now);
            }
            State::Over(_) => {}
        }
    }

    /// How the boot ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.state {
            State::Over(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// The address that it speaks from.
    #[must_use]
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.member.address
    }

    /// Who it is.
    #[must_use]
    pub fn member(&self) -> &Member {
        &self.member
    }

    /// Its vendor, as the profiles have it.
    #[must_use]
    pub fn vendor(&self) -> &Arc<str> {
        &self.profile.vendor
    }

    fn current(&self) -> &Step {
        &self.profile.steps[self.step]
    }

    fn fill(&self, template: &Template) -> String {
        let Member { mac, serial, model, version, .. } = &*self.member;
        template.fill(Values { mac: *mac, model, version, serial })
    }

    /// The step's time has come.
    fn begin(&mut self, now: Instant) {
        if self.failed == 0 && (self.step == 0 || self.current().delay > Duration::ZERO) {
            self.events.push_back(Event::Began { late: now.since(self.due) });
        }
        match (self.current().transport, self.link) {
            (Transport::Http, Some(_)) => self.ask(now),
            (Transport::Http, None) => self.connect(now),
            (Transport::Tftp, _) => self.fetch(now),
        }
    }

    fn connect(&mut self, now: Instant) {
        let server = self.setup.http.expect("invariant: checked before the storm");
        let link = self.open();
        self.actions.push_back(Action::Connect(link, server));
        self.state = State::Connecting { until: now + self.setup.answer_time };
    }

    fn reconnect(&mut self, now: Instant) {
        self.events.push_back(Event::Reconnected);
        self.close();
        self.connect(now);
    }

    /// Sends the step's request on the open connection.
    fn ask(&mut self, now: Instant) {
        let open = self.link.expect("invariant: asked on an open connection");
        let server = self.setup.http.expect("invariant: checked before the storm").to_string();
        let step = self.current();
        let content = match step.method {
            Method::Get => None,
            Method::Put => Some(vec![b'.'; step.body]),
            Method::Post => Some(self.fill(&step.form).into_bytes()),
        };
        let request = Request {
            method: step.method.name(),
            path: &self.fill(&step.get),
            host: &server,
            agent: &self.fill(&step.agent),
            keep_alive: self.setup.keep_alive,
            content: content.as_deref(),
            is_form: step.method == Method::Post,
        };
        self.actions.push_back(Action::Send(open.name, request.to_bytes()));
        // A connection was given a part of the time already; a kept one has all of it.
        let until = match self.state {
            State::Connecting { until } => until,
            _ => now + self.setup.answer_time,
        };
        let (reader, inspector) = (Reader::default(), Inspector::default());
        self.state = State::Asking { until, reader, inspector };
    }

    fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let State::Asking { reader, inspector, .. } = &mut self.state else { return };
        let own = &self.member.credentials;
        match reader.feed(bytes, &mut |piece| inspector.feed(own, piece)) {
            Err(malformed) => self.fail(now, Trouble::Malformed(malformed)),
            Ok(false) => {}
            Ok(true) => self.answered(now),
        }
    }

    /// The HTTP answer is complete.
    fn answered(&mut self, now: Instant) {
        let State::Asking { reader, inspector, .. } = &mut self.state else { return };
        let head = reader.head().expect("invariant: a complete answer has a head");
        let inspector = std::mem::take(inspector);
        match &mut self.link {
            Some(open) if head.keep_alive && self.setup.keep_alive => open.used = true,
            _ => self.close(),
        }
        // What says "later" is no answer to a phone that needs its file.
        let later = head.status >= 500 || head.status == 429 || head.status == 408;
        if later && self.current().expect != Expect::Any {
            return self.fail(now, Trouble::Status(head.status));
        }
        let got = match head.status {
            200..300 => Got::File,
            404 => Got::Missing,
            status => Got::Status(status),
        };
        self.complete(now, got, inspector);
    }

    fn fetch(&mut self, now: Instant) {
        self.close();
        let link = self.open();
        let step = self.current();
        let name = self.fill(&step.get);
        let asked = asked(step.options);
        let block = asked.block_bytes_or_default().max(BLOCK_BYTES_DEFAULT);
        let server = self.setup.tftp.expect("invariant: checked before the storm");
        self.actions.push_back(Action::Open(link, server, DATA_HEAD_BYTES + usize::from(block)));
        let fetch = Fetch::new(now, name.as_bytes(), Mode::Octet, asked, TFTP_FILE_BYTES_MAX);
        self.state = State::Fetching(Box::new(fetch));
        self.pump(now);
    }

    /// Sends what the transfer has to say and sees whether it is over.
    fn pump(&mut self, now: Instant) {
        let server = self.setup.tftp.expect("invariant: checked before the storm");
        let (State::Fetching(fetch), Some(open)) = (&mut self.state, self.link) else { return };
        let mut datagram = Vec::new();
        while let Some(destination) = fetch.poll_transmit(now, &mut datagram) {
            let to = match destination {
                Destination::Listen => server,
                Destination::Address(address) => address,
            };
            let datagram = std::mem::take(&mut datagram);
            self.actions.push_back(Action::SendTo(open.name, to, datagram));
        }
        let Some(outcome) = fetch.outcome() else { return };
        let mut inspector = Inspector::default();
        inspector.feed(&self.member.credentials, fetch.body());
        match outcome {
            tftp::Outcome::Done => self.complete(now, Got::File, inspector),
            // The server knows nothing of a transfer that had begun: it fell behind and gave it up.
            // That says nothing of the file (RFC 1350 section 7).
            tftp::Outcome::Failed(failure @ Failure::Refused(ErrorCode::UNKNOWN_TRANSFER)) => {
                self.fail(now, Trouble::Transfer(failure));
            }
            tftp::Outcome::Failed(Failure::Refused(code)) => {
                let got = if code.0 == 1 { Got::Missing } else { Got::Error(code.0) };
                self.complete(now, got, Inspector::default());
            }
            tftp::Outcome::Failed(failure) => self.fail(now, Trouble::Transfer(failure)),
        }
    }

    /// The step has its answer; the next one follows.
    fn complete(&mut self, now: Instant, got: Got, inspector: Inspector) {
        let (profile, member) = (Arc::clone(&self.profile), Arc::clone(&self.member));
        let step = &profile.steps[self.step];
        let bytes = inspector.bytes();
        let wrong =
            inspector.judge(&member.credentials, step.expect, got, &profile.whole, &profile.lacks);
        self.wrong += u32::from(wrong.is_some());
        self.events.push_back(Event::Answered(Answer {
            transport: step.transport,
            expect: step.expect,
            latency: now.since(self.due),
            bytes,
            wrong: wrong.map(|wrong| (self.what(), wrong)),
        }));
        self.failed = 0;
        self.step += 1;
        match profile.steps.get(self.step) {
            None if self.wrong > 0 => self.end(now, Outcome::Wrong),
            None => self.end(now, Outcome::Provisioned),
            Some(next) => {
                if step.transport == Transport::Tftp {
                    self.close();
                }
                self.due = now + next.delay;
                self.state = State::Waiting { until: self.due };
                // What has no delay follows in the same turn.
                self.handle_timeout(now);
            }
        }
    }

    /// An attempt failed: the step is tried again after a pause, or the phone is lost.
    fn fail(&mut self, now: Instant, trouble: Trouble) {
        self.note(trouble);
        self.close();
        self.failed += 1;
        if self.failed >= self.setup.attempts {
            return self.end(now, Outcome::Lost);
        }
        self.events.push_back(Event::Retried);
        let doublings = (self.failed - 1).min(16);
        let pause = RETRY_FIRST.saturating_mul(1 << doublings).min(RETRY_MAX);
        let until = now + pause.mul_f64(1.0 + self.chance.unit() / 2.0);
        self.state = State::Waiting { until };
    }

    fn end(&mut self, now: Instant, outcome: Outcome) {
        self.close();
        self.events.push_back(Event::Ended { outcome, took: now.since(self.start) });
        self.state = State::Over(outcome);
    }

    fn note(&mut self, trouble: Trouble) {
        self.events.push_back(Event::Troubled { what: self.what(), trouble });
    }

    /// The request, for a person.
    fn what(&self) -> String {
        // Between the last answer and the end there is no step; what comes then is the last one's.
        let steps = &self.profile.steps;
        let step = &steps[self.step.min(steps.len() - 1)];
        let (name, mac) = (&self.profile.name, self.member.mac);
        format!("{name} {mac} {} {}", step.transport.name(), self.fill(&step.get))
    }

    fn open(&mut self) -> Link {
        self.links += 1;
        let name = Link(self.links);
        self.link = Some(OpenLink { name, used: false });
        name
    }

    fn close(&mut self) {
        if let Some(open) = self.link.take() {
            self.actions.push_back(Action::Close(open.name));
        }
    }
}

fn asked(options: Options) -> tftp::Options {
    tftp::Options {
        block_bytes: options.blksize,
        timeout_s: options.timeout,
        size: options.tsize,
        window_blocks: options.windowsize,
    }
}

#[cfg(test)]
mod tests;
