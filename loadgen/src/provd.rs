//! A fleet as an installation of wazo-provd leaves it on the disk: a file a document, old
//! documents among them, templates of administrators, and the odd thing that nobody can read.

use crate::chance::Chance;
use crate::fleet::{Fleet, Member, shared_configs};
use crate::template;
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How many of so many phones are odd, each in its way: one in this many.
const ODD_EVERY: u64 = 100;
/// Phones that share a layer of settings, as the sites of a large installation do.
const SITE_PHONES: u64 = 500;

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// Files in the folder of devices.
    pub devices: u64,
    /// Files in the folder of configurations.
    pub configs: u64,
    /// Of both, those that are no documents.
    pub broken: u64,
    /// Administrators' templates.
    pub templates: u64,
}

/// Writes an installation into a folder that is empty or not there, below `var/lib/wazo-provd` and
/// `etc/wazo-provd`. The same fleet and seed make the same files.
///
/// # Errors
/// Where the disk does not take it.
pub fn write(fleet: &Fleet, tenant: &str, seed: u64, root: &Path) -> io::Result<Written> {
    let var = root.join("var/lib/wazo-provd");
    let mut installation = Installation {
        devices: var.join("jsondb/devices"),
        configs: var.join("jsondb/configs"),
        written: Written::default(),
        tenant,
    };
    fs::create_dir_all(&installation.devices)?;
    fs::create_dir_all(&installation.configs)?;
    for config in shared_configs() {
        installation.config(&config)?;
    }
    let mut plugins = std::collections::BTreeSet::new();
    for (index, member) in (0..).zip(&fleet.members) {
        let mut chance = Chance::of(seed, index);
        installation.member(index, member, &mut chance)?;
        plugins.extend(member.plugin.as_deref());
    }
    installation.surroundings(root, &plugins)?;
    Ok(installation.written)
}

struct Installation<'a> {
    devices: PathBuf,
    configs: PathBuf,
    written: Written,
    tenant: &'a str,
}

/// What is odd about a phone's documents.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Odd {
    /// Written by a release that knew no tenants.
    Old,
    /// Cut short by a crash.
    Torn,
    /// A byte that is no UTF-8.
    Bytes,
    /// The MAC as a person typed it.
    Typed,
    /// A plugin that no longer exists.
    Plugin,
    /// Its configuration is gone.
    Dangling,
    /// Another device with the same MAC.
    Twice,
    /// A name that its document does not say.
    Renamed,
    /// A configuration of a first contact that nobody cleaned up.
    Left,
    /// A setting that is none.
    Setting,
}

const ODDS: [Odd; 10] = [
    Odd::Old,
    Odd::Torn,
    Odd::Bytes,
    Odd::Typed,
    Odd::Plugin,
    Odd::Dangling,
    Odd::Twice,
    Odd::Renamed,
    Odd::Left,
    Odd::Setting,
];

