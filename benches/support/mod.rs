//! A server's memory without a server: the real plugins, known phones by the million, no disk.

use ringboot::device::{Config, Device, Document, Mac};
use ringboot::identify::Settings;
use ringboot::plugin::{FileId, Plugins, Release};
use ringboot::query::{Query, Source};
use ringboot::store::{Store, StoreError, Write};
use ringboot::world::World;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

/// Phones of a fleet that are asked for in turn: more than the caches nearest to a core hold.
const PICKS_MAX: u32 = 65_536;

/// Whether this run measures. Inside the tests each step runs once, and everything is small.
pub fn is_large() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// The vendors' plugins.
pub fn plugins() -> Plugins {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    Plugins::load(&folder).unwrap_or_else(|errors| panic!("{errors}"))
}

/// So many of the vendors' plugins, those of [`KINDS`] first, and where there are not as many,
/// copies whose phones say something else in front of what the real ones say.
pub fn plugins_of(vendors: usize) -> Plugins {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    let copies = std::env::temp_dir().join(format!("ringboot-bench-{}", std::process::id()));
    let mut folders: Vec<_> = std::fs::read_dir(&real)
        .expect("the plugins")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.sort_by_key(|folder| {
        let name = folder.file_name().expect("a name").to_owned();
        (!KIND_FOLDERS.iter().any(|kind| name == *kind), name)
    });
    for (number, folder) in (0..vendors).zip(folders.iter().cycle()) {
        let copy = copies.join(number.to_string());
        std::fs::create_dir_all(&copy).expect("a folder");
        let manifest = std::fs::read_to_string(folder.join("plugin.toml")).expect("a manifest");
        let manifest = if number < folders.len() { manifest } else { renamed(&manifest, number) };
        std::fs::write(copy.join("plugin.toml"), manifest).expect("a manifest");
        std::os::unix::fs::symlink(folder.join("templates"), copy.join("templates"))
            .expect("a link");
    }
    let plugins = Plugins::load(&copies).unwrap_or_else(|errors| panic!("{errors}"));
    std::fs::remove_dir_all(&copies).expect("a folder");
    plugins
}

/// A manifest for another vendor, with other ids and other patterns.
fn renamed(manifest: &str, number: usize) -> String {
    let mut copy = String::with_capacity(manifest.len() + 1024);
    for line in manifest.lines() {
        let is_pattern = ["agent = '", "path = '", "args = '", "file = '", "vendor_class = '"];
        let line = if is_pattern.iter().any(|start| line.starts_with(start)) {
            let (key, pattern) = line.split_once('\'').expect("a quote");
            let (pattern, end) = pattern.rsplit_once('\'').expect("a quote");
            let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
            format!("{key}'^V{number}-(?:{pattern})'{end}")
        } else if line.starts_with("vendor = \"") || line.starts_with("set = {") {
            line.replacen("vendor = \"", &format!("vendor = \"V{number} "), 1)
        } else if line.starts_with("prefix = \"") {
            line.replacen("prefix = \"", &format!("prefix = \"v{number}-"), 1)
        } else {
            line.to_owned()
        };
        copy.push_str(&line);
        copy.push('\n');
    }
    copy
}

/// One of the flattened configurations that the golden files are made of.
pub fn settings(variant: &str) -> Document {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/tools/raw/{variant}.json"));
    object(&std::fs::read_to_string(file).expect("a flattened configuration"))
}

/// An HTTP request without HTTP.
pub fn http<'a>(ip: IpAddr, path: &'a str, agent: &'a str) -> Query<'a> {
    Query {
        source: Source::Http,
        ip,
        key: None,
        path: path.as_bytes(),
        name: path.trim_start_matches('/').as_bytes(),
        args: b"",
        agent: Some(agent.as_bytes()),
        form: None,
        vendor_class: None,
        mac: None,
    }
}

/// A read request without TFTP.
pub fn tftp(ip: IpAddr, path: &str) -> Query<'_> {
    Query { source: Source::Tftp, agent: None, ..http(ip, path, "") }
}

