//! A decision's bytes: rendered once and kept while they are true, or a file on the disk.
//!
//! Bodies are kept under (device or release, file) with what they were made from, and within
//! `RENDERED_BYTES_MAX`: when a shard is full, what was not asked for since the last round goes.

use ahash::RandomState;
use arc_swap::ArcSwap;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xxhash_rust::xxh3::xxh3_64;

use crate::device::{Device, Revision, Text, raw};
use crate::directory::Stamp;
use crate::limits;
use crate::plugin::{FileId, Release, Rendered, Route, StaticFile};
use crate::time;
use crate::world::{Decision, World};

/// What a decision comes to.
#[derive(Clone, Debug)]
pub enum Found {
    /// A body in memory.
    Bytes {
        /// The body.
        bytes: Bytes,
        /// Names these bytes.
        etag: Etag,
    },
    /// A file on the disk; a small one has its bytes with it.
    File(Arc<StaticFile>),
    /// Perhaps a file that an operator put below this folder, under the name that was asked for.
    Beneath(Arc<Path>),
    /// No such file: 404.
    Missing,
    /// It could not be made. Also 404: a phone that is told 5xx stays away for an hour.
    Failed,
}

/// A strong entity tag (RFC 9110 section 8.8.3), with its quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Etag([u8; 18]);

/// The bodies that were rendered.
#[derive(Debug)]
pub struct Content {
    shards: Vec<Mutex<Shard>>,
    /// Operators' folders, by plugin id.
    folders: ArcSwap<HashMap<Text, Arc<Path>>>,
    shard_bytes_max: usize,
    hasher: RandomState,
    renders: AtomicU64,
    render_nanos: AtomicU64,
    failures: AtomicU64,
    failed_overrides: AtomicU64,
    evictions: AtomicU64,
}

/// What was counted since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Bodies that were there.
    pub hits: u64,
    /// Bodies that were made.
    pub renders: u64,
    /// Time that it took to make them, and to fail at others, in nanoseconds.
    pub render_nanos: u64,
    /// Bodies that could not be made.
    pub failures: u64,
    /// Bodies that the shipped template made because the administrator's failed.
    pub failed_overrides: u64,
    /// Bodies that went to make room.
    pub evictions: u64,
    /// Bodies that are kept.
    pub bodies: u64,
    /// Bytes that are kept, with what it takes to find them.
    pub bytes: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Key {
    Device(Text, FileId),
    /// With the tenant whose key its URLs have, where they have keys.
    Common(Text, FileId, Option<Text>),
}

/// What a body was made from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Source {
    device: Revision,
    config: Stamp,
    plugins: u64,
}

/// INVARIANT: `bytes` is the sum of the entries' costs; `round` holds each entry's key once.
#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<Key, Entry, RandomState>,
    round: VecDeque<Key>,
    bytes: usize,
    /// Times that a body was there. Counted here, where the lock is held anyway.
    hits: u64,
}

#[derive(Debug)]
struct Entry {
    source: Source,
    /// None: it could not be made, and that was told.
    body: Option<(Bytes, Etag)>,
    is_used: bool,
}

const SHARDS: usize = 64;
/// What an entry costs beside its body: key, map, queue.
const ENTRY_BYTES: usize = 256;

impl Default for Content {
    fn default() -> Self {
        Self::with_bound(limits::RENDERED_BYTES_MAX)
    }
}

impl Content {
    /// Keeps `bytes_max` at most.
    pub fn with_bound(bytes_max: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            folders: ArcSwap::default(),
            shard_bytes_max: bytes_max / SHARDS,
            hasher: RandomState::new(),
            renders: AtomicU64::new(0),
            render_nanos: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            failed_overrides: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// The bytes or the file of a decision.
    pub fn find(&self, world: &World, decision: &Decision<'_>) -> Found {
        let Some(release) = decision.release else { return Found::Missing };
        match &decision.route {
            Route::Device { file, .. } => match &decision.device {
                Some(device) => self.own(world, decision, release, device, *file),
                None => Found::Missing,
            },
            Route::Common { file } => self.common(world, decision, release, *file),
            Route::Static(file) => Found::File(Arc::clone(file)),
            Route::Missing { .. } => {
                let folders = self.folders.load();
                let folder = folders.get(release.id());
                folder.map_or(Found::Missing, |folder| Found::Beneath(Arc::clone(folder)))
            }
        }
    }

    /// Looks which plugins have a folder below `files`, where operators put firmware. Without one,
    /// a missing file costs no look at the disk.
    pub fn set_folders(&self, files: &Path) {
        let folder = |entry: std::fs::DirEntry| {
            let id = entry.file_name().into_string().ok()?;
            let path = entry.path();
            path.is_dir().then(|| (Text::from(id), Arc::from(path)))
        };
        let entries = std::fs::read_dir(files).into_iter().flatten().flatten();
        self.folders.store(Arc::new(entries.filter_map(folder).collect()));
    }

    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        let (mut hits, mut bodies, mut bytes) = (0, 0, 0);
        for shard in &self.shards {
            let shard = lock(shard);
            hits += shard.hits;
            bodies += shard.entries.len() as u64;
            bytes += shard.bytes as u64;
        }
        Counters {
            hits,
            renders: self.renders.load(Ordering::Relaxed),
            render_nanos: self.render_nanos.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            failed_overrides: self.failed_overrides.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
            bodies,
            bytes,
        }
    }

