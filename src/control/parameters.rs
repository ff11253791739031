//! Parameters that operators set while the server runs; they are in the store, and stay.

use axum::http::StatusCode;
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::answer::{Answer, Outcome};
use super::call::{Call, unavailable};
use super::links::link;
use crate::device::Document;
use crate::store::StoreError;
use crate::world::World;

/// The name of the parameters in the store.
const NOTE: &str = "parameters";
/// Keys of tenants, below this key of what is stored.
const TENANTS: &str = "tenants";
const KEY: &str = "provisioning_key";
const NAT: &str = "NAT";

/// A parameter: its name, and what it is.
const PARAMETERS: [(&str, &str); 7] = [
    ("plugin_server", "URL of the index of installable plugins"),
    ("http_proxy", "Proxy for HTTP requests, as a URL"),
    ("ftp_proxy", "Proxy for FTP requests, as a URL"),
    ("https_proxy", "Proxy for HTTPS requests, as host:port"),
    ("locale", "Language of descriptions"),
    (NAT, "1 where phones share addresses behind a NAT, else 0"),
    (KEY, "Key that the URLs of this tenant's phones contain"),
];

/// What was ever set, by parameter.
pub struct Parameters(Mutex<Document>);

impl Parameters {
    /// What is stored. Something that is no object counts as nothing.
    pub fn read(world: &World) -> Parameters {
        let stored = world.note(NOTE).unwrap_or_else(|error| {
            tracing::error!(%error, "the parameters");
            None
        });
        let stored = stored.and_then(|text| serde_json::from_slice(&text).ok());
        Parameters(Mutex::new(stored.unwrap_or_default()))
    }

    /// Makes the server be as they say; how many tenants' keys it uses.
    pub fn apply(&self, world: &World) -> usize {
        apply(world, &self.lock())
    }

    fn get(&self, world: &World, name: &str, tenant: &str) -> Value {
        let stored = self.lock();
        let value = match name {
            NAT => return u8::from(world.settings().nat).into(),
            KEY => stored.get(TENANTS).and_then(|tenants| tenants.get(tenant)?.get(KEY)),
            name => stored.get(name),
        };
        value.cloned().unwrap_or_default()
    }

    /// Sets a parameter: durable when this returns.
    fn set(&self, world: &World, (name, tenant): (&str, &str), value: Value) -> Result<(), Wrong> {
        let mut stored = self.lock();
        let mut new = stored.clone();
        if name == KEY {
            set_key(&mut new, tenant, value)?;
        } else {
            new.insert(name.to_owned(), checked(name, value)?);
        }
        Ok(replace(world, &mut stored, new)?)
    }

    /// The proxy by which a URL is to be fetched, where one is set.
    pub fn proxy_for(&self, url: &str) -> Option<String> {
        let name = if url.starts_with("https:") { "https_proxy" } else { "http_proxy" };
        self.lock().get(name)?.as_str().map(ToOwned::to_owned)
    }

    /// Tenants that ever had a key.
    pub fn tenants(&self) -> Vec<String> {
        let stored = self.lock();
        let tenants = stored.get(TENANTS).and_then(Value::as_object);
        tenants.into_iter().flat_map(|tenants| tenants.keys().cloned()).collect()
    }

    /// Forgets what a tenant set: durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`]; then it stays.
    pub fn forget(&self, world: &World, tenant: &str) -> Result<(), StoreError> {
        let mut stored = self.lock();
        let mut new = stored.clone();
        let tenants = new.get_mut(TENANTS).and_then(Value::as_object_mut);
        if tenants.is_none_or(|tenants| tenants.shift_remove(tenant).is_none()) {
            return Ok(());
        }
        replace(world, &mut stored, new)
    }

