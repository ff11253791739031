//! Whom a tenant's key speaks for: its own devices and those that nobody has claimed, no others.

use std::sync::Arc;

use super::Basis;
use crate::device::Device;
use crate::limits;

/// What a device is to the tenant whose key a request showed, the nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
    /// Its own; or no key is asked for.
    Own,
    /// The master tenant's, made by a request that had no key, and untouched since.
    Unclaimed,
    /// Another's, which the request neither changes nor is given anything of.
    Foreign,
}

impl Basis<'_> {
    /// What the device is to whom the request speaks for.
    pub fn standing(&self, device: &Device) -> Standing {
        let Some(tenant) = self.tenant else { return Standing::Own };
        let master = &self.settings.master_tenant;
        let owner = device.tenant_uuid.as_ref().unwrap_or(master);
        if owner == tenant {
            Standing::Own
        } else if owner == master && self.is_untouched(device) {
            Standing::Unclaimed
        } else {
            Standing::Foreign
        }
    }

    /// Of several devices with one sign, the nearest: no tenant can take another's phones away by
    /// noting their signs on devices of its own. Without a key it is the first.
    pub fn nearest<I: Iterator<Item = Arc<Device>>>(
        &self,
        first: Option<Arc<Device>>,
        all: impl FnOnce() -> I,
    ) -> Option<Arc<Device>> {
        if first.as_deref().is_none_or(|first| self.standing(first) == Standing::Own) {
            return first;
        }
        let some = all().take(limits::ADDRESS_CANDIDATES_MAX);
        some.min_by_key(|device| self.standing(device)).or(first)
    }

    /// Whether requests alone have made the device what it is. A configuration that differs from
    /// the template may hold what an operator wrote.
    fn is_untouched(&self, device: &Device) -> bool {
        if !device.is_new || device.added.as_deref() != Some("auto") {
            return false;
        }
        let Some(id) = device.config.as_deref() else { return true };
        let template = self.configs.template();
        let pair = template.and_then(|template| Some((self.configs.get(id)?, template)));
        pair.is_some_and(|(config, template)| {
            let is_copy = config.transient && *config.parent_ids == [template.id.clone()];
            config.id == template.id || (is_copy && config.raw_config() == template.raw_config())
        })
    }
}
