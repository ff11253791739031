//! Which layer each value of a configuration is from: the server's own merge, with names.

use anyhow::Result;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

use super::client::Client;
use ringboot::url::escape;

/// Values by their keys, each with the layer that it is from.
#[derive(Debug, Default)]
pub struct Layers {
    /// Keys from the root down.
    values: BTreeMap<Vec<String>, (Value, String)>,
    /// The layers, the lowest first.
    pub order: Vec<String>,
}

/// A layer that the server has of itself.
const SERVER: &str = "(server)";

impl Layers {
    /// Those of a configuration, and what it comes to; none where it is not there.
    pub fn of(client: &Client, id: &str) -> Result<Option<Layers>> {
        let path = format!("/0.2/cfg_mgr/configs/{}/raw", escape(id));
        let Some(raw) = client.get(&path)? else { return Ok(None) };
        let mut layers = Layers::default();
        // Parents in their order, each once, then the layer itself (spec section 2.7).
        let mut visited = HashSet::from([id.to_owned()]);
        let mut stack: Vec<(Value, usize)> =
            config(client, id)?.map(|c| (c, 0)).into_iter().collect();
        while let Some((config_, next)) = stack.last_mut() {
            let parent = config_["parent_ids"][*next].as_str().map(str::to_owned);
            *next += 1;
            match parent {
                Some(parent) if visited.insert(parent.clone()) => {
                    stack.extend(config(client, &parent)?.map(|parent| (parent, 0)));
                }
                Some(_) => {}
                None => {
                    let (config, _) = stack.pop().expect("invariant: it was the last one");
                    layers.put(config["id"].as_str().unwrap_or_default(), &config["raw_config"]);
                }
            }
        }
        layers.complete(&raw["raw_config"]);
        Ok(Some(layers))
    }

    /// Keys with dots, values, layers.
    pub fn rows(&self) -> impl Iterator<Item = (String, &Value, &str)> {
        self.values.iter().map(|(key, (value, layer))| (key.join("."), value, &**layer))
    }

    fn put(&mut self, layer: &str, raw: &Value) {
        self.order.push(layer.to_owned());
        let mut leaves = Vec::new();
        collect(&mut Vec::new(), raw, &mut leaves);
        for (key, value) in leaves {
            // A value goes over an object and all in it, and an object over a value.
            self.values.retain(|known, _| !known.starts_with(&key) && !key.starts_with(known));
            self.values.insert(key, (value, layer.to_owned()));
        }
    }

    /// What the whole has and no layer said is the server's own. What changed while it was read is
    /// shown as the whole has it.
    fn complete(&mut self, raw: &Value) {
        let mut leaves = Vec::new();
        collect(&mut Vec::new(), raw, &mut leaves);
        let mut all = BTreeMap::new();
        for (key, value) in leaves {
            let known = self.values.remove(&key).filter(|(known, _)| *known == value);
            all.insert(key, known.unwrap_or((value, SERVER.to_owned())));
        }
        self.values = all;
    }
}

fn config(client: &Client, id: &str) -> Result<Option<Value>> {
    let document = client.get(&format!("/0.2/cfg_mgr/configs/{}", escape(id)))?;
    Ok(document.map(|document| document["config"].clone()))
}

/// Values that are no objects, with their keys; an empty object is a value.
fn collect(at: &mut Vec<String>, value: &Value, leaves: &mut Vec<(Vec<String>, Value)>) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (key, value) in object {
                at.push(key.clone());
                collect(at, value, leaves);
                at.pop();
            }
        }
        Value::Object(_) if at.is_empty() => {}
        value => leaves.push((at.clone(), value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_value_is_from_the_highest_layer_that_has_it() {
        let mut layers = Layers::default();
        layers.put(
            "base",
            &json!({"a": 1, "lines": {"1": {"user": "x", "pass": "y"}}, "b": {"c": 1}}),
        );
        layers.put("desk", &json!({"lines": {"1": {"user": "z"}}, "b": 2}));
        let whole = json!({"ip": "192.0.2.1", "a": 1, "b": 2,
                           "lines": {"1": {"user": "z", "pass": "y"}}});
        layers.complete(&whole);
        let rows: Vec<_> = layers.rows().map(|(key, _, layer)| (key, layer.to_owned())).collect();
        let row = |key: &str, layer: &str| (key.to_owned(), layer.to_owned());
        assert_eq!(
            rows,
            [
                row("a", "base"),
                row("b", "desk"),
                row("ip", SERVER),
                row("lines.1.pass", "base"),
                row("lines.1.user", "desk"),
            ]
        );
        assert_eq!(layers.order, ["base", "desk"]);
    }
}
