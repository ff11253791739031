//! Changes: what shall be, and what must still be so for it to be taken.

use super::{Config, Device, DeviceId, Revision};

/// A change of the directory. It is made from what one core saw, and is refused as [`Stale`] when
/// another core was first.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// A device as it shall be.
    Put(Box<Put>),
    /// A device that shall go.
    Remove {
        /// Its name.
        id: DeviceId,
        /// The revision that was seen; none takes any.
        base: Option<Revision>,
    },
}

/// A device as it shall be, with what goes along with it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Put {
    /// The whole device; its `revision` is counted by the directory.
    pub device: Device,
    /// The revision that was seen; none: the device must be new.
    pub base: Option<Revision>,
    /// Signs of identity that nobody had when this was decided, and that nobody else may have now.
    pub absent: Absent,
    /// Whether all other devices with its address lose that address (spec section 1.4 step 1).
    pub takes_address: bool,
    /// A provisional device that turned out to be this one, and goes.
    pub merged: Option<DeviceId>,
    /// A configuration made for this device, to be taken first.
    pub config: Option<Config>,
}

/// Which signs of a device were looked for and not found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Absent {
    /// Its MAC.
    pub mac: bool,
    /// Its serial number.
    pub sn: bool,
    /// Its UUID.
    pub uuid: bool,
}

/// Another core was first; the decision is to be made again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("decided on an outdated revision")]
pub struct Stale;
