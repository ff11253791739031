//! Documents in RocksDB: one column family a kind, every commit synced, one process at a time.

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRecoveryMode, ErrorKind, LogLevel, Options, WriteBatch, WriteOptions, properties,
};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ranges::{self, Ranges};
use super::{Kind, Pauses, Reader, Store, StoreError, Write};
use crate::directory::Key;
use crate::limits;

const CONFIGS: &str = "configs";
const DEVICES: &str = "devices";
const META: &str = "meta";
/// The key of `meta` that says how the others are to be read.
const FORMAT_KEY: &[u8] = b"format";
const FORMAT: &str = "1";
/// The key of `meta` that is there while an import has not come to its end.
pub(super) const UNFINISHED_KEY: &[u8] = b"unfinished";
/// The key of `meta` that holds the operators' parameters.
pub(super) const PARAMETERS_KEY: &[u8] = b"parameters";

/// An open data folder.
#[derive(Debug)]
pub struct Rocks {
    open: Mutex<Open>,
    folder: PathBuf,
    report: StartReport,
    hearing: Arc<Hearing>,
}

/// The engine. After it met a full disk it takes nothing more until it is opened again; its own
/// recovery waits for more room than a small disk has. Other errors are final: after a failed sync
/// nobody knows what is on the disk.
#[derive(Debug)]
struct Open {
    db: Option<Arc<DB>>,
    was_full: bool,
    hearing: Arc<Hearing>,
}

/// What was found when the folder was opened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StartReport {
    /// Bytes at the end of the log that a crash had torn; they were dropped.
    pub dropped_bytes: u64,
    /// What the storage engine said of it.
    pub messages: Vec<String>,
}

/// What the storage engine says while it opens.
#[derive(Debug, Default)]
struct Hearing {
    dropped_bytes: AtomicU64,
    slowed: AtomicU64,
    stopped: AtomicU64,
    messages: Mutex<Vec<String>>,
}

impl Rocks {
    /// Opens the folder for this process alone; makes it where it is missing.
    ///
    /// # Errors
    /// [`StoreError`]; a damaged file is named. [`StoreError::Unfinished`] after an import that was
    /// broken off.
    pub fn open(folder: &Path) -> Result<Rocks, StoreError> {
        let rocks = Self::open_to_import(folder)?;
        match rocks.meta(UNFINISHED_KEY)? {
            Some(_) => Err(StoreError::Unfinished(folder.to_owned())),
            None => Ok(rocks),
        }
    }

    /// The same for an import, which may end one that was broken off.
    ///
    /// # Errors
    /// [`StoreError`]; a damaged file is named.
    pub fn open_to_import(folder: &Path) -> Result<Rocks, StoreError> {
        make_private(folder).map_err(|error| io_error(folder, &error))?;
        let hearing = Arc::new(Hearing::default());
        let db = open_to_write(folder, &hearing)?;
        let report = hearing.report();
        if report.dropped_bytes > 0 {
            tracing::warn!(bytes = report.dropped_bytes, "a torn end of the log was dropped");
        }
        check_format(&db, folder, true)?;
        make_files_private(folder).map_err(|error| io_error(folder, &error))?;
        let open = Open { db: Some(Arc::new(db)), was_full: false, hearing: Arc::clone(&hearing) };
        Ok(Rocks { open: Mutex::new(open), folder: folder.to_owned(), report, hearing })
    }

    /// Opens the folder beside a process that has it, to read what is stored at this moment.
    ///
    /// # Errors
    /// [`StoreError`]; also where there is no such folder.
    pub fn open_to_read(folder: &Path) -> Result<Rocks, StoreError> {
        let hearing = Arc::new(Hearing::default());
        let db = DB::open_cf_descriptors_read_only(&options(&hearing), folder, families(), false)
            .map_err(|error| explain(folder, &error))?;
        check_format(&db, folder, false)?;
        let report = hearing.report();
        let open = Open { db: Some(Arc::new(db)), was_full: false, hearing: Arc::clone(&hearing) };
        Ok(Rocks { open: Mutex::new(open), folder: folder.to_owned(), report, hearing })
    }

    /// What was found when the folder was opened.
    pub fn report(&self) -> &StartReport {
        &self.report
    }

