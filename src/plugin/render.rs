//! Makes a file's bytes from its template: the same bytes for the same device and settings.

use bytes::Bytes;
use minijinja::{Environment, Error, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::files::Entry;
use super::manifest::{Encoding, Escape, LoadError};
use super::template::{self, FALLBACK, Program, Unsupported};
use super::words;
use super::zone::Zone;
use crate::device::{Device, Document};

/// Why a file could not be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RenderError {
    /// The phone has no such file under these settings.
    #[error("the file's condition does not hold")]
    Absent,
    /// A template failed on these settings.
    #[error("{0}")]
    Template(String),
}

/// The templates of one release, compiled: for the reference engine, which knows all of the
/// language, and most of them as programs, which are a hundred times as fast.
#[derive(Debug)]
pub struct Templates {
    env: Environment<'static>,
    programs: HashMap<String, Compiled>,
}

#[derive(Debug)]
struct Compiled {
    program: Result<Program, Unsupported>,
    /// What the last text took.
    size: AtomicUsize,
}

/// What files are made from.
#[derive(Clone, Copy, Debug)]
pub struct Given<'g> {
    /// The phone; none for a file that all phones share.
    pub device: Option<&'g Device>,
    /// The model, where the release knows it.
    pub model: Option<(&'g str, &'g Entry)>,
    /// Id of the release.
    pub plugin: &'g str,
    /// The release's tables.
    pub data: &'g Json,
    /// The settings, flattened, defaults filled in.
    pub raw: &'g Document,
}

/// Template sources of one vendor: by name, with the file each came from. A release's own folder
/// goes over the vendor's.
pub type Sources = BTreeMap<String, (PathBuf, String)>;

/// Reads the `*.tpl` files of a vendor's `templates/` and of `templates/<release>/` over them.
///
/// # Errors
/// A file that cannot be read, or is no UTF-8.
pub fn sources(folder: &Path, release: &str) -> Result<Sources, LoadError> {
    let mut sources = Sources::new();
    for folder in [folder.to_owned(), folder.join(release)] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "tpl") {
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).map_err(|error| LoadError {
                file: path.clone(),
                line: 1,
                message: error.to_string(),
            })?;
            sources.insert(name, (path, text));
        }
    }
    Ok(sources)
}

impl Templates {
    /// Compiles the sources; values are escaped as `escapes` says for a template's name, else as
    /// `standard` says. `conditions` become templates under their own names.
    ///
    /// # Errors
    /// Every template that does not compile.
    pub fn compile(
        sources: &Sources,
        conditions: &[(String, String)],
        escapes: &HashMap<String, Escape>,
        standard: Escape,
    ) -> Result<Self, Vec<LoadError>> {
        Self::compile_over(sources, conditions, escapes, standard, None)
    }

