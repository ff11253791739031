//! What cores and control plane share: every change goes through here, and is taken or refused.
//!
//! A core asks [`World::decide`] for each request; it is the one writer on the data path.
//! Operators' writes are answered after they are durable. Neither waits for the other.

mod boots;
#[cfg(test)]
pub(crate) mod fixture;
mod keys;
mod loading;
mod operator;
mod tenants;
#[cfg(test)]
mod tests;

pub use crate::directory::Grounds;
pub use boots::{Boots, Step as BootStep};
pub use operator::Refusal;

use arc_swap::{ArcSwap, ArcSwapOption, Cache};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::device::{Change, Device, Document, Put, Stale, Text, raw};
use crate::directory::{Configs, Directory, Dirty, Key};
use crate::identify::{Basis, Ids, Memory, Settings, Step, Verdict, Walkers, identify};
use crate::limits;
use crate::plugin::{Plugins, Release, Route};
use crate::query::{Query, Source};
use crate::store::{Documents, Loaded, Stats, Store, StoreError, WriteBehind};
use crate::time::Instant;
use keys::Keys;
use loading::Loading;

/// Everything that is shared.
pub struct World {
    /// All devices.
    pub directory: Arc<Directory>,
    /// All configurations.
    pub configs: Arc<Configs>,
    /// Boots that are under way.
    pub boots: Boots,
    plugins: ArcSwap<Plugins>,
    settings: Arc<ArcSwap<Settings>>,
    /// None where no keys are asked for.
    keys: ArcSwapOption<Keys>,
    asks_keys: bool,
    walkers: Walkers,
    loading: Loading,
    behind: WriteBehind,
    created: AtomicU64,
    refused: AtomicU64,
    stale: AtomicU64,
    undecided: AtomicU64,
}

/// What one core keeps between requests.
#[derive(Debug)]
pub struct Core {
    plugins: Arc<Plugins>,
    /// Looked at again at each request, without a write to what cores share.
    settings: Cache<Arc<ArcSwap<Settings>>, Arc<Settings>>,
    /// Those that this turn began with.
    turn_settings: Arc<Settings>,
    /// This turn's keys; none where no keys are asked for.
    keys: Option<Arc<Keys>>,
    memory: Memory,
}

/// Who asked, and for which file.
#[derive(Debug)]
pub struct Decision<'a> {
    /// The phone; none where it is unknown and not taken in.
    pub device: Option<Arc<Device>>,
    /// The file.
    pub route: Route,
    /// The release that makes it.
    pub release: Option<&'a Release>,
    /// The plugin set that the release is of.
    pub generation: u64,
    /// Whether the device is in the directory just so: what is made of it may be kept.
    pub is_stored: bool,
    /// The source is refused for a while: 429 and close, or silence.
    pub is_refused: bool,
    /// Nothing is given, and why.
    pub barred: Option<Barred>,
    /// The tenant whose key the request showed.
    pub tenant: Option<&'a Text>,
    /// It cannot be decided before more of the store is loaded: it is to be asked again.
    pub is_waiting: bool,
    /// What it rests on, where the same request is decided in the same way while this holds and
    /// this core's plugins, keys and settings are the same.
    pub grounds: Option<Grounds>,
}

/// Why a request is given nothing, whatever it asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barred {
    /// Its path does not begin with a tenant's key.
    Key,
    /// The key is of another tenant than the phone, whose own file was asked for.
    Tenant,
}

/// What was counted since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Devices that requests made.
    pub created: u64,
    /// Requests that were refused because their source walks through MACs.
    pub refused: u64,
    /// Decisions that were made again because another core was first.
    pub stale: u64,
    /// Decisions that were given up after `DECISIONS_MAX` times: served, not kept.
    pub undecided: u64,
}

impl World {
    /// Reads the store, and starts writing behind. `base` holds the server's own settings, which
    /// all configurations lie on: `ip`, `http_port`, `tftp_port`, `http_base_url`.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read.
    pub fn open(
        store: Arc<dyn Store>,
        plugins: Plugins,
        settings: Settings,
        base: Document,
    ) -> Result<(World, Loaded), StoreError> {
        let world = World::begin(store, plugins, settings, base);
        let loaded = world.load()?;
        Ok((world, loaded))
    }

