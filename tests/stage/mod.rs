//! What all workers of a test share, in memory and on the real plugins, from the lines of a fleet.

use ringboot::content::Content;
use ringboot::device::Document;
use ringboot::directory::Key;
use ringboot::identify::Settings;
use ringboot::plugin::Plugins;
use ringboot::store::{Store, StoreError, Write};
use ringboot::time::Duration;
use ringboot::worker::{Orders, Proxies, Shared};
use ringboot::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A store that lasts as long as the test.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<Key, Vec<u8>>>);

impl MemoryStore {
    /// The documents of a fleet file, as `ringboot import --fleet` takes them.
    pub fn of_fleet(lines: &str) -> Arc<MemoryStore> {
        let mut documents = BTreeMap::new();
        let id = |document: &Value| document["id"].as_str().expect("an id").into();
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            if let Some(config) = line.get("config") {
                documents.insert(Key::Config(id(config)), config.to_string().into_bytes());
            }
            if let Some(device) = line.get("device") {
                documents.insert(Key::Device(id(device)), device.to_string().into_bytes());
            }
        }
        Arc::new(MemoryStore(Mutex::new(documents)))
    }
}

impl Store for MemoryStore {
    fn load(&self, take: &mut dyn FnMut(Write)) -> Result<(), StoreError> {
        let documents = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (key, value) in documents {
            take(Write { key, value: Some(value) });
        }
        Ok(())
    }

    fn commit(&self, batch: &[Write]) -> Result<(), StoreError> {
        let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for write in batch {
            match &write.value {
                Some(value) => drop(documents.insert(write.key.clone(), value.clone())),
                None => drop(documents.remove(&write.key)),
            }
        }
        Ok(())
    }
}

/// The real plugins.
pub fn plugins() -> Plugins {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    Plugins::load(&folder).expect("the plugins of this project")
}

/// What workers share: a world on `store`, and the operators' folders below `files`.
pub fn shared(store: &Arc<MemoryStore>, settings: Settings, files: &Path) -> Shared {
    let base = r#"{"ip":"192.0.2.1","http_port":8667,"tftp_port":69,
                   "http_base_url":"http://192.0.2.1:8667"}"#;
    let base: Document = serde_json::from_str(base).expect("an object");
    let store: Arc<dyn Store> = Arc::clone(store) as Arc<dyn Store>;
    let (world, _) = World::open(store, plugins(), settings, base).expect("a store that works");
    let content = Content::default();
    content.set_folders(files);
    Shared {
        world: Arc::new(world),
        content: Arc::new(content),
        proxies: Arc::new(Proxies::default()),
        shadow: None,
        orders: Arc::new(Orders::default()),
    }
}

/// A folder of its own that goes at the end.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new, empty one.
    pub fn new() -> Folder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringboot-stage-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// Puts a file of `len` bytes below it; every place of it reads differently.
    pub fn put(&self, name: &str, len: usize) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a name in the folder")).expect("a folder");
        let byte = |at: usize| at.wrapping_mul(0x9e37_79b9).to_le_bytes()[3];
        fs::write(&path, (0..len).map(byte).collect::<Vec<u8>>()).expect("a file");
        // The same entity tag in every run.
        let then = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        let file = fs::File::options().write(true).open(path).expect("a file");
        file.set_modified(then).expect("a file of ours");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
