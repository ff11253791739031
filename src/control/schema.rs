//! What a client's device must be, told in the words that clients know (spec section 2.2).

use serde_json::Value;

use crate::device::{Device, Document, Mac, raw};

/// Keys whose values are texts, where they are there.
const TEXTS: [&str; 9] =
    ["id", "mac", "config", "model", "plugin", "description", "vendor", "version", "tenant_uuid"];
const NOT_NORMAL: &str = "string does not match regex \"^(?:[\\da-f]{2}:){5}[\\da-f]{2}$\" \
                          (type=value_error.str.regex; \
                          pattern=^(?:[\\da-f]{2}:){5}[\\da-f]{2}$)";

/// Reads a client's device.
///
/// # Errors
/// What is wrong with it.
pub fn device(document: Document) -> Result<Device, String> {
    let given = |key| document.get(key).filter(|value| raw::is_truthy(value));
    let normal_mac = |mac: &Value| mac.as_str().and_then(|mac| Mac::parse_normal(mac.as_bytes()));
    if let Some(mac) = given("mac").filter(|mac| normal_mac(mac).is_none()) {
        return Err(format!("Non-normalized MAC address {}", plain(mac)));
    }
    let is_address =
        |ip: &&Value| ip.as_str().is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_ok());
    if let Some(ip) = given("ip").filter(|ip| !is_address(ip)) {
        return Err(format!("Non-normalized IP address {}", plain(ip)));
    }
    let faults = faults(&document);
    if !faults.is_empty() {
        let plural = if faults.len() == 1 { "" } else { "s" };
        let mut text = format!("{} validation error{plural} for DeviceSchema", faults.len());
        for (key, fault) in faults {
            text.push_str(&format!("\n{key}\n  {fault}"));
        }
        return Err(text);
    }
    Device::from_document(document).map_err(|error| error.to_string())
}

fn faults(document: &Document) -> Vec<(&'static str, &'static str)> {
    let mut faults = Vec::new();
    for key in TEXTS {
        match document.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if key == "mac" && text.is_empty() => {
                faults.push((key, NOT_NORMAL));
            }
            Some(Value::String(_) | Value::Number(_)) => {}
            Some(_) => faults.push((key, raw::NOT_TEXT)),
        }
    }
    for key in ["configured", "is_new"] {
        let value = document.get(key).filter(|value| !value.is_null());
        if value.is_some_and(|value| raw::lax_bool(value).is_none()) {
            faults.push((key, raw::NOT_BOOL));
        }
    }
    faults
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_as_clients_know_them() {
        let read = |text: &str| {
            let document = serde_json::from_str(text).expect("an object");
            device(document).map(|device| device.id.to_string())
        };
        assert_eq!(read(r#"{"id":"a","mac":null,"ip":"","model":5}"#), Ok("a".into()));
        for (text, wanted) in [
            (r#"{"id":"a","mac":"0015654aa937"}"#, "Non-normalized MAC address 0015654aa937"),
            (r#"{"id":"a","mac":5}"#, "Non-normalized MAC address 5"),
            (r#"{"id":"a","ip":"192.0.2"}"#, "Non-normalized IP address 192.0.2"),
            (
                r#"{"id":"a","model":[]}"#,
                "1 validation error for DeviceSchema\nmodel\n  \
                 str type expected (type=type_error.str)",
            ),
            (
                r#"{"id":"a","config":{},"is_new":"perhaps"}"#,
                "2 validation errors for DeviceSchema\nconfig\n  \
                 str type expected (type=type_error.str)\nis_new\n  \
                 value could not be parsed to a boolean (type=type_error.bool)",
            ),
            (r#"{"id":"a/b"}"#, "invalid device ID \"a/b\""),
        ] {
            assert_eq!(read(text), Err(wanted.to_owned()), "{text}");
        }
        let empty = read(r#"{"id":"a","mac":""}"#).expect_err("an empty MAC");
        assert!(empty.starts_with("1 validation error for DeviceSchema\nmac\n  string does not"));
    }
}
