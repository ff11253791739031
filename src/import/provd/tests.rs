//! Whole installations, small ones: what they hold is here afterwards, or in the report.

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Fact, Report, Wanted, import};
use crate::export;
use crate::import::ImportError;
use crate::plugin::Plugins;
use crate::settings::Settings;
use crate::store::{Rocks, StoreError};

const TENANT: &str = "2c34c282-433e-4bb8-8d56-fec14ff7e1e9";
const PLUGIN: &str = "wazo-yealink-v86";

struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Place {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringboot-moving-{}-{count}", std::process::id());
        let place = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(place.var().join("jsondb")).expect("room on the disk");
        place
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    fn var(&self) -> PathBuf {
        self.root().join("var/lib/wazo-provd")
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("room on the disk");
        fs::write(path, text).expect("room on the disk");
    }

    fn device(&self, id: &str, document: &Value) {
        self.write(&format!("var/lib/wazo-provd/jsondb/devices/{id}"), document.to_string());
    }

    fn config(&self, id: &str, document: &Value) {
        self.write(&format!("var/lib/wazo-provd/jsondb/configs/{id}"), document.to_string());
    }

    fn settings(&self) -> Settings {
        Settings { data_dir: self.0.join("data"), ..Settings::default() }
    }

    fn wanted(&self) -> Wanted {
        Wanted { folder: self.root(), is_dry: false, overwrites: false }
    }

    fn try_import(&self, wanted: &Wanted) -> Result<Report, ImportError> {
        let plugins = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins");
        let plugins = Plugins::load(Path::new(plugins)).expect("our plugins");
        import(wanted, &self.settings(), &plugins, &mut |_, done, all| assert!(done <= all))
    }

    fn import(&self) -> Report {
        self.try_import(&self.wanted()).expect("an installation")
    }

    fn export(&self) -> String {
        let mut out = Vec::new();
        export::write(&self.settings().store_dir(), &mut out).expect("a store");
        String::from_utf8(out).expect("JSON")
    }

    fn stored(&self, kind: &str, id: &str) -> Value {
        let export = self.export();
        let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let mut all = lines.filter_map(|mut line| Some(line.get_mut(kind)?.take()));
        all.find(|document| document["id"] == id).unwrap_or_default()
    }

    /// Three configurations and a phone, as they are after years of use.
    fn fill(&self) {
        let line = json!({"1": {"username": "u", "password": "p"}});
        self.config(
            "base",
            &json!({"id": "base", "parent_ids": [], "raw_config": {
            "X_key": 1, "http_port": "8667"}, "X_type": "internal", "deletable": false}),
        );
        self.config(
            "autoprov",
            &json!({"parent_ids": ["base"], "id": "autoprov",
            "role": "autocreate", "raw_config": {"sip_lines": line}}),
        );
        self.config(
            "c1",
            &json!({"id": "c1", "parent_ids": ["base", "gone"], "raw_config": {
            "sip_lines": line}, "transient": true}),
        );
        self.device(
            "d1",
            &json!({"id": "d1", "mac": "00:15:65:4a:a9:37", "config": "c1",
            "plugin": PLUGIN, "configured": true, "is_new": false, "tenant_uuid": TENANT,
            "options": {"switchboard": true}, "X_note": [null]}),
        );
    }
}

#[test]
fn an_installation_moves_in_once() {
    let place = Place::new();
    place.fill();
    let first = place.import();
    assert!(!first.has_left_out(), "{first}");
    assert_eq!((first.devices.new, first.configs.new), (1, 3));
    assert_eq!((first.count(Fact::NoParent), first.count(Fact::Lacking)), (1, 1), "{first}");
    assert_eq!(
        place.stored("device", "d1"),
        json!({"id": "d1", "mac": "00:15:65:4a:a9:37", "config": "c1", "plugin": PLUGIN,
            "configured": true, "is_new": false, "tenant_uuid": TENANT,
            "options": {"switchboard": true}, "X_note": [null]})
    );
    assert_eq!(place.stored("config", "autoprov")["X_type"], "internal");
    let before = place.export();
    let second = place.import();
    assert_eq!((second.devices.same, second.configs.same), (1, 3), "{second}");
    assert_eq!(place.export(), before);
    assert!(!second.has_left_out(), "{second}");
}

