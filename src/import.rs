//! Many documents at once into a data folder: all of a file or nothing, and a bad line is named.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::device::{Config, Device, Document};
use crate::directory::Key;
use crate::store::{Rocks, Store, StoreError, Write, to_json};

/// What was taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    /// Devices.
    pub devices: usize,
    /// Configurations.
    pub configs: usize,
}

/// Why nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is not what it must be.
    #[error("line {line}: {text}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        text: String,
    },
    /// The data folder does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a fleet file (JSON lines with `device`, `config` or both; `phone` is the load generator's)
/// into the data folder. What has the same name is replaced. `progress` is told bytes read and all.
///
/// # Errors
/// [`ImportError`]; then the folder is as it was.
pub fn fleet(
    file: &Path,
    folder: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Imported, ImportError> {
    let file = File::open(file)?;
    // Before all is read, so that a running server is told of at once.
    let store = Rocks::open(folder)?;
    let total = file.metadata()?.len();
    let mut lines = Lines { reader: BufReader::with_capacity(1 << 20, file), number: 0, done: 0 };
    let mut batch = Vec::new();
    let mut seen = HashMap::new();
    let mut text = Vec::new();
    while lines.next(&mut text)? {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let line = lines.number;
        read_line(&text, &mut batch).map_err(|text| ImportError::Line { line, text })?;
        for write in &batch[seen.len()..] {
            if let Some(first) = seen.insert(write.key.clone(), line) {
                let text = format!("{:?} is on line {first} already", write.key);
                return Err(ImportError::Line { line, text });
            }
        }
        if line.is_multiple_of(1024) {
            progress(lines.done, total);
        }
    }
    store.commit(&batch)?;
    progress(total, total);
    let configs = batch.iter().filter(|write| matches!(write.key, Key::Config(_))).count();
    Ok(Imported { devices: batch.len() - configs, configs })
}

struct Lines {
    reader: BufReader<File>,
    number: usize,
    done: u64,
}

impl Lines {
    fn next(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        text.clear();
        let length = self.reader.read_until(b'\n', text)?;
        self.number += 1;
        self.done += length as u64;
        Ok(length > 0)
    }
}

fn read_line(text: &[u8], batch: &mut Vec<Write>) -> Result<(), String> {
    let mut line: Document = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    line.shift_remove("phone");
    let config = line.shift_remove("config");
    let device = line.shift_remove("device");
    if let Some(key) = line.keys().next() {
        return Err(format!("unknown key {key:?}"));
    }
    if config.is_none() && device.is_none() {
        return Err("neither device nor config".to_owned());
    }
    if let Some(config) = config {
        let config = serde_json::from_value(config).map_err(|_| "config is no object")?;
        let config = Config::from_document(config).map_err(|error| error.to_string())?;
        let value = Some(to_json(&config.to_document()));
        batch.push(Write { key: Key::Config(config.id), value });
    }
    if let Some(device) = device {
        let device = serde_json::from_value(device).map_err(|_| "device is no object")?;
        let device = Device::from_document(device).map_err(|error| error.to_string())?;
        let value = Some(to_json(&device.to_document()));
        batch.push(Write { key: Key::Device(device.id), value });
    }
    Ok(())
}
