//! Tenants as a whole: the one that new devices belong to, and those that are gone.

use std::sync::Arc;

use super::{Refusal, World};
use crate::device::{Change, Device, Put, Text};
use crate::directory::Key;
use crate::limits;

impl World {
    /// Changes how phones are told apart, from the next request on; other changes at the same time
    /// stand.
    pub fn change_settings(&self, change: impl Fn(&mut crate::identify::Settings)) {
        self.settings.rcu(|settings| {
            let mut settings = (**settings).clone();
            change(&mut settings);
            settings
        });
    }

    /// Makes this the tenant that new devices belong to. Devices of `stand_in`, which stood for it
    /// until it was known, become its own. Says how many devices are told apart otherwise now.
    ///
    /// # Errors
    /// [`Refusal`] while the store is being loaded, or does not take it; it is to be tried again.
    pub fn set_master(&self, master: &str, stand_in: Option<&str>) -> Result<usize, Refusal> {
        self.check_writes()?;
        let old = self.settings().master_tenant.clone();
        let master = Text::from(master);
        self.change_settings(|settings| settings.master_tenant = master.clone());
        let stand_in = stand_in.filter(|stand_in| **stand_in != *master);
        let mut names = self.directory.with_tenant(&master);
        names.extend(stand_in.iter().flat_map(|stand_in| self.directory.with_tenant(stand_in)));
        if old != master && stand_in != Some(&*old) {
            names.extend(self.directory.with_tenant(&old));
        }
        let settled = names.iter().filter(|id| self.settle_tenant(id, &master, stand_in));
        Ok(settled.count())
    }

    /// Removes all devices of a tenant, durably, a lot at a time; says how many.
    ///
    /// # Errors
    /// [`Refusal`]; the devices that are left are as they were.
    pub fn remove_tenant(&self, tenant: &str) -> Result<usize, Refusal> {
        self.check_writes()?;
        let names = self.directory.with_tenant(tenant);
        let mut removed = 0;
        for lot in names.chunks(limits::TENANT_LOT) {
            let is_its = |device: &Device| device.tenant_uuid.as_deref() == Some(tenant);
            let mut gone = Vec::new();
            for id in lot {
                for _ in 0..limits::DECISIONS_MAX {
                    let Some(old) = self.directory.get(id).filter(|old| is_its(old)) else { break };
                    let change = Change::Remove { id: id.clone(), base: Some(old.revision) };
                    if let Ok(old) = self.directory.apply(change) {
                        gone.push(old);
                        break;
                    }
                }
            }
            removed += gone.len();
            self.write_gone(gone)?;
        }
        Ok(removed)
    }

    /// The tenants that have devices.
    pub fn tenants(&self) -> Vec<Text> {
        let order = self.directory.lists().order();
        let places = order.places();
        let mut tenants = std::collections::BTreeSet::new();
        for device in order.each(places.iter()) {
            if let Some(tenant) = &device.tenant_uuid
                && !tenants.contains(tenant)
            {
                tenants.insert(tenant.clone());
            }
        }
        tenants.into_iter().collect()
    }

    fn write_gone(&self, gone: Vec<Arc<Device>>) -> Result<(), Refusal> {
        let left: Vec<_> = gone.iter().flat_map(|old| self.drop_left_config(old, None)).collect();
        let mut keys: Vec<_> = gone.iter().map(|old| Key::Device(old.id.clone())).collect();
        keys.extend(left.iter().map(|config| Key::Config(config.id.clone())));
        let Err(error) = self.write_now(keys) else { return Ok(()) };
        self.restore_configs(left);
        for old in gone {
            self.undo((*old).clone(), None);
        }
        Err(error.into())
    }

    /// Whether a device had to be told apart otherwise, and is now.
    fn settle_tenant(&self, id: &str, master: &Text, stand_in: Option<&str>) -> bool {
        for _ in 0..limits::DECISIONS_MAX {
            let Some(old) = self.directory.get(id) else { return false };
            let mut device = (*old).clone();
            if stand_in.is_some() && device.tenant_uuid.as_deref() == stand_in {
                device.tenant_uuid = Some(master.clone());
            }
            device.is_new = device.tenant_uuid.as_ref() == Some(master);
            if device == *old {
                return false;
            }
            let put = Put { device, base: Some(old.revision), ..Put::default() };
            if self.directory.apply(Change::Put(Box::new(put))).is_ok() {
                return true;
            }
        }
        false
    }
}
