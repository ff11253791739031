//! The nouns: what a device is, what a configuration is, and what a change to either says.

mod change;
mod config;
mod document;
mod extra;
mod known;
mod mac;
pub mod raw;
mod scan;
mod stored;
mod text;

pub use change::{Absent, Change, Put, Stale};
pub use config::{Config, ConfigError, ConfigId, Faults};
pub use document::{Document, DocumentError};
pub use extra::Extra;
pub use known::Known;
pub use mac::{Mac, MacError};
pub use stored::StoredError;
pub use text::Text;

use std::net::IpAddr;

/// The name of a device in the store and in the REST API; any text without `/` and NUL.
pub type DeviceId = Text;

/// Counts the changes of one document; a change names the revision it was made from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

/// Where a document stands in the list of all, for as long as it is there; each has its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place(pub u32);

/// A phone, as the spec's section 2.2 has it. Absent, null and empty mean the same to the pipeline;
/// what a client stored (nulls, other types, unknown keys) is kept in `extra` and given back.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Device {
    /// Name in the store.
    pub id: DeviceId,
    /// Counts the changes; 0 before the first.
    pub revision: Revision,
    /// Place in the list of all; the directory gives it.
    pub place: Place,
    /// Hardware address: the strongest sign of identity.
    pub mac: Option<Mac>,
    /// Serial number, where a vendor's requests carry one.
    pub sn: Option<Text>,
    /// Identity of a softphone.
    pub uuid: Option<Text>,
    /// Address of the last request.
    pub ip: Option<IpAddr>,
    /// Maker, in the plugins' spelling.
    pub vendor: Option<Text>,
    /// Model, in the plugins' spelling.
    pub model: Option<Text>,
    /// Firmware version, as last reported.
    pub version: Option<Text>,
    /// Plugin that serves this phone (`wazo-yealink-v86`).
    pub plugin: Option<Text>,
    /// Configuration that this phone has.
    pub config: Option<Text>,
    /// Whether its files can be made: plugin and configuration are there and valid.
    pub configured: bool,
    /// `auto` when a request created it.
    pub added: Option<Text>,
    /// Tenant that owns it.
    pub tenant_uuid: Option<Text>,
    /// True while it belongs to the master tenant.
    pub is_new: bool,
    /// SIP user name of line 1 when the phone last fetched its trigger file.
    pub remote_state_sip_username: Option<Text>,
    /// Known by its address alone: in memory only, until something identifies it.
    pub provisional: bool,
    /// All other keys of the document, in their order: `options`, `description`, `X_…`.
    pub extra: Extra,
}

// With the two counts of an `Arc` in front of it, a class of the allocator.
const _: () = assert!(size_of::<Device>() + 16 <= 160);