    fn lock(&self) -> MutexGuard<'_, Document> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a parameter was not set.
#[derive(PartialEq, Eq, Debug, thiserror::Error)]
enum Wrong {
    #[error("{0}")]
    Value(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All parameters.
pub fn list(call: &Call) -> Outcome {
    let item = |(name, description): &(&str, &str)| {
        json!({
            "id": name,
            "description": description,
            "value": value(call, name),
            "links": [link("srv.configure.param", call.child(name))],
        })
    };
    let params: Vec<_> = PARAMETERS.iter().map(item).collect();
    Ok(Answer::json(&json!({ "params": params })))
}

/// One parameter.
pub fn read(call: &Call) -> Outcome {
    let name = name(call)?;
    Ok(Answer::json(&json!({"param": {"value": value(call, name)}})))
}

/// Sets a parameter.
pub fn update(call: &Call) -> Outcome {
    let name = name(call)?;
    let value = call.body.get("param").and_then(|param| param.get("value"));
    let value = value.ok_or_else(|| Answer::bad("Wrong information in entity"))?.clone();
    let place = (name, &*call.caller.tenant);
    match call.api.parameters.set(call.world(), place, value) {
        Ok(()) => Ok(Answer::done()),
        Err(Wrong::Value(text)) => Err(Answer::text(StatusCode::BAD_REQUEST, text)),
        Err(Wrong::Store(error)) => Err(unavailable(&error)),
    }
}

fn name(call: &Call) -> Result<&str, Answer> {
    let name = call.name("p");
    let is_known = PARAMETERS.iter().any(|(known, _)| *known == name);
    if is_known { Ok(name) } else { Err(Answer::no_such()) }
}

fn value(call: &Call, name: &str) -> Value {
    call.api.parameters.get(call.world(), name, &call.caller.tenant)
}

/// Puts others in the place of those that are stored, and in use once they are durable.
fn replace(world: &World, stored: &mut Document, new: Document) -> Result<(), StoreError> {
    let text = serde_json::to_vec(&new).expect("invariant: a JSON object can be written");
    world.set_note(NOTE, &text)?;
    *stored = new;
    apply(world, stored);
    Ok(())
}

/// Makes the server be as they say; how many tenants' keys it uses, where phones' URLs have keys.
fn apply(world: &World, stored: &Document) -> usize {
    if let Some(value) = stored.get(NAT) {
        world.change_settings(|settings| settings.nat = value == "1");
    }
    let tenants = stored.get(TENANTS).and_then(Value::as_object).into_iter().flatten();
    world.set_keys(tenants.filter_map(|(name, of)| Some((&**name, of.get(KEY)?.as_str()?))))
}

/// What is stored of a value that is good.
fn checked(name: &str, value: Value) -> Result<Value, Wrong> {
    let text = match &value {
        Value::Null => None,
        Value::String(text) if name == "locale" && text.is_empty() => return Ok(Value::Null),
        Value::String(text) => Some(text.as_str()),
        other => return Err(Wrong::Value(other.to_string())),
    };
    let fault = match (name, text) {
        (NAT, None) => return Ok("0".into()),
        (NAT, Some(text)) => (!matches!(text, "0" | "1")).then(|| text.to_owned()),
        (_, None) => None,
        ("plugin_server", Some(url)) => index_fault(url),
        ("https_proxy", Some(proxy)) => tunnel_fault(proxy),
        ("locale", Some(locale)) => {
            (!is_locale(locale)).then(|| format!("Invalid locale {locale}"))
        }
        (_, Some(url)) => proxy_fault(url),
    };
    fault.map_or(Ok(value), |fault| Err(Wrong::Value(fault)))
}

fn index_fault(url: &str) -> Option<String> {
    let (scheme, host, _) = url_parts(url);
    match (scheme, host) {
        ("", _) => Some(format!("no scheme: {url}")),
        (_, "") => Some(format!("no hostname: {url}")),
        _ => None,
    }
}

fn proxy_fault(url: &str) -> Option<String> {
    match url_parts(url) {
        ("", ..) => Some(format!("No scheme: {url}")),
        (_, "", _) => Some(format!("No hostname: {url}")),
        (_, _, "") => None,
        _ => Some(format!("Path: {url}")),
    }
}

fn tunnel_fault(proxy: &str) -> Option<String> {
    match url_parts(proxy) {
        _ if proxy.is_empty() => Some("zero-length value".to_owned()),
        (scheme, host, _) if !scheme.is_empty() && !host.is_empty() => {
            Some(format!("scheme and hostname: {proxy}"))
        }
        _ => None,
    }
}

/// Scheme, host and path of a URL; what is not there is empty.
fn url_parts(url: &str) -> (&str, &str, &str) {
    let is_scheme = |text: &&str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let split = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme));
    let (scheme, rest) = split.unwrap_or(("", url));
    let Some(rest) = rest.strip_prefix("//") else { return (scheme, "", rest) };
    let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = place.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(host) => host.split(']').next(),
        None => host.split(':').next(),
    };
    (scheme, host.unwrap_or_default(), path)
}

