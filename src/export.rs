//! All of a data folder as JSON lines: parameters, configurations, devices, each by name.

use std::io::{self, Write as _};
use std::path::Path;

use crate::device::Config;
use crate::directory::Key;
use crate::store::{Rocks, Store, StoreError};

/// What was written out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Exported {
    /// Devices.
    pub devices: usize,
    /// Configurations.
    pub configs: usize,
    /// Those of them that have values which are not valid; their lines say so.
    pub odd: usize,
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
/// A configuration that is stored with values which are not valid, as another store's may be, has
/// `"as_stored": true` beside it: the import takes it so, and holds all others against their keys.
/// Works beside a running server: it gives what is stored at this moment.
///
/// # Errors
/// [`ExportError`].
pub fn write(folder: &Path, out: &mut dyn io::Write) -> Result<Exported, ExportError> {
    let store = open(folder)?;
    let mut out = io::BufWriter::with_capacity(1 << 20, out);
    let mut exported = Exported::default();
    let mut result = match store.parameters()? {
        Some(parameters) => write_line(&mut out, "parameters", &parameters, ""),
        None => Ok(()),
    };
    store.load(&mut |document| {
        let value = document.value.unwrap_or_default();
        let (kind, mark) = match document.key {
            Key::Config(_) => {
                let is_odd = is_odd(&value);
                exported.configs += 1;
                exported.odd += usize::from(is_odd);
                ("config", if is_odd { AS_STORED } else { "" })
            }
            Key::Device(_) => {
                exported.devices += 1;
                ("device", "")
            }
        };
        if result.is_ok() {
            result = write_line(&mut out, kind, &value, mark);
        }
    })?;
    result?;
    out.flush()?;
    Ok(exported)
}

/// What stands behind a configuration that is not valid.
const AS_STORED: &str = ",\"as_stored\":true";

fn write_line(out: &mut dyn io::Write, kind: &str, value: &[u8], mark: &str) -> io::Result<()> {
    write!(out, "{{\"{kind}\":")?;
    out.write_all(value)?;
    writeln!(out, "{mark}}}")
}

/// Whether a configuration has the form of one, and values that an import would refuse.
fn is_odd(json: &[u8]) -> bool {
    let document = serde_json::from_slice(json).ok();
    let read = document.and_then(|document| Config::with_faults(document).ok());
    read.is_some_and(|(_, faults)| !faults.0.is_empty())
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
