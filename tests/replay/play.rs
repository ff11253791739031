//! A script is played line by line against a worker; a line that does not hold says where.

use crate::expect;
use crate::stage::Folder;
use crate::wire::{SERVER, Scripted, bytes_of};
use ringboot::content::Content;
use ringboot::ring::{Event, Lease, Port, Slot, Then};
use ringboot::time::{Civil, Duration, Instant};
use ringboot::wire::tftp::{ErrorCode, Mode, Packet, Request};
use ringboot::worker::{Orders, Shared, Stats, Worker};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Why a line does not hold.
pub type Said = Result<(), String>;

/// A worker, and those who speak to it.
pub struct Play {
    worker: Worker<Scripted>,
    io: Scripted,
    orders: Arc<Orders>,
    content: Arc<Content>,
    files: Folder,
    speakers: BTreeMap<String, Speaker>,
    current: String,
    /// Each send on a connection is cut behind so many bytes.
    cut: Option<usize>,
    /// Longest send on a connection so far.
    pub longest: usize,
    /// What the next read of a file gives at most; none: a failure.
    next_read: Option<Option<usize>>,
    is_over: bool,
}

/// One end of the conversation.
struct Speaker {
    address: SocketAddr,
    slot: Option<Slot>,
    /// Where its last datagram came from.
    port: Port,
    body: Vec<u8>,
    block: u16,
}

/// Turns without a step of the clock after which a worker is stuck.
const TURNS_MAX: u32 = 1000;
/// The day on which all conversations take place.
const DAY: u64 = 1_700_000_000;

impl Play {
    /// A new worker of a server.
    pub fn new(server: &Shared, cut: Option<usize>) -> Play {
        let files = Folder::new();
        let orders = Arc::new(Orders::default());
        let shared = Shared { orders: Arc::clone(&orders), ..server.clone() };
        let io = Scripted::default();
        io.wire().now = Instant::from_nanos(1);
        let now = (Instant::from_nanos(1), Civil(DAY));
        let content = Arc::clone(&shared.content);
        let worker = Worker::new(io.clone(), shared, Arc::new(Stats::default()), 2, now);
        let mut play = Play {
            worker,
            io,
            orders,
            content,
            files,
            speakers: BTreeMap::new(),
            current: String::new(),
            cut,
            longest: 0,
            next_read: None,
            is_over: false,
        };
        play.speak_as("phone", "192.0.2.10".parse().expect("an address"));
        play
    }

    /// Plays one line.
    pub fn line(&mut self, line: &str) -> Said {
        let split = expect::words(line)?;
        let words: Vec<&str> = split.iter().map(String::as_str).collect();
        match words[..] {
            [] => Ok(()),
            [name] if name.starts_with('@') => self.turn_to(name, None),
            [name, ip] if name.starts_with('@') => self.turn_to(name, Some(ip)),
            ["file", name, len] => self.put_file(name, len),
            ["read", "fails"] => self.set_read(None),
            ["read", "gives", most] => self.set_read(Some(number(most)?)),
            ["after", count, unit] => self.after(count, unit),
            ["cut", "at", at] => {
                self.cut = Some(number(at)?);
                Ok(())
            }
            ["cut", "everywhere"] => Ok(()),
            ["connect" | "end" | "reset" | "progress" | "closed" | "open" | "unread"] => {
                self.on_stream(words[0])
            }
            ["silence"] => self.silence(),
            ["drop"] => self.take_datagram().map(drop),
            ["same", "as", name] => self.same_as(name, false),
            ["same", "as", name, "in", "netascii"] => self.same_as(name, true),
            ["got", name] => self.got_file(name),
            ["stop"] => self.stop(),
            ["over"] => check(self.is_over, || "the worker goes on".to_owned()),
            [">", "RRQ" | "WRQ" | "ACK" | "ERROR" | "DATA" | "datagram", ..] => {
                self.send_datagram(&words[1..])
            }
            [">", "raw", text] => self.send_bytes(&expect::latin1(text)),
            [">", ..] => self.send_bytes(&expect::head(line)),
            ["<", "OACK" | "DATA" | "ERROR", ..] => {
                let datagram = self.take_datagram()?;
                self.check_datagram(&words[1..], &datagram)
            }
            ["<", ..] => self.check_answer(&words[1..]),
            _ => Err("no such line".to_owned()),
        }
    }

    /// Nothing is left that nobody read, and no buffer is lost.
    pub fn end(&mut self) -> Said {
        let wire = self.io.wire();
        check(wire.datagrams.is_empty(), || format!("unread: {:?}", wire.datagrams))?;
        let pending = wire.streams.values().filter(|stream| stream.output.is_some()).count();
        check(pending == 0, || "an answer that nobody read".to_owned())?;
        check(wire.buffers == 0, || format!("{} buffers are lost", wire.buffers))
    }

