//! Values of a configuration are set and taken out one by one; what another operator changed
//! meanwhile is not lost.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::devices::{one, word};
use ringboot::limits;
use ringboot::url::escape;

/// A value that changed: its key, what it was, what it is.
type Changed = (String, Option<Value>, Option<Value>);

/// Sets values.
pub fn set(client: &Client, name: &str, values: &[String], json: bool) -> Result<()> {
    let id = config_of(client, name)?;
    let raw = client.get(&format!("/0.2/cfg_mgr/configs/{}/raw", escape(&id)))?;
    let raw = raw.map_or(Value::Null, |mut document| document["raw_config"].take());
    let mut wanted = Vec::new();
    for text in values {
        let (key, value) =
            text.split_once('=').with_context(|| format!("{text} is no KEY=VALUE"))?;
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => {
                let value = serde_json::from_str(value);
                (key, value.with_context(|| format!("{key}: {value:?} is no JSON", value = text))?)
            }
            None => (key, read(value, at(&raw, key))),
        };
        ensure!(key.split('.').all(|part| !part.is_empty()), "{key:?} is no key");
        wanted.push((key.to_owned(), Some(value)));
    }
    change(client, &id, &wanted, json)
}

/// Takes values out.
pub fn unset(client: &Client, name: &str, keys: &[String], json: bool) -> Result<()> {
    let id = config_of(client, name)?;
    let wanted: Vec<_> = keys.iter().map(|key| (key.clone(), None)).collect();
    change(client, &id, &wanted, json)
}

/// A text stays one where the value is one now; else it is JSON where it can be.
fn read(text: &str, now: Option<&Value>) -> Value {
    match now {
        Some(Value::String(_)) => text.into(),
        _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

fn at<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(value, |value, part| value.get(part))
}

/// The configuration of this name, or that of the device of this name.
fn config_of(client: &Client, name: &str) -> Result<String> {
    if client.get(&format!("/0.2/cfg_mgr/configs/{}", escape(name)))?.is_some() {
        return Ok(name.to_owned());
    }
    let device = match one(client, name) {
        Err(error) if matches!(error.downcast_ref(), Some(Failure::Nothing(_))) => {
            bail!(Failure::Nothing(format!("there is no configuration and no device {name}")))
        }
        device => device?,
    };
    match device["config"].as_str() {
        Some(config) if !config.is_empty() => Ok(config.to_owned()),
        _ => bail!(Failure::Nothing(format!("the device {} has no configuration", device["id"]))),
    }
}

/// Changes a configuration as it is now; tried again where another was first.
fn change(client: &Client, id: &str, wanted: &[(String, Option<Value>)], json: bool) -> Result<()> {
    let path = format!("/0.2/cfg_mgr/configs/{}", escape(id));
    for _ in 0..limits::DECISIONS_MAX {
        let Some((mut document, etag)) = client.read(&path)? else {
            bail!(Failure::Nothing(format!("there is no configuration {id}")));
        };
        let raw = &mut document["config"]["raw_config"];
        let mut changed = Vec::new();
        for (key, value) in wanted {
            let old = put(raw, key, value.clone())?;
            if old != *value {
                changed.push((key.clone(), old, value.clone()));
            }
        }
        if !changed.is_empty() {
            let reply = client.ask("PUT", &path, Some(&document), etag.as_deref())?;
            if reply.status == 412 {
                continue;
            }
            reply.good(&path)?;
        }
        tell(id, &changed, json);
        return Ok(());
    }
    bail!("{id} is changed by others again and again")
}

fn tell(id: &str, changed: &[Changed], json: bool) {
    if json {
        let row = |(key, old, new): &Changed| json!({"key": key, "old": old, "new": new});
        let rows: Vec<_> = changed.iter().map(row).collect();
        println!("{}", json!({"config": id, "changed": rows}));
        return;
    }
    let shown = |key: &str, value: &Option<Value>| match value {
        None => "(none)".to_owned(),
        Some(_) if key.contains("password") => "********".to_owned(),
        Some(value) => word(value),
    };
    for (key, old, new) in changed {
        println!("{id}: {key}: {} -> {}", shown(key, old), shown(key, new));
    }
    if changed.is_empty() {
        println!("{id}: it is so already");
    }
}

/// Puts a value in, or takes it out; gives what was there.
fn put(raw: &mut Value, key: &str, value: Option<Value>) -> Result<Option<Value>> {
    let mut place = raw;
    let (parents, last) = match key.rsplit_once('.') {
        Some((parents, last)) => (parents.split('.').collect(), last),
        None => (Vec::new(), key),
    };
    for part in parents {
        let Some(object) = place.as_object_mut() else { bail!("{key}: not in an object") };
        if value.is_none() && !object.contains_key(part) {
            return Ok(None);
        }
        place = object.entry(part).or_insert_with(|| json!({}));
    }
    let Some(object) = place.as_object_mut() else { bail!("{key}: not in an object") };
    Ok(match value {
        Some(value) => object.insert(last.to_owned(), value),
        None => object.shift_remove(last),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_in_and_out_by_their_keys() {
        let mut raw = json!({"a": "1", "b": {"c": true}});
        assert_eq!(put(&mut raw, "a", Some(json!("2"))).unwrap(), Some(json!("1")));
        assert_eq!(put(&mut raw, "b.d.e", Some(json!(5))).unwrap(), None);
        assert_eq!(put(&mut raw, "b.c", None).unwrap(), Some(json!(true)));
        assert_eq!(put(&mut raw, "x.y", None).unwrap(), None);
        assert!(put(&mut raw, "a.b", Some(json!(1))).is_err());
        assert_eq!(raw, json!({"a": "2", "b": {"d": {"e": 5}}}));
    }

    #[test]
    fn a_value_keeps_its_kind() {
        assert_eq!(read("8000", Some(&json!("7000"))), json!("8000"));
        assert_eq!(read("8000", Some(&json!(7000))), json!(8000));
        assert_eq!(read("true", None), json!(true));
        assert_eq!(read("fr_FR", None), json!("fr_FR"));
    }
}
