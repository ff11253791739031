//! One document as wazo-provd left it becomes one as it is here; nothing of it is dropped.

use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

use super::facts::Fact;
use super::report::Report;
use crate::device::{Config, Device, Document, Mac, Text};

/// Keys of a device that hold a text.
const TEXTS: [&str; 12] = [
    "mac",
    "ip",
    "vendor",
    "model",
    "version",
    "sn",
    "uuid",
    "plugin",
    "config",
    "added",
    "tenant_uuid",
    "remote_state_sip_username",
];

/// A device, and what its document said that the server computes.
#[derive(Clone, Debug)]
pub struct Found {
    /// The device.
    pub device: Device,
    /// What stood there.
    pub is_new: Option<bool>,
    /// What stood there.
    pub configured: Option<bool>,
}

/// Reads a device. A value that no device can have is kept under a key of its own.
pub fn device(id: Text, mut document: Document, report: &mut Report) -> Option<Found> {
    for key in TEXTS {
        let is_wrong = document
            .get(key)
            .is_some_and(|value| value.is_boolean() || value.is_array() || value.is_object());
        if is_wrong {
            set_aside(&mut document, key, &id, report);
        }
    }
    normalize(&mut document, ("mac", &normal_mac), &id, report);
    normalize(&mut document, ("ip", &normal_ip), &id, report);
    let flag = |key| document.get(key).and_then(Value::as_bool);
    let (is_new, configured) = (flag("is_new"), flag("configured"));
    match Device::from_document(document) {
        Ok(device) => Some(Found { device, is_new, configured }),
        Err(error) => {
            report.tell(Fact::BadName, format_args!("devices/{id}: {error}"));
            None
        }
    }
}

/// Reads a configuration, and computes what older ones lack.
pub fn config(id: Text, mut document: Document, report: &mut Report) -> Option<Config> {
    for (key, empty) in [("parent_ids", json!([])), ("raw_config", json!({}))] {
        if !document.contains_key(key) {
            document.insert(key.to_owned(), empty);
            report.tell(Fact::Lacking, format_args!("configs/{id}: {key}"));
        }
    }
    if !document.contains_key("X_type")
        && let Some(kind) = kind(&id, &document)
    {
        document.insert("X_type".to_owned(), kind.into());
        report.tell(Fact::Lacking, format_args!("configs/{id}: X_type, {kind}"));
    }
    match Config::with_faults(document) {
        Ok((config, faults)) => {
            if let Some(fault) = faults.0.first() {
                let text = format_args!("configs/{id}: {}: {}", fault.place, fault.text);
                report.tell(Fact::BadSettings, text);
            }
            Some(config)
        }
        Err(error) => {
            report.tell(Fact::BadConfig, format_args!("configs/{id}: {error}"));
            None
        }
    }
}

/// What clients call a configuration of this kind, where it can be told.
fn kind(id: &str, document: &Document) -> Option<&'static str> {
    match id {
        "base" | "autoprov" => Some("internal"),
        "defaultconfigdevice" => Some("device"),
        "default" => Some("registrar"),
        _ if document.contains_key("registrar_main") => Some("registrar"),
        _ => None,
    }
}

/// A key, and the form that devices have its text in; none where it has none.
type Normal<'f> = (&'static str, &'f dyn Fn(&str) -> Option<String>);

/// Brings a text into the form that devices have it in.
fn normalize(document: &mut Document, (key, normal): Normal<'_>, id: &str, report: &mut Report) {
    let Some(text) = document.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    else {
        if document.get(key).is_some_and(Value::is_number) {
            set_aside(document, key, id, report);
        }
        return;
    };
    match normal(text) {
        Some(normal) if normal == text => {}
        Some(normal) => {
            report.tell(Fact::Address, format_args!("devices/{id}: {text} to {normal}"));
            document.insert(key.to_owned(), normal.into());
        }
        None => set_aside(document, key, id, report),
    }
}

fn set_aside(document: &mut Document, key: &str, id: &str, report: &mut Report) {
    if let Some(value) = document.shift_remove(key) {
        report.tell(Fact::BadValue, format_args!("devices/{id}: {key}: {value}"));
        document.insert(format!("X_import_{key}"), value);
    }
}

fn normal_mac(text: &str) -> Option<String> {
    Mac::parse(text.trim().as_bytes()).ok().map(|mac| mac.to_string())
}

/// wazo-provd took four numbers as Python reads them: with blanks, signs, leading zeros.
fn normal_ip(text: &str) -> Option<String> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_string());
    }
    let number = |part: &str| part.trim().trim_start_matches('+').replace('_', "").parse().ok();
    let parts: Vec<u8> = text.split('.').map(number).collect::<Option<_>>()?;
    let parts: [u8; 4] = parts.try_into().ok()?;
    Some(Ipv4Addr::from(parts).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Found>, Report) {
        let mut report = Report::default();
        let document = serde_json::from_str(text).expect("an object");
        (device("a".into(), document, &mut report), report)
    }

    #[test]
    fn addresses_come_in_every_form() {
        let (found, report) =
            read(r#"{"id":"a","mac":"00-15-65-4A-A9-37","ip":" 10.+1.002.1_0","sn":12}"#);
        let device = found.expect("a device").device;
        assert_eq!(device.mac, Some(Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37])));
        assert_eq!(device.ip, Some(IpAddr::from([10, 1, 2, 10])));
        assert_eq!(device.sn.as_deref(), Some("12"));
        assert_eq!(report.count(Fact::Address), 2);
        assert!(!report.has_left_out());
    }

    #[test]
    fn what_cannot_be_is_kept_aside() {
        let text =
            r#"{"id":"a","mac":"00:15","ip":7,"model":["x"],"tenant_uuid":true,"plugin":null}"#;
        let (found, report) = read(text);
        let document = found.expect("a device").device.to_document();
        let wanted = json!({
            "id": "a", "configured": false, "is_new": false, "plugin": null,
            "X_import_mac": "00:15", "X_import_ip": 7, "X_import_model": ["x"],
            "X_import_tenant_uuid": true,
        });
        assert_eq!(Value::Object(document), wanted);
        assert_eq!(report.count(Fact::BadValue), 4);
        assert!(report.has_left_out());
    }

    #[test]
    fn older_configurations_are_completed() {
        let mut report = Report::default();
        let document = serde_json::from_str(r#"{"id":"default"}"#).expect("an object");
        let made = config("default".into(), document, &mut report).expect("a configuration");
        let wanted = json!({
            "id": "default", "parent_ids": [], "raw_config": {}, "X_type": "registrar",
        });
        assert_eq!(Value::Object(made.to_document()), wanted);
        assert_eq!(report.count(Fact::Lacking), 3);
    }
}
