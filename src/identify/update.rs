//! What a request changes of its device: gaps are filled, address and version follow the phone.

use super::tenant::Standing;
use super::told::{self, Told};
use super::{Basis, Draft, Ids};
use crate::device::{Device, Text};
use crate::directory::may_be_same;
use crate::limits;
use crate::plugin::Info;

/// Begins a new device (spec section 1.3, add). One that tells nothing but its address is
/// provisional; past the bounds it is served and forgotten.
pub fn create(draft: &mut Draft, told: &Told<'_>, basis: &Basis<'_>, ids: &mut Ids) {
    let directory = basis.directory;
    let device = draft.edit();
    device.id = ids.device();
    device.ip = Some(told.ip);
    device.added = Some("auto".into());
    let master = &basis.settings.master_tenant;
    let tenant = basis.tenant.unwrap_or(master);
    device.tenant_uuid = Some(tenant.clone());
    device.is_new = tenant == master;
    device.provisional = told.is_bare();
    let is_full = if device.provisional {
        directory.provisional_count_at(told.ip) >= limits::PROVISIONAL_PER_SOURCE_MAX
    } else {
        directory.auto_added_count() >= limits::AUTO_ADDED_MAX
    };
    if is_full {
        draft.forget();
    }
}

/// Gives a device that nobody has claimed to the tenant whose key its phone showed.
pub fn claim(draft: &mut Draft, basis: &Basis<'_>) {
    let device = draft.edit();
    device.tenant_uuid = basis.tenant.cloned();
    device.is_new = basis.tenant == Some(&basis.settings.master_tenant);
}

/// Runs the updaters in their order (spec section 1.4).
pub fn update(draft: &mut Draft, told: &Told<'_>, basis: &Basis<'_>, ids: &mut Ids) {
    fill(draft, told);
    follow(draft, told);
    settle(draft, told, basis);
    associate(draft, told, basis);
    give_config(draft, basis, ids);
    let device = draft.device();
    let may_take = !device.provisional && !basis.settings.nat;
    let is_here = draft.found().is_some_and(|found| found.ip == Some(told.ip));
    let may_share = !is_here || basis.directory.has_shared_addresses();
    draft.takes_address = may_take && may_share && basis.directory.is_shared(told.ip, &device.id);
    set_configured(draft, basis);
}

/// Copies what the device lacks.
fn fill(draft: &mut Draft, told: &Told<'_>) {
    if let Some(mac) = told.mac.filter(|_| draft.device().mac.is_none()) {
        draft.edit().mac = Some(mac);
    }
    fill_text(draft, told.sn, |device| &mut device.sn, |device| &device.sn);
    fill_text(draft, told.uuid, |device| &mut device.uuid, |device| &device.uuid);
    fill_text(draft, told.vendor, |device| &mut device.vendor, |device| &device.vendor);
    fill_text(draft, told.model, |device| &mut device.model, |device| &device.model);
}

fn fill_text(
    draft: &mut Draft,
    told: Option<&[u8]>,
    slot: fn(&mut Device) -> &mut Option<Text>,
    value: fn(&Device) -> &Option<Text>,
) {
    if let Some(told) = told.filter(|_| value(draft.device()).is_none()) {
        *slot(draft.edit()) = Some(told::text(told));
    }
}

/// Address and version are the phone's to say. An equal value is no change.
fn follow(draft: &mut Draft, told: &Told<'_>) {
    if draft.device().ip != Some(told.ip) {
        draft.edit().ip = Some(told.ip);
    }
    let is_other = |told: &&[u8]| match &draft.device().version {
        Some(stored) => !told::is(told, stored),
        None => true,
    };
    if let Some(version) = told.version.filter(is_other) {
        draft.edit().version = Some(told::text(version));
    }
}

