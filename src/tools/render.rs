//! Writes the files that a device would be given, without a server and without storing it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::device::{Device, Document};
use crate::plugin::{Plugins, RenderError, Rendered};

/// Why files could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such plugin.
    #[error("there is no plugin {0:?}")]
    Plugin(String),
    /// A template failed.
    #[error("{path}: {error}")]
    Render {
        /// The file's path.
        path: String,
        /// What failed.
        error: RenderError,
    },
    /// The administrator's template failed. A phone would be given what the shipped one makes.
    #[error("{path}: the override fails: {reason}")]
    Override {
        /// The file's path.
        path: String,
        /// What failed.
        reason: String,
    },
    /// A file could not be written.
    #[error("{}: {error}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Writes the device's own files and the release's shared ones below `out`; returns their paths.
/// `raw` is the device's flattened configuration with the defaults filled in.
///
/// # Errors
/// [`Error`], for the first file that fails.
pub fn run(
    plugins: &Plugins,
    plugin: &str,
    device: &Device,
    raw: &Document,
    out: &Path,
) -> Result<Vec<String>, Error> {
    let release = plugins.release(plugin).ok_or_else(|| Error::Plugin(plugin.to_owned()))?;
    let own = release.device_files(device).into_iter();
    let own = own.map(|(path, file)| (path, release.rendered(file, device, raw)));
    let shared = release.common_files();
    let shared = shared.map(|(path, file)| (path.to_owned(), release.rendered_common(file, raw)));
    let mut written = Vec::new();
    for (path, rendered) in own.chain(shared) {
        let bytes = match rendered {
            Ok(Rendered { failed_override: Some(reason), .. }) => {
                return Err(Error::Override { path, reason });
            }
            Ok(rendered) => rendered.bytes,
            Err(RenderError::Absent) => continue,
            Err(error) => return Err(Error::Render { path, error }),
        };
        let target = out.join(&path);
        let folder = target.parent().unwrap_or(out);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&target, &bytes))
            .map_err(|error| Error::Write { path: target, error })?;
        written.push(path);
    }
    Ok(written)
}
