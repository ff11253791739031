//! Who asks and for which file: a pure function of the request and of what is known.
//!
//! ```text
//! told   = extract(query)       what the request tells: mac, sn, uuid, vendor, model, version, ip
//! found  = retrieve(told)       mac, then serial, then uuid, then ip, else a new device
//! draft  = update(found, told)  fills gaps; address and version follow the phone
//! draft  = associate(draft)     a plugin only where there is none, from "probable" up
//! route  = route(query, draft)  which file of which plugin
//! ```
//!
//! A verdict may hold a change; it says what it rests on, and the directory refuses it when another
//! core was first. For a phone that is known and unchanged nothing is allocated.

mod draft;
mod ids;
mod retrieve;
mod tenant;
#[cfg(test)]
mod tests;
mod told;
mod update;
mod walkers;

pub use ids::Ids;
pub use update::files_differ;
pub use walkers::{Step, Walkers};

use std::sync::Arc;

use crate::device::{Device, Mac, Put, Text};
use crate::directory::{Configs, Directory, Grounds};
use crate::plugin::{Plugins, Release, Route, Scratch};
use crate::query::{Query, Source};
use draft::Draft;
use tenant::Standing;
use told::Told;

/// How phones are told apart and what their requests may change (spec section 1.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Phones may share an address: none loses it to another.
    pub nat: bool,
    /// Phones are found by MAC, serial number and address only, and none is added.
    pub secure_retriever: bool,
    /// Requests change nothing that is stored.
    pub secure_updater: bool,
    /// Unknown phones become devices.
    pub auto_add: bool,
    /// Tenant that new devices belong to.
    pub master_tenant: Text,
    /// Distinct unknown MACs of one source in a window before it is refused for a while.
    pub unknown_macs_max: usize,
    /// Phones' URLs begin with their tenant's key (spec section 4.4).
    pub url_key: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nat: false,
            secure_retriever: false,
            secure_updater: false,
            auto_add: true,
            master_tenant: Text::from("00000000-0000-4000-8000-000000000001"),
            unknown_macs_max: crate::limits::UNKNOWN_MACS_MAX,
            url_key: false,
        }
    }
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// All devices.
    pub directory: &'a Directory,
    /// All configurations.
    pub configs: &'a Configs,
    /// This turn's plugins.
    pub plugins: &'a Plugins,
    /// How phones are told apart.
    pub settings: &'a Settings,
    /// The tenant whose key the request showed; none where no key is asked for.
    pub tenant: Option<&'a Text>,
}

/// One core's memory for decisions.
#[derive(Debug)]
pub struct Memory {
    /// Search caches of the plugin set in use.
    pub scratch: Scratch,
    /// Names of new devices and configurations.
    pub ids: Ids,
}

/// What was decided of a request.
#[derive(Debug)]
pub struct Verdict<'a> {
    /// The phone, as it is or shall be.
    pub device: Option<Arc<Device>>,
    /// What shall change before this is true.
    pub change: Option<Box<Put>>,
    /// The file that is asked for.
    pub route: Route,
    /// The release that serves the phone over this transport.
    pub release: Option<&'a Release>,
    /// Whether the phone becomes a device by this request, and not just a provisional one.
    pub created: bool,
    /// A MAC that no device has, or another tenant's.
    pub unknown_mac: Option<Mac>,
    /// Whether the phone was last seen at another address.
    pub moved: bool,
    /// It is another tenant's, and its own file was asked for: nothing is given.
    pub is_barred: bool,
    /// It was nobody's, and becomes the tenant's whose key was shown.
    pub is_claimed: bool,
    /// Whether it would be the same with more devices in the directory.
    pub is_certain: bool,
    /// What it rests on, where nothing changes by it: while this stands it is the same again.
    pub grounds: Option<Grounds>,
}

/// Decides a request (spec section 1). Pure: it reads, and says what should change.
pub fn identify<'a>(query: &Query<'_>, basis: &Basis<'a>, memory: &mut Memory) -> Verdict<'a> {
    let sighting = basis.plugins.extract(query, &mut memory.scratch);
    let told = Told::of(&sighting);
    let mut grounds = told.grounds(basis);
    let found = retrieve::retrieve(&told, basis);
    if let Some(config) = found.device.as_ref().and_then(|device| device.config.as_deref()) {
        grounds = grounds.with_config(basis.configs, config);
    }
    let is_certain = found.is_certain;
    let moved = found.device.as_ref().is_some_and(|d| d.ip.is_some_and(|ip| ip != told.ip));
    let is_new = found.device.is_none();
    let may_change = is_new || !basis.settings.secure_updater;
    let (is_foreign, is_claimed) = match found.device.as_ref().map(|d| basis.standing(d)) {
        Some(Standing::Foreign) => (true, false),
        Some(Standing::Unclaimed) => (!may_change, may_change),
        Some(Standing::Own) | None => (false, false),
    };
    let is_unknown = is_foreign || (found.absent.mac && is_new);
    let unknown_mac = told.mac.filter(|_| is_unknown);
    let may_add = basis.settings.auto_add && !basis.settings.secure_retriever;
    if is_new && !may_add {
        return Verdict { unknown_mac, ..Verdict::nobody() };
    }
    let mut draft = Draft::new(found.device);
    if is_new {
        update::create(&mut draft, &told, basis, &mut memory.ids);
    }
    if is_claimed {
        update::claim(&mut draft, basis);
    }
    if may_change && !is_foreign {
        update::update(&mut draft, &told, basis, &mut memory.ids);
    }
    let (release, route) = route(query, draft.device(), basis);
    let is_barred = is_foreign && route.is_private();
    let (release, route) =
        if is_barred { (None, Route::Missing { sensitive: false }) } else { (release, route) };
    if matches!(route, Route::Device { trigger: true, .. }) {
        update::note_sip_username(&mut draft, basis);
    }
    let was_known = draft.found().is_some_and(|found| !found.provisional);
    let created = !was_known && !draft.device().provisional && draft.is_kept();
    let (device, change) = draft.finish(found.absent);
    // Whom a tenant's key reaches depends on more documents than those of the phone, and who has no
    // configuration may be given one as soon as there is a template.
    let has_all = device.config.is_some() && !device.provisional && basis.tenant.is_none();
    let is_repeatable = has_all && change.is_none() && is_certain && !moved;
    Verdict {
        grounds: Some(grounds).filter(|_| is_repeatable),
        device: Some(device),
        change,
        route,
        release,
        created,
        unknown_mac,
        moved,
        is_barred,
        is_claimed,
        is_certain,
    }
}

impl Verdict<'_> {
    fn nobody() -> Self {
        Verdict {
            device: None,
            change: None,
            route: Route::Missing { sensitive: false },
            release: None,
            created: false,
            unknown_mac: None,
            moved: false,
            is_barred: false,
            is_claimed: false,
            is_certain: false,
            grounds: None,
        }
    }
}

/// Which file of which release (spec section 1.6).
fn route<'a>(
    query: &Query<'_>,
    device: &Device,
    basis: &Basis<'a>,
) -> (Option<&'a Release>, Route) {
    let missing = Route::Missing { sensitive: false };
    if query.source == Source::Dhcp {
        return (None, missing);
    }
    let plugins: &'a Plugins = basis.plugins;
    let release = device.plugin.as_deref().and_then(|plugin| plugins.release(plugin));
    let Some(release) = release.filter(|release| release.serves(query.source)) else {
        return (None, missing);
    };
    (Some(release), release.route(query.name, device))
}
