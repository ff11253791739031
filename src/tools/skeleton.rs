//! A new plugin's folder: small, whole, and good from the first minute.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no new plugin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that is no folder's.
    #[error("{0:?} is no name: lower-case letters, digits and dashes")]
    Name(String),
    /// There is something already.
    #[error("{}: is there already", .0.display())]
    There(PathBuf),
    /// It could not be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

const MANIFEST: &str = include_str!("skeleton/plugin.toml");
const TEMPLATE: &str = include_str!("skeleton/base.tpl");
const CASES: &str = include_str!("skeleton/cases.toml");

/// Writes `plugins/<name>` with a manifest, a template and cases of a phone of `vendor` that can be
/// checked and tested at once; returns the files.
///
/// # Errors
/// [`Error`]; nothing is overwritten.
pub fn write(plugins: &Path, name: &str, vendor: &str) -> Result<Vec<PathBuf>, Error> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(fits) {
        return Err(Error::Name(name.to_owned()));
    }
    let folder = plugins.join(name);
    if folder.exists() {
        return Err(Error::There(folder));
    }
    let mut written = Vec::new();
    for (file, text) in
        [("plugin.toml", MANIFEST), ("templates/base.tpl", TEMPLATE), ("cases.toml", CASES)]
    {
        let path = folder.join(file);
        let text = text.replace("NAME", name).replace("VENDOR", vendor);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| Error::Write { path: path.clone(), error })?;
        written.push(path);
    }
    Ok(written)
}
