//! Documents as the store has them, read in one pass: what is unusual about one is read the slow
//! way, which is the one that says what a document means.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Config, ConfigError, Device, DocumentError, Extra, Known, Mac, Text};

/// Why a stored text is no device or no configuration.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// It is no JSON object.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It is no device.
    #[error(transparent)]
    Device(#[from] DocumentError),
    /// It is no configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Device {
    /// Reads a device from its stored text. What many devices have is the copy of `known`.
    ///
    /// # Errors
    /// [`StoredError`] for a text that is no device.
    pub fn from_json(json: &[u8], known: &mut Known) -> Result<Device, StoredError> {
        if let Some(mut device) = read(json, DeviceSeed(known)) {
            known.share_extra(&mut device.extra);
            return Ok(device);
        }
        let mut device = Device::from_document(serde_json::from_slice(json)?)?;
        known.share(&mut device, None);
        Ok(device)
    }
}

impl Config {
    /// Reads a configuration from its stored text. What many have is the copy of `known`.
    ///
    /// # Errors
    /// [`StoredError`] for a text that is no configuration.
    pub fn from_json(json: &[u8], known: &mut Known) -> Result<Config, StoredError> {
        let mut config = match read(json, ConfigSeed(known)) {
            Some(config) => config,
            None => Config::from_stored(serde_json::from_slice(json)?)?,
        };
        known.share_config(&mut config);
        Ok(config)
    }
}

/// None: the text is unusual, or wrong.
fn read<'a, S: DeserializeSeed<'a>>(json: &'a [u8], seed: S) -> Option<S::Value> {
    let mut reader = serde_json::Deserializer::from_str(std::str::from_utf8(json).ok()?);
    let value = seed.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some(value)
}

/// A value that needs no second look.
enum Plain<'a> {
    Null,
    Bool(bool),
    Text(Cow<'a, str>),
}

struct DeviceSeed<'k>(&'k mut Known);

impl<'de> DeserializeSeed<'de> for DeviceSeed<'_> {
    type Value = Device;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Device, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DeviceSeed<'_> {
    type Value = Device;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a device")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Device, A::Error> {
        let DeviceSeed(known) = self;
        let mut device = Device::default();
        let mut seen = 0_u32;
        while let Some(Key(key)) = map.next_key()? {
            let Some(place) = PLACES.iter().position(|place| *place == key) else {
                device.extra.insert(key.into_owned(), map.next_value::<Value>()?);
                continue;
            };
            if seen & (1 << place) != 0 {
                return Err(A::Error::custom("the key is there twice"));
            }
            seen |= 1 << place;
            match (PLACES[place], map.next_value()?) {
                ("configured", Plain::Bool(flag)) => device.configured = flag,
                ("is_new", Plain::Bool(flag)) => device.is_new = flag,
                ("configured" | "is_new", _) | (_, Plain::Bool(_)) => {
                    return Err(A::Error::custom("a value of another type"));
                }
                // They count as absent, and are given back.
                (key, Plain::Null) => device.extra.insert(key.to_owned(), Value::Null),
                (key, Plain::Text(text)) if text.is_empty() => {
                    device.extra.insert(key.to_owned(), Value::from(""));
                }
                (key, Plain::Text(text)) => {
                    take(&mut device, key, &text, known).ok_or_else(|| A::Error::custom("no"))?;
                }
            }
        }
        let is_named = !device.id.is_empty();
        if is_named { Ok(device) } else { Err(A::Error::custom("no id")) }
    }
}

/// Keys that have a field. Those that come first in a stored document are found first.
const PLACES: [&str; 15] = [
    "id",
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
    "configured",
    "is_new",
];

