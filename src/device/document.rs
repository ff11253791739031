//! Devices as JSON documents: every key of the spec's section 2.2 in, the same keys out.

use super::{Device, Mac, Text};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// A JSON object whose keys keep their order.
pub type Document = Map<String, Value>;

/// Why a document is no device. The texts are those of the REST API (spec section 2.2).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DocumentError {
    /// `mac` is not six lower-case pairs with colons.
    #[error("Non-normalized MAC address {0}")]
    Mac(String),
    /// `ip` is no address.
    #[error("Non-normalized IP address {0}")]
    Ip(String),
    /// A key that must be a text is something else.
    #[error("{0}: str type expected")]
    NotText(&'static str),
    /// The id is missing, empty, or cannot be one.
    #[error("invalid device ID {0:?}")]
    Id(String),
}

impl Device {
    /// Reads a device from its document. Nulls and unknown keys go to `extra`.
    ///
    /// # Errors
    /// [`DocumentError`] for the first key that is not what it must be.
    pub fn from_document(mut document: Document) -> Result<Device, DocumentError> {
        let mut device = Device::default();
        let id = take_text(&mut document, "id")?.unwrap_or_default();
        if id.is_empty() || id.contains(['/', '\0']) {
            return Err(DocumentError::Id(id.to_string()));
        }
        device.id = id;
        device.mac = match take_text(&mut document, "mac")? {
            Some(text) => Some(normal_mac(&text)?),
            None => None,
        };
        device.ip = match take_text(&mut document, "ip")? {
            Some(text) => Some(normal_ip(&text)?),
            None => None,
        };
        for (key, slot) in device.texts_mut() {
            *slot = take_text(&mut document, key)?;
        }
        device.configured = take_bool(&mut document, "configured");
        device.is_new = take_bool(&mut document, "is_new");
        device.extra = document.into();
        Ok(device)
    }

    /// Writes the document: known keys first, in a fixed order, then the others in theirs.
    pub fn to_document(&self) -> Document {
        let mut document = Document::new();
        let mut put = |key: &str, value: Option<String>| {
            if let Some(text) = value {
                document.insert(key.to_owned(), Value::String(text));
            }
        };
        put("id", Some(self.id.to_string()));
        put("mac", self.mac.map(|mac| mac.to_string()));
        put("ip", self.ip.map(|ip| ip.to_string()));
        for (key, text) in self.texts() {
            put(key, text.as_ref().map(ToString::to_string));
        }
        document.insert("configured".to_owned(), Value::Bool(self.configured));
        document.insert("is_new".to_owned(), Value::Bool(self.is_new));
        for (key, value) in self.extra.iter() {
            // A null that was stored yields to what the pipeline has learnt since.
            document.entry(key.as_str()).or_insert_with(|| value.clone());
        }
        document
    }

    fn texts(&self) -> [(&'static str, &Option<Text>); 10] {
        [
            ("vendor", &self.vendor),
            ("model", &self.model),
            ("version", &self.version),
            ("sn", &self.sn),
            ("uuid", &self.uuid),
            ("plugin", &self.plugin),
            ("config", &self.config),
            ("added", &self.added),
            ("tenant_uuid", &self.tenant_uuid),
            ("remote_state_sip_username", &self.remote_state_sip_username),
        ]
    }

    fn texts_mut(&mut self) -> [(&'static str, &mut Option<Text>); 10] {
        [
            ("vendor", &mut self.vendor),
            ("model", &mut self.model),
            ("version", &mut self.version),
            ("sn", &mut self.sn),
            ("uuid", &mut self.uuid),
            ("plugin", &mut self.plugin),
            ("config", &mut self.config),
            ("added", &mut self.added),
            ("tenant_uuid", &mut self.tenant_uuid),
            ("remote_state_sip_username", &mut self.remote_state_sip_username),
        ]
    }
}

/// Takes a text out of the document; a null or an empty text stays there and counts as absent.
fn take_text(document: &mut Document, key: &'static str) -> Result<Option<Text>, DocumentError> {
    match document.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(_) | Value::Number(_)) => {
            let value = document.shift_remove(key);
            Ok(value.map(|value| match value {
                Value::String(text) => Text::from(text),
                other => Text::from(other.to_string()),
            }))
        }
        Some(_) => Err(DocumentError::NotText(key)),
    }
}

fn take_bool(document: &mut Document, key: &str) -> bool {
    matches!(document.shift_remove(key), Some(Value::Bool(true)))
}

fn normal_mac(text: &str) -> Result<Mac, DocumentError> {
    Mac::parse_normal(text.as_bytes()).ok_or_else(|| DocumentError::Mac(text.to_owned()))
}

fn normal_ip(text: &str) -> Result<IpAddr, DocumentError> {
    text.parse().map_err(|_| DocumentError::Ip(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        serde_json::from_str(text).expect("a JSON object")
    }

    #[test]
    fn every_key_comes_back() {
        let text = r#"{"id":"a","mac":"00:15:65:4a:a9:37","ip":"192.0.2.7","vendor":"Yealink",
            "model":"T46S","config":"c","configured":true,"is_new":false,"description":"lobby",
            "options":{"switchboard":true},"X_site":4,"version":null}"#;
        let device = Device::from_document(document(text)).expect("a device");
        assert_eq!(device.version, None);
        let mut wanted = document(text);
        let mut got = device.to_document();
        wanted.sort_keys();
        got.sort_keys();
        assert_eq!(got, wanted);
    }

    #[test]
    fn a_stored_null_yields_to_a_value() {
        let mut device =
            Device::from_document(document(r#"{"id":"a","version":null}"#)).expect("a device");
        device.version = Some("28.72.0.1".into());
        assert_eq!(device.to_document().get("version"), Some(&Value::from("28.72.0.1")));
    }

    #[test]
    fn bad_keys_are_named() {
        let read = |text| Device::from_document(document(text)).map(|device| device.id);
        assert_eq!(
            read(r#"{"id":"a","mac":"0015654aa937"}"#),
            Err(DocumentError::Mac("0015654aa937".into()))
        );
        assert_eq!(read(r#"{"id":"a","ip":"192.0.2"}"#), Err(DocumentError::Ip("192.0.2".into())));
        assert_eq!(read(r#"{"id":"a","model":[]}"#), Err(DocumentError::NotText("model")));
        assert_eq!(read(r#"{"mac":null}"#), Err(DocumentError::Id(String::new())));
        assert_eq!(read(r#"{"id":"../x"}"#), Err(DocumentError::Id("../x".into())));
    }
}
