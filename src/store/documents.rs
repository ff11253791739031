//! Between memory and store: documents become devices and configurations, and back.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Store, StoreError, Write};
use crate::device::{Config, Device, Document, Text};
use crate::directory::{Configs, Directory, Key};

/// What is in memory, as the store wants it.
#[derive(Clone, Debug)]
pub struct Documents {
    /// All devices.
    pub directory: Arc<Directory>,
    /// All configurations.
    pub configs: Arc<Configs>,
}

/// What was read at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Loaded {
    /// Devices.
    pub devices: usize,
    /// Configurations.
    pub configs: usize,
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

/// Reads everything that is stored into memory, on all cores. A device without a tenant goes to
/// `master`, and `is_new` is computed: documents of older installations may lack both.
///
/// # Errors
/// [`StoreError`] where something cannot be read; a document that is none is named.
pub fn load(store: &dyn Store, into: &Documents, master: &Text) -> Result<Loaded, StoreError> {
    const CHUNK: usize = 1024;
    let (send, receive) = sync_channel::<Vec<Write>>(4);
    let receive = Mutex::new(receive);
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        let receive = &receive;
        let readers: Vec<_> = (0..cores)
            .map(|_| {
                scope.spawn(move || Reader { into, master, known: HashSet::new() }.run(receive))
            })
            .collect();
        let read = feed(store, send, CHUNK);
        let mut loaded = Loaded::default();
        let mut result = read;
        for reader in readers {
            match reader.join().expect("invariant: a reader does not panic") {
                Ok(part) => {
                    loaded.devices += part.devices;
                    loaded.configs += part.configs;
                }
                Err(error) => result = Err(error),
            }
        }
        result.map(|()| loaded)
    })
}

fn feed(store: &dyn Store, send: SyncSender<Vec<Write>>, size: usize) -> Result<(), StoreError> {
    let mut chunk = Vec::with_capacity(size);
    store.load(&mut |write| {
        chunk.push(write);
        if chunk.len() == size {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(size));
            // Readers end only at the end of the channel.
            send.send(full).expect("invariant: readers take all that is sent");
        }
    })?;
    send.send(chunk).expect("invariant: readers take all that is sent");
    Ok(())
}

/// One thread that makes documents of what was read.
struct Reader<'a> {
    into: &'a Documents,
    master: &'a Text,
    known: HashSet<Text>,
}

impl Reader<'_> {
    fn run(mut self, receive: &Mutex<Receiver<Vec<Write>>>) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        let mut result = Ok(());
        loop {
            let chunk = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(chunk) = chunk else { break };
            // After an error the rest is taken and dropped, so that nobody waits.
            for write in chunk {
                if result.is_ok() {
                    result = self.take(write, &mut loaded);
                }
            }
        }
        result.map(|()| loaded)
    }

    fn take(&mut self, write: Write, loaded: &mut Loaded) -> Result<(), StoreError> {
        let bytes = write.value.unwrap_or_default();
        let document: Document =
            serde_json::from_slice(&bytes).map_err(|error| damaged(&write.key, &error))?;
        match &write.key {
            Key::Config(_) => {
                let config =
                    Config::from_stored(document).map_err(|error| damaged(&write.key, &error))?;
                self.into.configs.restore(config);
                loaded.configs += 1;
            }
            Key::Device(_) => {
                let device =
                    Device::from_document(document).map_err(|error| damaged(&write.key, &error))?;
                let device = self.settle(device);
                self.into.directory.restore(device);
                loaded.devices += 1;
            }
        }
        Ok(())
    }

    /// Computes what older documents lack, and shares the texts that many devices have.
    fn settle(&mut self, mut device: Device) -> Device {
        let tenant = device.tenant_uuid.get_or_insert_with(|| self.master.clone());
        device.is_new = *tenant == *self.master;
        let shared = [
            &mut device.vendor,
            &mut device.model,
            &mut device.version,
            &mut device.plugin,
            &mut device.added,
            &mut device.tenant_uuid,
        ];
        for text in shared.into_iter().flatten() {
            match self.known.get(text) {
                Some(known) => *text = known.clone(),
                None => drop(self.known.insert(text.clone())),
            }
        }
        device
    }
}

fn damaged(key: &Key, error: &dyn std::fmt::Display) -> StoreError {
    let (kind, id) = match key {
        Key::Config(id) => ("configuration", id),
        Key::Device(id) => ("device", id),
    };
    StoreError::Damaged(format!("{kind} {id:?}: {error}"))
}