    fn turn_to(&mut self, name: &str, ip: Option<&str>) -> Said {
        if let Some(ip) = ip {
            let ip = ip.parse().map_err(|_| "no address".to_owned())?;
            self.speak_as(&name[1..], ip);
        }
        self.current = name[1..].to_owned();
        check(self.speakers.contains_key(&self.current), || "nobody of that name".to_owned())
    }

    fn speak_as(&mut self, name: &str, ip: IpAddr) {
        let port = 2000 + u16::try_from(self.speakers.len()).expect("few speakers");
        let address = SocketAddr::new(ip, port);
        let speaker = Speaker { address, slot: None, port: Port(0), body: Vec::new(), block: 0 };
        self.speakers.insert(name.to_owned(), speaker);
        self.current = name.to_owned();
    }

    fn speaker(&mut self) -> &mut Speaker {
        self.speakers.get_mut(&self.current).expect("invariant: checked when it was chosen")
    }

    fn slot(&mut self) -> Result<Slot, String> {
        self.speaker().slot.ok_or_else(|| "not connected".to_owned())
    }

    fn put_file(&mut self, name: &str, len: &str) -> Said {
        self.files.put(name, number(len)?);
        self.content.set_folders(&self.files.0);
        Ok(())
    }

    fn set_read(&mut self, most: Option<usize>) -> Said {
        self.next_read = Some(most);
        Ok(())
    }

    /// Lets the worker turn until it has nothing more to do at this time.
    fn settle(&mut self) -> Said {
        for _ in 0..TURNS_MAX {
            if self.is_over {
                return Ok(());
            }
            if !self.io.wire().reads.is_empty() {
                let most = self.next_read.take().unwrap_or(Some(usize::MAX));
                self.io.wire().answer_read(most);
            }
            let is_quiet = self.io.wire().events.is_empty();
            let civil = Civil(DAY + self.io.wire().now.as_nanos() / 1_000_000_000);
            self.is_over = !self.worker.turn(|| civil, None).map_err(|error| error.to_string())?;
            let wire = self.io.wire();
            let waits = wire.until.is_none_or(|until| until > wire.now);
            if is_quiet && wire.events.is_empty() && wire.reads.is_empty() && waits {
                return Ok(());
            }
        }
        Err("the worker turns and turns".to_owned())
    }