impl Installation<'_> {
    fn member(&mut self, index: u64, member: &Member, chance: &mut Chance) -> io::Result<()> {
        let id = format!("{:016x}{:016x}", chance.next(), chance.next());
        let odd = (index % ODD_EVERY == ODD_EVERY - 1)
            .then(|| ODDS[usize::try_from(index / ODD_EVERY).unwrap_or(0) % ODDS.len()]);
        let site = self.site(index)?;
        let mut config = config(&id, &site, member);
        if odd == Some(Odd::Setting) {
            config["raw_config"]["colour"] = "blue".into();
        }
        if odd != Some(Odd::Dangling) {
            self.config(&config)?;
        }
        let mut device = device(&id, member, self.tenant);
        match odd {
            Some(Odd::Old) => {
                for key in ["tenant_uuid", "is_new", "configured"] {
                    device.shift_remove(key);
                }
            }
            Some(Odd::Typed) => {
                device.insert("mac".to_owned(), member.mac.format("-", true).into());
            }
            Some(Odd::Plugin) => {
                device.insert("plugin".to_owned(), "xivo-yealink-v70".into());
            }
            Some(Odd::Renamed) => {
                device.insert("id".to_owned(), "another".into());
            }
            Some(Odd::Twice) => {
                let mut twin = device.clone();
                twin.insert("id".to_owned(), format!("{id}-2").into());
                self.device(&format!("{id}-2"), Value::Object(twin).to_string().as_bytes())?;
            }
            Some(Odd::Left) => {
                let left = json!({
                    "id": format!("autoprov{id}"), "parent_ids": ["autoprov"],
                    "raw_config": {}, "transient": true,
                });
                self.config(&left)?;
            }
            _ => {}
        }
        let mut text = Value::Object(device).to_string().into_bytes();
        match odd {
            Some(Odd::Torn) => text.truncate(text.len() / 2),
            Some(Odd::Bytes) => text[2] = 0xe9,
            _ => {}
        }
        self.written.broken += u64::from(matches!(odd, Some(Odd::Torn | Odd::Bytes)));
        self.device(&id, &text)
    }

    /// The layer of the site that a phone is at.
    fn site(&mut self, index: u64) -> io::Result<String> {
        let id = format!("site-{}", index / SITE_PHONES);
        if index.is_multiple_of(SITE_PHONES) {
            self.config(&json!({
                "id": id, "X_type": "registrar", "parent_ids": [], "deletable": true,
                "registrar_main": "192.0.2.1", "proxy_main": "192.0.2.1",
                "raw_config": {"X_key": "xivo"},
            }))?;
        }
        Ok(id)
    }

    fn device(&mut self, id: &str, text: &[u8]) -> io::Result<()> {
        self.written.devices += 1;
        fs::write(self.devices.join(id), text)
    }

    fn config(&mut self, config: &Value) -> io::Result<()> {
        self.written.configs += 1;
        let id = config["id"].as_str().unwrap_or_default();
        fs::write(self.configs.join(id), config.to_string())
    }

    /// Parameters, settings that all have, and plugins with templates of administrators.
    fn surroundings(
        &mut self,
        root: &Path,
        plugins: &std::collections::BTreeSet<&str>,
    ) -> io::Result<()> {
        let var = root.join("var/lib/wazo-provd");
        let tenants = json!({self.tenant: {"provisioning_key": "synthetic-key-1"}});
        let parameters = json!({"NAT": "1", "locale": "fr_FR", "tenants": tenants});
        fs::write(var.join("app.json"), parameters.to_string())?;
        for plugin in plugins.iter().copied().chain(["xivo-yealink-v70"]) {
            let var = var.join("plugins").join(plugin).join("var");
            fs::create_dir_all(var.join("templates"))?;
            fs::create_dir_all(var.join("installed"))?;
            let text = "{% extends 'base.tpl' %}\n{# the administrator's #}\n";
            fs::write(var.join("templates/site.tpl"), text)?;
            fs::write(var.join("installed/firmware"), r#"{"id":"firmware"}"#)?;
            self.written.templates += 1;
        }
        let etc = root.join("etc/wazo-provd");
        fs::create_dir_all(&etc)?;
        fs::write(etc.join("base_raw_config.json"), r#"{"X_comment":"all phones"}"#)?;
        let settings = "general:\n  advertised_http_url: http://192.0.2.1:8667\n";
        fs::write(etc.join("config.yml"), settings)
    }
}

fn device(id: &str, member: &Member, tenant: &str) -> Map<String, Value> {
    let address = member.address.map(|address| address.to_string());
    let plugin = member.plugin.as_deref();
    let mut device = Map::new();
    for (key, value) in [
        ("mac", Some(member.mac.to_string())),
        ("ip", address),
        ("model", Some(member.model.clone())),
        ("version", Some(member.version.clone())),
        ("plugin", plugin.map(str::to_owned)),
        ("uuid", member.has_uuid.then(|| template::uuid(member.mac))),
        ("config", Some(id.to_owned())),
        ("tenant_uuid", Some(tenant.to_owned())),
    ] {
        if let Some(value) = value {
            device.insert(key.to_owned(), value.into());
        }
    }
    device.insert("options".to_owned(), json!({"switchboard": false}));
    device.insert("configured".to_owned(), plugin.is_some().into());
    device.insert("is_new".to_owned(), false.into());
    device.insert("id".to_owned(), id.into());
    device
}

fn config(id: &str, site: &str, member: &Member) -> Value {
    let credentials = &member.credentials;
    json!({
        "parent_ids": ["base", "defaultconfigdevice", site],
        "raw_config": {
            "protocol": "SIP",
            "sip_lines": {"1": {
                "username": credentials.username, "auth_username": credentials.username,
                "password": credentials.password, "number": credentials.number,
                "display_name": format!("Phone {}", credentials.number),
                "proxy_ip": "192.0.2.1", "registrar_ip": "192.0.2.1",
            }},
            "funckeys": {"1": {"type": "speeddial", "value": "*98", "label": "Voicemail",
                "line": "1"}},
            "exten_dnd": "*25", "exten_fwd_unconditional": "*21", "exten_voicemail": "*98",
            "X_xivo_user_uuid": id,
        },
        "deletable": true, "transient": false, "X_type": "device", "id": id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Recipe, TENANT};
    use crate::mix::Mix;
    use crate::profile::Profiles;

    #[test]
    fn an_installation_has_a_file_a_document() {
        let plugins = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins"));
        let profiles = Profiles::load(plugins).expect("our plugins");
        let mix = Mix::even(&profiles);
        let recipe = Recipe { count: 1000, mix, seed: 1, spread: true };
        let fleet = Fleet::generate(&profiles, &recipe).expect("a fleet");
        let root = std::env::temp_dir().join(format!("ringboot-provd-{}", std::process::id()));
        let written = write(&fleet, TENANT, 1, &root).expect("room on the disk");
        let count =
            |folder: &str| fs::read_dir(root.join(folder)).expect("a folder").count() as u64;
        assert_eq!(count("var/lib/wazo-provd/jsondb/devices"), written.devices);
        assert_eq!(count("var/lib/wazo-provd/jsondb/configs"), written.configs);
        assert_eq!((written.devices, written.broken), (1001, 2));
        // Three shared ones, two sites, one that is left over, and one that is gone.
        assert_eq!(written.configs, 1000 + 3 + 2 + 1 - 1);
        fs::remove_dir_all(&root).expect("it is there");
    }
}
