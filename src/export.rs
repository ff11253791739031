//! All of a data folder as JSON lines: parameters, configurations, devices, each by name.

use std::io::{self, Write as _};
use std::path::Path;

use crate::directory::Key;
use crate::store::{Rocks, Store, StoreError};

/// What was written out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Exported {
    /// Devices.
    pub devices: usize,
    /// Configurations.
    pub configs: usize,
}

/// Why not everything was written out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The output does not take it.
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
    /// The data folder cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes `{"parameters": …}`, `{"config": …}` and `{"device": …}` lines, which the import takes.
/// Works beside a running server: it gives what is stored at this moment.
///
/// # Errors
/// [`ExportError`].
pub fn write(folder: &Path, out: &mut dyn io::Write) -> Result<Exported, ExportError> {
    let store = open(folder)?;
    let mut out = io::BufWriter::with_capacity(1 << 20, out);
    let mut exported = Exported::default();
    let mut result = match store.parameters()? {
        Some(parameters) => write_line(&mut out, "parameters", &parameters),
        None => Ok(()),
    };
    store.load(&mut |document| {
        let kind = match document.key {
            Key::Config(_) => {
                exported.configs += 1;
                "config"
            }
            Key::Device(_) => {
                exported.devices += 1;
                "device"
            }
        };
        let value = document.value.unwrap_or_default();
        if result.is_ok() {
            result = write_line(&mut out, kind, &value);
        }
    })?;
    result?;
    out.flush()?;
    Ok(exported)
}

fn write_line(out: &mut dyn io::Write, kind: &str, value: &[u8]) -> io::Result<()> {
    write!(out, "{{\"{kind}\":")?;
    out.write_all(value)?;
    out.write_all(b"}\n")
}

/// A running server may replace a file just while the list of files is read; then it is read again.
fn open(folder: &Path) -> Result<Rocks, StoreError> {
    const TRIES: usize = 3;
    let mut result = Rocks::open_to_read(folder);
    for _ in 1..TRIES {
        if result.is_ok() {
            break;
        }
        result = Rocks::open_to_read(folder);
    }
    result
}