/// `fr`, `fr_FR`: two or three letters each.
fn is_locale(text: &str) -> bool {
    let (language, country) = text.split_once('_').unwrap_or((text, "XX"));
    let fits = |part: &str, is: fn(&u8) -> bool| {
        (2..=3).contains(&part.len()) && part.as_bytes().iter().all(is)
    };
    fits(language, u8::is_ascii_lowercase) && fits(country, u8::is_ascii_uppercase)
}

/// Sets a tenant's key; no other may have the same.
fn set_key(stored: &mut Document, tenant: &str, value: Value) -> Result<(), Wrong> {
    let wrong = |text: &str| Err(Wrong::Value(text.to_owned()));
    let value = match value {
        Value::String(text) if text.is_empty() => Value::Null,
        value => value,
    };
    let tenants = stored.entry(TENANTS).or_insert_with(|| json!({}));
    let Value::Object(tenants) = tenants else { return wrong("the stored keys are damaged") };
    match &value {
        Value::Null => {}
        Value::String(key) if !(8..=256).contains(&key.len()) => {
            return wrong("provisioning_key must have 8 to 256 characters");
        }
        Value::String(key) => {
            if !key.chars().all(|c| c.is_ascii_alphanumeric() || "-$~.".contains(c)) {
                return wrong("provisioning_key may contain letters, digits and - $ ~ . only");
            }
            let has_it = |(other, known): (&String, &Value)| {
                other != tenant && known.get(KEY) == Some(&value)
            };
            if tenants.iter().any(has_it) {
                return wrong("provisioning_key is another tenant's already");
            }
        }
        _ => return wrong("provisioning_key must be a string"),
    }
    tenants.insert(tenant.to_owned(), json!({ KEY: value }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_in_the_words_that_clients_know() {
        let check = |name, value| match checked(name, value) {
            Ok(value) => value.to_string(),
            Err(wrong) => wrong.to_string(),
        };
        for (name, value, wanted) in [
            ("plugin_server", json!("foo"), "no scheme: foo"),
            ("plugin_server", json!("http://"), "no hostname: http://"),
            ("plugin_server", json!("http://a.example/x"), "\"http://a.example/x\""),
            ("plugin_server", json!(null), "null"),
            ("http_proxy", json!("a.example"), "No scheme: a.example"),
            ("http_proxy", json!("http:/x"), "No hostname: http:/x"),
            ("ftp_proxy", json!("http://u@a.example:1/x"), "Path: http://u@a.example:1/x"),
            ("ftp_proxy", json!("http://[::1]:1"), "\"http://[::1]:1\""),
            ("https_proxy", json!(""), "zero-length value"),
            ("https_proxy", json!("http://a"), "scheme and hostname: http://a"),
            ("https_proxy", json!("a.example:80"), "\"a.example:80\""),
            ("locale", json!("fr_FR"), "\"fr_FR\""),
            ("locale", json!(""), "null"),
            ("locale", json!("fr_fr"), "Invalid locale fr_fr"),
            ("NAT", json!("1"), "\"1\""),
            ("NAT", json!(null), "\"0\""),
            ("NAT", json!(1), "1"),
            ("NAT", json!("2"), "2"),
        ] {
            assert_eq!(check(name, value.clone()), wanted, "{name} {value}");
        }
    }

    #[test]
    fn keys_are_one_tenants_each() {
        let mut stored = Document::new();
        let mut set = |tenant, value| set_key(&mut stored, tenant, value).is_ok();
        assert!(set("a", json!("12345678")));
        assert!(set("a", json!("12345678")));
        assert!(!set("b", json!("12345678")));
        assert!(!set("b", json!("1234567")));
        assert!(!set("b", json!("1234567/")));
        assert!(!set("b", json!(12345678)));
        assert!(set("a", json!("")));
        assert!(set("b", json!("12345678")));
    }
}
