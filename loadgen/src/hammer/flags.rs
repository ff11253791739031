//! The flags of `hammer`: what is asked, by how many clients, for how long, from where.

use crate::flags::duration;
use clap::{Args, Subcommand};
use ringboot::time::Duration;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Flags of `hammer`.
#[derive(Args, Debug)]
pub struct HammerFlags {
    /// What the clients do.
    #[command(subcommand)]
    pub kind: Kind,
}

/// What the clients do.
#[derive(Subcommand, Debug)]
pub enum Kind {
    /// Ask over HTTP, each the next time when it is answered.
    Http(HttpFlags),
    /// Fetch over TFTP, each the next time when the last fetch is whole.
    Tftp(TftpFlags),
    /// Open connections, ask once on each, and then keep them silent.
    Idle(IdleFlags),
    /// Download one file over HTTP, once a client.
    Download(DownloadFlags),
    /// Hold TFTP transfers open by acknowledging slowly.
    TftpMany(ManyFlags),
}

/// Flags that all kinds have.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// The server, `IP:PORT`.
    #[arg(long)]
    pub to: SocketAddr,
    /// Lines of `SOURCE<TAB>PATH<TAB>AGENT`, the source an address or `-`; client i has line i
    /// modulo their number.
    #[arg(long, conflicts_with_all = ["path", "agent"])]
    pub requests: Option<PathBuf>,
    /// What is asked for where there are no lines.
    #[arg(long, default_value = "/")]
    pub path: String,
    /// The User-Agent where there are no lines.
    #[arg(long, default_value = "ringboot-loadgen")]
    pub agent: String,
    /// Length that every body must have.
    #[arg(long)]
    pub bytes: Option<u64>,
    /// Loopback addresses that clients without one of their own speak from, in turn.
    #[arg(long, default_value_t = 0)]
    pub sources: u64,
    /// Time for one answer.
    #[arg(long, value_parser = duration, default_value = "10s")]
    pub timeout: Duration,
    /// Cores to pin to, one a process in turn: `1`, or `2,3`.
    #[arg(long, value_delimiter = ',')]
    pub cpu: Vec<usize>,
    /// Processes that share the clients, each with one thread; as many as the limit of open
    /// descriptors asks for unless given.
    #[arg(long, overrides_with = "processes")]
    pub processes: Option<usize>,
    /// The figures as one line of JSON.
    #[arg(long)]
    pub json: bool,
    /// Which of the processes this is: set by the first for the others.
    #[arg(long, hide = true)]
    pub part: Option<usize>,
}

/// Flags of `hammer http`.
#[derive(Args, Debug)]
pub struct HttpFlags {
    /// What all kinds have.
    #[command(flatten)]
    pub common: Common,
    /// Clients, each with one request at a time.
    #[arg(long, default_value_t = 64)]
    pub clients: usize,
    /// Time that is counted; half a second before it is not.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Keep connections for the next request.
    #[arg(long)]
    pub keep: bool,
    /// Make each request unlike all before it, by a field that no server of files looks at.
    #[arg(long)]
    pub anew: bool,
    /// What every body must begin with.
    #[arg(long, default_value = "")]
    pub begins: String,
    /// What every body must end with.
    #[arg(long, default_value = "")]
    pub ends: String,
}

/// Flags of `hammer tftp`.
#[derive(Args, Debug)]
pub struct TftpFlags {
    /// What all kinds have.
    #[command(flatten)]
    pub common: Common,
    /// Clients, each with one transfer at a time.
    #[arg(long, default_value_t = 64)]
    pub clients: usize,
    /// Time that is counted; half a second before it is not.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// What the transfers ask for.
    #[command(flatten)]
    pub options: TransferFlags,
}

/// The options of a TFTP request.
#[derive(Args, Clone, Copy, Debug)]
pub struct TransferFlags {
    /// Block size to ask for (RFC 2348).
    #[arg(long)]
    pub blksize: Option<u16>,
    /// Window to ask for, in blocks (RFC 7440).
    #[arg(long)]
    pub windowsize: Option<u16>,
}

/// Flags of `hammer idle`.
#[derive(Args, Debug)]
pub struct IdleFlags {
    /// What all kinds have.
    #[command(flatten)]
    pub common: Common,
    /// Connections to open.
    #[arg(long, default_value_t = 50_000)]
    pub connections: usize,
    /// Time that they are held after the last one was opened.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
}

/// Flags of `hammer download`.
#[derive(Args, Debug)]
pub struct DownloadFlags {
    /// What all kinds have.
    #[command(flatten)]
    pub common: Common,
    /// Clients, all at once.
    #[arg(long, default_value_t = 1000)]
    pub clients: usize,
    /// The same file here, to compare with; else all clients must get the same.
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// Read and compare every byte; else a sample, and the kernel drops the rest unread.
    #[arg(long, requires = "file")]
    pub whole: bool,
    /// Time after which what still loads counts as an error.
    #[arg(long, value_parser = duration, default_value = "10m")]
    pub limit: Duration,
}

/// Flags of `hammer tftp-many`.
#[derive(Args, Debug)]
pub struct ManyFlags {
    /// What all kinds have.
    #[command(flatten)]
    pub common: Common,
    /// Transfers, all at once.
    #[arg(long, default_value_t = 20_000)]
    pub clients: usize,
    /// Time that they are held after the last one was answered.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Time between a block and its acknowledgement.
    #[arg(long, value_parser = duration, default_value = "500ms")]
    pub pause: Duration,
    /// What the transfers ask for.
    #[command(flatten)]
    pub options: TransferFlags,
}

impl Kind {
    /// The flags that all kinds have.
    #[must_use]
    pub fn common(&self) -> &Common {
        match self {
            Self::Http(flags) => &flags.common,
            Self::Tftp(flags) => &flags.common,
            Self::Idle(flags) => &flags.common,
            Self::Download(flags) => &flags.common,
            Self::TftpMany(flags) => &flags.common,
        }
    }

    /// Sockets that are open at once, over all processes.
    #[must_use]
    pub fn sockets(&self) -> usize {
        match self {
            Self::Http(flags) => flags.clients,
            Self::Tftp(flags) => flags.clients,
            Self::Idle(flags) => flags.connections,
            Self::Download(flags) => flags.clients,
            Self::TftpMany(flags) => flags.clients,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::{Command, Flags};
    use crate::limits::{HAMMER_ANSWER_TIME, HAMMER_PAUSE};
    use clap::Parser;

    #[test]
    fn defaults_are_the_bounds() {
        let text = "x hammer tftp-many --to 127.0.0.1:69";
        let flags = Flags::parse_from(text.split(' '));
        let Command::Hammer(HammerFlags { kind }) = flags.command else { panic!("another") };
        assert_eq!(kind.common().timeout, HAMMER_ANSWER_TIME);
        assert_eq!(kind.sockets(), 20_000);
        let Kind::TftpMany(many) = kind else { panic!("another kind") };
        assert_eq!(many.pause, HAMMER_PAUSE);
    }
}