    fn own(
        &self,
        world: &World,
        decision: &Decision<'_>,
        release: &Release,
        device: &Arc<Device>,
        file: FileId,
    ) -> Found {
        // Taken before the settings are: what changes meanwhile makes this one outdated.
        let stamp = device.config.as_deref().and_then(|config| world.configs.stamp(config));
        let Some(config) = stamp else { return Found::Missing };
        let mut source = Source { device: device.revision, config, plugins: decision.generation };
        let key = Key::Device(device.id.clone(), file);
        if decision.is_stored
            && let Some(found) = self.kept(&key, source)
        {
            return found;
        }
        let made = self.timed(|| make(world, release, device, file));
        if let Err(reason) = &made {
            let (id, plugin) = (&device.id, release.id());
            tracing::warn!(device = %id, %plugin, %reason, "a configuration file cannot be made");
        }
        let made = made.map(|rendered| self.told(release, Some(device), rendered));
        if decision.is_stored && made.is_ok() != device.configured {
            let changed = world.set_configured(device, made.is_ok());
            source.device = changed.map_or(source.device, |device| device.revision);
        }
        self.keep(decision.is_stored.then_some(key), source, made.ok())
    }

    fn common(
        &self,
        world: &World,
        decision: &Decision<'_>,
        release: &Release,
        file: FileId,
    ) -> Found {
        let config = Stamp { epoch: world.configs.epoch(), revision: Revision::default() };
        let source = Source { device: Revision::default(), config, plugins: decision.generation };
        let tenant = if world.asks_keys() { decision.tenant_of_urls() } else { None };
        let key = Key::Common(release.id().clone(), file, tenant.cloned());
        if let Some(found) = self.kept(&key, source) {
            return found;
        }
        let made = self.timed(|| {
            let mut settings = (*world.configs.base()).clone();
            raw::fill_defaults(&mut settings);
            if let Some(tenant) = tenant {
                world.put_key(&mut settings, tenant);
            }
            release.rendered_common(file, &settings)
        });
        if let Err(reason) = &made {
            tracing::warn!(plugin = %release.id(), %reason, "a shared file cannot be made");
        }
        let made = made.map(|rendered| self.told(release, None, rendered));
        self.keep(Some(key), source, made.ok())
    }

    /// Does what makes a file, and counts the time of it.
    fn timed<T>(&self, make: impl FnOnce() -> T) -> T {
        let began = time::now();
        let made = make();
        let nanos = time::now().since(began).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.render_nanos.fetch_add(nanos, Ordering::Relaxed);
        made
    }

    /// The bytes of a file; what an override could not make is counted and told.
    fn told(&self, release: &Release, device: Option<&Device>, rendered: Rendered) -> Bytes {
        if let Some(reason) = rendered.failed_override {
            self.failed_overrides.fetch_add(1, Ordering::Relaxed);
            let device = device.map(|device| tracing::field::display(&device.id));
            let plugin = release.id();
            tracing::error!(device, %plugin, %reason, "an override fails: the shipped one is used");
        }
        rendered.bytes
    }

    fn kept(&self, key: &Key, source: Source) -> Option<Found> {
        let mut shard = self.shard(key);
        let entry = shard.entries.get_mut(key).filter(|entry| entry.source == source)?;
        entry.is_used = true;
        let body = entry.body.clone();
        shard.hits += 1;
        Some(found(body))
    }

