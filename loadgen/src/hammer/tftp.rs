//! Clients that fetch over TFTP, again and again or so slowly that all transfers stay open.

use super::figures::{Part, Tally};
use super::flags::{ManyFlags, TftpFlags, TransferFlags};
use super::lines::{Line, Lines};
use super::net::{Poller, Ready, Result, Socket, Wake};
use super::{Clients, Share};
use crate::limits::{
    DATA_HEAD_BYTES, HAMMER_OPENING, HAMMER_REST, HAMMER_WARM_UP, TFTP_FILE_BYTES_MAX,
};
use ringboot::limits::BLOCK_BYTES_MAX;
use ringboot::time::{self, Duration, Instant};
use ringboot::wire::tftp::{
    Destination, ErrorCode, Failure, Fetch, Mode, Options, Outcome, Packet,
};
use std::net::SocketAddr;

/// Clients with one transfer each on its way.
#[derive(Debug)]
pub struct Hammer {
    to: SocketAddr,
    options: Options,
    bytes: Option<u64>,
    clients: Vec<Client>,
    /// Clients that have begun, of those that are to.
    begun: usize,
    /// Those of them that were not answered yet.
    opening: usize,
    /// Time between a block and its acknowledgement, of transfers that are held.
    pause: Option<Duration>,
    length: Duration,
    on: Option<Instant>,
    off: Option<Instant>,
    tally: Tally,
    datagram: Vec<u8>,
    out: Vec<u8>,
}

#[derive(Debug)]
struct Client {
    line: Line,
    transfer: Option<Transfer>,
    /// Without a transfer: until when it rests.
    rests: Instant,
}

#[derive(Debug)]
struct Transfer {
    fetch: Fetch,
    socket: Socket,
    begun: Instant,
    /// The server's side of it, once it has answered.
    peer: Option<SocketAddr>,
    /// When what is to be sent may be.
    sends: Instant,
}

impl Hammer {
    /// The clients of one process, fetching as fast as they are answered.
    #[must_use]
    pub fn new(flags: &TftpFlags, lines: &Lines, share: Share) -> Self {
        let length = Duration::from_secs_f64(flags.seconds.max(0.0));
        let common = &flags.common;
        Self::of(common.to, common.bytes, flags.options, lines, share, length)
    }

    /// The clients of one process, each holding its transfer open.
    #[must_use]
    pub fn holding(flags: &ManyFlags, lines: &Lines, share: Share) -> Self {
        let length = Duration::from_secs_f64(flags.seconds.max(0.0));
        let common = &flags.common;
        let hammer = Self::of(common.to, common.bytes, flags.options, lines, share, length);
        Self { pause: Some(flags.pause), ..hammer }
    }

    fn of(
        to: SocketAddr,
        bytes: Option<u64>,
        options: TransferFlags,
        lines: &Lines,
        share: Share,
        length: Duration,
    ) -> Self {
        let client =
            |number| Client { line: lines.of(number), transfer: None, rests: Instant::default() };
        Self {
            to,
            options: Options {
                block_bytes: options.blksize,
                window_blocks: options.windowsize,
                ..Options::default()
            },
            bytes,
            clients: (share.first..share.first + share.count).map(client).collect(),
            begun: 0,
            opening: 0,
            pause: None,
            length,
            on: None,
            off: None,
            tally: Tally::new(Instant::default()),
            datagram: vec![0; usize::from(BLOCK_BYTES_MAX) + DATA_HEAD_BYTES],
            out: Vec::new(),
        }
    }

    /// Begins with the next clients: those that are held a few at a time, else all.
    fn begin_more(&mut self, poller: &Poller) {
        while self.begun < self.clients.len()
            && (self.pause.is_none() || self.opening < HAMMER_OPENING)
        {
            self.begun += 1;
            self.opening += 1;
            self.fetch(poller, self.begun - 1, time::now());
        }
        if self.pause.is_some() && self.begun == self.clients.len() && self.opening == 0 {
            let now = time::now();
            if self.off.is_none() {
                self.tally.switch_off(now);
                self.off = Some(now + self.length);
            }
        }
    }

    fn fetch(&mut self, poller: &Poller, who: usize, now: Instant) {
        let client = &mut self.clients[who];
        let socket = Socket::datagrams(self.to, client.line.source);
        let socket = socket.and_then(|socket| {
            poller.add(&socket, who, Wake::Unread)?;
            Ok(socket)
        });
        match socket {
            Ok(socket) => {
                let name = client.line.path.as_bytes();
                let options = self.options;
                let fetch = Fetch::new(now, name, Mode::Octet, options, TFTP_FILE_BYTES_MAX);
                client.transfer =
                    Some(Transfer { fetch, socket, begun: now, peer: None, sends: now });
                self.send(who, now);
            }
            Err(error) => self.fail(who, now, &error.to_string()),
        }
    }

    /// Sends what is due; a transfer that is over makes room for the next.
    fn send(&mut self, who: usize, now: Instant) {
        let Some(transfer) = &mut self.clients[who].transfer else { return };
        if now < transfer.sends {
            return;
        }
        let sent = transmit(transfer, self.to, &mut self.out, now);
        match (sent, transfer.fetch.outcome()) {
            (Err(error), _) => self.fail(who, now, &error.to_string()),
            (_, Some(outcome)) => self.over(who, now, outcome),
            _ => {}
        }
    }

