//! The durable copy: all documents read at the start, changed ones written behind, batches atomic.
//!
//! What is stored is the JSON document that the REST API speaks: unknown keys survive, a document
//! of an older version is read by a newer one, and any tool can look at it. A batch is written
//! whole or not at all. Configurations of a batch come with the devices that name them or before.

mod behind;
mod bulk;
mod documents;
mod load;
mod ranges;
mod rocks;
#[cfg(test)]
mod tests;

pub use behind::{Stats, WriteBehind};
pub use bulk::Bulk;
pub use documents::{Documents, to_json};
pub use load::{Loaded, load, load_unless};
pub use rocks::{Rocks, StartReport};

use std::path::PathBuf;

use crate::device::Text;
use crate::directory::Key;

/// What keeps documents. Small, so that a test can fail it at any place.
pub trait Store: Send + Sync {
    /// Gives every stored document to `take`, configurations first.
    ///
    /// # Errors
    /// [`StoreError`] when something cannot be read; nothing is skipped silently.
    fn load(&self, take: &mut dyn FnMut(Write)) -> Result<(), StoreError>;

    /// Gives every stored document of a kind to one of the readers, each of which may run on a
    /// thread of its own; no document is given twice. The first of them takes all where the store
    /// has nothing better. What is committed meanwhile may be given or not.
    ///
    /// # Errors
    /// [`StoreError`] when something cannot be read, or a reader does not take it.
    fn read(&self, kind: Kind, readers: &mut [&mut dyn Reader]) -> Result<(), StoreError> {
        let Some(reader) = readers.first_mut() else { return Ok(()) };
        let mut result = Ok(());
        self.load(&mut |write| {
            if result.is_ok() && kind == Kind::of(&write.key) {
                let (Key::Config(id) | Key::Device(id)) = &write.key;
                result = reader.take(id, &write.value.unwrap_or_default());
            }
        })?;
        result
    }

    /// About how many documents of a kind there are; 0 where that is not known.
    fn estimate(&self, _kind: Kind) -> usize {
        0
    }

    /// Writes a batch, whole or not at all; it is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of the batch is stored.
    fn commit(&self, batch: &[Write]) -> Result<(), StoreError>;

    /// What was noted under this name.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    fn note(&self, _name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    /// Notes something that is no document; it is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; then what was noted before stays.
    fn set_note(&self, _name: &str, _value: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::Failed("this store takes documents only".to_owned()))
    }

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

/// What takes stored documents in.
pub trait Reader: Send {
    /// Takes a document by its name.
    ///
    /// # Errors
    /// [`StoreError`] where it is none; then the reading ends.
    fn take(&mut self, id: &str, json: &[u8]) -> Result<(), StoreError>;
}

/// A kind of documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Configurations.
    Config,
    /// Devices.
    Device,
}

impl Kind {
    /// The kind of the document of this name.
    pub fn of(key: &Key) -> Kind {
        match key {
            Key::Config(_) => Kind::Config,
            Key::Device(_) => Kind::Device,
        }
    }

    /// The key of the document of this kind and name.
    pub fn key(self, id: Text) -> Key {
        match self {
            Kind::Config => Key::Config(id),
            Kind::Device => Key::Device(id),
        }
    }
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
    /// An import was broken off in the middle.
    #[error("{}: an import was broken off here; run it again to its end", .0.display())]
    Unfinished(PathBuf),
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
    /// What is stored is not all in memory yet.
    #[error("the store is still being loaded")]
    Loading,
    /// There are too many changes that wait to be written.
    #[error("too many changes wait to be written")]
    Busy,
    /// Anything else that the storage engine says.
    #[error("storage: {0}")]
    Failed(String),
}
