//! A request without its protocol, and what it tells: no HTTP and no TFTP is known behind this.

use crate::device::Mac;
use std::net::IpAddr;

/// Where a request came in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// A request line and its fields.
    Http,
    /// A read request.
    Tftp,
    /// A report of a DHCP server.
    Dhcp,
}

/// What a phone asked, as slices of the bytes it sent.
#[derive(Clone, Copy, Debug)]
pub struct Query<'b> {
    /// Where it came in.
    pub source: Source,
    /// Address of the phone, behind trusted proxies where there are any.
    pub ip: IpAddr,
    /// HTTP: the tenant's key that the path began with, where phones' URLs have keys.
    pub key: Option<&'b [u8]>,
    /// HTTP: the raw path behind the key, without query, percent-escapes kept. TFTP: the file name.
    /// DHCP: empty.
    pub path: &'b [u8],
    /// The file that is meant: the path decoded, without leading `/`. DHCP: empty.
    pub name: &'b [u8],
    /// HTTP: what stands behind `?`; empty without.
    pub args: &'b [u8],
    /// HTTP: the User-Agent; an empty one counts as none.
    pub agent: Option<&'b [u8]>,
    /// HTTP: a form that was posted (`application/x-www-form-urlencoded`), escapes kept.
    pub form: Option<&'b [u8]>,
    /// DHCP: option 60, the vendor class identifier.
    pub vendor_class: Option<&'b [u8]>,
    /// DHCP: the hardware address of the lease.
    pub mac: Option<Mac>,
}

/// The first segment of a raw path, and the path behind it: what a tenant's key is taken for and
/// what is asked under it (spec section 4.4). Behind the last segment the path is `/`.
pub fn split_key(path: &[u8]) -> (&[u8], &[u8]) {
    let Some(rest) = path.strip_prefix(b"/") else { return (b"", path) };
    match rest.iter().position(|&byte| byte == b'/') {
        Some(end) => rest.split_at(end),
        None => (rest, b"/"),
    }
}

/// The text of one key of a sighting: a slice of the request, a constant of a plugin, or a text
/// that a rule made of it.
pub type Value<'b> = &'b [u8];

/// What one request tells of its phone. Bytes are Latin-1: one byte, one character.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sighting<'b> {
    /// Address of the phone.
    pub ip: IpAddr,
    /// Hardware address.
    pub mac: Option<Mac>,
    /// Serial number.
    pub sn: Option<Value<'b>>,
    /// Identity of a softphone.
    pub uuid: Option<Value<'b>>,
    /// Maker.
    pub vendor: Option<Value<'b>>,
    /// Model.
    pub model: Option<Value<'b>>,
    /// Firmware version.
    pub version: Option<Value<'b>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_first_segment() {
        let split = |path: &str| {
            let (key, rest) = split_key(path.as_bytes());
            [key, rest].map(|part| String::from_utf8_lossy(part).into_owned())
        };
        assert_eq!(split("/key/a/b.cfg"), ["key", "/a/b.cfg"]);
        assert_eq!(split("/key//b.cfg"), ["key", "//b.cfg"]);
        assert_eq!(split("/key/"), ["key", "/"]);
        assert_eq!(split("/key"), ["key", "/"]);
        assert_eq!(split("//key/a"), ["", "/key/a"]);
        assert_eq!(split("/"), ["", "/"]);
        assert_eq!(split("*"), ["", "*"]);
        assert_eq!(split(""), ["", ""]);
    }
}