    fn after(&mut self, count: &str, unit: &str) -> Said {
        let count = number(count)?;
        let wait = match unit {
            "s" => Duration::from_secs(count as u64),
            "ms" => Duration::from_millis(count as u64),
            _ => return Err("s or ms".to_owned()),
        };
        let end = self.io.wire().now + wait;
        loop {
            let next = self.io.wire().until.filter(|until| *until < end && !self.is_over);
            self.io.wire().now = next.unwrap_or(end);
            self.settle()?;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    fn on_stream(&mut self, what: &str) -> Said {
        if what == "connect" {
            let address = self.speaker().address;
            let slot = self.io.wire().accept(address);
            self.speaker().slot = Some(slot);
            return self.settle();
        }
        let slot = self.slot()?;
        let is_open = self.io.wire().stream(slot).is_some_and(|stream| stream.is_open);
        let sends = self.io.wire().stream(slot).is_some_and(|stream| stream.output.is_some());
        match what {
            "closed" => return check(!is_open, || "it is open".to_owned()),
            "open" => return check(is_open && !sends, || "closed, or sending".to_owned()),
            "unread" => return check(sends, || "nothing is being sent".to_owned()),
            "end" => self.io.wire().events.push(Event::Finished { slot }),
            "progress" => self.io.wire().events.push(Event::Progress { slot }),
            _ => self.io.wire().close(slot, Some(std::io::ErrorKind::ConnectionReset)),
        }
        self.settle()
    }

    fn send_bytes(&mut self, bytes: &[u8]) -> Said {
        self.longest = self.longest.max(bytes.len());
        let at = self.cut.map_or(bytes.len(), |at| at.min(bytes.len()));
        for piece in [&bytes[..at], &bytes[at..]] {
            let slot = self.slot()?;
            if !piece.is_empty() {
                let lease = Lease::owned(piece.to_vec());
                self.io.wire().events.push(Event::Received { slot, lease });
                self.settle()?;
            }
        }
        Ok(())
    }

    /// Reads the answer that is being sent, and says so to the worker.
    fn check_answer(&mut self, words: &[&str]) -> Said {
        let slot = self.slot()?;
        let output = self.io.wire().stream(slot).and_then(|stream| stream.output.take());
        let (output, then) = output.ok_or("no answer")?;
        self.io.wire().buffers -= 1;
        let bytes = bytes_of(&output).ok_or("the file has become too short")?;
        expect::answer(words, &bytes, then, &self.files.0)?;
        let (_, body) = expect::split(&bytes)?;
        self.speaker().body = body.to_vec();
        match then {
            Then::Keep => self.io.wire().events.push(Event::Sent { slot }),
            Then::Close | Then::Linger => self.io.wire().close(slot, None),
        }
        self.settle()
    }

    fn send_datagram(&mut self, words: &[&str]) -> Said {
        let (words, port) = match words {
            [front @ .., "to", name] if name.starts_with('@') => {
                let other = self.speakers.get(&name[1..]).ok_or("nobody of that name")?;
                (front, Some(other.port))
            }
            [front @ .., "to", port] => {
                (front, Some(Port(port.parse().map_err(|_| "no port".to_owned())?)))
            }
            all => (all, None),
        };
        let mut datagram = Vec::new();
        let mut options = Vec::new();
        match words {
            ["RRQ" | "WRQ", name, mode, asked @ ..] => {
                for (key, value) in asked.iter().filter_map(|word| word.split_once('=')) {
                    options.extend([key.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
                }
                let name = expect::latin1(name);
                let mode = Mode::Other(mode.as_bytes());
                let request = Request { name: &name, mode, options: &options };
                let is_read = words[0] == "RRQ";
                let packet = if is_read { Packet::Read(request) } else { Packet::Write(request) };
                packet.encode(&mut datagram);
            }
            ["ACK", block] => Packet::Ack { block: block_of(block)? }.encode(&mut datagram),
            ["ERROR", code] => {
                Packet::error(ErrorCode(block_of(code)?)).encode(&mut datagram);
            }
            ["DATA", block, text] => {
                let body = expect::latin1(text);
                Packet::Data { block: block_of(block)?, body: &body }.encode(&mut datagram);
            }
            ["datagram", text] => datagram = expect::latin1(text),
            _ => return Err("no such packet".to_owned()),
        }
        let is_request = matches!(words[0], "RRQ" | "WRQ");
        let speaker = self.speaker();
        let port = port.unwrap_or(if is_request { Port(0) } else { speaker.port });
        let (peer, local, lease) = (speaker.address, Some(SERVER), Lease::owned(datagram));
        self.io.wire().events.push(Event::Datagram { port, peer, local, lease });
        self.settle()
    }

    fn take_datagram(&mut self) -> Result<Vec<u8>, String> {
        let address = self.speaker().address;
        let mut wire = self.io.wire();
        let place = wire.datagrams.iter().position(|(_, to, _)| *to == address);
        let place = place.ok_or("no datagram came")?;
        let (port, _, datagram) = wire.datagrams.remove(place).ok_or("no datagram came")?;
        drop(wire);
        self.speaker().port = port;
        Ok(datagram)
    }

    fn check_datagram(&mut self, words: &[&str], datagram: &[u8]) -> Said {
        if let ["DATA", first_to_last, len] = words
            && let Some((first, last)) = first_to_last.split_once("..")
        {
            let (first, last) = (block_of(first)?, block_of(last)?);
            self.check_data(first, number(len)?, datagram)?;
            for block in first + 1..=last {
                let datagram = self.take_datagram()?;
                self.check_data(block, number(len)?, &datagram)?;
            }
            return Ok(());
        }
        if let ["DATA", block, len] = words {
            return self.check_data(block_of(block)?, number(len)?, datagram);
        }
        self.speaker().block = 0;
        self.speaker().body.clear();
        expect::packet(words, datagram)
    }

    fn check_data(&mut self, wanted: u16, len: usize, datagram: &[u8]) -> Said {
        let Ok(Packet::Data { block, body }) = Packet::parse(datagram) else {
            return Err(format!("not DATA but {}", datagram.escape_ascii()));
        };
        check((block, body.len()) == (wanted, len), || format!("DATA {block} {}", body.len()))?;
        let speaker = self.speaker();
        if speaker.block + 1 == block {
            speaker.block = block;
            speaker.body.extend_from_slice(body);
        }
        Ok(())
    }

    fn silence(&mut self) -> Said {
        let address = self.speaker().address;
        let wire = self.io.wire();
        let mut came = wire.datagrams.iter().filter(|(_, to, _)| *to == address);
        came.next().map_or(Ok(()), |(_, _, datagram)| {
            Err(format!("there came {}", datagram.escape_ascii()))
        })
    }

    fn same_as(&mut self, name: &str, is_netascii: bool) -> Said {
        let other = self.speakers.get(&name[1..]).ok_or("nobody of that name")?;
        let mut wanted = other.body.clone();
        if is_netascii {
            wanted = ringboot::wire::tftp::to_netascii(&wanted);
            check(wanted != other.body, || "netascii makes no difference here".to_owned())?;
        }
        check(self.speaker().body == wanted, || "it is not the same".to_owned())
    }

    fn got_file(&mut self, name: &str) -> Said {
        let wanted = std::fs::read(self.files.0.join(name)).map_err(|error| error.to_string())?;
        check(self.speaker().body == wanted, || "it is another file".to_owned())
    }

    fn stop(&mut self) -> Said {
        self.orders.stop();
        self.io.wire().events.push(Event::Woken);
        self.settle()?;
        check(self.io.wire().is_refusing, || "it goes on accepting".to_owned())
    }
}

/// Holds, or says why not.
pub fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Said {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text}: no number"))
}

fn block_of(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("{text}: no number of 16 bits"))
}