    /// The same without reading the store: [`World::load`] is due, and requests may come before.
    pub fn begin(
        store: Arc<dyn Store>,
        plugins: Plugins,
        settings: Settings,
        base: Document,
    ) -> World {
        let dirty = Arc::new(Dirty::default());
        let directory = Arc::new(Directory::incomplete(Arc::clone(&dirty)));
        let configs = Arc::new(Configs::new(base, Arc::clone(&dirty)));
        let documents =
            Documents { directory: Arc::clone(&directory), configs: Arc::clone(&configs) };
        World {
            loading: Loading::new(Arc::clone(&store), documents.clone()),
            directory,
            configs,
            boots: Boots::default(),
            plugins: ArcSwap::from_pointee(plugins),
            asks_keys: settings.url_key,
            keys: ArcSwapOption::from(settings.url_key.then(Arc::default)),
            settings: Arc::new(ArcSwap::from_pointee(settings)),
            walkers: Walkers::default(),
            behind: WriteBehind::start(store, documents, dirty),
            created: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            undecided: AtomicU64::new(0),
        }
    }

    /// A core's memory.
    pub fn core(&self) -> Core {
        let plugins = self.plugins.load_full();
        let memory = Memory { scratch: plugins.scratch(), ids: Ids::random() };
        let (settings, turn_settings) = (Cache::new(Arc::clone(&self.settings)), self.settings());
        Core { plugins, settings, turn_settings, keys: self.keys.load_full(), memory }
    }

    /// The plugins in use.
    pub fn plugins(&self) -> Arc<Plugins> {
        self.plugins.load_full()
    }

    /// Puts another set of plugins in use; each core takes it at its next turn.
    pub fn set_plugins(&self, plugins: Plugins) {
        self.plugins.store(Arc::new(plugins));
    }