    /// The operators' parameters, a JSON object; none where they were never set.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn parameters(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.meta(PARAMETERS_KEY)
    }

    fn meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.db()?;
        db.get_cf(family(&db, META), key).map_err(|error| explain(&self.folder, &error))
    }

    /// Puts a key in and takes another one out, both or neither.
    pub(super) fn put_meta(
        &self,
        put: Option<(&[u8], &[u8])>,
        removed: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let db = self.db()?;
        let meta = family(&db, META);
        let mut writes = WriteBatch::default();
        if let Some((key, value)) = put {
            writes.put_cf(meta, key, value);
        }
        if let Some(key) = removed {
            writes.delete_cf(meta, key);
        }
        db.write_opt(writes, &synced()).map_err(|error| explain(&self.folder, &error))
    }

    /// The engine, for what may take long: writers do not wait for it.
    pub(super) fn db(&self) -> Result<Arc<DB>, StoreError> {
        self.lock().db(&self.folder).map(Arc::clone)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The engine, opened again where the disk was full.
    fn db(&mut self, folder: &Path) -> Result<&Arc<DB>, StoreError> {
        if self.was_full {
            // First closed, then opened: the folder is locked while it is open.
            if self.db.as_ref().is_some_and(|db| Arc::strong_count(db) > 1) {
                return Err(StoreError::Full("it is still being read".to_owned()));
            }
            self.db = None;
        }
        let db = match self.db.take() {
            Some(db) => db,
            None => Arc::new(open_to_write(folder, &self.hearing)?),
        };
        self.was_full = false;
        Ok(self.db.insert(db))
    }
}

impl Store for Rocks {
    fn load(&self, take: &mut dyn FnMut(Write)) -> Result<(), StoreError> {
        let db = self.db()?;
        for kind in [Kind::Config, Kind::Device] {
            let all = (None, None);
            ranges::walk(&db, (name_of(kind), &self.folder), all, &mut |id, value| {
                take(Write { key: kind.key(id.into()), value: Some(value.to_vec()) });
                Ok(())
            })?;
        }
        Ok(())
    }

    fn read(&self, kind: Kind, readers: &mut [&mut dyn Reader]) -> Result<(), StoreError> {
        let db = self.db()?;
        let place = (name_of(kind), &*self.folder);
        let ranges = Ranges::of(&db, place)?;
        std::thread::scope(|scope| {
            let (db, ranges) = (&*db, &ranges);
            let threads: Vec<_> = readers
                .iter_mut()
                .map(|reader| scope.spawn(move || ranges.read(db, place, *reader)))
                .collect();
            let ends = threads.into_iter().map(|thread| thread.join());
            let ends: Vec<_> =
                ends.map(|end| end.expect("invariant: a reader does not panic")).collect();
            ends.into_iter().collect()
        })
    }

    fn estimate(&self, kind: Kind) -> usize {
        let counted = self.db().ok().and_then(|db| {
            let family = family(&db, name_of(kind));
            db.property_value_cf(family, properties::AGGREGATED_TABLE_PROPERTIES).ok().flatten()
        });
        counted.as_deref().and_then(entries).unwrap_or(0)
    }

    fn commit(&self, batch: &[Write]) -> Result<(), StoreError> {
        let mut open = self.lock();
        let db = open.db(&self.folder)?;
        let families = [Kind::Config, Kind::Device].map(|kind| family(db, name_of(kind)));
        let mut writes = WriteBatch::default();
        for write in batch {
            let (Key::Config(id) | Key::Device(id)) = &write.key;
            let family = families[Kind::of(&write.key) as usize];
            match &write.value {
                Some(value) => writes.put_cf(family, id.as_bytes(), value),
                None => writes.delete_cf(family, id.as_bytes()),
            }
        }
        let written =
            db.write_opt(writes, &synced()).map_err(|error| explain(&self.folder, &error));
        open.was_full = matches!(written, Err(StoreError::Full(_)));
        written
    }

    fn note(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.db()?;
        let found = db.get_cf(family(&db, META), note_key(name));
        found.map_err(|error| explain(&self.folder, &error))
    }

    fn set_note(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let mut open = self.lock();
        let db = open.db(&self.folder)?;
        let written = db.put_cf_opt(family(db, META), note_key(name), value, &synced());
        let written = written.map_err(|error| explain(&self.folder, &error));
        open.was_full = matches!(written, Err(StoreError::Full(_)));
        written
    }

    fn pauses(&self) -> Pauses {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Pauses { slowed: read(&self.hearing.slowed), stopped: read(&self.hearing.stopped) }
    }
}

fn open_to_write(folder: &Path, hearing: &Arc<Hearing>) -> Result<DB, StoreError> {
    let mut options = options(hearing);
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    DB::open_cf_descriptors(&options, folder, families()).map_err(|error| explain(folder, &error))
}

fn check_format(db: &DB, folder: &Path, may_write: bool) -> Result<(), StoreError> {
    let explain = |error| explain(folder, &error);
    let meta = family(db, META);
    match db.get_cf(meta, FORMAT_KEY).map_err(explain)? {
        Some(found) if found == FORMAT.as_bytes() => Ok(()),
        None if may_write => db.put_cf_opt(meta, FORMAT_KEY, FORMAT, &synced()).map_err(explain),
        None => Ok(()),
        Some(found) => Err(StoreError::Format {
            folder: folder.to_owned(),
            found: String::from_utf8_lossy(&found).into_owned(),
            known: FORMAT,
        }),
    }
}

