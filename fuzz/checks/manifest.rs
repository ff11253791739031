//! Any text is a plugin that works or a list of mistakes with their lines, and none of it panics.

use ringboot::device::{Device, Document, Mac};
use ringboot::plugin::{Info, Plugins, RenderError};
use ringboot::query::{Query, Source};
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

const TEMPLATE: &str = "{{ mac }} {{ sip_lines['1'].username }} {{ X_note }}\n";
const TEMPLATES: [&str; 3] = ["config.tpl", "profile.tpl", "common.tpl"];
const FILES_MAX: usize = 32;

thread_local! {
    static FOLDER: Folder = Folder::new();
}

/// A vendor's folder, whose manifest is written anew for each input.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let thread = std::thread::current().id();
        let name = format!("ringboot-manifest-{}-{thread:?}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let templates = folder.join("vendor/templates");
        fs::create_dir_all(&templates).expect("a folder");
        for name in TEMPLATES {
            fs::write(templates.join(name), TEMPLATE).expect("a template");
        }
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Says whether `input` is a manifest that can be used.
pub fn check(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let loaded = FOLDER.with(|folder| {
        fs::write(folder.0.join("vendor/plugin.toml"), text).expect("a manifest");
        Plugins::load(&folder.0)
    });
    match loaded {
        Ok(plugins) => {
            check_plugins(&plugins);
            true
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            let lines = text.lines().count() + 1;
            for error in errors.0.iter().filter(|error| error.file.ends_with("plugin.toml")) {
                assert!((1..=lines).contains(&error.line), "{error}");
            }
            false
        }
    }
}

fn check_plugins(plugins: &Plugins) {
    let mac = Mac([0x80, 0x5e, 0xc0, 0xaa, 0xbb, 0xcc]);
    let [mut scratch, mut other] = [plugins.scratch(), plugins.scratch()];
    for (path, agent) in [
        ("/805ec0aabbcc.cfg", "Yealink SIP-T46U 108.86.0.20 80:5e:c0:aa:bb:cc"),
        ("/805ec0aabbcc.xml", "Cisco/SPA508G-7.4.8a (805EC0AABBCC)(CBT141400UK)"),
        ("/000000000000.cfg", "\u{7f}"),
    ] {
        let query = Query {
            source: Source::Http,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            key: None,
            path: path.as_bytes(),
            name: &path.as_bytes()[1..],
            args: b"",
            agent: Some(agent.as_bytes()),
            form: None,
            vendor_class: None,
            mac: None,
        };
        let told = plugins.extract(&query, &mut scratch);
        assert_eq!(plugins.extract(&query, &mut other), told);
        let file = Query { source: Source::Tftp, agent: None, ..query };
        let _ = plugins.extract(&file, &mut other);
        let model = told.model;
        let info = Info { vendor: told.vendor, model, version: told.version };
        if let Some(winner) = plugins.associate(&info) {
            assert!(plugins.release(winner.id()).is_some());
        }
        let model = model.and_then(|model| std::str::from_utf8(model).ok()).map(Into::into);
        check_files(plugins, &Device { mac: Some(mac), model, ..Device::default() });
    }
}

/// What is made, is made the same again.
fn check_files(plugins: &Plugins, device: &Device) {
    let raw: Document =
        serde_json::from_str(r#"{"ip":"192.0.2.1","sip_lines":{"1":{"username":"alice"}}}"#)
            .expect("an object");
    for release in plugins.releases().iter().take(2) {
        for (path, file) in release.device_files(device).into_iter().take(FILES_MAX) {
            let _ = release.route(path.as_bytes(), device);
            let made = release.render(file, device, &raw);
            if !matches!(made, Err(RenderError::Template(_))) {
                assert_eq!(release.render(file, device, &raw), made);
            }
        }
        for (_, file) in release.common_files().take(FILES_MAX) {
            let _ = release.render_common(file, &raw);
        }
    }
}
