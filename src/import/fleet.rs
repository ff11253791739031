//! A fleet file: JSON lines with devices, configurations or parameters, as the export writes them.

use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::sorted::Sorted;
use crate::device::{Config, Device, Document};
use crate::store::{Bulk, Kind, Rocks, StoreError, to_json};

/// What configurations are held against.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// Every value, as the interface for operators does, but for lines that say `as_stored`.
    Values,
    /// Their form alone: what another store holds may be older than a check.
    Form,
}

/// What was taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    /// Devices.
    pub devices: usize,
    /// Configurations.
    pub configs: usize,
    /// Those of them that have values which are not valid.
    pub odd: usize,
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

/// Takes a fleet file (JSON lines with `device`, `config` or both, or `parameters`; `phone` is the
/// load generator's, `as_stored` an export's) into the data folder. What has the same name is
/// replaced. `progress` is told bytes read and all.
///
/// # Errors
/// [`ImportError`]; then the folder is as it was, or marked as one of a broken off import.
pub fn fleet(
    file: &Path,
    folder: &Path,
    check: Check,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Imported, ImportError> {
    let file = File::open(file)?;
    // Before all is read, so that a running server is told of at once.
    let store = Rocks::open_to_import(folder)?;
    let total = file.metadata()?.len();
    let mut lines = Lines { reader: BufReader::with_capacity(1 << 20, file), number: 0, done: 0 };
    let mut fleet = Fleet::new(check);
    let mut text = Vec::new();
    while lines.next(&mut text)? {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let line = lines.number;
        fleet.read_line(&text, line).map_err(|text| ImportError::Line { line, text })?;
        if line.is_multiple_of(1024) {
            progress(lines.done, total);
        }
    }
    let Fleet { mut configs, mut devices, parameters, odd, .. } = fleet;
    let twice = [configs.sort(), devices.sort()].into_iter().flatten().min();
    if let Some((line, text)) = twice {
        return Err(ImportError::Line { line, text });
    }
    let imported = Imported { devices: devices.len(), configs: configs.len(), odd };
    let (mut configs, mut devices) = (configs.drain(), devices.drain());
    store.ingest(Bulk { configs: &mut configs, devices: &mut devices, parameters })?;
    progress(total, total);
    Ok(imported)
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

/// What was read of a fleet file.
struct Fleet {
    check: Check,
    configs: Sorted,
    devices: Sorted,
    parameters: Option<Vec<u8>>,
    /// Configurations with values that are not valid.
    odd: usize,
}

impl Fleet {
    fn new(check: Check) -> Self {
        let (configs, devices) = (Sorted::new(Kind::Config), Sorted::new(Kind::Device));
        Self { check, configs, devices, parameters: None, odd: 0 }
    }

    fn read_line(&mut self, text: &[u8], number: usize) -> Result<(), String> {
        let mut line: Document = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        line.shift_remove("phone");
        let config = line.shift_remove("config");
        let device = line.shift_remove("device");
        let parameters = line.shift_remove("parameters");
        let as_stored = match line.shift_remove("as_stored") {
            None => self.check == Check::Form,
            Some(Value::Bool(true)) if config.is_some() => true,
            Some(_) => return Err("as_stored is true, and beside a config".to_owned()),
        };
        if let Some(key) = line.keys().next() {
            return Err(format!("unknown key {key:?}"));
        }
        if config.is_none() && device.is_none() && parameters.is_none() {
            return Err("neither device nor config".to_owned());
        }
        if let Some(config) = config {
            let config = serde_json::from_value(config).map_err(|_| "config is no object")?;
            let (config, faults) =
                Config::with_faults(config).map_err(|error| error.to_string())?;
            if !faults.0.is_empty() {
                if !as_stored {
                    return Err(faults.to_string());
                }
                self.odd += 1;
            }
            let json = to_json(&config.to_document());
            self.configs.push(config.id, number, json);
        }
        if let Some(device) = device {
            let device = serde_json::from_value(device).map_err(|_| "device is no object")?;
            let device = Device::from_document(device).map_err(|error| error.to_string())?;
            let json = to_json(&device.to_document());
            self.devices.push(device.id, number, json);
        }
        if let Some(parameters) = parameters {
            let parameters: Document =
                serde_json::from_value(parameters).map_err(|_| "parameters is no object")?;
            if self.parameters.replace(to_json(&parameters)).is_some() {
                return Err("parameters stand twice".to_owned());
            }
        }
        Ok(())
    }
}
