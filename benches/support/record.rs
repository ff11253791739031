//! A phone's documents as a store has them, under names like those that the server gives.

use super::support::{Phone, kind_of, serial};
use ringboot::identify::Settings;
use serde_json::json;

/// A device and its configuration.
pub struct Record {
    /// The device's name.
    pub id: String,
    /// The name of its configuration.
    pub config: String,
    number: u32,
}

impl Record {
    /// The documents of the phone of this number. Names come in the order of numbers.
    pub fn new(number: u32, count: u32) -> Record {
        let high = u64::from(number) * (u64::MAX / u64::from(count));
        let low = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let id = format!("{high:016x}{low:016x}");
        let config = format!("autoprov{high:016x}{:016x}", !low);
        Record { id, config, number }
    }

    /// The device.
    pub fn device_json(&self) -> Vec<u8> {
        let (kind, phone) = (kind_of(self.number), Phone::new(self.number));
        let mut device = json!({
            "id": self.id,
            "mac": phone.mac.to_string(),
            "ip": phone.ip,
            "vendor": kind.vendor,
            "model": kind.model,
            "version": kind.version,
            "plugin": kind.plugin,
            "config": self.config,
            "added": "auto",
            "tenant_uuid": &*Settings::default().master_tenant,
            "remote_state_sip_username": self.username(),
            "configured": true,
            "is_new": true,
        });
        if kind.vendor == "Cisco" {
            device["sn"] = serial(phone.mac).into();
        }
        device.to_string().into_bytes()
    }

    /// Its configuration.
    pub fn config_json(&self) -> Vec<u8> {
        let line = json!({
            "username": self.username(),
            "password": format!("{:010}", self.number),
            "display_name": format!("Phone {}", self.number),
            "number": (100_000 + self.number).to_string(),
        });
        let key = json!({"type": "blf", "value": "2002", "label": "Bob"});
        let config = json!({
            "id": self.config,
            "parent_ids": ["autoprov"],
            "raw_config": {"sip_lines": {"1": line}, "funckeys": {"1": key}},
            "transient": true,
        });
        config.to_string().into_bytes()
    }

    fn username(&self) -> String {
        format!("ap{:08x}", self.number)
    }
}