#[test]
fn what_older_documents_lack_is_computed() {
    let place = Place::new();
    place.fill();
    place.device("old", &json!({"mac": "00:15:65:4A:A9:38", "config": "c1", "plugin": PLUGIN}));
    place.device("null", &json!({"id": "null", "tenant_uuid": null, "is_new": true}));
    for id in ["n1", "n2"] {
        place.device(id, &json!({"id": id, "tenant_uuid": "master", "is_new": true}));
    }
    let report = place.import();
    let old = place.stored("device", "old");
    let wanted = json!({"id": "old", "mac": "00:15:65:4a:a9:38", "config": "c1", "plugin": PLUGIN,
        "tenant_uuid": "master", "is_new": true, "configured": true});
    assert_eq!(old, wanted);
    assert_eq!(place.stored("device", "null")["tenant_uuid"], "master");
    assert_eq!((report.count(Fact::NoTenant), report.count(Fact::IsNew)), (2, 1), "{report}");
    assert!(report.settings.contains("master_tenant = \"master\""), "{report}");
    assert!(!report.has_left_out(), "{report}");
}

#[test]
fn what_cannot_be_taken_is_named() {
    let place = Place::new();
    place.fill();
    place.write("var/lib/wazo-provd/jsondb/devices/torn", "{\"id\":\"to");
    place.write("var/lib/wazo-provd/jsondb/devices/latin", b"{\"id\":\"latin\",\"X_a\":\"\xe9\"}");
    place.write("var/lib/wazo-provd/jsondb/devices/half", r#"{"id":"half","X_a":"\ud83d"}"#);
    place.write("var/lib/wazo-provd/jsondb/devices/folder/x", "{}");
    place.config("list", &json!([]));
    place.config("shape", &json!({"id": "shape", "parent_ids": "base", "raw_config": {}}));
    place.config("value", &json!({"id": "value", "parent_ids": [], "raw_config": {"foo": 1}}));
    for (id, parent) in [("l1", "l2"), ("l2", "l3"), ("l3", "l1"), ("self", "self")] {
        place.config(id, &json!({"id": id, "parent_ids": [parent], "raw_config": {}}));
    }
    place.config(
        "left",
        &json!({"id": "left", "parent_ids": [], "raw_config": {},
        "transient": true}),
    );
    for id in ["e1", "e2"] {
        place.device(
            id,
            &json!({"id": id, "mac": "00:15:65:00:00:01", "config": "gone",
            "plugin": "xivo-yealink-v86", "tenant_uuid": TENANT, "is_new": false}),
        );
    }
    place.device("odd", &json!({"id": "another", "mac": "nonsense"}));
    let report = place.import();
    for (fact, count) in [
        (Fact::NoJson, 3),
        (Fact::Unreadable, 1),
        (Fact::BadConfig, 1),
        (Fact::BadValue, 1),
        (Fact::BadSettings, 1),
        (Fact::Surrogate, 1),
        (Fact::OtherId, 1),
        (Fact::Loop, 2),
        (Fact::Orphan, 1),
        (Fact::NoConfig, 2),
        (Fact::UnknownPlugin, 2),
        (Fact::SharedMac, 1),
    ] {
        assert_eq!(report.count(fact), count, "{fact:?}\n{report}");
    }
    assert!(report.has_left_out());
    let text = report.to_string();
    assert!(
        text.contains("xivo-yealink-v86: 2 devices; the nearest is wazo-yealink-v86"),
        "{text}"
    );
    assert_eq!(place.stored("device", "odd")["X_import_mac"], "nonsense");
    assert_eq!(place.stored("device", "e1")["configured"], false);
    assert_eq!(report.devices.new, 5);
    let machine = report.to_json();
    assert_eq!(machine["devices"]["found"], 8);
}

#[test]
fn what_is_here_stays_unless_told() {
    let place = Place::new();
    place.fill();
    place.write("var/lib/wazo-provd/app.json", r#"{"NAT": "1", "locale": null}"#);
    place.import();
    place.device(
        "d1",
        &json!({"id": "d1", "tenant_uuid": TENANT, "is_new": false,
        "configured": false, "description": "older"}),
    );
    place.write("var/lib/wazo-provd/app.json", r#"{"NAT": "0"}"#);
    let before = place.export();
    let report = place.import();
    assert_eq!((report.devices.kept, report.count(Fact::DocumentKept)), (1, 1), "{report}");
    assert_eq!(report.count(Fact::ParametersKept), 1);
    assert_eq!(place.export(), before);
    let mut wanted = Wanted { overwrites: true, is_dry: true, ..place.wanted() };
    let report = place.try_import(&wanted).expect("an installation");
    assert_eq!((report.devices.replaced, report.configs.same), (1, 3), "{report}");
    assert_eq!(place.export(), before, "a dry run writes nothing");
    wanted.is_dry = false;
    assert!(!place.try_import(&wanted).expect("an installation").has_left_out());
    assert_eq!(place.stored("device", "d1")["description"], "older");
    assert!(place.export().starts_with("{\"parameters\":{\"NAT\":\"0\"}}\n"));
}

#[test]
fn a_dry_run_makes_nothing() {
    let place = Place::new();
    place.fill();
    let wanted = Wanted { is_dry: true, ..place.wanted() };
    let report = place.try_import(&wanted).expect("an installation");
    assert_eq!(report.devices.new, 1);
    assert!(!place.settings().data_dir.exists());
}

#[test]
fn templates_are_copied_and_newer_ones_stay() {
    let place = Place::new();
    place.fill();
    let plugin = format!("var/lib/wazo-provd/plugins/{PLUGIN}/var");
    place.write(&format!("{plugin}/templates/T46S.tpl"), "old");
    place.write(&format!("{plugin}/templates/sub/part.tpl"), "part");
    place.write(&format!("{plugin}/templates/.gitkeep"), "");
    place.write(&format!("{plugin}/installed/T46S-fw"), "{}");
    place.write("var/lib/wazo-provd/plugins/other/var/templates/base.tpl", "x");
    let report = place.import();
    assert_eq!((report.templates.new, report.count(Fact::Package)), (3, 1), "{report}");
    assert_eq!(report.count(Fact::StrayTemplate), 1);
    let here = place.0.join("data/templates").join(PLUGIN);
    assert_eq!(fs::read(here.join("sub/part.tpl")).expect("it is copied"), b"part");
    assert_eq!(place.import().templates.same, 3);
    fs::write(here.join("T46S.tpl"), "newer").expect("room on the disk");
    let wanted = Wanted { overwrites: true, ..place.wanted() };
    let report = place.try_import(&wanted).expect("an installation");
    assert_eq!((report.templates.kept, report.count(Fact::TemplateKept)), (1, 1), "{report}");
    assert_eq!(fs::read(here.join("T46S.tpl")).expect("it is there"), b"newer");
}

#[test]
fn settings_are_told() {
    let place = Place::new();
    place.fill();
    let tenants = json!({TENANT: {"provisioning_key": "12345678"}, "other": {}});
    place.write("var/lib/wazo-provd/app.json", json!({"NAT": "1", "tenants": tenants}).to_string());
    place.write("etc/wazo-provd/base_raw_config.json", r#"{"X_a": {"b": null, "c": 1}}"#);
    place.write("etc/wazo-provd/conf.d/50.yml", "general:\n  retriever: 'secure' # why\n");
    place.write(
        "etc/wazo-provd/config.yml",
        "general:\n  advertised_http_url: http://prov.example:8667\n  updater: null\n  \
         retriever: default\n  tftp_port: 69\n  http_auth_strategy: url_key\n",
    );
    let report = place.import();
    assert_eq!(report.count(Fact::Key), 1, "{report}");
    let settings: Settings = toml::from_str(&report.settings).expect("settings");
    assert!(settings.identification.nat);
    assert_eq!(settings.identification.retriever, crate::settings::Variant::Secure);
    assert_eq!(settings.advertised_url.as_deref(), Some("http://prov.example:8667"));
    assert_eq!(settings.tftp.0.map(|tftp| tftp.port()), Some(69));
    assert_eq!(settings.http_auth_strategy, Some(crate::settings::HttpAuth::UrlKey));
    assert_eq!(Value::Object(settings.base_raw_config), json!({"X_a": {"c": 1}}));
    place.write("etc/wazo-provd/base_raw_config.json", "{");
    assert!(place.import().has_left_out());
}

#[test]
fn a_running_server_and_no_installation_are_told() {
    let place = Place::new();
    place.fill();
    let store = place.settings().store_dir();
    let server = Rocks::open(&store).expect("a folder");
    let error = place.try_import(&place.wanted()).expect_err("the server runs");
    assert!(matches!(error, ImportError::Store(StoreError::Held(_))), "{error}");
    // Looking is allowed.
    let dry = Wanted { is_dry: true, ..place.wanted() };
    assert_eq!(place.try_import(&dry).expect("an installation").devices.new, 1);
    drop(server);
    let nowhere = Wanted { folder: place.0.join("nowhere"), ..place.wanted() };
    let error = place.try_import(&nowhere).expect_err("there is none").to_string();
    assert!(error.contains("no jsondb"), "{error}");
}
