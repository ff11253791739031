//! What a decision rests on: how often the signs that it looked at had changed until then.

use std::net::IpAddr;

use super::index::Mark;
use super::{Configs, Directory};
use crate::device::Mac;

/// Marks of what a phone tells, taken before the phone was looked for. While they stand, nothing
/// has changed that the directory says of these signs, of the phone's configuration and of those
/// that it lies on: the same request would be decided in the same way. Another phone's change may
/// let them fall, too, where a sign of its shares a place; that costs a decision and no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(test, derive(Default))]
pub struct Grounds {
    mac: Option<Mark>,
    serial: Option<Mark>,
    uuid: Option<Mark>,
    address: Mark,
    /// Of the phones that are known by this address alone.
    provisional: Mark,
    config: Option<Mark>,
    /// Of the configurations that others lie on.
    epoch: u64,
}

impl Grounds {
    /// Of a phone that tells these signs.
    pub fn new(
        (directory, configs): (&Directory, &Configs),
        (mac, sn, uuid): (Option<Mac>, Option<&str>, Option<&str>),
        ip: IpAddr,
    ) -> Grounds {
        Grounds {
            mac: mac.map(|mac| directory.macs.mark(&mac)),
            serial: sn.map(|sn| directory.serials.mark(sn)),
            uuid: uuid.map(|uuid| directory.uuids.mark(uuid)),
            address: directory.ips.mark(&ip),
            provisional: directory.provisional.mark(ip),
            config: None,
            epoch: configs.epoch(),
        }
    }

    /// With those of the phone's configuration, before anything of it was looked at.
    #[must_use]
    pub fn with_config(self, configs: &Configs, id: &str) -> Grounds {
        Grounds { config: Some(configs.mark(id)), ..self }
    }

    /// Whether they stand.
    pub fn hold(&self, directory: &Directory, configs: &Configs) -> bool {
        self.mac.is_none_or(|mark| directory.macs.stands(mark))
            && self.serial.is_none_or(|mark| directory.serials.stands(mark))
            && self.uuid.is_none_or(|mark| directory.uuids.stands(mark))
            && directory.ips.stands(self.address)
            && directory.provisional.stands(self.provisional)
            && self.config.is_none_or(|mark| configs.stands(mark))
            && self.epoch == configs.epoch()
    }
}