    fn keep(&self, key: Option<Key>, source: Source, bytes: Option<Bytes>) -> Found {
        let count = if bytes.is_some() { &self.renders } else { &self.failures };
        count.fetch_add(1, Ordering::Relaxed);
        let body = bytes.map(|bytes| (bytes.clone(), Etag::of(&bytes)));
        if let Some(key) = key {
            let mut shard = self.shard(&key);
            shard.insert(key, Entry { source, body: body.clone(), is_used: false });
            let gone = shard.make_room(self.shard_bytes_max);
            self.evictions.fetch_add(gone, Ordering::Relaxed);
        }
        found(body)
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        let place = self.hasher.hash_one(key) % SHARDS as u64;
        lock(&self.shards[usize::try_from(place).expect("invariant: less than SHARDS")])
    }
}

/// Renders a device's file, where its settings are valid.
fn make(
    world: &World,
    release: &Release,
    device: &Device,
    file: FileId,
) -> Result<Rendered, String> {
    let settings = world.settings_of(device).ok_or("its configuration is gone")?;
    if let Some(fault) = raw::validate(&settings).into_iter().next() {
        return Err(format!("{}: {}", fault.place, fault.text));
    }
    release.rendered(file, device, &settings).map_err(|error| error.to_string())
}

fn found(body: Option<(Bytes, Etag)>) -> Found {
    body.map_or(Found::Failed, |(bytes, etag)| Found::Bytes { bytes, etag })
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn insert(&mut self, key: Key, entry: Entry) {
        self.bytes += entry.cost();
        match self.entries.insert(key.clone(), entry) {
            Some(old) => self.bytes -= old.cost(),
            None => self.round.push_back(key),
        }
    }

    /// Goes round: what was used since the last time stays once more. Returns how many went.
    fn make_room(&mut self, bytes_max: usize) -> u64 {
        let mut gone = 0;
        while self.bytes > bytes_max {
            let Some(key) = self.round.pop_front() else { break };
            let entry = self.entries.get_mut(&key).expect("invariant: each key has its entry");
            if std::mem::take(&mut entry.is_used) {
                self.round.push_back(key);
            } else if let Some(entry) = self.entries.remove(&key) {
                self.bytes -= entry.cost();
                gone += 1;
            }
        }
        gone
    }
}

impl Entry {
    fn cost(&self) -> usize {
        ENTRY_BYTES + self.body.as_ref().map_or(0, |(bytes, _)| bytes.len())
    }
}

impl Etag {
    /// The tag of these bytes; the same in every process. Of two bodies that one file has had, one
    /// in 2^64 pairs has the same tag; nobody who could choose the bodies gains by that.
    pub fn of(bytes: &[u8]) -> Etag {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut tag = [b'"'; 18];
        for (pair, byte) in tag[1..17].chunks_exact_mut(2).zip(xxh3_64(bytes).to_be_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Etag(tag)
    }

    /// As it stands in a field.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("invariant: hexadecimal digits and quotes")
    }
}

impl fmt::Debug for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(revision: u64) -> Source {
        Source { device: Revision(revision), config: Stamp::default(), plugins: 1 }
    }

    fn key(n: u16) -> Key {
        Key::Device("a".into(), FileId(n))
    }

    #[test]
    fn what_it_was_made_from_must_be_the_same() {
        let content = Content::default();
        content.keep(Some(key(1)), source(1), Some(Bytes::from_static(b"#!version:1.0.0.1")));
        assert!(matches!(content.kept(&key(1), source(1)), Some(Found::Bytes { .. })));
        assert!(content.kept(&key(1), source(2)).is_none());
        content.keep(Some(key(1)), source(2), None);
        assert!(matches!(content.kept(&key(1), source(2)), Some(Found::Failed)));
        let counters = content.counters();
        assert_eq!((counters.hits, counters.renders, counters.failures), (2, 1, 1));
        assert_eq!(counters.bytes, ENTRY_BYTES as u64);
    }

    #[test]
    fn what_nobody_asks_for_goes_first() {
        let content = Content::with_bound(SHARDS * 20_000);
        content.keep(Some(key(0)), source(1), Some(Bytes::from(vec![0; 1000])));
        for n in 1..20_000 {
            content.keep(Some(key(n)), source(1), Some(Bytes::from(vec![0; 1000])));
            assert!(content.kept(&key(0), source(1)).is_some(), "{n}");
        }
        let counters = content.counters();
        assert!(counters.bytes <= (SHARDS * 20_000) as u64);
        assert!(counters.evictions > 18_000, "{counters:?}");
    }

    #[test]
    fn tags_are_those_of_the_bytes() {
        // XXH3 of nothing and of "abc", with 64 bits and no seed.
        assert_eq!(Etag::of(b"").as_str(), "\"2d06800538d394c2\"");
        assert_eq!(Etag::of(b"abc").as_str(), "\"78af5f94892f3950\"");
    }
}
