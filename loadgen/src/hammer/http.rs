//! Clients that ask over HTTP again and again, on kept connections or each time on a new one.

use super::answer::{Check, Heads};
use super::connection::{Asker, Connection, Outcome, Reading};
use super::figures::{Part, Tally};
use super::flags::HttpFlags;
use super::lines::Lines;
use super::net::{Poller, Ready};
use super::{Clients, Share};
use crate::limits::{HAMMER_READ_BYTES, HAMMER_REST, HAMMER_WARM_UP};
use nix::errno::Errno;
use ringboot::time::{self, Duration, Instant};

/// Clients with one request each on its way.
#[derive(Debug)]
pub struct Hammer {
    clients: Vec<Client>,
    reading: Reading,
    tally: Tally,
    timeout: Duration,
    counted: Duration,
    on: Instant,
    off: Instant,
}

#[derive(Debug)]
struct Client {
    asker: Asker,
    connection: Option<Connection>,
    /// When its request was sent; while it has no connection, until when it rests.
    since: Instant,
}

impl Hammer {
    /// The clients of one process.
    #[must_use]
    pub fn new(flags: &HttpFlags, lines: &Lines, share: Share) -> Self {
        let common = &flags.common;
        let client = |number| {
            let asker = Asker::new(common.to, &lines.of(number), flags.keep);
            let asker = if flags.anew { asker.numbered() } else { asker };
            Client { asker, connection: None, since: Instant::default() }
        };
        let check = Check {
            bytes: common.bytes,
            begins: flags.begins.clone().into_bytes(),
            ends: flags.ends.clone().into_bytes(),
        };
        Self {
            clients: (share.first..share.first + share.count).map(client).collect(),
            reading: Reading::new(check),
            tally: Tally::new(Instant::default()),
            timeout: common.timeout,
            counted: Duration::from_secs_f64(flags.seconds.max(0.0)),
            on: Instant::default(),
            off: Instant::default(),
        }
    }

    fn open(&mut self, poller: &Poller, who: usize, now: Instant) {
        let client = &mut self.clients[who];
        client.since = now;
        client.asker.renew();
        match Connection::open(&client.asker, poller, who) {
            Ok(connection) => client.connection = Some(connection),
            Err(error) => self.fail(who, now, error),
        }
    }

    fn fail(&mut self, who: usize, now: Instant, error: Errno) {
        let client = &mut self.clients[who];
        client.connection = None;
        client.since = now + HAMMER_REST;
        self.tally.error(|| format!("client {who}: no answer: {error}"));
    }
}

impl Reading {
    /// Nothing read yet.
    #[must_use]
    pub fn new(check: Check) -> Self {
        Self { buffer: vec![0; HAMMER_READ_BYTES], heads: Heads::default(), check }
    }
}

impl Clients for Hammer {
    fn begin(&mut self, poller: &Poller, now: Instant) {
        self.on = now + HAMMER_WARM_UP;
        self.off = self.on + self.counted;
        for who in 0..self.clients.len() {
            self.open(poller, who, now);
        }
    }

    fn ready(&mut self, poller: &Poller, ready: Ready) {
        let who = ready.who;
        let client = &mut self.clients[who];
        let Some(connection) = &mut client.connection else { return };
        let (kept, result) = match connection.ready(&client.asker, ready, &mut self.reading) {
            Outcome::More => return,
            Outcome::Failed(error) => return self.fail(who, time::now(), error),
            Outcome::Answered { kept, result } => (kept, result),
        };
        let now = time::now();
        match result {
            Ok(bytes) => self.tally.good(now.since(client.since), bytes),
            Err(wrong) => {
                let asker = &client.asker;
                self.tally.wrong(|| format!("client {who}: {}: {wrong}", asker.path()));
            }
        }
        if !kept {
            client.connection = None;
            if client.asker.keep {
                self.tally.reconnection();
            }
            return self.open(poller, who, now);
        }
        client.since = now;
        client.asker.renew();
        if let Err(error) = connection.ask(&client.asker) {
            self.fail(who, now, error);
        }
    }

    fn tick(&mut self, poller: &Poller, now: Instant) -> bool {
        if now >= self.off {
            self.tally.switch_off(now);
            return false;
        }
        if now >= self.on && !self.tally.is_on {
            self.tally.switch_on(now);
        }
        for who in 0..self.clients.len() {
            let Client { connection, since, .. } = &self.clients[who];
            match connection {
                Some(_) if now.since(*since) > self.timeout => {
                    self.fail(who, now, Errno::ETIMEDOUT);
                }
                None if now >= *since => self.open(poller, who, now),
                _ => {}
            }
        }
        true
    }

    fn end(self: Box<Self>) -> Part {
        self.tally.end(0)
    }
}
