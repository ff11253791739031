//! Which documents a list holds: equal values, a page, an order, some of the keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::guard::{Tenants, owner};
use crate::device::Document;
use crate::world::World;

/// What a client wants of a list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ask {
    selector: Document,
    fields: Option<Vec<String>>,
    skip: usize,
    /// None: all.
    limit: Option<usize>,
    sort: Option<String>,
    is_descending: bool,
    /// Documents of tenants below the caller's too.
    pub recurse: bool,
}

impl Ask {
    /// Reads the query of a list; what is odd counts as absent.
    pub fn new(pairs: &[(String, String)]) -> Ask {
        let first = |key: &str| pairs.iter().find(|(name, _)| name == key).map(|(_, v)| &**v);
        let number = |key| first(key).and_then(|text| text.trim().parse::<i64>().ok());
        let selector = match (first("q64"), first("q")) {
            (Some(coded), _) => STANDARD.decode(coded).ok(),
            (None, Some(text)) => Some(text.as_bytes().to_vec()),
            (None, None) => None,
        };
        let selector = selector.and_then(|text| serde_json::from_slice(&text).ok());
        let limit = number("limit").filter(|limit| *limit != 0);
        Ask {
            selector: selector.unwrap_or_default(),
            fields: first("fields").map(|fields| fields.split(',').map(str::to_owned).collect()),
            skip: number("skip").map_or(0, |skip| usize::try_from(skip).unwrap_or(0)),
            limit: limit.map(|limit| usize::try_from(limit).unwrap_or(0)),
            sort: first("sort").map(str::to_owned),
            is_descending: first("sort_ord") == Some("DESC"),
            recurse: matches!(first("recurse"), Some("true" | "True")),
        }
    }

    fn check(&self) -> Result<(), String> {
        let is_operator =
            |value: &Value| value.as_object().is_some_and(|v| v.keys().any(|k| k.starts_with('$')));
        match self.selector.iter().find(|(_, value)| is_operator(value)) {
            Some((key, _)) => Err(format!("{key}: operators are not known")),
            None => Ok(()),
        }
    }

    fn matches(&self, document: &Document) -> bool {
        self.selector.iter().all(|(key, value)| look(document, key) == Some(value))
    }

    /// The page of these documents.
    fn page(&self, documents: impl Iterator<Item = Document>) -> Vec<Document> {
        let chosen = documents.filter(|document| self.matches(document));
        let limit = self.limit.unwrap_or(usize::MAX);
        let project = |document| self.project(document);
        let Some(key) = &self.sort else {
            return chosen.skip(self.skip).take(limit).map(project).collect();
        };
        let mut all: Vec<_> =
            chosen.map(|document| (text(look(&document, key)), document)).collect();
        if self.is_descending {
            all.sort_by(|left, right| right.0.cmp(&left.0));
        } else {
            all.sort_by(|left, right| left.0.cmp(&right.0));
        }
        all.into_iter().skip(self.skip).take(limit).map(|(_, d)| project(d)).collect()
    }

    fn project(&self, document: Document) -> Document {
        let Some(fields) = &self.fields else { return document };
        let mut out = Document::new();
        for field in std::iter::once("id").chain(fields.iter().map(String::as_str)) {
            let Some(value) = look(&document, field) else { continue };
            let mut place = &mut out;
            let mut path: Vec<&str> = field.split('.').collect();
            let last = path.pop().unwrap_or_default();
            for part in path {
                let inner = place.entry(part).or_insert_with(|| Value::Object(Document::new()));
                if !inner.is_object() {
                    *inner = Value::Object(Document::new());
                }
                place = inner.as_object_mut().expect("invariant: made one just now");
            }
            place.insert(last.to_owned(), value.clone());
        }
        out
    }
}

/// Devices of these tenants.
///
/// # Errors
/// A selector that is not known.
pub fn devices(world: &World, ask: &Ask, tenants: &Tenants) -> Result<Vec<Document>, String> {
    let mut ask = ask.clone();
    ask.selector.shift_remove("tenant_uuid");
    ask.check()?;
    let master = world.settings().master_tenant.clone();
    let id = ask.selector.get("id").and_then(Value::as_str);
    let candidates = match id {
        Some(id) => world.directory.get(id).into_iter().collect(),
        None => world.directory.all(),
    };
    let own = candidates.iter().filter(|device| tenants.has(owner(device, &master)));
    Ok(ask.page(own.map(|device| device.to_document())))
}

/// Configurations.
///
/// # Errors
/// A selector that is not known.
pub fn configs(world: &World, ask: &Ask) -> Result<Vec<Document>, String> {
    ask.check()?;
    Ok(ask.page(world.configs.all().iter().map(|config| config.to_document())))
}

/// The value at a dotted path.
fn look<'d>(document: &'d Document, path: &str) -> Option<&'d Value> {
    let mut parts = path.split('.');
    let first = document.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.as_object()?.get(part))
}

/// What a value is sorted by.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "True".to_owned(),
        Some(Value::Bool(false)) => "False".to_owned(),
        Some(other) => other.to_string(),
    }
}
