//! A file on its way to phones stays the one that was opened, or the sending ends: no mixed bytes.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;
use crate::time::Instant;

/// A file, and how it was when it was opened. Replacing it by a rename leaves this one as it is;
/// cutting it or writing over it shows in [`Opened::check`].
#[derive(Debug)]
pub struct Opened {
    file: File,
    was: Look,
    /// For each region the time until which it counts as being in memory.
    looked: Vec<AtomicU64>,
}

/// Bytes of which it is remembered together whether they are in memory.
const REGION: u64 = 1024 * 1024;
const _: () = assert!(limits::CACHE_LOOK_BYTES as u64 <= REGION);

/// What tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Look {
    place: (u64, u64),
    len: u64,
    modified: (i64, i64),
}

impl Look {
    fn of(meta: &Metadata) -> Self {
        let modified = (meta.mtime(), meta.mtime_nsec());
        Self { place: (meta.dev(), meta.ino()), len: meta.len(), modified }
    }
}

impl Opened {
    /// The file as it is now.
    ///
    /// # Errors
    /// What `statx(2)` says.
    pub fn new(file: File) -> io::Result<Self> {
        let was = Look::of(&file.metadata()?);
        let regions = usize::try_from(was.len.div_ceil(REGION)).unwrap_or(usize::MAX);
        let looked = (0..regions.min(limits::CACHE_REGIONS_MAX)).map(|_| AtomicU64::new(0));
        Ok(Self { file, was, looked: looked.collect() })
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.was.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.was.len == 0
    }

    /// When it was changed last, in seconds since 1970.
    pub fn modified_seconds(&self) -> u64 {
        u64::try_from(self.was.modified.0).unwrap_or(0)
    }

    /// Whether both are the same file in the same state.
    pub fn is_same(&self, other: &Opened) -> bool {
        self.was == other.was
    }

    /// Whether it is still as it was.
    ///
    /// # Errors
    /// `UnexpectedEof` for a file that was cut, `InvalidData` for one that was written over.
    pub fn check(&self) -> io::Result<()> {
        let is = Look::of(&self.file.metadata()?);
        match () {
            () if is == self.was => Ok(()),
            () if is.len < self.was.len => Err(io::ErrorKind::UnexpectedEof.into()),
            () => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Whether this part lies in memory, so that reading it waits for no disk, as far as looks at
    /// some pages of its regions tell: once in `CACHE_LOOK_PAUSE` for all who are sent the file.
    /// False where the file system cannot say.
    pub(super) fn is_cached(&self, now: Instant, offset: u64, len: usize) -> bool {
        let last = offset + (len as u64).saturating_sub(1);
        let regions = offset / REGION..=last / REGION;
        last < self.was.len && regions.into_iter().all(|region| self.is_region_cached(now, region))
    }

    fn is_region_cached(&self, now: Instant, region: u64) -> bool {
        let place = usize::try_from(region).unwrap_or(usize::MAX);
        let Some(looked) = self.looked.get(place) else { return false };
        let valid = looked.load(Ordering::Relaxed);
        if valid > now.as_nanos() {
            return true;
        }
        let (start, end) = (region * REGION, self.was.len.min((region + 1) * REGION));
        let places = (start..end).step_by(limits::CACHE_LOOK_BYTES).chain([end - 1]);
        let is_cached = places.into_iter().all(|place| self.is_byte_cached(place));
        if is_cached {
            looked.store((now + limits::CACHE_LOOK_PAUSE).as_nanos(), Ordering::Relaxed);
        }
        is_cached
    }

    fn is_byte_cached(&self, place: u64) -> bool {
        let Ok(place) = libc::off_t::try_from(place) else { return false };
        let mut byte = 0_u8;
        let part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let (file, flags) = (self.file.as_raw_fd(), libc::RWF_NOWAIT);
        // SAFETY: the part is one writable byte.
        unsafe { libc::preadv2(file, &raw const part, 1, place, flags) == 1 }
    }
}

impl AsRawFd for Opened {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_rename_leaves_it_and_a_write_or_a_cut_shows() {
        let name = format!("ringboot-opened-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let open = || Opened::new(File::open(&path).expect("opens")).expect("a file");
        std::fs::write(&path, "firmware").expect("written");
        let (first, same) = (open(), open());
        assert!(first.is_same(&same) && first.len() == 8 && !first.is_empty());
        let now = crate::time::now();
        assert!(first.is_cached(now, 0, 8) && first.is_cached(now, 7, 1));
        assert!(!first.is_cached(now, 0, 9) && !first.is_cached(now, 8, 1));
        let other = path.with_extension("new");
        std::fs::write(&other, "firmware").expect("written");
        std::fs::rename(&other, &path).expect("renamed");
        assert!(first.check().is_ok() && !first.is_same(&open()));
        let second = open();
        // The clock of a file system ticks slowly.
        let mut file = File::options().write(true).open(&path).expect("opens");
        let modified = file.metadata().and_then(|meta| meta.modified()).expect("known");
        let later = modified + crate::time::Duration::from_secs(1);
        file.write_all(b"FIRM").expect("written");
        file.set_modified(later).expect("set");
        assert_eq!(second.check().map_err(|error| error.kind()), Err(io::ErrorKind::InvalidData));
        file.set_len(3).expect("cut");
        assert_eq!(second.check().map_err(|error| error.kind()), Err(io::ErrorKind::UnexpectedEof));
        std::fs::remove_file(&path).expect("removed");
    }
}
