//! Phones are told to fetch their files anew by a SIP NOTIFY that Asterisk sends, and never all at
//! once: one queue paces what leaves here.

mod ami;
mod amid;
mod queue;
mod settings;

pub use ami::Ami;
pub use amid::{Amid, Token};
pub use queue::{Full, Pace, Queue, Watcher};
pub use settings::{Settings, Via};

use std::net::IpAddr;

use crate::device::Device;
use crate::plugin::{Event, Plugins};

/// A NOTIFY to one phone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notify {
    /// Whom it is for.
    pub peer: Peer,
    /// What it carries.
    pub event: Event,
}

/// How Asterisk knows a phone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Peer {
    /// By the account that it registers with.
    Endpoint(String),
    /// By its address alone.
    Address(IpAddr),
}

/// A way to Asterisk.
pub trait Way: Send + Sync {
    /// Sends a NOTIFY; done means that Asterisk has taken it, not that the phone has.
    ///
    /// # Errors
    /// [`NotifyError`].
    fn send(&self, notify: &Notify) -> Result<(), NotifyError>;
}

/// Why a phone was not told.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// There is no such device any more.
    #[error("invalid device ID \"{0}\"")]
    Unknown(String),
    /// Its files cannot be made.
    #[error("Can't synchronize not configured device {0}")]
    NotConfigured(String),
    /// Its plugin is not there.
    #[error("Plugin {0} is not installed/loaded")]
    NoPlugin(String),
    /// Its plugin knows no event for it.
    #[error("Re-synchronization is not supported")]
    Unsupported,
    /// Neither account nor address is known.
    #[error("not enough information to synchronize device")]
    NoPeer,
    /// The account's name is none that a line of Asterisk's can hold.
    #[error("the user name {0:?} has control characters")]
    BadPeer(String),
    /// There is no way to Asterisk.
    #[error("Incompatible sync service: None")]
    NoService,
    /// The way is not passable now.
    #[error("{0}")]
    Unreachable(String),
    /// Asterisk, or who stands before it, said no.
    #[error("refused: {0}")]
    Refused(String),
    /// The server ends.
    #[error("the server was stopped before the device was told")]
    Stopped,
}

/// What would be sent to a device (spec section 7.6).
///
/// # Errors
/// Why nothing can be.
pub fn plan(device: &Device, plugins: &Plugins) -> Result<Notify, NotifyError> {
    if !device.configured {
        return Err(NotifyError::NotConfigured(device.id.to_string()));
    }
    let plugin = device.plugin.as_deref().unwrap_or_default();
    let release = plugins.release(plugin);
    let release = release.ok_or_else(|| NotifyError::NoPlugin(plugin.to_owned()))?;
    let event = release.event().cloned().ok_or(NotifyError::Unsupported)?;
    Ok(Notify { peer: peer(device)?, event })
}

/// The account, unless it is one that all new phones share; else the address.
fn peer(device: &Device) -> Result<Peer, NotifyError> {
    let is_shared = |name: &str| name.starts_with("ap") && name.chars().count() == 10;
    let name = device.remote_state_sip_username.as_deref();
    match name.filter(|name| !name.is_empty() && !is_shared(name)) {
        Some(name) if name.contains(char::is_control) => Err(NotifyError::BadPeer(name.into())),
        Some(name) => Ok(Peer::Endpoint(name.to_owned())),
        None => device.ip.map(Peer::Address).ok_or(NotifyError::NoPeer),
    }
}

impl Peer {
    /// The parameter of the action that names it, and its value.
    fn parameter(&self) -> (&'static str, String) {
        match self {
            Peer::Endpoint(name) => ("Endpoint", name.clone()),
            Peer::Address(IpAddr::V4(ip)) => ("URI", format!("sip:anonymous@{ip}")),
            // RFC 3261 section 25.1: an IPv6 address stands in brackets.
            Peer::Address(IpAddr::V6(ip)) => ("URI", format!("sip:anonymous@[{ip}]")),
        }
    }
}

impl Notify {
    /// The variables of the action: the event first.
    fn variables(&self) -> impl Iterator<Item = String> {
        let event = format!("Event={}", self.event.name);
        std::iter::once(event).chain(self.event.variables.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_told_by_its_account_else_by_its_address() {
        let ip: IpAddr = [10, 0, 0, 9].into();
        let of = |name: Option<&str>, ip| {
            let remote_state_sip_username = name.map(Into::into);
            peer(&Device { ip, remote_state_sip_username, ..Device::default() })
        };
        let told = |name, ip| of(name, ip).expect("a peer").parameter();
        assert_eq!(told(Some("anna"), Some(ip)), ("Endpoint", "anna".to_owned()));
        let by_ip = ("URI", "sip:anonymous@10.0.0.9".to_owned());
        assert_eq!(told(Some("ap12345678"), Some(ip)), by_ip);
        assert_eq!(told(Some("ap123456789"), Some(ip)).0, "Endpoint");
        assert_eq!(told(Some("ap1234567"), Some(ip)).0, "Endpoint");
        assert_eq!((told(Some(""), Some(ip)), told(None, Some(ip))), (by_ip.clone(), by_ip));
        let six: IpAddr = "2001:db8::9".parse().expect("an address");
        assert_eq!(told(None, Some(six)).1, "sip:anonymous@[2001:db8::9]");
        let error = of(Some("ap12345678"), None).expect_err("nobody");
        assert_eq!(error.to_string(), "not enough information to synchronize device");
        assert!(of(Some("a\r\nAction: Originate"), Some(ip)).is_err());
    }
}