/// Where a note stands among what is said of the store itself.
fn note_key(name: &str) -> String {
    format!("note/{name}")
}

/// The name of the column family of a kind.
pub(super) fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Config => CONFIGS,
        Kind::Device => DEVICES,
    }
}

pub(super) fn family<'a>(db: &'a DB, name: &str) -> &'a ColumnFamily {
    db.cf_handle(name).expect("invariant: all families are opened")
}

impl Hearing {
    fn hear(&self, level: LogLevel, message: &str) {
        if message.contains("Stalling writes because") {
            self.slowed.fetch_add(1, Ordering::Relaxed);
        } else if message.contains("Stopping writes because") {
            self.stopped.fetch_add(1, Ordering::Relaxed);
        } else if let Some(bytes) = dropped_bytes(message) {
            self.dropped_bytes.fetch_add(bytes, Ordering::Relaxed);
            let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
            messages.push(message.trim().to_owned());
        } else if matches!(level, LogLevel::Error | LogLevel::Fatal) {
            tracing::error!(target: "storage", "{}", message.trim());
        }
    }

    fn report(&self) -> StartReport {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone();
        StartReport { dropped_bytes: self.dropped_bytes.load(Ordering::Relaxed), messages }
    }
}

/// Reads `… dropping N bytes; …`, which is how the engine tells of a log that is not whole.
fn dropped_bytes(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("dropping ")?;
    rest.split_once(" bytes")?.0.parse().ok()
}

/// Reads `# entries=N; …`, which is how the engine tells of the tables of a family.
fn entries(properties: &str) -> Option<usize> {
    let (_, rest) = properties.split_once("# entries=")?;
    rest.split_once(';')?.0.parse().ok()
}

/// Small memory and a fast start: the documents are in memory anyhow, and reads are rare.
fn options(hearing: &Arc<Hearing>) -> Options {
    let mut options = Options::default();
    options.set_max_open_files(256);
    options.set_max_background_jobs(2);
    options.set_max_total_wal_size(limits::STORE_LOG_BYTES_MAX);
    options.set_db_write_buffer_size(limits::STORE_WRITE_BUFFER_BYTES);
    options.set_bytes_per_sync(1024 * 1024);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1024 * 1024);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_skip_stats_update_on_db_open(true);
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    let heard = Arc::clone(hearing);
    let hear = move |level, message: &str| heard.hear(level, message);
    options.set_info_logger(rocksdb::InfoLogger::new_callback_logger(LogLevel::Warn, hear));
    options
}

fn families() -> Vec<ColumnFamilyDescriptor> {
    // One small cache for all: what is read once at the start need not stay.
    let cache = Cache::new_lru_cache(limits::STORE_CACHE_BYTES);
    let family = |name| ColumnFamilyDescriptor::new(name, table_options(&cache));
    [rocksdb::DEFAULT_COLUMN_FAMILY_NAME, CONFIGS, DEVICES, META].map(family).into()
}

/// How tables are written.
pub(super) fn table_options(cache: &Cache) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_block_size(16 * 1024);
    let mut options = Options::default();
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(limits::STORE_WRITE_BUFFER_BYTES / 4);
    options.set_max_write_buffer_number(2);
    options
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

pub(super) fn explain(folder: &Path, error: &rocksdb::Error) -> StoreError {
    let text = error.to_string();
    let is_lock = text.contains("lock hold by current process")
        || (text.contains("LOCK") && text.contains("Resource temporarily unavailable"));
    if is_lock {
        StoreError::Held(folder.to_owned())
    } else if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
        StoreError::Full(text)
    } else if error.kind() == ErrorKind::Corruption {
        StoreError::Damaged(format!("{}: {text}", folder.display()))
    } else {
        StoreError::Failed(text)
    }
}

pub(super) fn io_error(folder: &Path, error: &io::Error) -> StoreError {
    let text = format!("{}: {error}", folder.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(text),
        _ => StoreError::Failed(text),
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

fn make_files_private(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_words_are_understood() {
        let text = "[db/db_impl/db_impl_open.cc:1183] (Log #8) dropping 4242 bytes; Corruption: x";
        assert_eq!(dropped_bytes(text), Some(4242));
        assert_eq!(dropped_bytes("dropping column family 3"), None);
        assert_eq!(entries("# data blocks=9; # entries=4242; # deletions=1;"), Some(4242));
    }
}
