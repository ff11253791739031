//! A device as it shall be: the stored one until something about it changes, then a copy.

use std::sync::Arc;

use crate::device::{Absent, Config, Device, DeviceId, Put};

/// INVARIANT: there is a found device or an edited one.
#[derive(Debug)]
pub struct Draft {
    found: Option<Arc<Device>>,
    edited: Option<Box<Device>>,
    /// A configuration made for it.
    pub config: Option<Config>,
    /// All others at its address lose it.
    pub takes_address: bool,
    /// A provisional device that it turned out to be.
    pub merged: Option<DeviceId>,
    kept: bool,
}

impl Draft {
    /// The device that was found, or an empty one.
    pub fn new(found: Option<Arc<Device>>) -> Draft {
        let edited = found.is_none().then(Box::default);
        let (config, takes_address, merged) = (None, false, None);
        Draft { found, edited, config, takes_address, merged, kept: true }
    }

    /// The device as it shall be.
    pub fn device(&self) -> &Device {
        match (&self.edited, &self.found) {
            (Some(edited), _) => edited,
            (None, Some(found)) => found,
            (None, None) => unreachable!("invariant: found or edited"),
        }
    }

    /// The device, to be changed; it is copied the first time.
    pub fn edit(&mut self) -> &mut Device {
        let found = &self.found;
        self.edited.get_or_insert_with(|| {
            let found = found.as_deref().expect("invariant: found or edited");
            Box::new(found.clone())
        })
    }

    /// The device as it was stored.
    pub fn found(&self) -> Option<&Device> {
        self.found.as_deref()
    }

    /// It is served and forgotten: a bound is reached.
    pub fn forget(&mut self) {
        self.kept = false;
    }

    /// Whether it shall be remembered.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// The device, and the change that makes it so, where there is one.
    pub fn finish(self, absent: Absent) -> (Arc<Device>, Option<Box<Put>>) {
        let base = self.found.as_ref().map(|found| found.revision);
        let is_same = match (&self.edited, &self.found) {
            (Some(edited), Some(found)) => **edited == **found,
            (edited, _) => edited.is_none(),
        };
        let device = match (self.edited, self.found) {
            (Some(edited), _) if !is_same => Arc::new(*edited),
            (_, Some(found)) => found,
            (edited, None) => Arc::new(*edited.expect("invariant: found or edited")),
        };
        let is_nothing = is_same && !self.takes_address && self.merged.is_none();
        if is_nothing || !self.kept {
            return (device, None);
        }
        let put = Put {
            device: (*device).clone(),
            base,
            absent,
            takes_address: self.takes_address,
            merged: self.merged,
            config: self.config,
        };
        (device, Some(Box::new(put)))
    }
}
