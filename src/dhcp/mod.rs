//! What a DHCP server tells of phones: a lease is a request like a phone's own, by whatever way.

mod report;
mod socket;
#[cfg(test)]
mod tests;

pub use report::read;
pub use socket::{Counters, Doorway, Listener};

use std::net::{IpAddr, Ipv4Addr};

use crate::device::Mac;
use crate::query::{Query, Source};
use crate::time::Instant;
use crate::world::{Core, World};

/// A lease that was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The address.
    pub ip: Ipv4Addr,
    /// Whose it is.
    pub mac: Mac,
    /// Option 60, where the phone sent one.
    pub vendor_class: Option<Vec<u8>>,
}

impl Lease {
    /// Decides it as a phone's own request. False while the store is being loaded and it cannot be
    /// told whose it is: then it is to be decided again.
    #[must_use]
    pub fn decide(&self, world: &World, core: &mut Core, now: Instant) -> bool {
        let query = Query {
            source: Source::Dhcp,
            ip: IpAddr::V4(self.ip),
            key: None,
            path: b"",
            name: b"",
            args: b"",
            agent: None,
            form: None,
            vendor_class: self.vendor_class.as_deref(),
            mac: Some(self.mac),
        };
        core.begin_turn(world);
        !world.decide(&query, core, now).is_waiting
    }
}
