//! A document's values by their keys, without the document: most fields are lent as they are.

use serde_json::{Map, Number, Value};
use std::borrow::Cow;

use crate::device::{Config, Device, Document, Text};

/// A document whose values are found by their keys.
pub trait Fielded {
    /// The value of a key of the document itself, where it has that key.
    fn field(&self, key: &str) -> Option<Field<'_>>;

    /// The whole document.
    fn document(&self) -> Document;
}

/// A value of a document.
#[derive(Clone, Debug)]
pub enum Field<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// True or false.
    Flag(bool),
    /// Anything.
    Json(Cow<'a, Value>),
}

/// A value, whatever it is kept in.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// Nothing, said so.
    Null,
    /// True or false.
    Flag(bool),
    /// A number.
    Number(&'a Number),
    /// A text.
    Text(&'a str),
    /// A list.
    List(&'a [Value]),
    /// An object.
    Object(&'a Map<String, Value>),
}

impl Field<'_> {
    /// The value.
    pub fn seen(&self) -> Seen<'_> {
        match self {
            Field::Text(text) => Seen::Text(text),
            Field::Flag(flag) => Seen::Flag(*flag),
            Field::Json(value) => Seen::from(&**value),
        }
    }

    /// The value as JSON.
    pub fn into_value(self) -> Value {
        match self {
            Field::Text(text) => Value::String(text.into_owned()),
            Field::Flag(flag) => Value::Bool(flag),
            Field::Json(value) => value.into_owned(),
        }
    }
}

impl<'a> From<&'a Value> for Seen<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Seen::Null,
            Value::Bool(flag) => Seen::Flag(*flag),
            Value::Number(number) => Seen::Number(number),
            Value::String(text) => Seen::Text(text),
            Value::Array(list) => Seen::List(list),
            Value::Object(object) => Seen::Object(object),
        }
    }
}

impl Fielded for Device {
    fn field(&self, key: &str) -> Option<Field<'_>> {
        let own = match key {
            "id" => lent(Some(&self.id)),
            "mac" => self.mac.map(|mac| Field::Text(Cow::Owned(mac.to_string()))),
            "ip" => self.ip.map(|ip| Field::Text(Cow::Owned(ip.to_string()))),
            "vendor" => lent(self.vendor.as_ref()),
            "model" => lent(self.model.as_ref()),
            "version" => lent(self.version.as_ref()),
            "sn" => lent(self.sn.as_ref()),
            "uuid" => lent(self.uuid.as_ref()),
            "plugin" => lent(self.plugin.as_ref()),
            "config" => lent(self.config.as_ref()),
            "added" => lent(self.added.as_ref()),
            "tenant_uuid" => lent(self.tenant_uuid.as_ref()),
            "remote_state_sip_username" => lent(self.remote_state_sip_username.as_ref()),
            "configured" => Some(Field::Flag(self.configured)),
            "is_new" => Some(Field::Flag(self.is_new)),
            _ => None,
        };
        own.or_else(|| self.extra.get(key).map(|value| Field::Json(Cow::Borrowed(value))))
    }

    fn document(&self) -> Document {
        self.to_document()
    }
}

fn lent(text: Option<&Text>) -> Option<Field<'_>> {
    text.map(|text| Field::Text(Cow::Borrowed(&**text)))
}

impl Fielded for Config {
    fn field(&self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "id" => Field::Text(Cow::Borrowed(&self.id)),
            "parent_ids" => {
                let parents = self.parent_ids.iter().map(|id| Value::String(id.to_string()));
                Field::Json(Cow::Owned(parents.collect()))
            }
            "raw_config" => Field::Json(Cow::Owned(Value::Object(self.raw_config()))),
            _ => Field::Json(Cow::Borrowed(self.extra.get(key)?)),
        })
    }

    fn document(&self) -> Document {
        self.to_document()
    }
}

impl Fielded for Document {
    fn field(&self, key: &str) -> Option<Field<'_>> {
        self.get(key).map(|value| Field::Json(Cow::Borrowed(value)))
    }

    fn document(&self) -> Document {
        self.clone()
    }
}

/// A key, or keys of objects within each other, as `raw_config.sip_lines`.
#[derive(Clone, PartialEq, Debug)]
pub struct Path {
    first: String,
    rest: Vec<String>,
}

impl Path {
    /// Reads keys with dots between them.
    pub fn new(text: &str) -> Path {
        let mut keys = text.split('.').map(str::to_owned);
        Path { first: keys.next().unwrap_or_default(), rest: keys.collect() }
    }

    /// The key, where it is but one.
    pub fn only(&self) -> Option<&str> {
        self.rest.is_empty().then_some(&*self.first)
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.first).chain(&self.rest).map(String::as_str)
    }

    /// Whether a value at this place passes. The last key is looked for in each object of a list;
    /// one that passes is enough. None where there is no value.
    pub fn any(&self, of: &impl Fielded, mut passes: impl FnMut(Seen<'_>) -> bool) -> Option<bool> {
        let field = of.field(&self.first)?;
        let Some((last, between)) = self.rest.split_last() else {
            return Some(passes(field.seen()));
        };
        let Field::Json(value) = &field else { return None };
        let object = between.iter().try_fold(&**value, |value, key| value.as_object()?.get(key))?;
        match object {
            Value::Object(object) => object.get(last).map(|value| passes(value.into())),
            Value::Array(list) => {
                let mut values = list.iter().filter_map(|item| item.as_object()?.get(last));
                let first = values.next()?;
                let mut all = std::iter::once(first).chain(values);
                Some(all.any(|value| passes(value.into())))
            }
            _ => None,
        }
    }

    /// The value at this place, through objects alone.
    pub fn value<'a>(&self, of: &'a impl Fielded) -> Option<Field<'a>> {
        let field = of.field(&self.first)?;
        if self.rest.is_empty() {
            return Some(field);
        }
        let down = |value: &'a Value| {
            self.rest.iter().try_fold(value, |value, key| value.as_object()?.get(key))
        };
        match field {
            Field::Json(Cow::Borrowed(value)) => Some(Field::Json(Cow::Borrowed(down(value)?))),
            Field::Json(Cow::Owned(mut value)) => {
                for key in &self.rest {
                    value = value.as_object_mut()?.get_mut(key)?.take();
                }
                Some(Field::Json(Cow::Owned(value)))
            }
            Field::Text(_) | Field::Flag(_) => None,
        }
    }
}
