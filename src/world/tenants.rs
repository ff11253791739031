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

#[cfg(test)]
mod tests {
    use super::super::fixture::{device, tftp, world};
    use super::*;
    use crate::identify::Settings;
    use crate::store::StoreError;
    use crate::time::{self, Duration};

    /// Until the store takes writes again.
    fn again<T>(mut ask: impl FnMut() -> Result<T, Refusal>) -> T {
        let end = time::now() + Duration::from_secs(20);
        loop {
            match ask() {
                Ok(answer) => return answer,
                Err(refusal) => assert!(time::now() < end, "{refusal}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn a_tenant_goes_with_all_it_has_or_stays() {
        let (world, store) = world(Settings::default());
        let count = limits::TENANT_LOT + 3;
        for n in 0..count {
            let text = format!("{{\"id\":\"d{n}\",\"tenant_uuid\":\"gone\"}}");
            world.insert_device(device(&text)).expect("a store that works");
        }
        world.insert_device(device(r#"{"id":"e","tenant_uuid":"other"}"#)).expect("it works");
        let config = world.autocreate_config().expect("it works").expect("there is a template");
        let mut first = (*world.directory.get("d0").expect("it is there")).clone();
        first.config = Some(config.id.clone());
        world.replace_device(&first, first.revision).expect("a store that works");
        assert_eq!(world.tenants(), ["gone".into(), "other".into()]);

        let full = StoreError::Full("No space left on device".to_owned());
        store.fail(Some(full.clone()));
        assert_eq!(world.remove_tenant("gone"), Err(Refusal::Store(full)));
        assert_eq!(world.directory.with_tenant("gone").len(), count);
        assert!(world.configs.get(&config.id).is_some());
        store.fail(None);
        assert_eq!(again(|| world.remove_tenant("gone")), count);
        assert_eq!(world.directory.len(), 1);
        let keys: Vec<_> = store.documents().into_keys().collect();
        assert!(!keys.contains(&Key::Config(config.id.clone())), "only that device had it");
        assert!(keys.contains(&Key::Device("e".into())));
        assert!(!(0..count).any(|n| keys.contains(&Key::Device(format!("d{n}").into()))));
        assert_eq!(world.remove_tenant("gone"), Ok(0));
    }

    #[test]
    fn a_stand_in_gives_its_devices_to_the_master() {
        let (world, _store) = world(Settings::default());
        let mut core = world.core();
        let phone = |mac: &str, core: &mut crate::world::Core| {
            let path = format!("/{mac}.xml");
            let decided = world.decide(&tftp("192.0.2.1", &path), core, time::now()).device;
            decided.expect("it was taken in")
        };
        let early = phone("001122334401", &mut core);
        world.insert_device(device(r#"{"id":"m","tenant_uuid":"m"}"#)).expect("it works");
        world.insert_device(device(r#"{"id":"t","tenant_uuid":"t"}"#)).expect("it works");
        let stand_in = Settings::default().master_tenant;
        let of = |id: &str| {
            let device = world.directory.get(id).expect("it is there");
            (device.tenant_uuid.as_deref().map(ToOwned::to_owned), device.is_new)
        };
        assert_eq!(world.set_master("m", Some(&stand_in)), Ok(2));
        assert_eq!(of(&early.id), (Some("m".into()), true));
        assert_eq!((of("m"), of("t")), ((Some("m".into()), true), (Some("t".into()), false)));
        assert_eq!(world.set_master("m", Some(&stand_in)), Ok(0));
        assert_eq!(of(&phone("001122334402", &mut core).id), (Some("m".into()), true));
        // Without a stand-in a change of the master moves nothing.
        assert_eq!(world.set_master("t", None), Ok(4));
        assert_eq!((of("m"), of("t")), ((Some("m".into()), false), (Some("t".into()), true)));
    }
}
