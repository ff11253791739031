//! The durable copy: all documents read at the start, changed ones written behind, batches atomic.
//!
//! What is stored is the JSON document that the REST API speaks: unknown keys survive, a document
//! of an older version is read by a newer one, and any tool can look at it. A batch is written
//! whole or not at all. Configurations of a batch come with the devices that name them or before.

mod behind;
mod documents;
mod rocks;
#[cfg(test)]
mod tests;

pub use behind::{Stats, WriteBehind};
pub use documents::{Documents, Loaded, load, to_json};
pub use rocks::{Rocks, StartReport};

use std::path::PathBuf;

use crate::directory::Key;

/// What keeps documents. Small, so that a test can fail it at any place.
pub trait Store: Send + Sync {
    /// Gives every stored document to `take`, configurations first.
    ///
    /// # Errors
    /// [`StoreError`] when something cannot be read; nothing is skipped silently.
    fn load(&self, take: &mut dyn FnMut(Write)) -> Result<(), StoreError>;

    /// Writes a batch, whole or not at all; it is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of the batch is stored.
    fn commit(&self, batch: &[Write]) -> Result<(), StoreError>;

    /// How often it has slowed or stopped writes of its own accord. Never waits for one.
    fn pauses(&self) -> Pauses {
        Pauses::default()
    }
}

/// Pauses that a store makes to catch up with itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pauses {
    /// Times that it began to slow writes.
    pub slowed: u64,
    /// Times that it stopped them.
    pub stopped: u64,
}

/// One document as it is or shall be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// Its name.
    pub key: Key,
    /// Its JSON text; none: it goes.
    pub value: Option<Vec<u8>>,
}

/// Why the store could not do it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the folder.
    #[error("{}: another process has this data folder open; stop it first", .0.display())]
    Held(PathBuf),
    /// There is no room on the disk.
    #[error("no room on the disk of the data folder: {0}")]
    Full(String),
    /// What is stored is damaged.
    #[error("damaged data, restore it from a copy: {0}")]
    Damaged(String),
    /// A newer version wrote it.
    #[error("{}: data format {found}, this version knows {known}", .folder.display())]
    Format {
        /// The data folder.
        folder: PathBuf,
        /// What was found.
        found: String,
        /// What is known.
        known: &'static str,
    },
    /// There are too many changes that wait to be written.
    #[error("too many changes wait to be written")]
    Busy,
    /// Anything else that the storage engine says.
    #[error("storage: {0}")]
    Failed(String),
}
