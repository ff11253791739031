//! Between memory and store: documents become devices and configurations, and back.

use std::sync::Arc;

use super::Write;
use crate::device::Document;
use crate::directory::{Configs, Directory, Key};

/// What is in memory, as the store wants it.
#[derive(Clone, Debug)]
pub struct Documents {
    /// All devices.
    pub directory: Arc<Directory>,
    /// All configurations.
    pub configs: Arc<Configs>,
}

impl Documents {
    /// The document of this name as it shall be stored. A provisional device is not.
    pub fn write(&self, key: Key) -> Write {
        let document = match &key {
            Key::Config(id) => self.configs.get(id).map(|config| config.to_document()),
            Key::Device(id) => {
                let device = self.directory.get(id).filter(|device| !device.provisional);
                device.map(|device| device.to_document())
            }
        };
        let value = document.map(|document| to_json(&document));
        Write { key, value }
    }

    /// The names of all documents, configurations first.
    pub fn keys(&self) -> Vec<Key> {
        let configs = self.configs.all();
        let configs = configs.iter().map(|config| Key::Config(config.id.clone()));
        let devices = self.directory.all();
        let devices = devices.iter().filter(|device| !device.provisional);
        configs.chain(devices.map(|device| Key::Device(device.id.clone()))).collect()
    }
}

/// The text that is stored.
pub fn to_json(document: &Document) -> Vec<u8> {
    serde_json::to_vec(document).expect("invariant: a JSON object can be written")
}
