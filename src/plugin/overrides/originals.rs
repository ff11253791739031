//! Keeps what overrides replaced as it was shipped, so that a later change of it can be told.
//!
//! The copies lie in `.originals/` beside the overrides, under the overrides' names. A copy is the
//! record: it shows what changed, to a person too. One that is deleted is made anew.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

use super::Override;
use crate::plugin::LoadError;

/// The folder of the copies.
const FOLDER: &str = ".originals";

/// Compares each override's shipped original with the one that was there when it was first seen,
/// and keeps that of an override that is new. Tells what has changed, and what cannot be kept.
pub fn compare(folder: &Path, plugin: &str, overrides: &[Override]) -> Vec<LoadError> {
    let mut told = Vec::new();
    for one in overrides {
        let copy = copy_of(folder, &one.name);
        let tell = |message| LoadError { file: one.file.clone(), line: 1, message };
        let before = match fs::read_to_string(&copy) {
            Ok(before) => before,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let kept = one.original.as_ref().map(|(_, text)| keep(&copy, &one.file, text));
                if let Some(Err(error)) = kept {
                    told.push(tell(format!("{} cannot be kept: {error}", copy.display())));
                }
                continue;
            }
            Err(error) => {
                told.push(tell(format!("{} cannot be read: {error}", copy.display())));
                continue;
            }
        };
        let accept = format!("ringboot check --accept {plugin}/{}", one.name);
        let was = format!("of {} ({:016x})", seen(&copy), xxh3_64(before.as_bytes()));
        match &one.original {
            Some((_, now)) if **now == *before => {}
            Some((name, now)) => told.push(tell(format!(
                "the shipped {name} has changed since: this override stands on that {was}, which \
                 is kept as {}; it is {:016x} now. Once the override fits: {accept}",
                copy.display(),
                xxh3_64(now.as_bytes()),
            ))),
            None => told.push(tell(format!(
                "what this override replaced is shipped no more: {} has that {was}. Once the \
                 override fits: {accept}",
                copy.display(),
            ))),
        }
    }
    clear(folder, overrides);
    told
}

/// Takes the shipped original of now for what the override was made from.
///
/// # Errors
/// What the system says.
pub fn accept(folder: &Path, one: &Override) -> io::Result<()> {
    let copy = copy_of(folder, &one.name);
    match &one.original {
        Some((_, text)) => keep(&copy, &one.file, text),
        None if copy.exists() => fs::remove_file(copy),
        None => Ok(()),
    }
}

fn copy_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(FOLDER).join(name)
}

/// Forgets the originals of overrides that are gone: one that comes back is new.
fn clear(folder: &Path, overrides: &[Override]) {
    for entry in fs::read_dir(folder.join(FOLDER)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !overrides.iter().any(|one| name == *one.name) {
            // What stays is tried again the next time, and nobody is misled meanwhile.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// When the copy was made.
fn seen(copy: &Path) -> String {
    let seconds = fs::metadata(copy).map_or(0, |meta| meta.mtime());
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}

/// Writes a copy, whole or not at all, for those who may read the override.
fn keep(copy: &Path, beside: &Path, text: &str) -> io::Result<()> {
    let folder = copy.parent().expect("invariant: a copy lies in a folder");
    let like = fs::metadata(beside)?;
    if !folder.is_dir() {
        fs::create_dir(folder)?;
        let mode = like.permissions().mode();
        // Who may read the files may look into the folder.
        let mode = mode & 0o666 | (mode & 0o444) >> 2;
        fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
        give(folder, &like);
    }
    let new = copy.with_extension("new");
    fs::write(&new, text)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(like.permissions().mode() & 0o666))?;
    give(&new, &like);
    fs::File::open(&new)?.sync_all()?;
    fs::rename(&new, copy)
}

/// Gives a file to the override's owner; where that is not ours to do, it stays ours.
fn give(path: &Path, like: &fs::Metadata) {
    if fs::metadata(path).is_ok_and(|meta| meta.uid() != like.uid()) {
        let _ = chown(path, Some(like.uid()), Some(like.gid()));
    }
}