    /// How phones are told apart.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Decides a request, and takes in what it changes.
    pub fn decide<'a>(
        &'a self,
        query: &Query<'_>,
        core: &'a mut Core,
        now: Instant,
    ) -> Decision<'a> {
        let Core { plugins, settings, keys, memory, .. } = core;
        let (plugins, settings): (&'a Plugins, &'a Settings) = (plugins, settings.load());
        let (directory, configs) = (&*self.directory, &*self.configs);
        let mut basis = Basis { directory, configs, plugins, settings, tenant: None };
        if let Some(keys) = keys.as_ref().filter(|_| query.source == Source::Http) {
            basis.tenant = query.key.and_then(|key| keys.tenant(key));
            if basis.tenant.is_none() {
                return Decision { barred: Some(Barred::Key), ..Decision::nobody(plugins) };
            }
        }
        // Before anything is looked for: what is missed after this is not there.
        let is_loaded = self.directory.is_complete();
        for _ in 0..limits::DECISIONS_MAX {
            let mut verdict = identify(query, &basis, memory);
            if !is_loaded && !verdict.is_certain {
                return Decision { is_waiting: true, ..Decision::nobody(plugins) };
            }
            if self.is_refused(query.ip, &verdict, settings, now) {
                self.refused.fetch_add(1, Ordering::Relaxed);
                return Decision { is_refused: true, ..Decision::nobody(plugins) };
            }
            let Some(put) = verdict.change.take() else {
                let is_stored = verdict.device.as_ref().is_some_and(|d| d.revision.0 > 0);
                return self.settle(query, verdict, &basis, is_stored, now);
            };
            if let Ok(device) = self.take(*put) {
                verdict.device = Some(device);
                return self.settle(query, verdict, &basis, true, now);
            }
            self.stale.fetch_add(1, Ordering::Relaxed);
            std::thread::yield_now();
        }
        self.undecided.fetch_add(1, Ordering::Relaxed);
        let verdict = identify(query, &basis, memory);
        let verdict = Verdict { created: false, is_claimed: false, ..verdict };
        self.settle(query, verdict, &basis, false, now)
    }

    /// Whether what a decision rests on holds still.
    pub fn holds(&self, grounds: &Grounds) -> bool {
        grounds.hold(&self.directory, &self.configs)
    }

    /// Removes what has been provisional for too long; to be called now and then.
    pub fn expire(&self, now: Instant) -> usize {
        self.directory.expire(now)
    }

    /// Says when the store pauses; to be called now and then.
    pub fn watch_store(&self, now: Instant) {
        self.behind.watch(now);
    }

    /// How the writing behind goes.
    pub fn store_stats(&self, now: Instant) -> Stats {
        self.behind.stats(now)
    }

    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        Counters {
            created: self.created.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            stale: self.stale.load(Ordering::Relaxed),
            undecided: self.undecided.load(Ordering::Relaxed),
        }
    }

    /// Writes all that waits; the last thing before the end. A load that is under way ends.
    ///
    /// # Errors
    /// Why something could not be written.
    pub fn close(&self) -> Result<(), StoreError> {
        self.loading.cancel();
        self.behind.stop()
    }

    /// What a device's files are made from: its layers with defaults filled in (spec section 2.8),
    /// and its tenant's key in the server's address, where keys are asked for. None without a
    /// configuration that is known.
    pub fn settings_of(&self, device: &Device) -> Option<Document> {
        let mut settings = self.configs.flatten(device.config.as_deref()?)?;
        raw::fill_defaults(&mut settings);
        if self.asks_keys {
            let master = || self.settings().master_tenant.clone();
            let tenant = device.tenant_uuid.clone().unwrap_or_else(master);
            self.put_key(&mut settings, &tenant);
        }
        Some(settings)
    }

    /// Notes whether the device's files could be made. The device comes back as it is now; none
    /// when it has changed meanwhile.
    pub fn set_configured(&self, device: &Device, configured: bool) -> Option<Arc<Device>> {
        let changed = Device { configured, ..device.clone() };
        let put = Put { device: changed, base: Some(device.revision), ..Put::default() };
        self.directory.apply(Change::Put(Box::new(put))).ok()
    }

    /// Takes a change with the configuration made for it; all or nothing.
    fn take(&self, mut put: Put) -> Result<Arc<Device>, Stale> {
        let merged = put.merged.as_deref().and_then(|id| self.directory.get(id));
        let config = put.config.take();
        let made = config.map(|config| self.configs.put(config, None)).transpose()?;
        let taken = self.directory.apply(Change::Put(Box::new(put)));
        if let Ok(device) = &taken
            && !self.directory.is_complete()
        {
            self.loading.note(device);
        }
        if let (Err(_), Some(config)) = (&taken, made) {
            self.configs.remove(&config.id);
        }
        if let (Ok(device), Some(merged)) = (&taken, merged) {
            drop(self.drop_left_config(&merged, device.config.as_deref()));
        }
        taken
    }

    /// Whether the source walks through MACs. Known phones behind it are served on; one that was
    /// last seen elsewhere is not: a walker's hit looks like that.
    fn is_refused(
        &self,
        ip: IpAddr,
        verdict: &Verdict<'_>,
        settings: &Settings,
        now: Instant,
    ) -> bool {
        let Some(mac) = verdict.unknown_mac else {
            return verdict.moved && self.walkers.is_refused(ip, now);
        };
        match self.walkers.step(ip, mac, settings.unknown_macs_max, now) {
            Step::Fine => false,
            Step::TooMany => {
                let max = settings.unknown_macs_max;
                let seconds = limits::UNKNOWN_MACS_WINDOW.as_secs();
                tracing::warn!(
                    target: "security",
                    "More than {max} unknown MACs from {ip}: refused for {seconds} s"
                );
                true
            }
            Step::Refused => true,
        }
    }

    /// What is told of a decision, and the decision.
    fn settle<'a>(
        &self,
        query: &Query<'_>,
        verdict: Verdict<'a>,
        basis: &Basis<'a>,
        is_stored: bool,
        now: Instant,
    ) -> Decision<'a> {
        if let Some(device) = &verdict.device {
            if device.provisional {
                self.directory.touch(&device.id, now);
            }
            if verdict.created {
                self.created.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    target: "security",
                    "New device created automatically from {}: {}", query.ip, device.id
                );
            }
            if let Some(tenant) = basis.tenant.filter(|_| verdict.is_claimed || verdict.is_barred) {
                tell_tenant(query.ip, device, tenant, verdict.is_claimed);
            }
        }
        let decision = Decision {
            device: verdict.device,
            route: verdict.route,
            release: verdict.release,
            generation: basis.plugins.generation(),
            is_stored,
            is_refused: false,
            barred: verdict.is_barred.then_some(Barred::Tenant),
            tenant: basis.tenant,
            is_waiting: false,
            grounds: verdict.grounds.filter(|_| is_stored),
        };
        if decision.is_sensitive() {
            tell_sensitive(query.ip, query.name);
        }
        decision
    }

    /// Writes these documents before an operator is answered.
    fn write_now(&self, keys: Vec<Key>) -> Result<(), StoreError> {
        self.behind.write_now(keys)
    }
}

