//! Where an installation has its files.

use std::io;
use std::path::{Path, PathBuf};

use crate::import::ImportError;

/// An installation's folders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Installed {
    /// It holds `jsondb`, `plugins` and `app.json`.
    var: PathBuf,
    /// It holds `config.yml` and `base_raw_config.json`, where the root was given.
    etc: Option<PathBuf>,
}

impl Installed {
    /// Finds them below a root (`/`, or a copy of what is there), or takes the folder of the
    /// documents itself.
    ///
    /// # Errors
    /// Where there is no installation.
    pub fn find(folder: &Path) -> Result<Installed, ImportError> {
        let below = folder.join("var/lib/wazo-provd");
        let installed = if folder.join("jsondb").is_dir() {
            Installed { var: folder.to_owned(), etc: None }
        } else if below.join("jsondb").is_dir() {
            Installed { var: below, etc: Some(folder.join("etc/wazo-provd")) }
        } else {
            let text = format!("{}: no jsondb, and none in var/lib/wazo-provd", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, text).into());
        };
        Ok(installed)
    }

    /// The devices' documents.
    pub fn devices(&self) -> PathBuf {
        self.var.join("jsondb/devices")
    }

    /// The configurations' documents.
    pub fn configs(&self) -> PathBuf {
        self.var.join("jsondb/configs")
    }

    /// A folder for each plugin.
    pub fn plugins(&self) -> PathBuf {
        self.var.join("plugins")
    }

    /// The parameters that operators set.
    pub fn parameters(&self) -> PathBuf {
        self.var.join("app.json")
    }

    /// A file of the daemon's own settings.
    pub fn settings(&self, name: &str) -> Option<PathBuf> {
        self.etc.as_ref().map(|etc| etc.join(name))
    }
}