/// A maker's phone.
pub struct Kind {
    /// Maker, in the plugins' spelling.
    pub vendor: &'static str,
    /// Plugin that serves it.
    pub plugin: &'static str,
    /// Model, in the plugins' spelling.
    pub model: &'static str,
    /// Firmware version.
    pub version: &'static str,
    oui: [u8; 3],
    agent: fn(Mac) -> String,
    own: fn(Mac) -> String,
}

/// Their folders.
const KIND_FOLDERS: [&str; 4] = ["aastra", "cisco-spa", "polycom", "yealink"];

/// A phone of each maker.
pub const KINDS: [Kind; 4] = [
    Kind {
        vendor: "Yealink",
        plugin: "wazo-yealink-v86",
        model: "T46U",
        version: "108.86.0.20",
        oui: [0x80, 0x5e, 0xc0],
        agent: |mac| format!("Yealink SIP-T46U 108.86.0.20 {mac}"),
        own: |mac| format!("/{}.cfg", mac.format("", false)),
    },
    Kind {
        vendor: "Polycom",
        plugin: "wazo-polycom-5.9.2",
        model: "VVX400",
        version: "5.9.7.4477",
        oui: [0x00, 0x04, 0xf2],
        agent: |_| "FileTransport PolycomVVX-VVX_400-UA/5.9.7.4477 Type/Application".to_owned(),
        own: |mac| format!("/{}-user.cfg", mac.format("", false)),
    },
    Kind {
        vendor: "Aastra",
        plugin: "wazo-aastra-4.3.0",
        model: "6873i",
        version: "4.3.0.2036",
        oui: [0x00, 0x08, 0x5d],
        agent: |mac| format!("Aastra6873i MAC:{} V:4.3.0.2036-SIP", mac.format("-", true)),
        own: |mac| format!("/Aastra/{}.cfg", mac.format("", true)),
    },
    Kind {
        vendor: "Cisco",
        plugin: "wazo-cisco-spa-7.5.5",
        model: "SPA504G",
        version: "7.5.5",
        oui: [0x00, 0x26, 0x99],
        agent: |mac| format!("Cisco/SPA504G-7.5.5 ({})({})", mac.format("", true), serial(mac)),
        own: |mac| format!("/{}.xml", mac.format("", false)),
    },
];

/// A phone and what it asks.
pub struct Phone {
    /// Its hardware address.
    pub mac: Mac,
    /// Its address.
    pub ip: IpAddr,
    /// Its User-Agent.
    pub agent: String,
    /// Path of its own file.
    pub own: String,
}

impl Phone {
    /// The phone of this number; a quarter of all is of each kind.
    pub fn new(number: u32) -> Phone {
        let kind = kind_of(number);
        let [_, a, b, c] = number.to_be_bytes();
        let mac = Mac([kind.oui[0], kind.oui[1], kind.oui[2], a, b, c]);
        let ip = IpAddr::from(Ipv4Addr::new(10, a, b, c));
        Phone { mac, ip, agent: (kind.agent)(mac), own: (kind.own)(mac) }
    }

    /// What it asks: its own file.
    pub fn query(&self) -> Query<'_> {
        http(self.ip, &self.own, &self.agent)
    }
}

/// The serial number of a Cisco phone.
pub fn serial(mac: Mac) -> String {
    format!("CBT{}", &mac.format("", true)[4..])
}

/// The kind of the phone of this number.
pub fn kind_of(number: u32) -> &'static Kind {
    &KINDS[number as usize % KINDS.len()]
}

/// A world with `count` known phones, each with a configuration of its own over the shared ones.
pub fn world(count: u32) -> World {
    world_with(plugins(), count)
}