/// None where the text is not what its key asks for.
fn take(device: &mut Device, key: &str, text: &str, known: &mut Known) -> Option<()> {
    match key {
        "id" if text.contains(['/', '\0']) => return None,
        "id" => device.id = text.into(),
        "mac" => device.mac = Some(Mac::parse_normal(text.as_bytes())?),
        "ip" => device.ip = Some(text.parse().ok()?),
        "vendor" => device.vendor = Some(known.text(text)),
        "model" => device.model = Some(known.text(text)),
        "version" => device.version = Some(known.text(text)),
        "plugin" => device.plugin = Some(known.text(text)),
        "added" => device.added = Some(known.text(text)),
        "tenant_uuid" => device.tenant_uuid = Some(known.text(text)),
        "sn" => device.sn = Some(text.into()),
        "uuid" => device.uuid = Some(text.into()),
        "config" => device.config = Some(text.into()),
        "remote_state_sip_username" => device.remote_state_sip_username = Some(text.into()),
        _ => return None,
    }
    Some(())
}

struct ConfigSeed<'k>(&'k mut Known);

impl<'de> DeserializeSeed<'de> for ConfigSeed<'_> {
    type Value = Config;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Config, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ConfigSeed<'_> {
    type Value = Config;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a configuration")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config, A::Error> {
        let ConfigSeed(known) = self;
        let twice = || A::Error::custom("the key is there twice");
        let (mut id, mut parents, mut raw) = (None, None, None);
        let mut extra = Extra::default();
        while let Some(Key(key)) = map.next_key()? {
            let is_first = match &*key {
                "id" => id.replace(map.next_value::<Key<'_>>()?.0).is_none(),
                "parent_ids" => parents.replace(map.next_value::<Vec<Key<'_>>>()?).is_none(),
                "raw_config" => raw.replace(map.next_value::<&RawValue>()?).is_none(),
                _ => {
                    extra.insert(key.into_owned(), map.next_value()?);
                    true
                }
            };
            if !is_first {
                return Err(twice());
            }
        }
        let lacks = || A::Error::custom("a key is not there");
        let (id, raw) = (id.ok_or_else(lacks)?, raw.ok_or_else(lacks)?.get());
        if id.is_empty() || id.contains(['/', '\0']) || !raw.starts_with('{') {
            return Err(A::Error::custom("a value is not what it must be"));
        }
        let parents = parents.ok_or_else(lacks)?;
        let parents: Arc<[Text]> = parents.iter().map(|parent| known.text(&parent.0)).collect();
        let Settings { sip_lines: Lines(line) } =
            serde_json::from_str(raw).map_err(A::Error::custom)?;
        let username = match &line {
            Some(Line(Some(Plain::Text(name)))) if !name.is_empty() => Some(Text::from(&**name)),
            _ => None,
        };
        Ok(Config::of_parts(&id, parents, raw, username, line.is_some(), extra))
    }
}

/// What is looked for in a layer's settings.
#[derive(Deserialize)]
struct Settings<'a> {
    #[serde(borrow, default)]
    sip_lines: Lines<'a>,
}

/// The line named `1`, where there is one.
#[derive(Default)]
struct Lines<'a>(Option<Line<'a>>);

/// A line's user name.
struct Line<'a>(Option<Plain<'a>>);

/// A text that borrows where it can.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Plain::deserialize(deserializer)? {
            Plain::Text(text) => Ok(Key(text)),
            _ => Err(D::Error::custom("no text")),
        }
    }
}

struct PlainVisitor;

impl<'de: 'a, 'a> Deserialize<'de> for Plain<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a boolean or a text")
    }

    fn visit_unit<E>(self) -> Result<Plain<'de>, E> {
        Ok(Plain::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Plain<'de>, E> {
        Ok(Plain::Bool(flag))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Lines<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Member("1", PhantomData)).map(Lines)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Line<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Member("username", PhantomData)).map(Line)
    }
}

