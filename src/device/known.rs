//! What repeats is kept once: models, plugins, tenants, lists of parents, the odd common key.

use ahash::RandomState;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Config, Device, Document, Extra, Text};
use crate::limits;

/// The one copy of each text that many documents have. It forgets all of them when it is full: what
/// is in use stays in use, and the next document brings back what repeats.
#[derive(Debug, Default)]
pub struct Known {
    texts: HashSet<Text, RandomState>,
    lists: HashSet<Arc<[Text]>, RandomState>,
    /// By their JSON text.
    extras: HashMap<String, Extra, RandomState>,
    /// JSON of keys and values that are looked up.
    json: String,
}

impl Known {
    /// The copy that all share.
    pub fn text(&mut self, text: &str) -> Text {
        match self.texts.get(text) {
            Some(known) => known.clone(),
            None => self.learn(text.into()),
        }
    }

    /// Replaces what repeats in a device by the copies that all share. What it has from `old`, it
    /// keeps as it is: that was shared before.
    pub fn share(&mut self, device: &mut Device, old: Option<&Device>) {
        let olds = old.map(shared);
        for (place, text) in shared_mut(device).into_iter().enumerate() {
            let Some(text) = text else { continue };
            let before = olds.and_then(|olds| olds[place].as_ref());
            if before.is_none_or(|before| !before.is_same(text)) {
                *text = self.share_text(text);
            }
        }
        if old.is_none_or(|old| !old.extra.is_same(&device.extra)) {
            self.share_extra(&mut device.extra);
        }
    }

    /// The same for a configuration.
    pub fn share_config(&mut self, config: &mut Config) {
        if let Some(role) = &mut config.role {
            *role = self.share_text(role);
        }
        let parents: Vec<&str> = config.parent_ids.iter().map(|id| &**id).collect();
        config.parent_ids = self.list(&parents);
        self.share_extra(&mut config.extra);
    }

    /// The copy of a list of names that all share.
    pub fn list(&mut self, names: &[&str]) -> Arc<[Text]> {
        let names: Vec<_> = names.iter().map(|name| self.text(name)).collect();
        if let Some(known) = self.lists.get(&*names) {
            return Arc::clone(known);
        }
        if self.lists.len() >= limits::KNOWN_MAX {
            self.lists.clear();
        }
        let list: Arc<[Text]> = names.into();
        self.lists.insert(Arc::clone(&list));
        list
    }

    /// The copy of keys and their values that all share, from compact JSON texts without escapes.
    /// None where a value is no JSON.
    pub fn extra(&mut self, members: &[(&str, &str)]) -> Option<Extra> {
        if members.is_empty() {
            return Some(Extra::default());
        }
        self.json.clear();
        for (key, value) in members {
            for part in [if self.json.is_empty() { "{\"" } else { ",\"" }, key, "\":", value] {
                self.json.push_str(part);
            }
        }
        self.json.push('}');
        if let Some(known) = self.extras.get(&*self.json) {
            return Some(known.clone());
        }
        let extra = Extra::from(serde_json::from_str::<Document>(&self.json).ok()?);
        if members.len() <= limits::KNOWN_KEYS_MAX {
            self.learn_extra(self.json.clone(), &extra);
        }
        Some(extra)
    }

    fn share_text(&mut self, text: &Text) -> Text {
        match self.texts.get(text) {
            Some(known) => known.clone(),
            None => self.learn(text.clone()),
        }
    }

    fn learn(&mut self, text: Text) -> Text {
        if self.texts.len() >= limits::KNOWN_MAX {
            self.texts.clear();
        }
        self.texts.insert(text.clone());
        text
    }

    fn share_extra(&mut self, extra: &mut Extra) {
        if extra.is_empty() || extra.len() > limits::KNOWN_KEYS_MAX {
            return;
        }
        let Ok(text) = serde_json::to_string(&**extra) else { return };
        if let Some(known) = self.extras.get(&text) {
            *extra = known.clone();
            return;
        }
        self.learn_extra(text, extra);
    }

    fn learn_extra(&mut self, json: String, extra: &Extra) {
        if self.extras.len() >= limits::KNOWN_MAX {
            self.extras.clear();
        }
        self.extras.insert(json, extra.clone());
    }
}

fn shared(device: &Device) -> [&Option<Text>; 6] {
    let Device { vendor, model, version, plugin, added, tenant_uuid, .. } = device;
    [vendor, model, version, plugin, added, tenant_uuid]
}

fn shared_mut(device: &mut Device) -> [&mut Option<Text>; 6] {
    let Device { vendor, model, version, plugin, added, tenant_uuid, .. } = device;
    [vendor, model, version, plugin, added, tenant_uuid]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_kept_once() {
        let mut known = Known::default();
        let read = |text: &str| {
            let document = serde_json::from_str(text).expect("an object");
            Device::from_document(document).expect("a device")
        };
        let mut one = read(r#"{"id":"a","model":"T46S","version":"1","description":null}"#);
        let mut other = read(r#"{"id":"b","model":"T46S","version":"2","description":null}"#);
        known.share(&mut one, None);
        known.share(&mut other, None);
        let same = |left: &Option<Text>, right: &Option<Text>| {
            left.as_ref().zip(right.as_ref()).is_some_and(|(left, right)| left.is_same(right))
        };
        assert!(same(&one.model, &other.model));
        assert!(!same(&one.version, &other.version));
        assert!(one.extra.is_same(&other.extra));
        let mut changed = Device { version: Some("2".into()), ..one.clone() };
        known.share(&mut changed, Some(&one));
        assert!(same(&changed.version, &other.version));
    }

    #[test]
    fn a_full_memory_begins_anew() {
        let mut known = Known::default();
        let first = known.text("first");
        for n in 0..limits::KNOWN_MAX {
            known.text(&n.to_string());
        }
        assert!(known.texts.len() <= limits::KNOWN_MAX);
        assert_eq!(known.text("first"), first);
    }
}
