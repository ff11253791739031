//! A file is opened once for all who are sent it at the same time: a storm takes one descriptor.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};

use crate::limits;
use crate::ring::{self, Opened};

/// Files that somebody is sent now. INVARIANT: `files.len() <= FILES_SHARED_MAX`.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<Weak<Opened>>,
}

impl Files {
    /// Opens a regular file by its path, without waiting.
    ///
    /// # Errors
    /// What the system says; `NotFound` for a path without a name.
    pub fn open(&mut self, path: &Path) -> io::Result<Arc<Opened>> {
        let name = path.file_name().ok_or(io::ErrorKind::NotFound)?;
        self.open_beneath(path.parent().unwrap_or(Path::new("/")), name.as_encoded_bytes())
    }

    /// Opens a regular file below a folder, without waiting and without leaving it.
    ///
    /// # Errors
    /// What the system says.
    pub fn open_beneath(&mut self, folder: &Path, name: &[u8]) -> io::Result<Arc<Opened>> {
        let opened = Opened::new(ring::open_beneath(&File::open(folder)?, name)?)?;
        Ok(self.share(opened))
    }

    /// The same file in the same state where somebody has it, else this one.
    fn share(&mut self, opened: Opened) -> Arc<Opened> {
        let same = |file: &Weak<Opened>| file.upgrade().filter(|file| file.is_same(&opened));
        if let Some(shared) = self.files.iter().find_map(same) {
            return shared;
        }
        let opened = Arc::new(opened);
        self.files.retain(|file| file.strong_count() > 0);
        if self.files.len() < limits::FILES_SHARED_MAX {
            self.files.push(Arc::downgrade(&opened));
        }
        opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_while_it_is_sent_shares_it_unless_it_was_changed() {
        let folder = std::env::temp_dir().join(format!("ringboot-shared-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("folder");
        std::fs::write(folder.join("t46.rom"), "old").expect("written");
        let mut files = Files::default();
        let first = files.open_beneath(&folder, b"t46.rom").expect("opens");
        let second = files.open(&folder.join("t46.rom")).expect("opens");
        assert!(Arc::ptr_eq(&first, &second));
        std::fs::write(folder.join("new"), "new").expect("written");
        std::fs::rename(folder.join("new"), folder.join("t46.rom")).expect("renamed");
        let third = files.open_beneath(&folder, b"t46.rom").expect("opens");
        assert!(!Arc::ptr_eq(&first, &third) && first.check().is_ok());
        drop((first, second, third));
        drop(files.open_beneath(&folder, b"t46.rom").expect("opens"));
        assert_eq!(files.files.len(), 1);
        for _ in 0..2 * limits::FILES_SHARED_MAX {
            std::fs::write(folder.join("new"), "new").expect("written");
            std::fs::rename(folder.join("new"), folder.join("t46.rom")).expect("renamed");
            std::mem::forget(files.open_beneath(&folder, b"t46.rom").expect("opens"));
        }
        assert_eq!(files.files.len(), limits::FILES_SHARED_MAX);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
