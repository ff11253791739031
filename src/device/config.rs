//! Configurations: a document is checked once on its way in and comes back with every key it had.

use super::raw::{self, Fault};
use super::{Document, Extra, Place, Revision, Text};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// The name of a configuration; any text without `/` and NUL.
pub type ConfigId = Text;

/// A layer of settings (spec section 2.3). What it holds is kept as compact JSON text, as there may
/// be one for each phone; it is read when files are made.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Config {
    /// Name in the store.
    pub id: ConfigId,
    /// Counts the changes; 0 before the first.
    pub revision: Revision,
    /// Place in the list of all; the directory gives it.
    pub place: Place,
    /// Layers below this one, the lowest first; unknown ones and cycles are legal.
    pub parent_ids: Arc<[Text]>,
    /// `autocreate` marks the template of new phones' configurations.
    pub role: Option<Text>,
    /// It goes when its last device stops using it.
    pub transient: bool,
    /// False refuses its removal.
    pub deletable: bool,
    /// `raw_config.sip_lines["1"].username`, where it is a text that is not empty.
    pub sip_username: Option<Text>,
    /// Whether `raw_config.sip_lines["1"]` is there: a template needs it.
    pub has_line: bool,
    raw: Box<str>,
    /// All keys but `id`, `parent_ids` and `raw_config`, as they were given.
    pub extra: Extra,
}

/// Why a document is no configuration. The texts are those of the REST API (spec section 2.3).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// The id is missing, empty, or cannot be one.
    #[error("invalid config ID {0:?}")]
    Id(String),
    /// A key that must be there is not.
    #[error("missing \"{0}\" field in config")]
    Missing(&'static str),
    /// A key is of the wrong type.
    #[error("\"{key}\" field must be a {wanted}; is <class '{found}'>")]
    Type {
        /// The key.
        key: &'static str,
        /// Type that it must have.
        wanted: &'static str,
        /// Type that it has.
        found: &'static str,
    },
    /// An element of `parent_ids` is no text.
    #[error("parent id must be a string; is <class '{0}'>")]
    Parent(&'static str),
    /// Values that are not what their keys ask for.
    #[error("{0}")]
    Schema(Faults),
}

/// What a document's check found, as one text of many lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "{} validation error{plural} for ConfigSchema", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n{}\n  {}", fault.place, fault.text))
    }
}

impl Config {
    /// Checks a client's document and reads it. One of type `device` loses its nulls first.
    ///
    /// # Errors
    /// [`ConfigError`] for the first check of spec section 2.3 that fails.
    pub fn from_document(document: Document) -> Result<Config, ConfigError> {
        match Self::with_faults(document)? {
            (config, faults) if faults.0.is_empty() => Ok(config),
            (_, faults) => Err(ConfigError::Schema(faults)),
        }
    }

    /// The same for a document that another store holds: values that are not what their keys ask
    /// for are told, and taken.
    ///
    /// # Errors
    /// [`ConfigError`] where the document has not even the shape of a configuration.
    pub fn with_faults(mut document: Document) -> Result<(Config, Faults), ConfigError> {
        if document.get("X_type").and_then(Value::as_str) == Some("device") {
            strip_nulls(&mut document);
        }
        check_shape(&document)?;
        let faults = Faults(schema_faults(&document));
        Ok((Self::from_stored(document)?, faults))
    }

    /// Reads a document that was checked when it was stored.
    ///
    /// # Errors
    /// [`ConfigError`] where the document has not even the shape of a configuration.
    pub fn from_stored(mut document: Document) -> Result<Config, ConfigError> {
        check_shape(&document)?;
        let id = match document.shift_remove("id") {
            Some(Value::String(id)) if !id.is_empty() && !id.contains(['/', '\0']) => id,
            Some(other) => return Err(ConfigError::Id(other.to_string())),
            None => return Err(ConfigError::Id(String::new())),
        };
        let parents = texts(document.shift_remove("parent_ids").as_ref());
        let raw = document.shift_remove("raw_config").unwrap_or_default();
        let line = raw.pointer("/sip_lines/1");
        let username = line.and_then(|line| line.get("username")).and_then(Value::as_str);
        let username = username.filter(|name| !name.is_empty()).map(Text::from);
        let has_line = line.is_some();
        Ok(Self::of_parts(&id, parents, &raw.to_string(), username, has_line, document.into()))
    }