/// A device that tells who it is, is provisional no longer, and takes in what stood for it: the
/// provisional one at its address, or what earlier requests made of its serial number alone.
fn settle(draft: &mut Draft, told: &Told<'_>, basis: &Basis<'_>) {
    if draft.device().provisional && !told.is_bare() {
        draft.edit().provisional = false;
        draft.edit().config = None;
    }
    let device = draft.device();
    if device.provisional {
        return;
    }
    let here = basis.directory.provisional_count_at(told.ip) > 0;
    let others = here.then(|| basis.directory.provisional_at(told.ip)).into_iter().flatten();
    let is_ours = |other: &Device| basis.standing(other) != Standing::Foreign;
    let others = others.filter(|other| other.id != device.id && may_be_same(device, other));
    let mut others = others.filter(|other| is_ours(other));
    // Of several that may be this phone, none is taken for it.
    let stand_in = others.next().filter(|_| others.next().is_none());
    let has_it = |found: &Device| match (&found.sn, told.sn) {
        (Some(stored), Some(told)) => told::is(told, stored),
        _ => false,
    };
    let is_alone = !basis.directory.has_shared_serials() && draft.found().is_some_and(has_it);
    let twin = || basis.directory.twin_by_serial(&told::utf8(told.sn?), &device.id);
    let may_have_twin = told.mac.is_some() && !is_alone;
    let twin = || if may_have_twin { twin().filter(|twin| is_ours(twin)) } else { None };
    let Some(stand_in) = stand_in.or_else(twin) else { return };
    let is_lacking = device.vendor.is_none() || device.model.is_none() || device.version.is_none();
    if is_lacking {
        let device = draft.edit();
        device.vendor = device.vendor.take().or_else(|| stand_in.vendor.clone());
        device.model = device.model.take().or_else(|| stand_in.model.clone());
        device.version = device.version.take().or_else(|| stand_in.version.clone());
    }
    draft.merged = Some(stand_in.id.clone());
}

/// Gives a plugin to a device without one, by what this request tells, and where it tells nothing,
/// by what earlier ones told.
fn associate(draft: &mut Draft, told: &Told<'_>, basis: &Basis<'_>) {
    let device = draft.device();
    if device.plugin.is_some() {
        return;
    }
    let stored = |text: &Option<Text>| text.as_ref().map(|text| text.as_bytes().to_vec());
    let vendor = stored(&device.vendor);
    // Another vendor's model says nothing.
    let is_same = told.vendor.is_none() || told.vendor == vendor.as_deref();
    let model = stored(&device.model).filter(|_| is_same);
    let version = stored(&device.version).filter(|_| is_same);
    let info = Info {
        vendor: told.vendor.or(vendor.as_deref()),
        model: told.model.or(model.as_deref()),
        version: told.version.or(version.as_deref()),
    };
    if let Some(release) = basis.plugins.associate(&info) {
        draft.edit().plugin = Some(release.id().clone());
    }
}

/// Gives a configuration to a device without one: a copy of the template, or the template itself
/// where the device is not going to be stored.
fn give_config(draft: &mut Draft, basis: &Basis<'_>, ids: &mut Ids) {
    if draft.device().config.is_some() {
        return;
    }
    let template = basis.configs.template().filter(|template| template.has_line);
    let Some(template) = template else { return };
    if draft.device().provisional || !draft.is_kept() {
        draft.edit().config = Some(template.id.clone());
        return;
    }
    if let Some(config) = template.autocreate(&ids.uuid()) {
        draft.edit().config = Some(config.id.clone());
        draft.config = Some(config);
    }
}

/// A device whose files depend on something new is as good as its plugin and configuration.
fn set_configured(draft: &mut Draft, basis: &Basis<'_>) {
    let device = draft.device();
    let is_as_found = |found: &Device| std::ptr::eq(found, device) || !files_differ(found, device);
    if draft.found().is_some_and(is_as_found) {
        return;
    }
    let has_plugin =
        device.plugin.as_ref().is_some_and(|plugin| basis.plugins.release(plugin).is_some());
    let has_config = draft.config.is_some()
        || device.config.as_ref().is_some_and(|config| basis.configs.get(config).is_some());
    let configured = has_plugin && has_config;
    if configured != device.configured {
        draft.edit().configured = configured;
    }
}

/// Whether something differs that files are made from (spec section 2.6).
pub fn files_differ(old: &Device, new: &Device) -> bool {
    old.plugin != new.plugin
        || old.config != new.config
        || old.mac != new.mac
        || old.uuid != new.uuid
        || old.vendor != new.vendor
        || old.model != new.model
        || old.version != new.version
        || old.extra.get("options") != new.extra.get("options")
}

/// The phone takes its configuration: the SIP user name that it now has is noted (spec 1.5).
pub fn note_sip_username(draft: &mut Draft, basis: &Basis<'_>) {
    let device = draft.device();
    if !device.configured {
        return;
    }
    let kept = match (&draft.config, &device.config) {
        (None, Some(id)) => basis.configs.get(id),
        _ => None,
    };
    let config = draft.config.as_ref().or(kept.as_deref());
    let username = config.and_then(|config| config.sip_username.as_ref());
    if username.is_some() && username != device.remote_state_sip_username.as_ref() {
        let username = username.cloned();
        draft.edit().remote_state_sip_username = username;
    }
}
