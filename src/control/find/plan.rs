//! Where to look: at whom an index gives, or at the places that the conditions leave.

use roaring::MultiOps;
use std::sync::Arc;

use super::selector::{Condition, Selector};
use crate::device::{Config, Device, Mac};
use crate::directory::{Configs, Directory, Placed, Places};

/// What must be looked at to find all that a selector asks for.
pub enum Plan<T> {
    /// These, in the order in which they came.
    Found(Vec<Arc<T>>),
    /// Those at these places.
    Among {
        /// The places.
        places: Arc<Places>,
        /// Whether all of them are asked for.
        is_exact: bool,
    },
}

/// Signs that one device has, or a few have, the surest first.
const SIGNS: [&str; 5] = ["id", "mac", "uuid", "sn", "ip"];
/// What sets of devices have.
const SHARED: [&str; 3] = ["config", "plugin", "tenant_uuid"];
/// What sets of configurations have.
const TYPE: &str = "X_type";

/// Where the devices are.
pub fn devices(directory: &Directory, selector: &Selector) -> Plan<Device> {
    for sign in SIGNS {
        if let Some(texts) = selector.conditions().iter().find_map(|asked| texts(asked, &[sign])) {
            return found(texts.flat_map(|text| by_sign(directory, sign, text)));
        }
    }
    let lists = directory.lists();
    let set = |key: &str, text: &str| match key {
        "config" => lists.with_config(text),
        "plugin" => lists.with_plugin(text),
        _ => lists.with_tenant(text),
    };
    among(selector, &SHARED, set, || lists.order().places())
}

/// Where the configurations are.
pub fn configs(configs: &Configs, selector: &Selector) -> Plan<Config> {
    if let Some(texts) = selector.conditions().iter().find_map(|asked| texts(asked, &["id"])) {
        return found(texts.filter_map(|text| configs.get(text)));
    }
    among(selector, &[TYPE], |_, text| configs.with_type(text), || configs.order().places())
}

/// The texts that an index can look up, where the condition is on one of these keys.
fn texts<'a>(
    asked: &'a Condition,
    keys: &[&str],
) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
    asked.path.only().filter(|key| keys.contains(key))?;
    asked.texts()
}

fn by_sign(directory: &Directory, sign: &str, text: &str) -> Vec<Arc<Device>> {
    match sign {
        "id" => directory.get(text).into_iter().collect(),
        // Of a text that is no MAC, or no address, there is none.
        "mac" => {
            let mac = Mac::parse_normal(text.as_bytes());
            mac.into_iter().flat_map(|mac| directory.with_mac(mac)).collect()
        }
        "uuid" => directory.with_uuid(text).collect(),
        "sn" => directory.with_serial(text).collect(),
        _ => text.parse().ok().into_iter().flat_map(|ip| directory.at_address(ip)).collect(),
    }
}

fn found<T: Placed>(found: impl Iterator<Item = Arc<T>>) -> Plan<T> {
    let mut found: Vec<_> = found.collect();
    found.sort_unstable_by_key(|item| item.place());
    found.dedup_by_key(|item| item.place());
    Plan::Found(found)
}

/// The places that all conditions on these keys leave; of them, all are asked for where there is
/// no other condition.
fn among<T>(
    selector: &Selector,
    keys: &[&str],
    set: impl Fn(&str, &str) -> Arc<Places>,
    all: impl FnOnce() -> Arc<Places>,
) -> Plan<T> {
    let mut sets = Vec::new();
    let mut is_exact = true;
    for asked in selector.conditions() {
        is_exact &= asked.tests.len() == 1;
        match (asked.path.only(), texts(asked, keys)) {
            (Some(key), Some(texts)) => sets.push(union(texts.map(|text| set(key, text)))),
            _ => is_exact = false,
        }
    }
    sets.sort_by_key(|set| set.len());
    let both = |left: Arc<Places>, right: Arc<Places>| Arc::new(&*left & &*right);
    Plan::Among { places: sets.into_iter().reduce(both).unwrap_or_else(all), is_exact }
}

fn union(sets: impl Iterator<Item = Arc<Places>>) -> Arc<Places> {
    let sets: Vec<_> = sets.collect();
    match &*sets {
        [set] => Arc::clone(set),
        sets => Arc::new(sets.iter().map(|set| &**set).union()),
    }
}
