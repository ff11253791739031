//! What operators change: taken in memory and durable before they are answered, or undone.

use std::sync::Arc;

use super::World;
use crate::device::{Change, Config, Device, DeviceId, Put, Revision, Stale, raw};
use crate::directory::Key;
use crate::identify::files_differ;
use crate::limits;
use crate::store::StoreError;

/// Why an operator's change was not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such document.
    #[error("invalid device ID \"{0}\"")]
    Unknown(String),
    /// There is one of that name already.
    #[error("{0}")]
    Exists(String),
    /// It is marked as not to be removed.
    #[error("The document {0} is not deletable")]
    NotDeletable(String),
    /// Somebody else changed it again and again meanwhile.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// The store does not take it; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl World {
    /// Takes a new device (spec section 2.5).
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub fn insert_device(&self, device: Device) -> Result<Arc<Device>, Refusal> {
        self.check_writes()?;
        if self.directory.get(&device.id).is_some() {
            return Err(Refusal::Exists(device.id.to_string()));
        }
        let device = self.complete(device, None);
        let exists = Refusal::Exists(device.id.to_string());
        let stored = self.put_device(device, None).map_err(|Stale| exists)?;
        self.make_durable(&stored, None, Vec::new())
    }

    /// Replaces a device (spec section 2.6), where it is still of the revision that was seen. One
    /// that was known only by its address is kept from now on. A transient configuration that it
    /// leaves goes, when nobody else has it.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub fn replace_device(&self, new: &Device, seen: Revision) -> Result<Arc<Device>, Refusal> {
        self.check_writes()?;
        let old = self.device(&new.id)?;
        if old.revision != seen {
            return Err(Refusal::Stale(Stale));
        }
        let stored = self.put_device(self.complete(new.clone(), Some(&old)), Some(seen))?;
        if stored.revision == seen {
            return Ok(stored);
        }
        let left = self.drop_left_config(&old, stored.config.as_deref());
        self.make_durable(&stored, Some(&old), left)
    }

    /// Removes a device, and the transient configuration that only it had. With a revision, it
    /// must still be of that one.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub fn remove_device(&self, id: &str, seen: Option<Revision>) -> Result<Arc<Device>, Refusal> {
        self.check_writes()?;
        let old = self.device(id)?;
        let change = Change::Remove { id: old.id.clone(), base: seen };
        let old = self.directory.apply(change)?;
        let left = self.drop_left_config(&old, None);
        let mut keys = vec![Key::Device(old.id.clone())];
        keys.extend(left.iter().map(|config| Key::Config(config.id.clone())));
        if let Err(error) = self.write_now(keys) {
            self.restore_configs(left);
            self.undo((*old).clone(), None);
            return Err(error.into());
        }
        Ok(old)
    }

    /// Looks again whether the device's files can be made (spec section 2.6, reconfigure).
    ///
    /// # Errors
    /// [`Refusal::Unknown`].
    pub fn reconfigure(&self, id: &str) -> Result<Arc<Device>, Refusal> {
        for _ in 0..limits::DECISIONS_MAX {
            let device = self.device(id)?;
            let configured = self.is_configured(&device);
            if configured == device.configured {
                return Ok(device);
            }
            if let Some(device) = self.set_configured(&device, configured) {
                return Ok(device);
            }
        }
        Err(Refusal::Stale(Stale))
    }

    /// Takes a new configuration.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub fn insert_config(&self, config: Config) -> Result<Arc<Config>, Refusal> {
        self.check_writes()?;
        let exists = Refusal::Exists(config.id.to_string());
        let stored = self.configs.put(config, None).map_err(|Stale| exists)?;
        if let Err(error) = self.write_now(vec![Key::Config(stored.id.clone())]) {
            self.configs.remove(&stored.id);
            return Err(error.into());
        }
        self.settle_family(&stored.id);
        Ok(stored)
    }

    /// Replaces a configuration, where it is still of the revision that was seen.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub fn replace_config(&self, new: &Config, seen: Revision) -> Result<Arc<Config>, Refusal> {
        self.check_writes()?;
        let old = self.config(&new.id)?;
        if old.revision != seen {
            return Err(Refusal::Stale(Stale));
        }
        let stored = self.configs.put(new.clone(), Some(seen))?;
        if stored.revision == seen {
            return Ok(stored);
        }
        if let Err(error) = self.write_now(vec![Key::Config(stored.id.clone())]) {
            // Who changed it meanwhile has said what it shall be.
            drop(self.configs.put((*old).clone(), Some(stored.revision)));
            return Err(error.into());
        }
        self.settle_family(&stored.id);
        Ok(stored)
    }

    /// Removes a configuration. References to it stay; devices that have it are configured no more.
    /// With a revision, it must still be of that one.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub fn remove_config(&self, id: &str, seen: Option<Revision>) -> Result<Arc<Config>, Refusal> {
        self.check_writes()?;
        if !self.config(id)?.deletable {
            return Err(Refusal::NotDeletable(id.to_owned()));
        }
        let old = self.configs.remove_at(id, seen)?;
        let old = old.ok_or_else(|| Refusal::Unknown(id.to_owned()))?;
        if let Err(error) = self.write_now(vec![Key::Config(old.id.clone())]) {
            self.restore_configs(vec![old]);
            return Err(error.into());
        }
        self.settle_family(id);
        Ok(old)
    }

    /// Makes a configuration from the template (spec section 2.7). None without a usable template.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub fn autocreate_config(&self) -> Result<Option<Arc<Config>>, Refusal> {
        let unique = crate::identify::Ids::random().uuid();
        let made = self.configs.template().and_then(|template| template.autocreate(&unique));
        made.map(|config| self.insert_config(config)).transpose()
    }

    /// What was noted under this name: what operators set that is no document.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.behind.note(name)
    }

    /// Notes something; it is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; then what was noted before stays.
    pub fn set_note(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.behind.check()?;
        self.behind.set_note(name, value)
    }

    /// A name for a new device or configuration.
    pub fn new_name(&self) -> DeviceId {
        crate::identify::Ids::random().device()
    }

    /// Whether the device's plugin is there, and its configuration is known and valid.
    pub fn is_configured(&self, device: &Device) -> bool {
        let plugins = self.plugins();
        let plugin = device.plugin.as_deref().and_then(|plugin| plugins.release(plugin));
        let settings = plugin.and_then(|_| self.settings_of(device));
        settings.is_some_and(|settings| raw::validate(&settings).is_empty())
    }

    /// Fills in what the server alone says of a device.
    fn complete(&self, mut device: Device, old: Option<&Device>) -> Device {
        let master = self.settings().master_tenant.clone();
        let tenant = device.tenant_uuid.get_or_insert_with(|| master.clone());
        device.is_new = *tenant == master;
        device.provisional = false;
        device.configured = match old {
            Some(old) if !files_differ(old, &device) => old.configured,
            _ => self.is_configured(&device),
        };
        device
    }

    fn put_device(&self, device: Device, base: Option<Revision>) -> Result<Arc<Device>, Stale> {
        self.directory.apply(Change::Put(Box::new(Put { device, base, ..Put::default() })))
    }

    fn make_durable(
        &self,
        stored: &Arc<Device>,
        old: Option<&Device>,
        left: Vec<Arc<Config>>,
    ) -> Result<Arc<Device>, Refusal> {
        let mut keys = vec![Key::Device(stored.id.clone())];
        keys.extend(left.iter().map(|config| Key::Config(config.id.clone())));
        let Err(error) = self.write_now(keys) else { return Ok(Arc::clone(stored)) };
        self.restore_configs(left);
        match old {
            Some(old) => self.undo(old.clone(), Some(stored.revision)),
            None => {
                let base = Some(stored.revision);
                drop(self.directory.apply(Change::Remove { id: stored.id.clone(), base }));
            }
        }
        Err(error.into())
    }

    /// Puts a device back as it was. Where a phone has changed it meanwhile, that stands.
    pub(super) fn undo(&self, old: Device, base: Option<Revision>) {
        if self.put_device(old, base).is_err() {
            tracing::debug!("a change that could not be written was followed by another");
        }
    }

    pub(super) fn restore_configs(&self, configs: Vec<Arc<Config>>) {
        for config in configs {
            drop(self.configs.put((*config).clone(), None));
        }
    }

    /// Removes the configuration that a device had, where it is transient and nobody has it.
    pub(super) fn drop_left_config(&self, old: &Device, new: Option<&str>) -> Vec<Arc<Config>> {
        let Some(id) = old.config.as_deref().filter(|id| Some(*id) != new) else {
            return Vec::new();
        };
        let is_left = self.configs.get(id).is_some_and(|config| config.transient)
            && self.directory.lists().count_with_config(id) == 0;
        if is_left { self.configs.remove(id).into_iter().collect() } else { Vec::new() }
    }

    /// After a layer changed: devices on it are looked at, where they are not too many. Those of a
    /// larger family are looked at when their files are made.
    fn settle_family(&self, id: &str) {
        let Some(family) = self.configs.family(id, limits::FAMILY_MAX) else { return };
        let lists = self.directory.lists();
        let devices: u64 = family.iter().map(|config| lists.count_with_config(config)).sum();
        if devices > limits::FAMILY_MAX as u64 {
            return;
        }
        for id in family.iter().flat_map(|config| self.directory.with_config(config)) {
            drop(self.reconfigure(&id));
        }
    }

    fn device(&self, id: &str) -> Result<Arc<Device>, Refusal> {
        self.directory.get(id).ok_or_else(|| Refusal::Unknown(id.to_owned()))
    }

    fn config(&self, id: &str) -> Result<Arc<Config>, Refusal> {
        self.configs.get(id).ok_or_else(|| Refusal::Unknown(id.to_owned()))
    }
}
