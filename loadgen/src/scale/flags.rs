//! The flags of `scale`: what grows, how far, and where it is written.

use crate::lab::LabFlags;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Part {
    /// Devices that the server knows.
    Devices,
    /// Phones that boot at once.
    Phones,
    /// Idle connections beside good clients.
    Connections,
    /// Cores of the server.
    Cores,
}

/// Flags of `scale`.
#[derive(Args, Debug)]
pub struct ScaleFlags {
    /// Folder for fleets, stores and logs.
    #[arg(long, default_value = "data/scale")]
    pub dir: PathBuf,
    /// Programs, plugins, and where the figures go.
    #[command(flatten)]
    pub lab: LabFlags,
    /// Only these parts; may be given several times.
    #[arg(long = "part", value_enum)]
    pub parts: Vec<Part>,
    /// The built bench that measures devices; `cargo bench --bench scale` unless given.
    #[arg(long)]
    pub bench: Option<PathBuf>,
    /// Small and short: to see that everything works, not how it grows.
    #[arg(long)]
    pub quick: bool,
    /// The server's port on 127.0.0.1.
    #[arg(long, default_value_t = 18_677)]
    pub port: u16,
}

impl ScaleFlags {
    /// Whether a part is wanted.
    #[must_use]
    pub fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// Amounts of a part, the least first. Of cores there are as many as the machine has.
    #[must_use]
    pub const fn amounts(&self, part: Part) -> &'static [u64] {
        match (part, self.quick) {
            (Part::Devices, false) => &[10_000, 100_000, 1_000_000, 10_000_000],
            (Part::Devices, true) => &[1_000, 10_000],
            (Part::Phones, false) => &[1_000, 10_000, 100_000],
            (Part::Phones, true) => &[20, 100],
            (Part::Connections, false) => &[100, 1_000, 10_000, 50_000],
            (Part::Connections, true) => &[10, 100],
            (Part::Cores, _) => &[],
        }
    }

    /// Seconds of one measurement with a hammer.
    #[must_use]
    pub const fn seconds(&self) -> f64 {
        if self.quick { 0.3 } else { 4.0 }
    }

    /// Seconds for which idle connections are held beyond that: a hammer has a warm-up.
    #[must_use]
    pub const fn spare_seconds(&self) -> f64 {
        if self.quick { 1.0 } else { 3.0 }
    }
}
