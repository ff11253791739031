//! What the server that is to be replaced would have answered: it is asked the same, behind the
//! phone's back, and what differs is counted by kind.
//!
//! A core hands over what it was asked and what it found, or drops that when nobody keeps up; no
//! phone waits for the other server. Threads of their own ask it, with the phone's address in
//! `X-Forwarded-For`, and compare.

mod ask;
mod report;

pub use report::{Kind, Report};

use bytes::Bytes;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::content::Found;
use crate::limits;
use crate::query::{Query, Source};

/// The other server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// What `Host` says.
    pub host: String,
    /// Where it listens by HTTP.
    pub http: SocketAddr,
    /// Where it listens by TFTP.
    pub tftp: SocketAddr,
}

/// Asks the other server.
pub struct Shadow {
    /// None: the end.
    queue: SyncSender<Option<Asked>>,
    dropped: AtomicU64,
    report: Arc<Mutex<Report>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A phone's request, and what is found for it here.
struct Asked {
    source: Source,
    ip: IpAddr,
    /// The tenant's key that the path began with: for the other server, and for nobody else.
    key: Option<Vec<u8>>,
    path: Vec<u8>,
    args: Vec<u8>,
    agent: Option<Vec<u8>>,
    form: Option<Vec<u8>>,
    plugin: Option<String>,
    here: Here,
}

/// What is found here.
enum Here {
    Bytes(Bytes),
    /// A file on the disk, too large to be compared: only its length is.
    Length(u64),
    /// A file that may be there.
    Perhaps(PathBuf),
    Nothing,
}

/// What an answer holds.
enum Content {
    Bytes(Bytes),
    Length(u64),
    Nothing,
}

impl Shadow {
    /// Starts the threads that ask. `out` takes a line of JSON for each difference, with the first
    /// line that differs where `with_lines`.
    ///
    /// # Errors
    /// What the system says of a thread.
    pub fn start(peer: &Peer, out: Option<fs::File>, with_lines: bool) -> io::Result<Shadow> {
        let (queue, asked) = sync_channel(limits::SHADOW_QUEUE_MAX);
        let asked = Arc::new(Mutex::new(asked));
        let report = Arc::new(Mutex::new(Report::new(out, with_lines)));
        let mut threads = Vec::new();
        for _ in 0..limits::SHADOW_THREADS {
            let (peer, asked, report) = (peer.clone(), Arc::clone(&asked), Arc::clone(&report));
            let run = move || work(&peer, &asked, &report);
            threads.push(thread::Builder::new().name("shadow".to_owned()).spawn(run)?);
        }
        let threads = Mutex::new(threads);
        Ok(Shadow { queue, dropped: AtomicU64::new(0), report, threads })
    }

    /// Takes what a core was asked and what it found; never waits. `plugin` is the phone's.
    pub fn note(&self, query: &Query<'_>, plugin: Option<&str>, found: &Found) {
        let here = match found {
            Found::Bytes { bytes, .. } => Here::Bytes(bytes.clone()),
            Found::File(file) => match &file.bytes {
                Some(bytes) => Here::Bytes(bytes.clone()),
                None => Here::Length(file.len),
            },
            Found::Beneath(folder) => {
                let name = String::from_utf8_lossy(query.name);
                Here::Perhaps(folder.join(&*name))
            }
            Found::Missing | Found::Failed => Here::Nothing,
        };
        let asked = Asked {
            source: query.source,
            ip: query.ip,
            key: query.key.map(<[u8]>::to_vec),
            path: query.path.to_vec(),
            args: query.args.to_vec(),
            agent: query.agent.map(<[u8]>::to_vec),
            form: query.form.map(<[u8]>::to_vec),
            plugin: plugin.map(str::to_owned),
            here,
        };
        if self.queue.try_send(Some(asked)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was found so far, for people.
    pub fn table(&self) -> String {
        let report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        report.table(self.dropped.load(Ordering::Relaxed))
    }

    /// Asks what waits, and ends the threads.
    pub fn stop(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in &*threads {
            // One that is gone takes nothing any more.
            let _ = self.queue.send(None);
        }
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that asks the other server panicked");
            }
        }
    }
}

fn work(peer: &Peer, asked: &Mutex<Receiver<Option<Asked>>>, report: &Mutex<Report>) {
    loop {
        let next = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Some(asked)) = next else { return };
        let there = ask::ask(peer, &asked);
        let here = asked.here.content();
        report.lock().unwrap_or_else(PoisonError::into_inner).take(&asked, &here, &there);
    }
}

impl Here {
    fn content(&self) -> Content {
        match self {
            Here::Bytes(bytes) => Content::Bytes(bytes.clone()),
            Here::Length(len) => Content::Length(*len),
            Here::Perhaps(path) => match fs::metadata(path) {
                Ok(of) if of.is_file() => Content::Length(of.len()),
                _ => Content::Nothing,
            },
            Here::Nothing => Content::Nothing,
        }
    }
}

impl Content {
    fn len(&self) -> Option<u64> {
        match self {
            Content::Bytes(bytes) => Some(bytes.len() as u64),
            Content::Length(len) => Some(*len),
            Content::Nothing => None,
        }
    }
}
