//! What an installation says outside its documents: parameters, settings that all phones have, and
//! the few of the daemon's own settings that mean something here.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::facts::Fact;
use super::installed::Installed;
use super::read;
use super::report::Report;
use crate::device::{Document, Text};
use crate::settings::Settings;

/// What was found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Surroundings {
    /// `app.json`: every parameter that an operator ever set.
    pub parameters: Option<Document>,
    /// `base_raw_config.json`.
    base: Option<Document>,
    /// Keys of `config.yml` and of the files over it.
    settings: BTreeMap<&'static str, String>,
}

/// Settings of the daemon that have a like here.
const KEYS: [&str; 5] =
    ["advertised_http_url", "http_auth_strategy", "retriever", "updater", "tftp_port"];

/// Reads what is there; what cannot be read goes into the report.
pub fn read(installed: &Installed, report: &mut Report) -> Surroundings {
    let mut found = Surroundings {
        parameters: document(&installed.parameters(), report),
        base: installed.settings("base_raw_config.json").and_then(|file| document(&file, report)),
        settings: BTreeMap::new(),
    };
    let tenants = found.parameters.as_ref().and_then(|all| all.get("tenants")?.as_object());
    for (tenant, of) in tenants.into_iter().flatten() {
        if of.get("provisioning_key").is_some_and(|key| !key.is_null()) {
            report.tell(Fact::Key, format_args!("tenant {tenant}"));
        }
    }
    for file in settings_files(installed, report) {
        match fs::read(&file) {
            Ok(text) => found.take_settings(&String::from_utf8_lossy(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tell(&file, &error, report),
        }
    }
    found
}

/// The settings file's part that brings this over; what is set so already is left out.
pub fn suggest(found: &Surroundings, master: &Text, now: &Settings) -> String {
    let parameter = |key| found.parameters.as_ref().and_then(|all| all.get(key)?.as_str());
    let setting = |key| found.settings.get(key).cloned();
    let secure = |key| setting(key).filter(|variant| variant == "secure");
    let has_keys = now.http_auth_strategy.is_some();
    let url_key = setting("http_auth_strategy").filter(|way| way == "url_key" && !has_keys);
    let now = &now.identification;
    let identification = Identified {
        nat: (parameter("NAT") == Some("1") && !now.nat).then_some(true),
        retriever: secure("retriever"),
        updater: secure("updater"),
        master_tenant: (**master != *now.master_tenant).then(|| master.to_string()),
    };
    let suggested = Suggested {
        advertised_url: setting("advertised_http_url"),
        tftp: setting("tftp_port").map(|port| format!("0.0.0.0:{port}")),
        http_auth_strategy: url_key,
        base_raw_config: found.base.clone().map(without_nulls).filter(|base| !base.is_empty()),
        identification: (identification != Identified::default()).then_some(identification),
    };
    toml::to_string(&suggested).unwrap_or_default()
}

#[derive(Serialize)]
struct Suggested {
    #[serde(skip_serializing_if = "Option::is_none")]
    advertised_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tftp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_auth_strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_raw_config: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identification: Option<Identified>,
}

#[derive(Serialize, PartialEq, Eq, Default)]
struct Identified {
    #[serde(skip_serializing_if = "Option::is_none")]
    nat: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retriever: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updater: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    master_tenant: Option<String>,
}

impl Surroundings {
    /// Takes lines `key: value` of YAML; what an earlier file says stands.
    fn take_settings(&mut self, text: &str) {
        for line in text.lines() {
            let Some((key, value)) = line.trim().split_once(':') else { continue };
            let Some(key) = KEYS.into_iter().find(|known| *known == key.trim()) else { continue };
            let value = value.split(" #").next().unwrap_or_default().trim();
            let value = value.trim_matches(['"', '\'']);
            let is_plain = !value.is_empty() && !value.starts_with(['!', '&', '*', '{', '[']);
            if is_plain && !["null", "~", "Null", "NULL"].contains(&value) {
                self.settings.entry(key).or_insert_with(|| value.to_owned());
            }
        }
    }
}

/// The daemon's settings files, the strongest first.
fn settings_files(installed: &Installed, report: &mut Report) -> Vec<PathBuf> {
    let (Some(over), Some(main)) = (installed.settings("conf.d"), installed.settings("config.yml"))
    else {
        return Vec::new();
    };
    let names = read::names(&over).unwrap_or_else(|error| {
        tell(&over, &error, report);
        Vec::new()
    });
    let is_read = |name: &str| name.ends_with(".yml") && !name.starts_with('.');
    let names = names.iter().filter(|name| name.to_str().is_some_and(is_read));
    names.map(|name| over.join(name)).chain([main.clone()]).collect()
}

fn document(file: &Path, report: &mut Report) -> Option<Document> {
    match fs::read(file) {
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(document) => return Some(document),
            Err(error) => tell(file, &error, report),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tell(file, &error, report),
    }
    None
}

fn tell(file: &Path, error: &dyn std::fmt::Display, report: &mut Report) {
    report.tell(Fact::BadSettingsFile, format_args!("{}: {error}", read::short(file)));
}

/// TOML has no null; an absent key means the same.
fn without_nulls(mut document: Document) -> Document {
    document.retain(|_, value| !value.is_null());
    for value in document.values_mut() {
        if let Value::Object(inner) = value {
            *inner = without_nulls(std::mem::take(inner));
        }
    }
    document
}
