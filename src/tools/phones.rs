//! The page of phones: vendors, releases, models, and which settings reach their files.

use std::fmt::Write as _;

use super::cases::{MAC, UUID, device, variant};
use crate::device::{Document, raw};
use crate::plugin::{Plugins, Release};
use crate::query::Source;

/// A feature, the keys of a configuration that say it, and those of a line.
type Feature = (&'static str, &'static [&'static str], &'static [&'static str]);

const FEATURES: [Feature; 14] = [
    ("keys", &["funckeys"], &[]),
    ("zone", &["timezone"], &[]),
    ("language", &["locale"], &[]),
    ("transport", &["sip_transport"], &[]),
    ("SRTP", &["sip_srtp_mode"], &["srtp_mode"]),
    ("DTMF", &["sip_dtmf_mode"], &["dtmf_mode"]),
    (
        "backup",
        &["sip_backup_proxy_ip", "sip_backup_registrar_ip"],
        &["backup_proxy_ip", "backup_registrar_ip"],
    ),
    ("voicemail", &["exten_voicemail"], &["voicemail"]),
    ("VLAN", &["vlan_enabled", "vlan_id", "vlan_priority", "vlan_pc_port_id"], &[]),
    ("NTP", &["ntp_enabled", "ntp_ip"], &[]),
    ("syslog", &["syslog_enabled", "syslog_ip", "syslog_level", "syslog_port"], &[]),
    ("directory", &["X_xivo_phonebook_ip", "X_xivo_user_uuid"], &[]),
    ("accounts", &["admin_username", "admin_password", "user_username", "user_password"], &[]),
    ("pickup", &["exten_pickup_call", "exten_pickup_group"], &[]),
];

/// The page, in Markdown. What is supported is what changes a file: each release's files are made
/// with a setting and without it.
pub fn page(plugins: &Plugins) -> String {
    let mut page = String::from(
        "# Phones\n\n\
         `ringboot plugin phones` writes this page from the plugins; nobody types it. A setting is \
         supported (●) where a file of the release is another with it than without it.\n",
    );
    let mut vendors: Vec<&str> = plugins.releases().iter().map(|r| &**r.vendor()).collect();
    vendors.sort_unstable();
    vendors.dedup();
    let all: usize = plugins.releases().iter().map(|release| release.models().count()).sum();
    let count = plugins.releases().len();
    let _ = writeln!(
        page,
        "\n{} vendors, {count} releases, {all} models (one that several releases have counts in \
         each).",
        vendors.len()
    );
    for vendor in vendors {
        let mut releases: Vec<&Release> =
            plugins.releases().iter().map(|r| &**r).filter(|r| &**r.vendor() == vendor).collect();
        releases.sort_by(|a, b| a.id().cmp(b.id()));
        let _ = write!(
            page,
            "\n## {vendor}\n\n| release | over | models and firmware |\n|---|---|---|\n"
        );
        for release in &releases {
            let _ =
                writeln!(page, "| `{}` | {} | {} |", release.id(), over(release), models(release));
        }
        let names: Vec<&str> = FEATURES.iter().map(|(name, ..)| *name).collect();
        let _ = write!(
            page,
            "\n| release | {} |\n|---|{}\n",
            names.join(" | "),
            ":-:|".repeat(names.len())
        );
        for release in releases {
            let marks = FEATURES.map(|feature| if supports(release, &feature) { "●" } else { "" });
            let _ = writeln!(page, "| `{}` | {} |", release.id(), marks.join(" | "));
        }
    }
    page
}

fn over(release: &Release) -> String {
    let served = [(Source::Http, "HTTP"), (Source::Tftp, "TFTP")];
    let served = served.into_iter().filter(|(source, _)| release.serves(*source));
    served.map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}

/// Models with the same wanted firmware stand together.
fn models(release: &Release) -> String {
    let mut models: Vec<(&str, &str)> = release.models().map(|(name, fw)| (fw, name)).collect();
    models.sort_unstable();
    let groups = models.chunk_by(|a, b| a.0 == b.0);
    let group = |group: &[(&str, &str)]| {
        let names = group.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
        if group[0].0.is_empty() { names } else { format!("{names} ({})", group[0].0) }
    };
    groups.map(group).collect::<Vec<_>>().join("; ")
}

/// Whether some file of some model is another without the feature's settings.
fn supports(release: &Release, (_, keys, line_keys): &Feature) -> bool {
    let mut models: Vec<&str> = release.models().map(|(name, _)| name).collect();
    models.sort_unstable();
    ["full", "alt", "sccp"].into_iter().any(|name| {
        let whole = variant(name).unwrap_or_default();
        let less = without(&whole, keys, line_keys);
        models.iter().any(|model| files(release, model, &whole) != files(release, model, &less))
    })
}

fn without(settings: &Document, keys: &[&str], line_keys: &[&str]) -> Document {
    let mut less = settings.clone();
    less.retain(|key, _| !keys.contains(&key.as_str()));
    let lines = less.get_mut("sip_lines").and_then(|lines| lines.as_object_mut());
    for line in lines.into_iter().flat_map(|lines| lines.values_mut()) {
        if let Some(line) = line.as_object_mut() {
            line.retain(|key, _| !line_keys.contains(&key.as_str()));
        }
    }
    less
}

fn files(release: &Release, model: &str, settings: &Document) -> Vec<Option<bytes::Bytes>> {
    let mut settings = settings.clone();
    raw::fill_defaults(&mut settings);
    let device = device(release, model, MAC, Some(UUID));
    let files = release.device_files(&device).into_iter();
    files.map(|(_, file)| release.render(file, &device, &settings).ok()).collect()
}
