//! Connections that ask once and then fall silent: how many a server makes, and how many it keeps.

use super::answer::Check;
use super::connection::{Asker, Connection, Outcome, Reading};
use super::figures::{Part, Tally};
use super::flags::IdleFlags;
use super::lines::Lines;
use super::net::{Poller, Ready};
use super::{Clients, Share};
use crate::limits::HAMMER_OPENING;
use nix::errno::Errno;
use ringboot::time::{self, Duration, Instant};

/// Connections that are opened a few at a time and then held.
#[derive(Debug)]
pub struct Idle {
    to: std::net::SocketAddr,
    lines: Lines,
    share: Share,
    slots: Vec<Slot>,
    opening: usize,
    reading: Reading,
    tally: Tally,
    timeout: Duration,
    hold: Duration,
    /// Until when the connections are held, once all were opened.
    until: Option<Instant>,
}

#[derive(Debug)]
enum Slot {
    Opening { asker: Asker, connection: Connection, since: Instant },
    Held(Connection),
    Closed,
}

impl Idle {
    /// The connections of one process.
    #[must_use]
    pub fn new(flags: &IdleFlags, lines: &Lines, share: Share) -> Self {
        let common = &flags.common;
        Self {
            to: common.to,
            lines: lines.clone(),
            share,
            slots: Vec::with_capacity(share.count),
            opening: 0,
            reading: Reading::new(Check { bytes: common.bytes, ..Check::default() }),
            tally: Tally::new(Instant::default()),
            timeout: common.timeout,
            hold: Duration::from_secs_f64(flags.seconds.max(0.0)),
            until: None,
        }
    }

    /// Opens the next ones, as far as there is room among those being opened.
    fn open_more(&mut self, poller: &Poller) {
        while self.opening < HAMMER_OPENING && self.slots.len() < self.share.count {
            let who = self.slots.len();
            let line = self.lines.of(self.share.first + who);
            let asker = Asker::new(self.to, &line, true);
            let since = time::now();
            match Connection::open(&asker, poller, who) {
                Ok(connection) => {
                    self.opening += 1;
                    self.slots.push(Slot::Opening { asker, connection, since });
                }
                Err(error) => {
                    self.slots.push(Slot::Closed);
                    self.tally.error(|| format!("connection {who}: {error}"));
                }
            }
        }
        if self.opening == 0 && self.slots.len() == self.share.count && self.until.is_none() {
            let now = time::now();
            self.tally.switch_off(now);
            self.until = Some(now + self.hold);
        }
    }

    fn opened(&mut self, who: usize, ready: Ready) {
        let Some(slot) = self.slots.get_mut(who) else { return };
        let Slot::Opening { asker, connection, since } = slot else { return };
        let (kept, result) = match connection.ready(asker, ready, &mut self.reading) {
            Outcome::More => return,
            Outcome::Failed(error) => {
                self.tally.error(|| format!("connection {who}: {error}"));
                (false, Ok(0))
            }
            Outcome::Answered { kept, result } => {
                match result {
                    Ok(bytes) => self.tally.good(time::now().since(*since), bytes),
                    Err(wrong) => self.tally.wrong(|| format!("{}: {wrong}", asker.path())),
                }
                if !kept {
                    self.tally.error(|| format!("connection {who}: not kept"));
                }
                (kept, result)
            }
        };
        self.opening -= 1;
        *slot = match std::mem::replace(slot, Slot::Closed) {
            Slot::Opening { connection, .. } if kept && result.is_ok() => Slot::Held(connection),
            _ => Slot::Closed,
        };
    }
}

impl Clients for Idle {
    fn begin(&mut self, poller: &Poller, now: Instant) {
        self.tally.switch_on(now);
        self.open_more(poller);
    }

    fn ready(&mut self, poller: &Poller, ready: Ready) {
        let who = ready.who;
        match self.slots.get(who) {
            Some(Slot::Opening { .. }) => {
                self.opened(who, ready);
                self.open_more(poller);
            }
            Some(Slot::Held(connection)) => {
                // Nothing was asked: whatever comes is an end.
                if !matches!(connection.socket().receive(&mut self.reading.buffer), Ok(None)) {
                    self.slots[who] = Slot::Closed;
                    self.tally.error(|| format!("connection {who}: closed while it was held"));
                }
            }
            Some(Slot::Closed) | None => {}
        }
    }

    fn tick(&mut self, poller: &Poller, now: Instant) -> bool {
        if self.opening > 0 {
            for who in 0..self.slots.len() {
                let Slot::Opening { since, .. } = &self.slots[who] else { continue };
                if now.since(*since) > self.timeout {
                    self.slots[who] = Slot::Closed;
                    self.opening -= 1;
                    let error = Errno::ETIMEDOUT;
                    self.tally.error(|| format!("connection {who}: no answer: {error}"));
                }
            }
        }
        self.open_more(poller);
        self.until.is_none_or(|until| now < until)
    }

    fn end(self: Box<Self>) -> Part {
        let held = self.slots.iter().filter(|slot| matches!(slot, Slot::Held(_))).count();
        self.tally.end(held)
    }
}
