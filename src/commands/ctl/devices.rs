//! Devices are found by whatever an operator has at hand, shown whole, and told to do things.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::thread;

use super::client::{Client, Failure};
use super::layers::Layers;
use super::table;
use ringboot::device::Mac;
use ringboot::time::Duration;
use ringboot::url::escape;

/// Keys that a part of is looked for in.
const LOOKED_AT: [&str; 10] =
    ["mac", "id", "sn", "uuid", "ip", "vendor", "model", "version", "plugin", "config"];
/// Devices that are read at once where all are looked through.
const PAGE: usize = 5000;
/// Time between two looks at an operation.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Prints devices that fit.
pub fn find(client: &Client, text: &str, limit: usize, json: bool) -> Result<()> {
    let mut found = exact(client, text)?;
    if found.is_empty() {
        found = in_part(client, text, limit)?;
    }
    if found.is_empty() {
        bail!(Failure::Nothing(format!("no device has {text:?} in what is known of it")));
    }
    let more = found.len() > limit;
    found.truncate(limit);
    if json {
        println!("{}", json!({ "devices": found }));
        return Ok(());
    }
    let row = |device: &Value| {
        ["id", "mac", "ip", "model", "version", "plugin", "config"].map(|key| word(&device[key]))
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    table::print(["ID", "MAC", "IP", "MODEL", "VERSION", "PLUGIN", "CONFIG"], &rows);
    if more {
        eprintln!("there are more; --limit shows them");
    }
    Ok(())
}

/// Prints a device, its plugin, and its configuration by layers.
pub fn show(client: &Client, name: &str, secrets: bool, json: bool) -> Result<()> {
    let device = one(client, name)?;
    let text = |key: &str| device[key].as_str().filter(|text| !text.is_empty());
    let layers = match text("config") {
        Some(config) => Layers::of(client, config)?,
        None => None,
    };
    let plugin = match text("plugin") {
        Some(plugin) => client.get(&format!("/0.2/pg_mgr/plugins/{}/info", escape(plugin)))?,
        None => None,
    };
    let plugin = plugin.map_or(Value::Null, |document| document["plugin_info"].clone());
    if json {
        let settings: Vec<Value> = layers
            .iter()
            .flat_map(Layers::rows)
            .map(|(key, value, layer)| json!({"key": key, "value": value, "layer": layer}))
            .collect();
        let order = layers.as_ref().map(|layers| &layers.order);
        let whole =
            json!({"device": device, "plugin": plugin, "layers": order, "settings": settings});
        println!("{whole}");
        return Ok(());
    }
    let fields = device.as_object().into_iter().flatten();
    let rows: Vec<_> = fields.map(|(key, value)| [key.clone(), word(value)]).collect();
    table::print(["DEVICE", ""], &rows);
    if let Some(summary) = plugin["description"].as_str() {
        println!("\nPLUGIN\n{}: {summary}", word(&device["plugin"]));
    }
    match (&layers, text("config")) {
        (Some(layers), _) => {
            println!("\nLAYERS\n{}\n", layers.order.join(" < "));
            let rows: Vec<_> = layers
                .rows()
                .map(|(key, value, layer)| {
                    let hide = !secrets && key.contains("password");
                    let shown = if hide { "********".to_owned() } else { word(value) };
                    [key, shown, layer.to_owned()]
                })
                .collect();
            table::print(["KEY", "VALUE", "LAYER"], &rows);
        }
        (None, Some(config)) => println!("\nits configuration {config} is not there"),
        (None, None) => println!("\nit has no configuration"),
    }
    Ok(())
}

/// Has the server look again whether a device's files can be made.
pub fn reconfigure(client: &Client, name: &str, json: bool) -> Result<()> {
    let device = one(client, name)?;
    let path = "/0.2/dev_mgr/reconfigure";
    client.ask("POST", path, Some(&json!({"id": device["id"]})), None)?.good(path)?;
    let device = one(client, &word(&device["id"]))?;
    let is_configured = device["configured"] == json!(true);
    if json {
        println!("{}", json!({"id": device["id"], "configured": is_configured}));
    } else {
        let can = if is_configured { "can be made" } else { "cannot be made" };
        println!("{}: its files {can}", word(&device["id"]));
    }
    Ok(())
}

/// Has a phone told to fetch its configuration again.
pub fn synchronize(client: &Client, name: &str, json: bool) -> Result<()> {
    let device = one(client, name)?;
    let path = "/0.2/dev_mgr/synchronize";
    let reply = client.ask("POST", path, Some(&json!({"id": device["id"]})), None)?.good(path)?;
    let Some(operation) = reply.location else { bail!("the server named no operation") };
    let (state, reason) = loop {
        let Some(document) = client.get(&operation)? else { bail!("{operation} is gone") };
        let status = word(&document["status"]);
        let own = status.split(['(', ';']).next().unwrap_or_default();
        let state = own.rsplit('|').next().unwrap_or_default().to_owned();
        if matches!(&*state, "success" | "fail") {
            break (state, word(&document["reason"]));
        }
        thread::sleep(LOOK_PAUSE);
    };
    client.ask("DELETE", &operation, None, None)?;
    if state == "fail" {
        let reason = if reason.is_empty() { "the server names no reason" } else { &reason };
        bail!("{}: the phone could not be told: {reason}", word(&device["id"]));
    }
    if json {
        println!("{}", json!({"id": device["id"], "status": state}));
    } else {
        println!("{}: the phone was told", word(&device["id"]));
    }
    Ok(())
}

/// The one device that this names.
pub fn one(client: &Client, name: &str) -> Result<Value> {
    let mut found = exact(client, name)?;
    match found.len() {
        0 => bail!(Failure::Nothing(format!("there is no device {name}"))),
        1 => Ok(found.remove(0)),
        count => {
            let ids: Vec<_> = found.iter().map(|device| word(&device["id"])).collect();
            bail!("{count} devices have {name}: {}; name one by its id", ids.join(", "))
        }
    }
}

/// The devices that have just this, by the strongest sign that any has.
fn exact(client: &Client, text: &str) -> Result<Vec<Value>> {
    if let Some(document) = client.get(&format!("/0.2/dev_mgr/devices/{}", escape(text)))? {
        return Ok(vec![document["device"].clone()]);
    }
    let mut signs = Vec::new();
    if let Ok(mac) = Mac::parse(text.as_bytes()) {
        signs.push(("mac", mac.format(":", false)));
    }
    signs.extend(["sn", "ip", "uuid", "config"].map(|key| (key, text.to_owned())));
    for (key, value) in signs {
        let found = list(client, &format!("q={}", escape(&json!({key: value}).to_string())))?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The devices that have this anywhere, in either case; one more than the limit at most.
fn in_part(client: &Client, text: &str, limit: usize) -> Result<Vec<Value>> {
    let wanted = text.to_lowercase();
    let has = |device: &Value| {
        let mut values = LOOKED_AT.iter().filter_map(|key| device[*key].as_str());
        values.any(|value| value.to_lowercase().contains(&wanted))
    };
    let mut found = Vec::new();
    let mut skip = 0;
    loop {
        let page = list(client, &format!("skip={skip}&limit={PAGE}"))?;
        let count = page.len();
        found.extend(page.into_iter().filter(has));
        if count < PAGE || found.len() > limit {
            return Ok(found);
        }
        skip += count;
    }
}

fn list(client: &Client, query: &str) -> Result<Vec<Value>> {
    let path = format!("/0.2/dev_mgr/devices?recurse=true&{query}");
    let Some(mut document) = client.get(&path)? else { bail!("the server has no {path}") };
    match document["devices"].take() {
        Value::Array(devices) => Ok(devices),
        _ => bail!("{path}: this is no list of devices"),
    }
}

/// A value as people read it.
pub fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