impl Core {
    /// Takes the plugins and keys that are in use now; to be called once a turn. True where these
    /// or the settings are others than in the turn before.
    pub fn begin_turn(&mut self, world: &World) -> bool {
        let mut is_other = false;
        let plugins = world.plugins.load();
        if plugins.generation() != self.plugins.generation() {
            self.plugins = Arc::clone(&plugins);
            self.memory.scratch = self.plugins.scratch();
            is_other = true;
        }
        let settings = self.settings.load();
        if !Arc::ptr_eq(settings, &self.turn_settings) {
            self.turn_settings = Arc::clone(settings);
            is_other = true;
        }
        if let Some(keys) = &mut self.keys {
            let now = world.keys.load();
            if let Some(now) = now.as_ref().filter(|now| !Arc::ptr_eq(now, keys)) {
                *keys = Arc::clone(now);
                is_other = true;
            }
        }
        is_other
    }

    /// Whether phones' URLs begin with keys.
    pub fn asks_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// This turn's plugins.
    pub fn plugins(&self) -> &Arc<Plugins> {
        &self.plugins
    }
}

impl Decision<'_> {
    /// Whether the file is one whose fetch says that the phone takes its configuration.
    pub fn is_trigger(&self) -> bool {
        matches!(self.route, Route::Device { trigger: true, .. })
    }

    /// Whether it is told when somebody asks for the file.
    pub fn is_sensitive(&self) -> bool {
        let route = &self.route;
        matches!(route, Route::Device { sensitive: true, .. } | Route::Missing { sensitive: true })
    }

    /// The tenant whose key belongs into the URLs of what is given: that of the key that was shown,
    /// and where none was asked for, the phone's own.
    pub fn tenant_of_urls(&self) -> Option<&Text> {
        self.tenant.or_else(|| self.device.as_ref()?.tenant_uuid.as_ref())
    }

    /// Number of the vendor whose plugin serves the phone; 0 without.
    pub fn vendor_number(&self) -> u8 {
        self.release.map_or(0, Release::vendor_number)
    }

    /// Whether the file is given to those alone who post a form.
    pub fn takes_form(&self) -> bool {
        match (&self.route, self.release) {
            (Route::Device { file, .. }, Some(release)) => release.takes_form(*file),
            _ => false,
        }
    }

    fn nobody(plugins: &Plugins) -> Self {
        Decision {
            device: None,
            route: Route::Missing { sensitive: false },
            release: None,
            generation: plugins.generation(),
            is_stored: false,
            is_refused: false,
            barred: None,
            tenant: None,
            is_waiting: false,
            grounds: None,
        }
    }
}

/// Says that a file was asked for that nobody but its phone should see.
pub fn tell_sensitive(ip: IpAddr, name: &[u8]) {
    let base = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    tracing::info!(
        target: "security",
        "Sensitive file requested from {ip}: {}", base.escape_ascii()
    );
}

/// Says that a key reached over to a device that is not its tenant's; the key is not told.
fn tell_tenant(ip: IpAddr, device: &Device, tenant: &Text, is_claimed: bool) {
    if is_claimed {
        tracing::info!(device = %device.id, %tenant, "a device that nobody had becomes a tenant's");
        return;
    }
    tracing::warn!(
        target: "security",
        "File of device {} of tenant {} requested from {ip} with the key of tenant {tenant}",
        device.id,
        device.tenant_uuid.as_deref().unwrap_or("-")
    );
}
