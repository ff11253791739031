//! A small world for tests: one vendor, one release, the stock configurations, a disk that fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::device::{Config, Device, Document, Mac};
use crate::directory::Key;
use crate::identify::Settings;
use crate::plugin::Plugins;
use crate::query::{Query, Source};
use crate::store::{Store, StoreError, Write};
use crate::world::World;

/// A folder of its own that goes at the end.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new, empty one.
    pub fn new() -> Folder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringboot-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A store in memory whose disk can be full.
#[derive(Debug, Default)]
pub struct MemoryStore {
    documents: Mutex<BTreeMap<Key, Vec<u8>>>,
    error: Mutex<Option<StoreError>>,
}

impl MemoryStore {
    /// From now on commits fail with this, or do not.
    pub fn fail(&self, error: Option<StoreError>) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// What is stored.
    pub fn documents(&self) -> BTreeMap<Key, Vec<u8>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Store for MemoryStore {
    fn load(&self, take: &mut dyn FnMut(Write)) -> Result<(), StoreError> {
        for (key, value) in self.documents() {
            take(Write { key, value: Some(value) });
        }
        Ok(())
    }

    fn commit(&self, batch: &[Write]) -> Result<(), StoreError> {
        if let Some(error) = self.error.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(error);
        }
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        for write in batch {
            match &write.value {
                Some(value) => drop(documents.insert(write.key.clone(), value.clone())),
                None => drop(documents.remove(&write.key)),
            }
        }
        Ok(())
    }
}

const MANIFEST: &str = r#"
format = 1
vendor = "Cisco"
prefix = "wazo-cisco-"
summary = "Cisco SPA"
sensitive = ['^[0-9a-f]{12}\.xml$']

[[extract]]
file = '^/?(?P<model>spa.+)\.cfg$'
set = { vendor = "Cisco" }
rewrite = { model = ["upper"] }

[[extract]]
file = '^/?(?P<mac>[\dA-Fa-f]{12})\.xml$'
set = { vendor = "Cisco" }

[[extract]]
agent = '^Cisco/(?P<model>\w+)-(?P<version>\S+) (?:\((?P<mac>[\dA-F]{12})\))?\((?P<sn>\w+)\)$'
set = { vendor = "Cisco" }

[[file]]
path = "{mac}.xml"
template = "profile.tpl"
trigger = true
sensitive = true

[[common]]
path = "spa3102.cfg"
template = "common.tpl"

[[release]]
name = "spa3102-5.1.10"
serves = ["http", "tftp"]
models = { SPA3102 = { version = "5.1.10" }, SPA504G = { version = "7.4.9c" } }
"#;

const PROFILE: &str = "<flat-profile><User_ID_1_>{{ sip_lines['1'].username }}</User_ID_1_>\
                       <Url>{{ server_url }}</Url>{{ X_note }}</flat-profile>\n";
const COMMON: &str = "<flat-profile><Profile_Rule>tftp://{{ ip }}/$MA.xml</Profile_Rule>\
                      <Url>{{ server_url }}</Url></flat-profile>\n";

/// The one vendor's plugins, loaded from a folder.
pub fn plugins() -> Plugins {
    let folder = Folder::new();
    let vendor = folder.0.join("cisco");
    fs::create_dir_all(vendor.join("templates")).expect("a folder");
    let write = |path: &Path, text: &str| fs::write(path, text).expect("a file");
    write(&vendor.join("plugin.toml"), MANIFEST);
    write(&vendor.join("templates/profile.tpl"), PROFILE);
    write(&vendor.join("templates/common.tpl"), COMMON);
    Plugins::load(&folder.0).expect("a folder of plugins")
}

/// An object from its text.
pub fn object(text: &str) -> Document {
    serde_json::from_str(text).expect("a JSON object")
}

/// A configuration from its text.
pub fn config(text: &str) -> Config {
    Config::from_document(object(text)).expect("a configuration")
}

/// A device from its text.
pub fn device(text: &str) -> Device {
    Device::from_document(object(text)).expect("a device")
}

/// The stock configurations and nothing else.
pub fn world(settings: Settings) -> (World, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    let world = open(&store, settings);
    for text in [
        r#"{"id":"base","parent_ids":[],"raw_config":{"ntp_ip":"192.0.2.1"},"deletable":false}"#,
        r#"{"id":"defaultconfigdevice","parent_ids":[],"raw_config":{},"X_type":"device"}"#,
        r#"{"id":"autoprov","parent_ids":["base","defaultconfigdevice"],"role":"autocreate",
            "deletable":false,"raw_config":{"sip_lines":{"1":{"username":"apmy3dCQDw",
            "password":"l7AHsYTqzQ","display_name":"Autoprov"}}}}"#,
    ] {
        world.insert_config(config(text)).expect("a store that works");
    }
    (world, store)
}

/// A world on what a store holds.
pub fn open(store: &Arc<MemoryStore>, settings: Settings) -> World {
    let base = object(r#"{"ip":"192.0.2.1","http_port":8667,"tftp_port":69}"#);
    let store: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    World::open(store, plugins(), settings, base).expect("a store that works").0
}

/// A read request.
pub fn tftp<'a>(ip: &str, path: &'a str) -> Query<'a> {
    Query {
        source: Source::Tftp,
        ip: ip.parse().expect("an address"),
        key: None,
        path: path.as_bytes(),
        name: path.trim_start_matches('/').as_bytes(),
        args: b"",
        agent: None,
        form: None,
        vendor_class: None,
        mac: None,
    }
}

/// A request with a User-Agent.
pub fn http<'a>(ip: &str, path: &'a str, agent: &'a str) -> Query<'a> {
    Query { source: Source::Http, agent: Some(agent.as_bytes()), ..tftp(ip, path) }
}

/// The MAC of this text.
pub fn mac(text: &str) -> Mac {
    Mac::parse(text.as_bytes()).expect("a MAC")
}

/// Replaces a configuration as it is now.
pub fn replace_config(world: &World, new: &Config) {
    let old = world.configs.get(&new.id).expect("a configuration of this name");
    world.replace_config(new, old.revision).expect("a store that works");
}
