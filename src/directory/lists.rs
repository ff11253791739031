//! All devices in their order, and the sets of those that share a configuration, plugin or tenant.

use std::sync::Arc;

use super::order::{Order, Places};
use super::postings::Postings;
use super::signs::{ByConfig, ByPlugin, ByTenant};
use crate::device::{Device, Place, Text};

/// The devices as lists show them. Sets of places are combined without a look at any device.
///
/// INVARIANT: a place that a set holds has a device with the set's value.
#[derive(Debug, Default)]
pub struct Lists {
    order: Order<Device>,
    configs: Postings<ByConfig>,
    plugins: Postings<ByPlugin>,
    tenants: Postings<ByTenant>,
}

impl Lists {
    /// The devices, in the order in which they came.
    pub fn order(&self) -> &Order<Device> {
        &self.order
    }

    /// Where the devices with this configuration are.
    pub fn with_config(&self, config: &str) -> Arc<Places> {
        self.configs.get(config, &self.order)
    }

    /// How many devices have this configuration.
    pub fn count_with_config(&self, config: &str) -> u64 {
        self.configs.count(config, &self.order)
    }

    /// Where the devices with this plugin are.
    pub fn with_plugin(&self, plugin: &str) -> Arc<Places> {
        self.plugins.get(plugin, &self.order)
    }

    /// Where the devices of this tenant are.
    pub fn with_tenant(&self, tenant: &str) -> Arc<Places> {
        self.tenants.get(tenant, &self.order)
    }

    /// The places that devices which come in take.
    pub(super) fn take(&self, count: usize) -> Vec<Place> {
        self.order.take(count)
    }

    /// Puts a device at its place, where `old` was.
    pub(super) fn put(&self, old: Option<&Device>, new: &Arc<Device>) {
        let has_other = |of: fn(&Device) -> &Option<Text>| old.is_none_or(|old| of(old) != of(new));
        let is_new = [
            has_other(|device| &device.config),
            has_other(|device| &device.plugin),
            has_other(|device| &device.tenant_uuid),
        ];
        if let Some(old) = old {
            self.forget(old, is_new);
        }
        self.order.put(new);
        let [config, plugin, tenant] = is_new;
        if config {
            self.configs.add(new, &self.order);
        }
        if plugin {
            self.plugins.add(new, &self.order);
        }
        if tenant {
            self.tenants.add(new, &self.order);
        }
    }

    /// Puts many devices at their places, which were free.
    pub(super) fn put_all(&self, devices: &[Arc<Device>]) {
        self.order.put_all(devices);
        self.configs.add_all(devices, &self.order);
        self.plugins.add_all(devices, &self.order);
        self.tenants.add_all(devices, &self.order);
    }

    /// Takes a device away and leaves its place.
    pub(super) fn remove(&self, old: &Device) {
        self.forget(old, [true; 3]);
        self.order.leave(old.place);
    }

    pub(super) fn reserve(&self, count: usize) {
        self.configs.reserve(count, &self.order);
    }

    pub(super) fn table_bytes(&self) -> [(&'static str, usize); 4] {
        [
            ("order", self.order.table_bytes()),
            ("config", self.configs.table_bytes()),
            ("plugin", self.plugins.table_bytes()),
            ("tenant", self.tenants.table_bytes()),
        ]
    }

    /// While the device still stands at its place.
    fn forget(&self, old: &Device, [config, plugin, tenant]: [bool; 3]) {
        if config {
            self.configs.remove(old);
        }
        if plugin {
            self.plugins.remove(old);
        }
        if tenant {
            self.tenants.remove(old);
        }
    }
}