    /// A configuration of what was found in its document.
    pub(super) fn of_parts(
        id: &str,
        parent_ids: Arc<[Text]>,
        raw: &str,
        sip_username: Option<Text>,
        has_line: bool,
        extra: Extra,
    ) -> Config {
        let has_flag = |key| extra.get(key).and_then(raw::lax_bool);
        Config {
            id: id.into(),
            revision: Revision::default(),
            place: Place::default(),
            parent_ids,
            role: extra.get("role").and_then(Value::as_str).map(Text::from),
            transient: has_flag("transient").unwrap_or(false),
            deletable: has_flag("deletable").unwrap_or(true),
            sip_username,
            has_line,
            raw: raw.into(),
            extra,
        }
    }

    /// Writes the document: `id`, `parent_ids`, `raw_config`, then the other keys in their order.
    pub fn to_document(&self) -> Document {
        let parents = self.parent_ids.iter().map(|id| Value::String(id.to_string())).collect();
        let mut document = Document::new();
        document.insert("id".to_owned(), Value::String(self.id.to_string()));
        document.insert("parent_ids".to_owned(), Value::Array(parents));
        document.insert("raw_config".to_owned(), Value::Object(self.raw_config()));
        document.extend(self.extra.iter().map(|(key, value)| (key.clone(), value.clone())));
        document
    }

    /// The settings of this layer alone.
    pub fn raw_config(&self) -> Document {
        serde_json::from_str(&self.raw).expect("invariant: raw was written from an object")
    }

    /// Whether both say the same, whatever their revisions.
    pub fn same_document(&self, other: &Config) -> bool {
        self.id == other.id
            && self.parent_ids == other.parent_ids
            && self.raw == other.raw
            && self.extra == other.extra
    }

    /// A phone's own configuration made from this template (spec section 2.7, autocreate); its name
    /// is the template's followed by `unique`. None without `raw_config.sip_lines["1"]`.
    pub fn autocreate(&self, unique: &str) -> Option<Config> {
        if !self.has_line {
            return None;
        }
        let mut extra = Extra::default();
        extra.insert("transient".to_owned(), Value::Bool(true));
        Some(Config {
            id: format!("{}{unique}", self.id).into(),
            revision: Revision::default(),
            place: Place::default(),
            parent_ids: Arc::new([self.id.clone()]),
            role: None,
            transient: true,
            deletable: true,
            sip_username: self.sip_username.clone(),
            has_line: true,
            raw: self.raw.clone(),
            extra,
        })
    }
}

/// The checks that the REST API has its own texts for, in their order.
fn check_shape(document: &Document) -> Result<(), ConfigError> {
    let wrong = |key, wanted, value: &Value| {
        Err(ConfigError::Type { key, wanted, found: python_type(value) })
    };
    match document.get("parent_ids") {
        None => return Err(ConfigError::Missing("parent_ids")),
        Some(Value::Array(ids)) => {
            if let Some(other) = ids.iter().find(|id| !id.is_string()) {
                return Err(ConfigError::Parent(python_type(other)));
            }
        }
        Some(other) => return wrong("parent_ids", "list", other),
    }
    match document.get("raw_config") {
        None => Err(ConfigError::Missing("raw_config")),
        Some(Value::Object(_)) => Ok(()),
        Some(other) => wrong("raw_config", "dict", other),
    }
}

/// The checks of the whole document's values.
fn schema_faults(document: &Document) -> Vec<Fault> {
    let mut faults = Vec::new();
    for key in ["deletable", "transient"] {
        if document.get(key).is_some_and(|value| !value.is_null() && raw::lax_bool(value).is_none())
        {
            faults.push(Fault::new(key, raw::NOT_BOOL));
        }
    }
    if document.get("role").is_some_and(|value| !value.is_null() && !raw::is_lax_text(value)) {
        faults.push(Fault::new("role", raw::NOT_TEXT));
    }
    if let Some(Value::Object(settings)) = document.get("raw_config") {
        faults.extend(raw::validate(settings).into_iter().map(|fault| fault.inside("raw_config")));
    }
    faults
}

