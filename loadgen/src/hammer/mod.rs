//! A closed loop of clients, each asking again when it is answered, that checks every answer.
//!
//! ```text
//! flags ──▶ Lines: who asks for what ──▶ Clients of one kind ──▶ Tally ──▶ Part ──▶ Figures
//!                                          ▲    │
//!                             Ready, ticks │    ▼
//!                                         Poller, Sockets        other processes' Parts ──▶ +
//! ```
//!
//! One thread a process, on epoll: the same client for every server that is compared.

pub mod answer;
pub mod connection;
pub mod download;
pub mod figures;
pub mod flags;
pub mod http;
pub mod idle;
pub mod lines;
pub mod net;
pub mod processes;
pub mod tftp;

use crate::driver::Room;
use crate::flags::{EXIT_LOST, EXIT_WELL, EXIT_WRONG};
use crate::limits::HAMMER_TICK;
use anyhow::{Context, Result, bail};
use figures::{Figures, Part, Title};
use flags::{Common, HammerFlags, Kind};
use lines::Lines;
use net::{Events, Poller, Ready};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use ringboot::time::{self, Instant};

/// Clients of one kind, and all that they share but the poller.
pub trait Clients {
    /// Sends the first requests.
    fn begin(&mut self, poller: &Poller, now: Instant);

    /// Something happened to a client's socket.
    fn ready(&mut self, poller: &Poller, ready: Ready);

    /// Looks at deadlines; says whether it goes on.
    fn tick(&mut self, poller: &Poller, now: Instant) -> bool;

    /// What was counted.
    fn end(self: Box<Self>) -> Part;
}

/// Which clients are one process's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// The number of the first one over all processes.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// Does it, in one process or several, and shows the figures; returns the exit code.
///
/// # Errors
/// What kept it from being done.
pub fn run(flags: &HammerFlags) -> Result<u8> {
    let kind = &flags.kind;
    let common = kind.common();
    let clients = kind.sockets();
    if clients == 0 {
        bail!("no client");
    }
    let room = Room::make(clients as u64)?.at_once(true);
    let needed = clients.div_ceil(usize::try_from(room).unwrap_or(usize::MAX));
    let processes = common.processes.unwrap_or(needed).clamp(1, clients);
    if processes < needed {
        bail!("{clients} sockets need {needed} processes: {room} fit the descriptors of one");
    }
    if let Some(part) = common.part {
        let counted = play(kind, part, processes)?;
        println!("{}", serde_json::to_string(&counted)?);
        return Ok(EXIT_WELL);
    }
    let counted = match processes {
        1 => play(kind, 0, 1)?,
        several => processes::run(several)?,
    };
    for example in &counted.examples {
        eprintln!("ringboot-loadgen: {example}");
    }
    let figures = counted.figures(title(kind), clients, processes);
    if common.json {
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        print!("{figures}");
    }
    Ok(exit_code(&figures))
}

/// Part `part` of `processes`, in this process.
fn play(kind: &Kind, part: usize, processes: usize) -> Result<Part> {
    let common = kind.common();
    pin(common, part)?;
    let lines = Lines::load(common)?;
    let share = share(kind.sockets(), part, processes);
    let mut clients: Box<dyn Clients> = match kind {
        Kind::Http(flags) => Box::new(http::Hammer::new(flags, &lines, share)),
        Kind::Tftp(flags) => Box::new(tftp::Hammer::new(flags, &lines, share)),
        Kind::TftpMany(flags) => Box::new(tftp::Hammer::holding(flags, &lines, share)),
        Kind::Idle(flags) => Box::new(idle::Idle::new(flags, &lines, share)),
        Kind::Download(flags) => Box::new(download::Downloads::new(flags, &lines, share)?),
    };
    let poller = Poller::new().context("epoll")?;
    let mut events = Events::default();
    let mut now = time::now();
    let mut tick = now;
    clients.begin(&poller, now);
    loop {
        if now >= tick {
            if !clients.tick(&poller, now) {
                return Ok(clients.end());
            }
            tick = now + HAMMER_TICK;
        }
        poller.wait(&mut events, HAMMER_TICK).context("epoll")?;
        for ready in events.iter() {
            clients.ready(&poller, ready);
        }
        now = time::now();
    }
}

fn pin(common: &Common, part: usize) -> Result<()> {
    let Some(&core) = common.cpu.get(part % common.cpu.len().max(1)) else { return Ok(()) };
    let mut cores = CpuSet::new();
    let set = cores.set(core).and_then(|()| sched_setaffinity(Pid::from_raw(0), &cores));
    set.with_context(|| format!("core {core}"))
}

/// What process `part` of `processes` has of `clients`: as many as the others, or one more.
fn share(clients: usize, part: usize, processes: usize) -> Share {
    let (each, more) = (clients / processes, clients % processes);
    Share { first: part * each + part.min(more), count: each + usize::from(part < more) }
}

fn title(kind: &Kind) -> Title {
    let (protocol, mode, holds) = match kind {
        Kind::Http(flags) if flags.keep => ("http", "keep", false),
        Kind::Http(_) => ("http", "close", false),
        Kind::Tftp(_) => ("tftp", "tftp", false),
        Kind::Idle(_) => ("http", "idle", true),
        Kind::Download(_) => ("http", "download", false),
        Kind::TftpMany(_) => ("tftp", "tftp-many", true),
    };
    Title { protocol, mode, holds }
}

fn exit_code(figures: &Figures) -> u8 {
    match figures {
        Figures { wrong: 1.., .. } => EXIT_WRONG,
        Figures { errors: 1.., .. } => EXIT_LOST,
        _ => EXIT_WELL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_leave_nobody_out() {
        for (clients, processes) in [(64, 1), (50_000, 3), (7, 7), (8, 3)] {
            let mut next = 0;
            for part in 0..processes {
                let Share { first, count } = share(clients, part, processes);
                assert_eq!(first, next);
                assert!(count == clients / processes || count == clients / processes + 1);
                next += count;
            }
            assert_eq!(next, clients);
        }
    }
}
