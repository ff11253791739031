//! What is read meets what is here: computed values, references, and which document stays.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

use super::documents::Found;
use super::facts::Fact;
use super::report::{Report, Tally};
use super::{Settled, Wanted};
use crate::device::{Config, Device, Document, Known, Mac, Text, raw};
use crate::directory::{Configs, Dirty, Key};
use crate::limits;
use crate::plugin::Plugins;
use crate::store::{Rocks, Store, StoreError, to_json};

/// What a data folder holds.
pub struct Here {
    /// A print of each document.
    prints: HashMap<Key, u128>,
    macs: HashMap<Mac, Text>,
    configs: Configs,
    parameters: Option<Vec<u8>>,
}

impl Here {
    /// Nothing yet; configurations lie on `base`.
    pub fn new(base: Document) -> Self {
        let configs = Configs::new(base, Arc::new(Dirty::default()));
        Self { prints: HashMap::new(), macs: HashMap::new(), configs, parameters: None }
    }

    /// Reads what is stored.
    pub fn read(store: &Rocks, base: Document) -> Result<Self, StoreError> {
        let mut here = Self { parameters: store.parameters()?, ..Self::new(base) };
        let mut known = Known::default();
        let mut configs = Vec::new();
        store.load(&mut |write| {
            let json = write.value.unwrap_or_default();
            here.prints.insert(write.key.clone(), xxh3_128(&json));
            match write.key {
                Key::Config(_) => configs.extend(Config::from_json(&json, &mut known)),
                Key::Device(id) => {
                    let device = Device::from_json(&json, &mut known).ok();
                    here.macs.extend(device.and_then(|device| device.mac).map(|mac| (mac, id)));
                }
            }
        })?;
        here.configs.restore_all(configs);
        Ok(here)
    }

    /// Whether a document is to be stored; counts it.
    fn takes(&self, key: &Key, json: &[u8], tally: &mut Tally, overwrites: bool) -> bool {
        match self.prints.get(key) {
            None => tally.new += 1,
            Some(print) if *print == xxh3_128(json) => {
                tally.same += 1;
                return false;
            }
            Some(_) if overwrites => tally.replaced += 1,
            Some(_) => {
                tally.kept += 1;
                return false;
            }
        }
        true
    }
}

/// What decides over documents.
pub struct Settling<'a> {
    /// What is here.
    pub here: &'a Here,
    /// The plugins that are here.
    pub plugins: &'a Plugins,
    /// The tenant of new devices.
    pub master: &'a Text,
    /// What is wanted.
    pub wanted: &'a Wanted,
}

