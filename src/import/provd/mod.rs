//! An installation of wazo-provd, moved in: whatever it holds is taken over or named in a report.

mod documents;
mod facts;
mod installed;
mod read;
mod report;
mod settle;
mod surroundings;
mod templates;
#[cfg(test)]
mod tests;

pub use facts::{Fact, Weight};
pub use report::{Report, Tally};

use std::path::PathBuf;

use super::ImportError;
use crate::device::Text;
use crate::plugin::Plugins;
use crate::settings::{Identification, Settings};
use crate::store::{Bulk, Rocks, to_json};
use documents::Found;
use installed::Installed;
use settle::Here;

/// What is wanted of an import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The installation: the folder that holds `jsondb`, or the root that holds that folder.
    pub folder: PathBuf,
    /// Nothing is written.
    pub is_dry: bool,
    /// What is another one here goes.
    pub overwrites: bool,
}

/// What of the work is being done, how much of it is done, and how much there is.
pub type Progress<'a> = dyn FnMut(&'static str, usize, usize) + 'a;

/// Takes an installation into the data folder. Documents come in all together or not at all;
/// templates are copied after them, each whole.
///
/// # Errors
/// [`ImportError`]; then the store is as it was, or marked as one of a broken off import.
pub fn import(
    wanted: &Wanted,
    settings: &Settings,
    plugins: &Plugins,
    progress: &mut Progress<'_>,
) -> Result<Report, ImportError> {
    let mut report = Report::of(wanted.is_dry);
    let installed = Installed::find(&wanted.folder)?;
    // Before all is read, so that a running server is told of at once.
    let store = open(wanted, settings)?;
    let here = match &store {
        Some(store) => Here::read(store, settings.base_raw_config())?,
        None => Here::new(settings.base_raw_config()),
    };

    let mut told = |done, all| progress("configurations are read", done, all);
    let folder = installed.configs();
    let configs = read::folder(&folder, &mut report, &documents::config, &mut told)?;
    let mut told = |done, all| progress("devices are read", done, all);
    let folder = installed.devices();
    let devices = read::folder(&folder, &mut report, &documents::device, &mut told)?;
    report.configs.found = read::names(&installed.configs())?.len();
    report.devices.found = read::names(&installed.devices())?.len();
    let surroundings = surroundings::read(&installed, &mut report);

    let master = master(&settings.identification, &devices, &mut report);
    let settling = settle::Settling { here: &here, plugins, master: &master, wanted };
    let mut told = |done, all| progress("devices are settled", done, all);
    let Settled { mut configs, mut devices } =
        settling.settle(configs, devices, &mut report, &mut told);
    let parameters = surroundings.parameters.as_ref().map(to_json);
    let parameters = settling.parameters(parameters, &mut report);
    report.settings = surroundings::suggest(&surroundings, &master, settings);

    if let Some(store) = store.filter(|_| !wanted.is_dry)
        && !(configs.is_empty() && devices.is_empty() && parameters.is_none())
    {
        let (mut configs, mut devices) = (configs.drain(..), devices.drain(..));
        let bulk = Bulk { configs: &mut configs, devices: &mut devices, parameters };
        progress("documents are stored", 0, 1);
        store.ingest(bulk)?;
        progress("documents are stored", 1, 1);
    }
    templates::copy(&installed, wanted, &settings.data_dir, plugins, &mut report)?;
    Ok(report)
}

/// Documents that are to be stored, in the order of their names.
#[derive(Debug, Default)]
struct Settled {
    configs: Vec<(Text, Vec<u8>)>,
    devices: Vec<(Text, Vec<u8>)>,
}

/// A dry run makes nothing, and works beside a running server.
fn open(wanted: &Wanted, settings: &Settings) -> Result<Option<Rocks>, ImportError> {
    let folder = settings.store_dir();
    if !wanted.is_dry {
        return Ok(Some(Rocks::open_to_import(&folder)?));
    }
    Ok(if folder.is_dir() { Some(Rocks::open_to_read(&folder)?) } else { None })
}

/// The tenant of new devices: that of the settings where it was set, else the one that most new
/// devices have. No file of an installation names it.
fn master(settings: &Identification, devices: &[Found], report: &mut Report) -> Text {
    let set = Text::from(&*settings.master_tenant);
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for found in devices.iter().filter(|found| found.is_new == Some(true)) {
        if let Some(tenant) = &found.device.tenant_uuid {
            *counts.entry(tenant).or_default() += 1;
        }
    }
    let is_set = *settings.master_tenant != *Identification::default().master_tenant;
    let most = counts.iter().max_by_key(|(_, count)| **count);
    let master = match most {
        Some((tenant, _)) if !is_set => Text::from(*tenant),
        _ => set,
    };
    for (tenant, count) in counts.into_iter().filter(|(tenant, _)| **tenant != *master) {
        report.tell_many(Fact::OtherMaster, count, tenant);
    }
    master
}