    fn over(&mut self, who: usize, now: Instant, outcome: Outcome) {
        let client = &mut self.clients[who];
        let Some(Transfer { fetch, begun, peer, .. }) = client.transfer.take() else {
            return;
        };
        client.rests = now;
        self.tally.retransmissions(fetch.retransmissions());
        let length = fetch.body().len() as u64;
        let name = &client.line.path;
        match outcome {
            Outcome::Done if self.bytes.is_none_or(|bytes| bytes == length) => {
                // Of those that are held, the first answer was counted.
                if self.pause.is_none() {
                    self.tally.good(now.since(begun), length);
                }
            }
            Outcome::Done => self.tally.wrong(|| format!("{name}: {length} bytes")),
            Outcome::Failed(Failure::Silent) => {
                client.rests = now + HAMMER_REST;
                self.tally.error(|| format!("{name}: no answer"));
            }
            Outcome::Failed(failure) => self.tally.wrong(|| format!("{name}: {failure:?}")),
        }
        if peer.is_none() {
            self.opening -= 1;
        }
    }

    fn fail(&mut self, who: usize, now: Instant, error: &str) {
        let client = &mut self.clients[who];
        if client.transfer.take().is_none_or(|transfer| transfer.peer.is_none()) {
            self.opening -= 1;
        }
        client.rests = now + HAMMER_REST;
        self.tally.error(|| format!("client {who}: {error}"));
    }

    /// Takes datagrams, as many as a window has: in a lockstep there is never a second one.
    fn receive(&mut self, who: usize, now: Instant) -> Result<()> {
        let Some(transfer) = &mut self.clients[who].transfer else { return Ok(()) };
        for _ in 0..self.options.window_blocks_or_default() {
            let received = transfer.socket.receive_from(&mut self.datagram)?;
            let Some((len, from)) = received else { return Ok(()) };
            transfer.fetch.handle(now, from, &self.datagram[..len]);
            if transfer.peer.replace(from).is_none() {
                self.opening -= 1;
                if self.pause.is_some() {
                    self.tally.good(now.since(transfer.begun), 0);
                }
            }
            match self.pause {
                Some(pause) => transfer.sends = now + pause,
                None => transmit(transfer, self.to, &mut self.out, now)?,
            }
        }
        Ok(())
    }
}

fn transmit(
    transfer: &mut Transfer,
    to: SocketAddr,
    out: &mut Vec<u8>,
    now: Instant,
) -> Result<()> {
    out.clear();
    while let Some(destination) = transfer.fetch.poll_transmit(now, out) {
        let to = match destination {
            Destination::Listen => to,
            Destination::Address(address) => address,
        };
        transfer.socket.send_to(to, out)?;
        out.clear();
    }
    Ok(())
}

impl Clients for Hammer {
    fn begin(&mut self, poller: &Poller, now: Instant) {
        if self.pause.is_none() {
            self.off = Some(now + HAMMER_WARM_UP + self.length);
            self.on = Some(now + HAMMER_WARM_UP);
        } else {
            self.tally.switch_on(now);
        }
        self.begin_more(poller);
    }

    fn ready(&mut self, poller: &Poller, ready: Ready) {
        let now = time::now();
        match self.receive(ready.who, now) {
            Ok(()) => self.send(ready.who, now),
            Err(error) => self.fail(ready.who, now, &error.to_string()),
        }
        let client = &self.clients[ready.who];
        if client.transfer.is_none() && self.pause.is_none() && client.rests <= now {
            self.opening += 1;
            self.fetch(poller, ready.who, now);
        }
        self.begin_more(poller);
    }

    fn tick(&mut self, poller: &Poller, now: Instant) -> bool {
        if self.off.is_some_and(|off| now >= off) {
            if self.pause.is_none() {
                self.tally.switch_off(now);
            }
            return false;
        }
        if self.on.is_some_and(|on| now >= on) && !self.tally.is_on {
            self.tally.switch_on(now);
        }
        for who in 0..self.begun {
            match &mut self.clients[who] {
                Client { transfer: Some(transfer), .. } => {
                    transfer.fetch.handle_timeout(now);
                    self.send(who, now);
                }
                Client { rests, .. } if self.pause.is_none() && *rests <= now => {
                    self.opening += 1;
                    self.fetch(poller, who, now);
                }
                Client { .. } => {}
            }
        }
        self.begin_more(poller);
        true
    }

    fn end(self: Box<Self>) -> Part {
        let mut tally = self.tally;
        let mut held = 0;
        let mut goodbye = Vec::new();
        Packet::error(ErrorCode::UNDEFINED).encode(&mut goodbye);
        for transfer in self.clients.iter().filter_map(|client| client.transfer.as_ref()) {
            tally.retransmissions(transfer.fetch.retransmissions());
            if let Some(peer) = transfer.peer {
                held += 1;
                // The server need not wait for what will not come; a lost one ends by its clock.
                let _ = transfer.socket.send_to(peer, &goodbye);
            }
        }
        tally.end(held)
    }
}