impl Settling<'_> {
    /// Decides over all documents, and says what is odd about them. They come in the order of
    /// their names, and go so.
    pub fn settle(
        &self,
        configs: Vec<Config>,
        devices: Vec<Found>,
        report: &mut Report,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Settled {
        let mut settled = Settled::default();
        let mut names = Vec::with_capacity(configs.len());
        let mut taken = Vec::new();
        for config in configs {
            let key = Key::Config(config.id.clone());
            let json = to_json(&config.to_document());
            let is_taken =
                self.here.takes(&key, &json, &mut report.configs, self.wanted.overwrites);
            self.tell_kept(!is_taken, &key, &json, report);
            names.push(config.id.clone());
            if is_taken {
                settled.configs.push((config.id.clone(), json));
                taken.push(config);
            }
        }
        // What stays here is what devices will have.
        self.here.configs.restore_all(taken);
        self.check_references(&names, &devices, report);
        let all = devices.len();
        let mut macs: BTreeMap<Mac, Vec<Text>> = BTreeMap::new();
        let mut unknown: BTreeMap<Text, usize> = BTreeMap::new();
        for (done, found) in devices.into_iter().enumerate() {
            let device = self.complete(found, &mut unknown, report);
            if let Some(mac) = device.mac {
                macs.entry(mac).or_default().push(device.id.clone());
            }
            let json = to_json(&device.to_document());
            let key = Key::Device(device.id);
            let is_taken =
                self.here.takes(&key, &json, &mut report.devices, self.wanted.overwrites);
            self.tell_kept(!is_taken, &key, &json, report);
            if let (true, Key::Device(id)) = (is_taken, key) {
                settled.devices.push((id, json));
            }
            if done.is_multiple_of(limits::IMPORT_LOT) {
                progress(done, all);
            }
        }
        progress(all, all);
        self.tell_macs(macs, report);
        for (plugin, count) in unknown {
            let text = match self.nearest(&plugin) {
                Some(nearest) => format!("{plugin}: {count} devices; the nearest is {nearest}"),
                None => format!("{plugin}: {count} devices"),
            };
            report.tell_many(Fact::UnknownPlugin, count, text);
        }
        settled
    }

    /// The parameters that are to be stored; none where they stay.
    pub fn parameters(&self, found: Option<Vec<u8>>, report: &mut Report) -> Option<Vec<u8>> {
        let found = found?;
        match &self.here.parameters {
            Some(here) if *here == found => None,
            Some(_) if !self.wanted.overwrites => {
                report.tell(Fact::ParametersKept, "app.json");
                None
            }
            _ => Some(found),
        }
    }

    fn tell_kept(&self, is_left: bool, key: &Key, json: &[u8], report: &mut Report) {
        if is_left && self.here.prints.get(key) != Some(&xxh3_128(json)) {
            let text = match key {
                Key::Config(id) => format!("configs/{id}"),
                Key::Device(id) => format!("devices/{id}"),
            };
            report.tell(Fact::DocumentKept, text);
        }
    }

    /// Fills in what the server alone says of a device.
    fn complete(
        &self,
        found: Found,
        unknown: &mut BTreeMap<Text, usize>,
        report: &mut Report,
    ) -> Device {
        let Found { mut device, is_new, configured } = found;
        let id = device.id.clone();
        if device.tenant_uuid.is_none() {
            device.tenant_uuid = Some(self.master.clone());
            report.tell(Fact::NoTenant, format_args!("devices/{id}"));
        }
        device.is_new = device.tenant_uuid.as_deref() == Some(self.master);
        if is_new != Some(device.is_new) {
            report.tell(Fact::IsNew, format_args!("devices/{id}: {}", device.is_new));
        }
        let plugin = device.plugin.as_deref();
        let has_plugin = plugin.is_some_and(|plugin| self.plugins.release(plugin).is_some());
        if let Some(plugin) = device.plugin.as_ref().filter(|_| !has_plugin) {
            *unknown.entry(plugin.clone()).or_default() += 1;
        }
        let config = device.config.as_deref();
        device.configured = has_plugin && config.is_some_and(|config| self.is_valid(config));
        if configured != Some(device.configured) {
            report.tell(Fact::Configured, format_args!("devices/{id}: {}", device.configured));
        }
        device
    }

    fn is_valid(&self, config: &str) -> bool {
        self.here.configs.flatten(config).is_some_and(|mut settings| {
            raw::fill_defaults(&mut settings);
            raw::validate(&settings).is_empty()
        })
    }

    /// Says which references lead nowhere or round, and what nothing refers to.
    fn check_references(&self, names: &[Text], devices: &[Found], report: &mut Report) {
        let configs = &self.here.configs;
        let mut used = HashSet::new();
        for Found { device, .. } in devices {
            let Some(config) = &device.config else { continue };
            if configs.get(config).is_none() {
                report.tell(Fact::NoConfig, format_args!("devices/{}: {config}", device.id));
            }
            used.insert(config.clone());
        }
        let mut loops = Loops::default();
        for config in names.iter().filter_map(|id| configs.get(id)) {
            for parent in config.parent_ids.iter().filter(|id| configs.get(id).is_none()) {
                report.tell(Fact::NoParent, format_args!("configs/{}: {parent}", config.id));
            }
            if let Some(id) = loops.find(configs, &config.id) {
                report.tell(Fact::Loop, format_args!("configs/{id}"));
            }
            let is_alone = config.transient && !used.contains(&config.id);
            if is_alone && configs.family(&config.id, 1).is_some() {
                report.tell(Fact::Orphan, format_args!("configs/{}", config.id));
            }
        }
    }

    fn tell_macs(&self, macs: BTreeMap<Mac, Vec<Text>>, report: &mut Report) {
        for (mac, mut ids) in macs {
            let here = self.here.macs.get(&mac).filter(|id| !ids.contains(id)).cloned();
            ids.extend(here);
            if ids.len() > 1 {
                report.tell(Fact::SharedMac, format_args!("{mac}: {}", ids.join(" ")));
            }
        }
    }

    /// The plugin whose id has the least changes to it, where it is not a wholly other word.
    fn nearest(&self, wanted: &str) -> Option<&Text> {
        let ids = self.plugins.releases().iter().map(|release| release.id());
        let nearest = ids.map(|id| (distance(wanted, id), id)).min()?;
        (nearest.0 <= wanted.len() / 2).then_some(nearest.1)
    }
}

/// Configurations that were walked up from.
#[derive(Default)]
struct Loops {
    done: HashSet<Text>,
}

impl Loops {
    /// One of a loop that is found on the way up and was not walked before.
    fn find(&mut self, configs: &Configs, id: &Text) -> Option<Text> {
        if self.done.contains(id) {
            return None;
        }
        let mut path: Vec<(Text, usize)> = vec![(id.clone(), 0)];
        let mut on_path = HashSet::from([id.clone()]);
        let mut found = None;
        while let Some((id, next)) = path.last_mut() {
            let parents = configs.get(id).map(|config| Arc::clone(&config.parent_ids));
            let parent = parents.as_ref().and_then(|parents| parents.get(*next));
            *next += 1;
            match parent {
                None => {
                    on_path.remove(id);
                    self.done.insert(id.clone());
                    path.pop();
                }
                Some(parent) if on_path.contains(parent) => found = Some(parent.clone()),
                Some(parent) if self.done.contains(parent) => {}
                Some(parent) => {
                    on_path.insert(parent.clone());
                    path.push((parent.clone(), 0));
                }
            }
        }
        found
    }
}

/// Changes of a byte that make one of the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right = right.as_bytes();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, byte) in (1..).zip(left.bytes()) {
        let mut corner = std::mem::replace(&mut row[0], above);
        for (at, other) in right.iter().enumerate() {
            let change = corner + usize::from(byte != *other);
            corner = row[at + 1];
            row[at + 1] = change.min(corner + 1).min(row[at] + 1);
        }
    }
    row[right.len()]
}
