//! The settings as templates written for wazo-provd know them: the same, and the `XX_…` that its
//! plugins computed (spec section 6.5).

use serde_json::Value as Json;

use crate::device::Document;
use crate::plugin::directory::{self, Directory};
use crate::plugin::render::{Given, server_url};
use crate::plugin::template::FALLBACK;

/// What the names of a user's services begin with.
const SERVICE: &str = "XX_wazo_phoned_user_service_";
/// Names that are always there, or are where the settings have what they are made of.
const NAMES: &[&str] =
    &["XX_server_url", "XX_server_url_without_scheme", "XX_options", "XX_xivo_phonebook_url"];

/// Whether a name with `XX_` is one that is set here.
pub fn is_known(name: &str) -> bool {
    NAMES.contains(&name) || service(name).is_some()
}

/// The service and what is done to it, of a name like `XX_…_dnd_enabled_url`.
pub fn service(name: &str) -> Option<(&str, &'static str)> {
    let rest = name.strip_prefix(SERVICE)?;
    let enable = rest.strip_suffix("_enabled_url").map(|service| (service, "enable"));
    enable.or_else(|| Some((rest.strip_suffix("_disabled_url")?, "disable")))
}

/// The settings with the names of the predecessor's over them. `vendor` is the plugin's; `services`
/// are the names of services' URLs that templates use. Where `fills_lines`, lines have what they
/// lack from the global settings, as most of the predecessor's plugins have it.
pub fn settings(
    given: &Given<'_>,
    vendor: &str,
    services: &[String],
    fills_lines: bool,
) -> Document {
    let mut raw = given.raw.clone();
    let server = server_url(&raw);
    let bare = server.split_once("://").map_or(&*server, |(_, rest)| rest).to_owned();
    raw.insert("XX_server_url_without_scheme".to_owned(), Json::from(bare));
    raw.insert("XX_server_url".to_owned(), Json::from(server));
    let options = given.device.and_then(|device| device.extra.get("options"));
    let options = options.filter(|options| options.is_object()).cloned();
    let options = options.unwrap_or_else(|| Json::Object(Document::new()));
    raw.insert("XX_options".to_owned(), options);
    if let Some(directory) = directory(&raw) {
        let own = given.data.get("xivo_phonebook");
        let text = |key: &str| own.and_then(|own| own.get(key)).and_then(Json::as_str);
        let vendor = text("vendor").map_or_else(|| vendor.to_lowercase(), ToOwned::to_owned);
        let entry = text("entry").unwrap_or("input");
        let suffix = text("suffix").unwrap_or_default();
        let url = directory.phonebook(&vendor, entry, "", suffix);
        raw.insert("XX_xivo_phonebook_url".to_owned(), Json::from(url));
        for name in services {
            if let Some((service, action)) = service(name) {
                let url = directory.service(&vendor, service, action);
                raw.insert(name.clone(), Json::from(url));
            }
        }
    }
    if fills_lines {
        fill_lines(&mut raw);
    }
    raw
}

fn directory(raw: &Document) -> Option<Directory<'static>> {
    let text = |key: &str| match raw.get(key) {
        Some(Json::String(text)) => Some(text.clone().into()),
        Some(Json::Number(number)) => Some(number.to_string().into()),
        _ => None,
    };
    Directory::of(directory::SETTINGS.map(text))
}

fn fill_lines(raw: &mut Document) {
    let names = FALLBACK.iter().chain(&[("voicemail", "exten_voicemail")]);
    let globals = names.filter_map(|(own, global)| Some((*own, raw.get(*global)?.clone())));
    let globals: Vec<_> = globals.filter(|(_, value)| !value.is_null()).collect();
    let Some(Json::Object(lines)) = raw.get_mut("sip_lines") else { return };
    for line in lines.values_mut().filter_map(Json::as_object_mut) {
        for (key, value) in &globals {
            if line.get(*key).is_none_or(Json::is_null) {
                line.insert((*key).to_owned(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use serde_json::json;

    #[test]
    fn the_names_of_the_predecessor_are_there() {
        let Json::Object(raw) = json!({
            "ip": "192.0.2.1", "http_port": 8667, "exten_voicemail": "*98",
            "X_xivo_phonebook_ip": "192.0.2.30", "X_xivo_user_uuid": "u", "sip_proxy_ip": "p",
            "sip_lines": {"1": {"username": "a", "proxy_ip": null}, "2": {"proxy_ip": "q"}},
        }) else {
            panic!("an object");
        };
        let data = json!({"xivo_phonebook": {"entry": "lookup", "suffix": "&term=#"}});
        let Json::Object(document) = json!({"id": "d", "options": {"switchboard": true}}) else {
            panic!("an object");
        };
        let device = Device::from_document(document).expect("a device");
        let device = Some(&device);
        let given = Given { device, model: None, plugin: "p", data: &data, raw: &raw };
        let service = "XX_wazo_phoned_user_service_dnd_enabled_url".to_owned();
        assert!(is_known(&service) && is_known("XX_options") && !is_known("XX_fkeys"));
        let made = settings(&given, "Acme", std::slice::from_ref(&service), true);
        let wanted = [
            ("XX_server_url", json!("http://192.0.2.1:8667")),
            ("XX_server_url_without_scheme", json!("192.0.2.1:8667")),
            ("XX_options", json!({"switchboard": true})),
            (
                "XX_xivo_phonebook_url",
                json!(
                    "http://192.0.2.30:9498/0.1/directories/lookup/default/acme\
                     ?xivo_user_uuid=u&term=#"
                ),
            ),
            (&*service, json!("http://192.0.2.30:9498/0.1/acme/users/u/services/dnd/enable")),
            (
                "sip_lines",
                json!({"1": {"username": "a", "proxy_ip": "p", "voicemail": "*98"},
                       "2": {"proxy_ip": "q", "voicemail": "*98"}}),
            ),
        ];
        for (name, value) in wanted {
            assert_eq!(made.get(name), Some(&value), "{name}");
        }
        assert_eq!(settings(&given, "Acme", &[], false)["sip_lines"], raw["sip_lines"]);
    }
}