/// The same with other plugins.
pub fn world_with(plugins: Plugins, count: u32) -> World {
    let own = object(
        r#"{"ip":"192.0.2.1","http_port":8667,"tftp_port":69,"http_base_url":"http://192.0.2.1"}"#,
    );
    let (world, _) = World::open(Arc::new(NoDisk), plugins, Settings::default(), own)
        .expect("a store that works");
    for text in [
        r#"{"id":"base","parent_ids":[],"deletable":false,"raw_config":{"ntp_enabled":true,
            "ntp_ip":"192.0.2.123","sip_proxy_ip":"192.0.2.20","sip_registrar_ip":"192.0.2.22",
            "locale":"de_DE","timezone":"Europe/Berlin","admin_username":"admin",
            "admin_password":"777333"}}"#,
        r#"{"id":"defaultconfigdevice","parent_ids":[],"raw_config":{},"X_type":"device"}"#,
        r#"{"id":"autoprov","parent_ids":["base","defaultconfigdevice"],"role":"autocreate",
            "deletable":false,"raw_config":{"sip_lines":{"1":{"username":"apmy3dCQDw",
            "password":"l7AHsYTqzQ","display_name":"Autoprov"}}}}"#,
    ] {
        world.configs.restore(config(text));
    }
    let tenant = Settings::default().master_tenant;
    for number in 0..count {
        let (kind, phone) = (kind_of(number), Phone::new(number));
        let (name, number) = (format!("phone-{number}"), 100_000 + number);
        world.configs.restore(config(&format!(
            r#"{{"id":"{name}","parent_ids":["base"],"raw_config":{{"sip_lines":{{"1":{{
                "username":"u{number}","password":"p{number}","number":"{number}",
                "display_name":"Phone {number}"}}}},
                "funckeys":{{"1":{{"type":"blf","value":"2002","label":"Bob"}}}}}}}}"#
        )));
        world.directory.restore(Device {
            id: name.as_str().into(),
            mac: Some(phone.mac),
            ip: Some(phone.ip),
            sn: (kind.vendor == "Cisco").then(|| serial(phone.mac).into()),
            vendor: Some(kind.vendor.into()),
            model: Some(kind.model.into()),
            version: Some(kind.version.into()),
            plugin: Some(kind.plugin.into()),
            config: Some(name.as_str().into()),
            configured: true,
            tenant_uuid: Some(tenant.clone()),
            is_new: true,
            remote_state_sip_username: Some(format!("u{number}").into()),
            ..Device::default()
        });
    }
    world
}

/// Phones of a fleet of `count`, far from each other.
pub fn picks(count: u32) -> Vec<Phone> {
    // Odd, so that a power of two is walked through whole; a prime that no count is a multiple of.
    let stride = 7919;
    (0..count.min(PICKS_MAX)).map(|pick| Phone::new((pick * stride) % count)).collect()
}

/// The largest file that a vendor's releases make of these settings for a phone.
pub struct Largest {
    /// The release.
    pub release: Arc<Release>,
    /// The phone.
    pub device: Device,
    /// The file.
    pub file: FileId,
    /// Its size in bytes.
    pub bytes: usize,
}

/// Looks through all models of all releases of a vendor; `phone` gives the MAC.
pub fn largest(plugins: &Plugins, vendor: &str, settings: &Document, phone: &Phone) -> Largest {
    let mut largest: Option<Largest> = None;
    for release in plugins.releases().iter().filter(|release| **release.vendor() == *vendor) {
        let mut models: Vec<_> = release.models().map(|(model, _)| model).collect();
        models.sort_unstable();
        for model in models {
            let device = Device {
                id: "largest".into(),
                mac: Some(phone.mac),
                vendor: Some(vendor.into()),
                model: Some(model.into()),
                ..Device::default()
            };
            for (_, file) in release.device_files(&device) {
                let made = release.render(file, &device, settings);
                let bytes = made.map_or(0, |bytes| bytes.len());
                if largest.as_ref().is_none_or(|largest| largest.bytes < bytes) {
                    let (release, device) = (Arc::clone(release), device.clone());
                    largest = Some(Largest { release, device, file, bytes });
                }
            }
        }
    }
    largest.expect("a vendor makes files")
}

fn object(text: &str) -> Document {
    serde_json::from_str(text).expect("a JSON object")
}

fn config(text: &str) -> Config {
    Config::from_stored(object(text)).expect("a configuration")
}

/// Keeps nothing, and is always fast enough.
struct NoDisk;

impl Store for NoDisk {
    fn load(&self, _take: &mut dyn FnMut(Write)) -> Result<(), StoreError> {
        Ok(())
    }

    fn commit(&self, _batch: &[Write]) -> Result<(), StoreError> {
        Ok(())
    }
}
