//! The flags of `compare`: what is measured, how long, and where it is written.

use super::servers::{Kind, Load};
use crate::lab::LabFlags;
use clap::Args;
use std::path::PathBuf;

/// Flags of `compare`.
#[derive(Args, Debug)]
pub struct CompareFlags {
    /// Folder for what is served and for the servers' logs; it is made anew.
    #[arg(long, default_value = "data/compare")]
    pub dir: PathBuf,
    /// Programs, plugins, and where the figures go.
    #[command(flatten)]
    pub lab: LabFlags,
    /// Only these servers; may be given several times.
    #[arg(long = "server", value_enum)]
    pub servers: Vec<Kind>,
    /// Only these loads; may be given several times.
    #[arg(long = "load", value_enum)]
    pub loads: Vec<Load>,
    /// Leave out servers that are not installed, instead of failing.
    #[arg(long)]
    pub skip_missing: bool,
    /// Small and short: to see that everything works, not how fast.
    #[arg(long)]
    pub quick: bool,
    /// Rounds of all servers [default: 3; quick: 1].
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Seconds of a measurement [default: 5; quick: 0.3].
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Clients of small files.
    #[arg(long, default_value_t = 64)]
    pub clients: usize,
    /// Length that small files are to have, about.
    #[arg(long, default_value_t = 2000)]
    pub bytes: usize,
    /// Phones that ringboot knows [default: 10000; quick: 200].
    #[arg(long)]
    pub phones: Option<u64>,
    /// The phone that clients are.
    #[arg(long, default_value = "cisco-spa/SPA112")]
    pub phone: String,
    /// Clients that load the large file [default: 1000; quick: 20].
    #[arg(long)]
    pub loaders: Option<usize>,
    /// Length of the large file in MiB [default: 30; quick: 3].
    #[arg(long)]
    pub firmware_mib: Option<usize>,
    /// The servers' port on 127.0.0.1; dnsmasq has RFC 1350's on an address of its own.
    #[arg(long, default_value_t = 18_667)]
    pub port: u16,
}

impl CompareFlags {
    /// Rounds of all servers.
    #[must_use]
    pub fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { 3 }).max(1)
    }

    /// Seconds of a measurement.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(if self.quick { 0.3 } else { 5.0 })
    }

    /// Phones that ringboot knows.
    #[must_use]
    pub fn phones(&self) -> u64 {
        let usual = if self.quick { 200 } else { 10_000 };
        self.phones.unwrap_or(usual).max(self.clients as u64)
    }

    /// Clients that load the large file.
    #[must_use]
    pub fn loaders(&self) -> usize {
        self.loaders.unwrap_or(if self.quick { 20 } else { 1000 })
    }

    /// Length of the large file.
    #[must_use]
    pub fn firmware_bytes(&self) -> usize {
        self.firmware_mib.unwrap_or(if self.quick { 3 } else { 30 }) << 20
    }
}
