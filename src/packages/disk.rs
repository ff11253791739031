//! The few things that are done to a disk: each is there after a crash once its function returns.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::Error;

/// Writes a small file: the former one or this one, never a part.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let next = path.with_extension("next");
    let write = || -> io::Result<()> {
        let mut file = File::create(&next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&next, path)
    };
    write().map_err(Error::disk(path))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes what was renamed, made or removed in a folder last.
pub fn sync_folder(folder: &Path) -> Result<(), Error> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(Error::disk(folder))
}

/// Removes a file; none is as good.
pub fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::disk(path)(error)),
        _ => Ok(()),
    }
}

/// A second name for a file, or a copy of it where the file system has no such thing.
pub fn link(from: &Path, to: &Path) -> Result<(), Error> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let copy = || -> io::Result<()> {
        io::copy(&mut File::open(from)?, &mut File::create(to)?)?;
        File::open(to)?.sync_all()
    };
    copy().map_err(Error::disk(to))
}

/// Makes an empty folder of it.
pub fn empty_folder(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Error::disk(folder)(error));
        }
        _ => {}
    }
    fs::create_dir_all(folder).map_err(Error::disk(folder))
}