/// Removes null members at every depth of objects; nulls in lists stay.
fn strip_nulls(document: &mut Document) {
    document.retain(|_, value| !value.is_null());
    for value in document.values_mut() {
        if let Value::Object(inner) = value {
            strip_nulls(inner);
        }
    }
}

fn texts(list: Option<&Value>) -> Arc<[Text]> {
    let elements = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    elements.iter().filter_map(Value::as_str).map(Text::from).collect()
}

fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        Config::from_document(serde_json::from_str(text).expect("a JSON object"))
    }

    #[test]
    fn every_key_comes_back() {
        let text = r#"{"id":"autoprov","parent_ids":["base","defaultconfigdevice"],"raw_config":
            {"sip_lines":{"1":{"username":"apfy0","proxy_ip":null}},"http_port":"8667"},
            "deletable":false,"role":"autocreate","X_type":"internal","label":null}"#;
        let config = read(text).expect("a configuration");
        let wanted: Document = serde_json::from_str(text).expect("a JSON object");
        assert_eq!(config.to_document(), wanted);
        assert_eq!(config.sip_username.as_deref(), Some("apfy0"));
        assert!(!config.deletable);
        assert!(config.has_line);
    }

    #[test]
    fn checks_speak_as_the_interface_does() {
        let cases = [
            (r#"{"id":"a","raw_config":{}}"#, r#"missing "parent_ids" field in config"#),
            (
                r#"{"id":"a","parent_ids":"base","raw_config":{}}"#,
                r#""parent_ids" field must be a list; is <class 'str'>"#,
            ),
            (
                r#"{"id":"a","parent_ids":[1],"raw_config":{}}"#,
                "parent id must be a string; is <class 'int'>",
            ),
            (r#"{"id":"a","parent_ids":[]}"#, r#"missing "raw_config" field in config"#),
            (
                r#"{"id":"a","parent_ids":[],"raw_config":[]}"#,
                r#""raw_config" field must be a dict; is <class 'list'>"#,
            ),
            (
                r#"{"id":"a","parent_ids":[],"raw_config":{"foo":1}}"#,
                "1 validation error for ConfigSchema\nraw_config -> __root__\n  \
                 ('Custom fields must start with `X_`', ['foo']) (type=value_error)",
            ),
            (
                r#"{"id":"a","parent_ids":[],"raw_config":{},"transient":"perhaps"}"#,
                "1 validation error for ConfigSchema\ntransient\n  \
                 value could not be parsed to a boolean (type=type_error.bool)",
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text).expect_err(text).to_string(), wanted, "{text}");
        }
    }

    #[test]
    fn a_device_template_loses_its_nulls() {
        let config = read(
            r#"{"id":"a","parent_ids":[],"X_type":"device","label":null,
            "raw_config":{"ntp_ip":null,"sip_lines":{"1":{"number":null}},"X_list":[null]}}"#,
        )
        .expect("a configuration");
        let wanted: Document =
            serde_json::from_str(r#"{"sip_lines":{"1":{}},"X_list":[null]}"#).expect("an object");
        assert_eq!(config.raw_config(), wanted);
        assert!(!config.extra.contains_key("label"));
    }

    #[test]
    fn a_template_makes_a_transient_copy() {
        let template =
            read(r#"{"id":"autoprov","parent_ids":["base"],"raw_config":{"sip_lines":{"1":{}}}}"#)
                .expect("a configuration");
        let made = template.autocreate("0e20").expect("the template has a line");
        assert_eq!(
            serde_json::to_string(&made.to_document()).expect("a document"),
            [
                r#"{"id":"autoprov0e20","parent_ids":["autoprov"],"#,
                r#""raw_config":{"sip_lines":{"1":{}}},"transient":true}"#
            ]
            .concat()
        );
        let bare = read(r#"{"id":"a","parent_ids":[],"raw_config":{}}"#).expect("a configuration");
        assert_eq!(bare.autocreate("1"), None);
    }
}