    /// The same with templates among them that are read as the predecessor reads its own, by name:
    /// blocks leave their lines, and a text that is no number is one all the same.
    ///
    /// # Errors
    /// Every template that does not compile.
    pub fn compile_over(
        sources: &Sources,
        conditions: &[(String, String)],
        escapes: &HashMap<String, Escape>,
        standard: Escape,
        foreign: Option<&BTreeSet<String>>,
    ) -> Result<Self, Vec<LoadError>> {
        let mut env = Environment::new();
        words::install(&mut env);
        if foreign.is_some() {
            words::install_foreign(&mut env);
        }
        let trims = |name: &str| foreign.is_none_or(|foreign| !foreign.contains(name));
        let modes = escapes.clone();
        env.set_auto_escape_callback(move |name| modes.get(name).unwrap_or(&standard).mode());
        let mut errors = Vec::new();
        for (name, (file, text)) in sources {
            env.set_trim_blocks(trims(name));
            env.set_lstrip_blocks(trims(name));
            if let Err(error) = env.add_template_owned(name.clone(), text.clone()) {
                let line = error.line().unwrap_or(1);
                errors.push(LoadError { file: file.clone(), line, message: reason(&error) });
            }
        }
        for (name, text) in conditions {
            if let Err(error) = env.add_template_owned(name.clone(), text.clone()) {
                let file = PathBuf::from(name);
                errors.push(LoadError { file, line: 1, message: reason(&error) });
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let sources = sources.iter().map(|(name, (_, text))| (&**name, &**text, trims(name)));
        let conditions = conditions.iter().map(|(name, text)| (&**name, &**text, true));
        let escape = |name: &str| *escapes.get(name).unwrap_or(&standard);
        let programs = template::compile(sources.chain(conditions), &escape);
        let compiled = |program| Compiled { program, size: AtomicUsize::new(0) };
        let programs = programs.map(|(name, program)| (name.to_owned(), compiled(program)));
        Ok(Self { env, programs: programs.collect() })
    }

    /// Whether there is a template of this name.
    pub fn has(&self, name: &str) -> bool {
        self.programs.contains_key(name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// Templates that only the reference engine can run, each with the reason.
    pub fn slow(&self) -> impl Iterator<Item = (&str, &Unsupported)> {
        self.programs.iter().filter_map(|(name, compiled)| {
            compiled.program.as_ref().err().map(|reason| (&**name, reason))
        })
    }

    /// Renders `name`, when `condition` (a template of its own) writes something.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render(
        &self,
        name: &str,
        condition: Option<&str>,
        given: &Given<'_>,
        encoding: Encoding,
    ) -> Result<Bytes, RenderError> {
        if let Some(condition) = condition
            && self.text(condition, given)?.is_empty()
        {
            return Err(RenderError::Absent);
        }
        Ok(encode(self.text(name, given)?, encoding))
    }

    fn text(&self, name: &str, given: &Given<'_>) -> Result<String, RenderError> {
        if let Some(Compiled { program: Ok(program), size }) = self.programs.get(name) {
            let made = program.run(given, &self.env, size.load(Ordering::Relaxed));
            if let Ok(text) = made {
                size.store(text.len(), Ordering::Relaxed);
                return Ok(text);
            }
        }
        self.reference(name, given)
    }

    /// A text by its program alone, for comparing.
    #[cfg(test)]
    pub fn program(
        &self,
        name: &str,
        given: &Given<'_>,
    ) -> Result<String, Result<template::Declined, Unsupported>> {
        match &self.programs[name].program {
            Ok(program) => program.run(given, &self.env, 0).map_err(Ok),
            Err(reason) => Err(Err(reason.clone())),
        }
    }

    /// The same by the reference engine: what there is no program for, and what fails.
    pub fn reference(&self, name: &str, given: &Given<'_>) -> Result<String, RenderError> {
        let template = self.env.get_template(name).and_then(|t| t.render(context(given)));
        template.map_err(|error| RenderError::Template(chain(&error)))
    }
}

/// A manifest's table as templates read it.
///
/// # Errors
/// A number that no document can hold.
pub fn document(table: &toml::Table) -> Result<Json, String> {
    fn is_finite(value: &toml::Value) -> bool {
        match value {
            toml::Value::Float(number) => number.is_finite(),
            toml::Value::Array(list) => list.iter().all(is_finite),
            toml::Value::Table(table) => table.values().all(is_finite),
            _ => true,
        }
    }
    if !table.values().all(is_finite) {
        return Err("a number that templates read is finite".to_owned());
    }
    serde_json::to_value(table).map_err(|error| error.to_string())
}

/// The release's tables over the vendor's, key by key.
///
/// # Errors
/// As [`document`].
pub fn data(vendor: &toml::Table, release: &toml::Table) -> Result<Json, String> {
    let mut merged = vendor.clone();
    overlay(&mut merged, release);
    document(&merged)
}

fn overlay(under: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => overlay(under, over),
            _ => {
                under.insert(key.clone(), value.clone());
            }
        }
    }
}

/// What is wrong, and in the templates within that one.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// What is wrong, without the place.
pub fn reason(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned)
}

fn encode(text: String, encoding: Encoding) -> Bytes {
    match encoding {
        Encoding::Utf8 => Bytes::from(fitted(text)),
        Encoding::Latin1 => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
        Encoding::Ascii => text.bytes().filter(u8::is_ascii).collect(),
    }
}

/// The text without much room behind it: it may be kept for long.
fn fitted(mut text: String) -> String {
    if text.capacity() - text.len() > text.len() / 8 {
        text.shrink_to_fit();
    }
    text
}

