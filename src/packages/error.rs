//! Why a package could not be had, in words for the operator who has to do something about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a package could not be had. What was installed before stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No plugin and no package has that name.
    #[error("no plugin and no package has the name {0:?}")]
    Unknown(String),
    /// Another process fetches packages into the same folder.
    #[error("{}: another fetch is under way", .0.display())]
    Busy(PathBuf),
    /// What is set as a proxy is none.
    #[error("the proxy {0:?}: {1}")]
    Proxy(String, String),
    /// The server has no such file, or does not give it.
    #[error("{url}: the server answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// Its status line's number.
        status: u16,
    },
    /// The server could not be reached, or was cut off.
    #[error("{url}: {error}; {have} of {size} bytes are kept, the next fetch goes on from there")]
    Transfer {
        /// What was asked for.
        url: String,
        /// Why.
        error: String,
        /// Bytes that lie on the disk.
        have: u64,
        /// Bytes that there should be.
        size: u64,
    },
    /// The server's file has another length than the manifest says.
    #[error("{url}: the server's file has {has}, the manifest says {size} bytes")]
    Length {
        /// What was asked for.
        url: String,
        /// Its length in words: it may be known as a bound only.
        has: String,
        /// What the manifest says.
        size: u64,
    },
    /// The bytes are others than the manifest says.
    #[error("{url}: its SHA-256 is {is}, the manifest says {wanted}; the download is removed")]
    Sum {
        /// What was asked for.
        url: String,
        /// What came.
        is: String,
        /// What the manifest says.
        wanted: String,
    },
    /// An archive cannot be read, or holds what nobody should unpack.
    #[error("{archive}: {error}")]
    Archive {
        /// Its name.
        archive: String,
        /// What is wrong.
        error: String,
    },
    /// A file of the package would take the place of something else.
    #[error("{}: {error}", path.display())]
    Taken {
        /// Where.
        path: PathBuf,
        /// By what.
        error: String,
    },
    /// The disk said no.
    #[error("{}: {error}", path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Error {
    /// Something is wrong with an archive.
    pub fn archive(archive: &str, error: impl ToString) -> Self {
        Self::Archive { archive: archive.to_owned(), error: error.to_string() }
    }

    /// The disk said no at `path`: for `map_err`.
    pub fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::Disk { path: path.to_owned(), error }
    }
}
