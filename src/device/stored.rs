//! Documents as the store has them, read in one pass: what is unusual about one is read the slow
//! way, which is the one that says what a document means.

use super::scan::{Plain, Scan};
use super::{Config, ConfigError, Device, DocumentError, Known, Mac, Text};

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
        if let Some(device) = device(json, known) {
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
        if let Some(config) = config(json, known) {
            return Ok(config);
        }
        let mut config = Config::from_stored(serde_json::from_slice(json)?)?;
        known.share_config(&mut config);
        Ok(config)
    }
}

/// Keys without a field of their own, as they stand in the document.
type Others<'a> = Vec<(&'a str, &'a str)>;

/// None: the text is unusual, or wrong.
fn device(json: &[u8], known: &mut Known) -> Option<Device> {
    let mut device = Device::default();
    let mut others = Others::new();
    let mut seen = Seen::default();
    let mut scan = Scan::new(json)?;
    scan.object(|key, scan| {
        let place = scan.place();
        let Some(field) = field(key) else {
            others.push((key, scan.value()?));
            return Some(());
        };
        seen.first(field)?;
        match (field, scan.plain()?) {
            (Field::Configured, Plain::Bool(flag)) => device.configured = flag,
            (Field::IsNew, Plain::Bool(flag)) => device.is_new = flag,
            (Field::Configured | Field::IsNew, _) | (_, Plain::Bool(_)) => return None,
            // They count as absent, and are given back.
            (_, Plain::Null | Plain::Text("")) => others.push((key, scan.since(place))),
            (field, Plain::Text(text)) => take(&mut device, field, text, known)?,
        }
        Some(())
    })?;
    device.extra = known.extra(&others)?;
    (scan.is_at_end() && !device.id.is_empty()).then_some(device)
}

/// A key that has a field.
#[derive(Clone, Copy)]
enum Field {
    Id,
    Mac,
    Ip,
    Vendor,
    Model,
    Version,
    Sn,
    Uuid,
    Plugin,
    Config,
    Added,
    Tenant,
    Username,
    Configured,
    IsNew,
}

fn field(key: &str) -> Option<Field> {
    Some(match key {
        "id" => Field::Id,
        "mac" => Field::Mac,
        "ip" => Field::Ip,
        "vendor" => Field::Vendor,
        "model" => Field::Model,
        "version" => Field::Version,
        "sn" => Field::Sn,
        "uuid" => Field::Uuid,
        "plugin" => Field::Plugin,
        "config" => Field::Config,
        "added" => Field::Added,
        "tenant_uuid" => Field::Tenant,
        "remote_state_sip_username" => Field::Username,
        "configured" => Field::Configured,
        "is_new" => Field::IsNew,
        _ => return None,
    })
}

/// None where the text is not what its key asks for.
fn take(device: &mut Device, field: Field, text: &str, known: &mut Known) -> Option<()> {
    match field {
        Field::Id if text.contains(['/', '\0']) => return None,
        Field::Id => device.id = text.into(),
        Field::Mac => device.mac = Some(Mac::parse_normal(text.as_bytes())?),
        Field::Ip => device.ip = Some(text.parse().ok()?),
        Field::Vendor => device.vendor = Some(known.text(text)),
        Field::Model => device.model = Some(known.text(text)),
        Field::Version => device.version = Some(known.text(text)),
        Field::Plugin => device.plugin = Some(known.text(text)),
        Field::Added => device.added = Some(known.text(text)),
        Field::Tenant => device.tenant_uuid = Some(known.text(text)),
        Field::Sn => device.sn = Some(text.into()),
        Field::Uuid => device.uuid = Some(text.into()),
        Field::Config => device.config = Some(text.into()),
        Field::Username => device.remote_state_sip_username = Some(text.into()),
        Field::Configured | Field::IsNew => return None,
    }
    Some(())
}

/// Fields that were there. One that is there twice is unusual: the last one counts.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    fn first(&mut self, field: Field) -> Option<()> {
        let bit = 1 << field as u32;
        let is_first = self.0 & bit == 0;
        self.0 |= bit;
        is_first.then_some(())
    }
}

/// None: the text is unusual, or wrong.
fn config(json: &[u8], known: &mut Known) -> Option<Config> {
    let (mut id, mut parents, mut raw) = (None, None, None);
    let mut line = None;
    let mut others = Others::new();
    let mut scan = Scan::new(json)?;
    scan.object(|key, scan| {
        let is_first = match key {
            "id" => id.replace(scan.text()?).is_none(),
            "parent_ids" => {
                let mut names = Vec::new();
                scan.list(|scan| scan.text().map(|name| names.push(name)))?;
                parents.replace(names).is_none()
            }
            "raw_config" => {
                let place = scan.place();
                line = settings(scan)?;
                raw.replace(scan.since(place)).is_none()
            }
            _ => {
                others.push((key, scan.value()?));
                true
            }
        };
        is_first.then_some(())
    })?;
    let id = id.filter(|id| !id.is_empty() && !id.contains(['/', '\0']))?;
    let (parents, raw) = (known.list(&parents?), raw?);
    let extra = known.extra(&others)?;
    let username = line.flatten().filter(|name| !name.is_empty()).map(Text::from);
    let config = Config::of_parts(id, parents, raw, username, line.is_some(), extra);
    scan.is_at_end().then_some(config)
}

/// Walks a layer's settings; gives the line named `1`, and its user name where it is a text.
fn settings<'a>(scan: &mut Scan<'a>) -> Option<Option<Option<&'a str>>> {
    let mut line = None;
    scan.object(|key, scan| {
        if key != "sip_lines" {
            return scan.value().map(drop);
        }
        line = None;
        if scan.peek()? != b'{' {
            // A list's elements have numbers, which are as good as keys.
            return (scan.plain()? == Plain::Null).then_some(());
        }
        scan.object(|key, scan| {
            if key != "1" {
                return scan.value().map(drop);
            }
            line = Some(None);
            if scan.peek()? != b'{' {
                return (scan.plain()? == Plain::Null).then_some(());
            }
            scan.object(|key, scan| {
                if key != "username" {
                    return scan.value().map(drop);
                }
                line = Some(match scan.plain()? {
                    Plain::Text(name) => Some(name),
                    _ => None,
                });
                Some(())
            })
        })
    })?;
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the store writes it: without the blanks that lines are broken at here.
    fn compact(text: &str) -> String {
        text.lines().map(str::trim_start).collect()
    }

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
            let text = &*compact(text);
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
            let text = &*compact(text);
            let usual = config(text.as_bytes(), known);
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