/// The value of one key of an object; of what is no object, nothing. A list is refused: its
/// elements have numbers, which are as good as keys.
struct Member<T>(&'static str, PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Member<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let mut found = None;
        while let Some(Key(key)) = map.next_key()? {
            if key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text says the same in one pass as it does through a document.
    #[test]
    fn both_ways_agree() {
        let known = &mut Known::default();
        for text in [
            r#"{"id":"a","mac":"00:15:65:4a:a9:37","ip":"192.0.2.7","vendor":"Yealink",
                "config":"c","configured":true,"is_new":false,"X_b":1,"options":{"a":[1]}}"#,
            r#"{"X_a":null,"id":"a","mac":null,"ip":"","sn":12,"uuid":"\u00e9","X_a":2}"#,
            r#"{"id":"a","id":"b","configured":"yes","is_new":1,"model":"x","model":null}"#,
            r#"{"id":"a","mac":"0015654aa937"}"#,
            r#"{"id":"a","mac":"00:15:65:4A:A9:37"}"#,
            r#"{"id":"a","mac":"00:15:65:4a:a9:3g"}"#,
            r#"{"id":"a","ip":"192.0.2"}"#,
            r#"{"id":"a","vendor":true}"#,
            r#"{"id":"a/b"}"#,
            r#"{"mac":null}"#,
            r#"[]"#,
            r#"{"id":"a"} {}"#,
        ] {
            let slow = serde_json::from_str(text).map_err(StoredError::from);
            let slow = slow.and_then(|document| Ok(Device::from_document(document)?));
            let fast = Device::from_json(text.as_bytes(), known);
            match (slow, fast) {
                (Ok(slow), Ok(fast)) => {
                    assert_eq!(slow, fast, "{text}");
                    assert!(slow.extra.keys().eq(fast.extra.keys()), "{text}");
                }
                (slow, fast) => {
                    assert_eq!(slow.expect_err(text).to_string(), fast.expect_err(text).to_string())
                }
            }
        }
    }

    #[test]
    fn both_ways_agree_on_configurations() {
        let known = &mut Known::default();
        for (text, is_usual) in [
            (
                r#"{"id":"a","parent_ids":["base","b"],"raw_config":{"sip_lines":{"1":{"username":
                "u","password":null},"2":{}},"X_a":[1]},"role":"autocreate","transient":1}"#,
                true,
            ),
            (r#"{"id":"a","parent_ids":[],"raw_config":{"sip_lines":{"1":null}}}"#, true),
            (
                r#"{"id":"a","parent_ids":[],"raw_config":{"sip_lines":{"1":{"username":null}}}}"#,
                true,
            ),
            (
                r#"{"id":"a","parent_ids":[],"raw_config":{"sip_lines":{"1":{"username":""}}}}"#,
                true,
            ),
            (
                r#"{"id":"a","parent_ids":[],"raw_config":{"sip_lines":null},"deletable":false}"#,
                true,
            ),
            (
                r#"{"id":"a","parent_ids":[],"raw_config":{"sip_lines":{"1":{"username":1}}}}"#,
                false,
            ),
            (
                r#"{"id":"a","parent_ids":[],"raw_config":{"sip_lines":[1,{"username":"x"}]}}"#,
                false,
            ),
            (r#"{"id":"a","parent_ids":[],"raw_config":{},"raw_config":{"X_a":1}}"#, false),
            (r#"{"id":"a","parent_ids":[1],"raw_config":{}}"#, false),
            (r#"{"id":"a","parent_ids":[]}"#, false),
            (r#"{"id":"","parent_ids":[],"raw_config":{}}"#, false),
            (r#"{"id":"a","parent_ids":[],"raw_config":{"a":1e}}"#, false),
        ] {
            let usual = read(text.as_bytes(), ConfigSeed(known));
            assert_eq!(usual.is_some(), is_usual, "{text}");
            let slow = serde_json::from_str(text).map_err(StoredError::from);
            let slow = slow.and_then(|document| Ok(Config::from_stored(document)?));
            let fast = Config::from_json(text.as_bytes(), known);
            match (slow, fast) {
                (Ok(slow), Ok(fast)) => {
                    assert_eq!(slow.to_document(), fast.to_document(), "{text}");
                    let rest = |config: &Config| {
                        let flags = (config.transient, config.deletable, config.has_line);
                        (config.sip_username.clone(), config.role.clone(), flags)
                    };
                    assert_eq!(rest(&slow), rest(&fast), "{text}");
                }
                (slow, fast) => {
                    assert_eq!(slow.expect_err(text).to_string(), fast.expect_err(text).to_string())
                }
            }
        }
    }
}
