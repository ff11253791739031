//! The command that serves phones and compares with the server that is to be replaced.

use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs::OpenOptions;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use ringboot::serve;
use ringboot::settings::Settings;
use ringboot::shadow::{Peer, Shadow};

/// With whom, and where it is told.
#[derive(Args)]
pub struct Compare {
    /// The other server, as phones reach it: `http://host:8667`.
    #[arg(long, value_name = "URL")]
    peer: String,
    /// Where it answers by TFTP; the same host's port 69 unless given.
    #[arg(long, value_name = "HOST:PORT")]
    peer_tftp: Option<String>,
    /// Append a line of JSON for each difference to this file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// In these lines, show the first line that differs; it may hold a password.
    #[arg(long, requires = "report")]
    lines: bool,
}

impl Compare {
    /// Serves until a signal, and prints what was found.
    pub fn run(&self, settings: &Settings) -> Result<()> {
        let peer = self.peer()?;
        let open = |file: &PathBuf| {
            let opened = OpenOptions::new().append(true).create(true).open(file);
            opened.with_context(|| file.display().to_string())
        };
        let report = self.report.as_ref().map(open).transpose()?;
        let shadow = Arc::new(Shadow::start(&peer, report, self.lines)?);
        let served = serve::run(settings, Some(Arc::clone(&shadow)));
        shadow.stop();
        print!("{}", shadow.table());
        served
    }

    fn peer(&self) -> Result<Peer> {
        let Some(rest) = self.peer.strip_prefix("http://") else {
            bail!("--peer {}: it begins with http://", self.peer)
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        if host.is_empty() || host.bytes().any(|b| b == b'/' || b.is_ascii_whitespace()) {
            bail!("--peer {}: a host and a port, without a path", self.peer)
        }
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let http = resolve(&if has_port { host.to_owned() } else { format!("{host}:80") })?;
        let tftp = match &self.peer_tftp {
            Some(name) => resolve(name)?,
            None => SocketAddr::new(http.ip(), 69),
        };
        Ok(Peer { host: host.to_owned(), http, tftp })
    }
}

fn resolve(name: &str) -> Result<SocketAddr> {
    let mut found = name.to_socket_addrs().with_context(|| name.to_owned())?;
    found.next().with_context(|| format!("{name} has no address"))
}
