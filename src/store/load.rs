//! The start: everything that is stored comes into memory, on all cores, and the log says how far.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::{Documents, Kind, Reader, Store, StoreError};
use crate::device::{Config, Device, Known, StoredError, Text};
use crate::limits;
use crate::time::{self, Instant};

/// What was read at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Loaded {
    /// Devices.
    pub devices: usize,
    /// Configurations.
    pub configs: usize,
}

/// Reads everything that is stored into memory, on all cores: configurations first, so that a
/// device that is there can be served. A device without a tenant goes to `master`, and `is_new` is
/// computed: documents of older installations may lack both.
///
/// # Errors
/// [`StoreError`] where something cannot be read; a document that is none is named.
pub fn load(store: &dyn Store, into: &Documents, master: &Text) -> Result<Loaded, StoreError> {
    load_unless(store, into, master, &AtomicBool::new(false))
}

/// The same, which ends early where it `is_cancelled`.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Loading`] where it was cancelled.
pub fn load_unless(
    store: &dyn Store,
    into: &Documents,
    master: &Text,
    is_cancelled: &AtomicBool,
) -> Result<Loaded, StoreError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let progress = Progress::new(store, is_cancelled);
    std::thread::scope(|scope| {
        scope.spawn(|| into.configs.reserve(progress.expected.configs));
        into.directory.reserve(progress.expected.devices);
    });
    for kind in [Kind::Config, Kind::Device] {
        let mut loaders: Vec<_> = (0..cores.min(limits::LOAD_THREADS_MAX))
            .map(|_| Loader::new(kind, into, master, &progress))
            .collect();
        let mut readers: Vec<_> =
            loaders.iter_mut().map(|loader| loader as &mut dyn Reader).collect();
        store.read(kind, &mut readers)?;
        loaders.iter_mut().for_each(Loader::flush);
    }
    Ok(progress.loaded())
}

/// One thread that makes documents of what is read.
struct Loader<'a> {
    kind: Kind,
    into: &'a Documents,
    master: &'a Text,
    progress: &'a Progress<'a>,
    known: Known,
    configs: Vec<Config>,
    devices: Vec<Device>,
}

impl<'a> Loader<'a> {
    fn new(kind: Kind, into: &'a Documents, master: &'a Text, progress: &'a Progress<'_>) -> Self {
        let (configs, devices, known) = (Vec::new(), Vec::new(), Known::default());
        Self { kind, into, master, progress, known, configs, devices }
    }

    /// Computes what older documents lack.
    fn settle(&mut self, device: &mut Device) {
        let Self { known, master, .. } = self;
        let tenant = device.tenant_uuid.get_or_insert_with(|| known.text(master));
        device.is_new = **tenant == ***master;
    }

    /// Shares what devices and their configurations both have.
    fn share(&mut self) {
        let names: Vec<_> = self.devices.iter().map(|device| device.config.clone()).collect();
        let count = names.len();
        self.into.configs.find_all(
            |number| names[number].as_deref(),
            count,
            |number, config| {
                let device = &mut self.devices[number];
                device.config = Some(config.id.clone());
                if device.remote_state_sip_username == config.sip_username {
                    device.remote_state_sip_username.clone_from(&config.sip_username);
                }
            },
        );
    }

    fn flush(&mut self) {
        let loaded = Loaded { devices: self.devices.len(), configs: self.configs.len() };
        if loaded.configs > 0 {
            let batch = Vec::with_capacity(limits::LOAD_BATCH);
            self.into.configs.restore_all(std::mem::replace(&mut self.configs, batch));
        }
        if loaded.devices > 0 {
            self.share();
            let batch = Vec::with_capacity(limits::LOAD_BATCH);
            self.into.directory.restore_all(std::mem::replace(&mut self.devices, batch));
        }
        self.progress.add(loaded, time::now());
    }
}

impl Reader for Loader<'_> {
    fn take(&mut self, id: &str, json: &[u8]) -> Result<(), StoreError> {
        match self.kind {
            Kind::Config => {
                let config = Config::from_json(json, &mut self.known);
                self.configs.push(config.map_err(|error| damaged("configuration", id, &error))?);
            }
            Kind::Device => {
                let device = Device::from_json(json, &mut self.known);
                let mut device = device.map_err(|error| damaged("device", id, &error))?;
                self.settle(&mut device);
                self.devices.push(device);
            }
        }
        if self.configs.len() + self.devices.len() >= limits::LOAD_BATCH {
            self.flush();
            if self.progress.is_cancelled.load(Ordering::Relaxed) {
                return Err(StoreError::Loading);
            }
        }
        Ok(())
    }
}

fn damaged(kind: &str, id: &str, error: &StoredError) -> StoreError {
    StoreError::Damaged(format!("{kind} {id:?}: {error}"))
}

/// How far the start is, for the log.
struct Progress<'a> {
    is_cancelled: &'a AtomicBool,
    expected: Loaded,
    devices: AtomicUsize,
    configs: AtomicUsize,
    began: Instant,
    /// When the last line was written.
    told: AtomicU64,
}

impl<'a> Progress<'a> {
    fn new(store: &dyn Store, is_cancelled: &'a AtomicBool) -> Self {
        let expected =
            Loaded { devices: store.estimate(Kind::Device), configs: store.estimate(Kind::Config) };
        let began = time::now();
        let told = AtomicU64::new(began.as_nanos());
        let (devices, configs) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Progress { is_cancelled, expected, devices, configs, began, told }
    }

    fn loaded(&self) -> Loaded {
        let devices = self.devices.load(Ordering::Relaxed);
        Loaded { devices, configs: self.configs.load(Ordering::Relaxed) }
    }

    /// Counts, and says how far it is once in a while.
    fn add(&self, more: Loaded, now: Instant) {
        self.devices.fetch_add(more.devices, Ordering::Relaxed);
        self.configs.fetch_add(more.configs, Ordering::Relaxed);
        let told = self.told.load(Ordering::Relaxed);
        let is_due = now.since(Instant::from_nanos(told)) >= limits::LOAD_LINE_PAUSE;
        let order = Ordering::Relaxed;
        if !is_due || self.told.compare_exchange(told, now.as_nanos(), order, order).is_err() {
            return;
        }
        let Loaded { devices, configs } = self.loaded();
        let seconds = now.since(self.began).as_secs_f64();
        let per_second = ((devices + configs) as f64 / seconds) as u64;
        let of = self.expected.devices + self.expected.configs;
        tracing::info!(devices, configs, of, per_second, "the store is being loaded");
    }
}
