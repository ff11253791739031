//! Which device a request is of: by MAC, serial number, UUID, and last by its address.

use std::sync::Arc;

use super::Basis;
use super::tenant::Standing;
use super::told::{self, Told};
use crate::device::{Absent, Device};
use crate::limits;

/// A device or none, and which signs nobody had.
#[derive(Debug, Default)]
pub struct Found {
    /// The device.
    pub device: Option<Arc<Device>>,
    /// The signs that were looked for and not found.
    pub absent: Absent,
    /// Whether the first sign that was told has found it: nobody else could be meant.
    pub is_certain: bool,
}

/// Looks for the device (spec section 1.3). The first sign that somebody has decides.
pub fn retrieve(told: &Told<'_>, basis: &Basis<'_>) -> Found {
    let directory = basis.directory;
    let mut absent = Absent::default();
    let mut device =
        told.mac.and_then(|mac| basis.nearest(directory.by_mac(mac), || directory.with_mac(mac)));
    absent.mac = device.is_none() && told.mac.is_some();
    if device.is_none() {
        device = told.sn.and_then(|sn| {
            let sn = told::utf8(sn);
            basis.nearest(directory.by_serial(&sn), || directory.with_serial(&sn))
        });
        absent.sn = device.is_none() && told.sn.is_some();
    }
    if device.is_none() && !basis.settings.secure_retriever {
        device = told.uuid.and_then(|uuid| {
            let uuid = told::utf8(uuid);
            basis.nearest(directory.by_uuid(&uuid), || directory.with_uuid(&uuid))
        });
        absent.uuid = device.is_none() && told.uuid.is_some();
    }
    let is_certain = device.is_some() && absent == Absent::default();
    if device.is_none() {
        device = by_address(told, basis);
    }
    Found { device, absent, is_certain }
}

/// The only device at the address that nothing told speaks against. Of several, one that is known
/// by this address alone, so that a phone that never tells more stays one device.
fn by_address(told: &Told<'_>, basis: &Basis<'_>) -> Option<Arc<Device>> {
    let directory = basis.directory;
    if directory.count_at(told.ip) <= limits::ADDRESS_CANDIDATES_MAX {
        let candidates = directory.at_address(told.ip);
        let mut candidates = candidates.filter(|device| may_be(told, device, basis));
        match (candidates.next(), candidates.next()) {
            (None, _) => return None,
            (only, None) => return only,
            _ => {}
        }
    }
    let mut provisional = directory.provisional_at(told.ip);
    provisional.find(|device| told.is_bare() && may_be(told, device, basis))
}

/// Whether nothing that both tell differs: MAC, vendor and model count. An address is no sign that
/// reaches over to another tenant's devices.
fn may_be(told: &Told<'_>, device: &Device, basis: &Basis<'_>) -> bool {
    let agree = |told: Option<&[u8]>, stored: Option<&str>| match (told, stored) {
        (Some(told), Some(stored)) => told::is(told, stored),
        _ => true,
    };
    (told.mac.is_none() || device.mac.is_none() || told.mac == device.mac)
        && agree(told.vendor, device.vendor.as_deref())
        && agree(told.model, device.model.as_deref())
        && basis.standing(device) != Standing::Foreign
}