/// What a template sees: the settings at the top level (so that templates written for the
/// predecessor read on), and over them the names that `docs/plugins.md` lists.
fn context(given: &Given<'_>) -> Value {
    let Given { device, model, plugin, data, raw } = *given;
    let mut top: BTreeMap<&str, Value> =
        raw.iter().map(|(key, value)| (key.as_str(), Value::from_serialize(value))).collect();
    let server = server_url(raw);
    let bare = server.split_once("://").map_or(&server[..], |(_, rest)| rest).to_owned();
    top.insert("server_url", Value::from(server));
    top.insert("server_url_without_scheme", Value::from(bare));
    top.insert("plugin", Value::from(plugin));
    top.insert("data", Value::from_serialize(data));
    let (name, entry) = model.map_or((None, None), |(name, entry)| (Some(name), Some(entry)));
    top.insert("model_name", name.map_or(Value::UNDEFINED, Value::from));
    top.insert("model_known", Value::from(entry.is_some()));
    let table = entry.map(|entry| Value::from_serialize(&entry.json));
    top.insert("model", table.unwrap_or_else(|| Value::from_iter::<[(String, Value); 0]>([])));
    top.insert("lines", lines(raw));
    let zone = raw.get("timezone").and_then(Json::as_str).and_then(Zone::find);
    top.insert("tz", zone.map_or(Value::from(()), |zone| words::zone_value(&zone)));
    if let Some(device) = device {
        top.insert("device", device_value(device));
        if let Some(model) = &device.model {
            top.insert("model_name", Value::from(&**model));
        }
    }
    Value::from_iter(top)
}

/// `http_base_url` where it says something, else `http://{ip}:{http_port}`
/// (vendors' section 0.3).
pub fn server_url(raw: &Document) -> String {
    let text = |key: &str| match raw.get(key) {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let base = text("http_base_url");
    if base.is_empty() { format!("http://{}:{}", text("ip"), text("http_port")) } else { base }
}

/// What of a device stands still: no address, no version that changes at every request.
fn device_value(device: &Device) -> Value {
    let text =
        |text: &Option<crate::device::Text>| text.as_deref().map_or(Value::UNDEFINED, Value::from);
    let mac = device.mac.map_or(Value::UNDEFINED, |mac| Value::from(mac.to_string()));
    let options = device.extra.get("options").map_or(Value::UNDEFINED, Value::from_serialize);
    Value::from_iter([
        ("id", Value::from(&*device.id)),
        ("mac", mac),
        ("vendor", text(&device.vendor)),
        ("model", text(&device.model)),
        ("sn", text(&device.sn)),
        ("uuid", text(&device.uuid)),
        ("options", options),
    ])
}

/// The SIP lines by their number, each with its `n` and with the global servers where it has
/// none of its own (vendors' section 0.3, "line fallback").
fn lines(raw: &Document) -> Value {
    let Some(Json::Object(lines)) = raw.get("sip_lines") else {
        return Value::from(Vec::<Value>::new());
    };
    let mut sorted: Vec<_> = lines
        .iter()
        .filter_map(|(key, line)| Some((key.parse::<u32>().ok()?, line.as_object()?)))
        .collect();
    sorted.sort_by_key(|(number, _)| *number);
    let full = |(number, line): (u32, &Document)| {
        let mut line = line.clone();
        for (key, global) in FALLBACK {
            if let Some(global) = raw.get(global)
                && line.get(key).is_none_or(Json::is_null)
            {
                line.insert(key.to_owned(), global.clone());
            }
        }
        line.insert("n".to_owned(), Json::from(number));
        Value::from_serialize(&line)
    };
    sorted.into_iter().map(full).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_bytes_without_an_error() {
        let text = || "Zoë €".to_owned();
        assert_eq!(&encode(text(), Encoding::Utf8)[..], "Zoë €".as_bytes());
        assert_eq!(&encode(text(), Encoding::Latin1)[..], b"Zo\xeb ?");
        assert_eq!(&encode(text(), Encoding::Ascii)[..], b"Zo ");
    }

    #[test]
    fn lines_fall_back_to_the_global_servers() {
        let raw: Document = serde_json::from_str(
            r#"{"sip_proxy_ip":"192.0.2.1","sip_proxy_port":5070,"sip_lines":{
                "10":{"username":"b","proxy_ip":"192.0.2.9"},
                "2":{"username":"a","proxy_ip":null}}}"#,
        )
        .expect("JSON");
        let source = "{% for l in lines %}\
            {{ l.n }} {{ l.username }} {{ l.proxy_ip }}:{{ l.proxy_port }};{% endfor %}";
        let sources =
            Sources::from([("t.tpl".to_owned(), (PathBuf::from("t.tpl"), source.to_owned()))]);
        let templates = Templates::compile(&sources, &[], &HashMap::new(), Escape::Line);
        let templates = templates.expect("a template");
        let given = Given { device: None, model: None, plugin: "p", data: &Json::Null, raw: &raw };
        let wanted = "2 a 192.0.2.1:5070;10 b 192.0.2.9:5070;";
        assert_eq!(templates.reference("t.tpl", &given).as_deref(), Ok(wanted));
        let bytes = templates.render("t.tpl", None, &given, Encoding::Utf8);
        assert_eq!(bytes.as_deref(), Ok(wanted.as_bytes()));
    }
}
