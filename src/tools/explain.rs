//! Answers "what would this request be taken for?": JSON lines in, one JSON line out for each.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use std::io::{self, BufRead, Write};
use std::net::{IpAddr, Ipv4Addr};

use crate::device::Mac;
use crate::plugin::{Info, Plugins, Scratch};
use crate::query::{Query, Sighting, Source, split_key};

/// The address of a request that names none (RFC 5737's first documentation block).
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));

/// Reads requests (`{"id","protocol","request"}`) and writes what each tells; or, to
/// `associate`, reads what is known of phones (`{"id","dev_info"}`) and writes every plugin's
/// score. Where phones' URLs begin with their tenant's key (`url_key`), HTTP paths do so here, and
/// any key is good. Returns how many lines could not be read; each got an `error` of its own.
///
/// # Errors
/// Only those of the streams.
pub fn run(
    plugins: &Plugins,
    (associate, url_key): (bool, bool),
    input: impl BufRead,
    mut output: impl Write,
) -> io::Result<usize> {
    let mut scratch = plugins.scratch();
    let mut bad = 0;
    for line in input.split(b'\n') {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = if associate {
            association(plugins, &line)
        } else {
            information(plugins, &mut scratch, &line, url_key)
        };
        let answer = answer.unwrap_or_else(|error| {
            bad += 1;
            json!({"id": id_of(&line), "error": error})
        });
        writeln!(output, "{answer}")?;
    }
    output.flush()?;
    Ok(bad)
}

#[derive(Deserialize)]
struct RequestLine {
    id: Json,
    protocol: String,
    request: Request,
}

/// A request of any protocol; strings are bytes, mapped one to one.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Request {
    path: String,
    headers: Map<String, Json>,
    form: Option<String>,
    filename: String,
    ip: Option<IpAddr>,
    mac: Option<String>,
    options: Map<String, Json>,
}

#[derive(Deserialize)]
struct InfoLine {
    id: Json,
    dev_info: Map<String, Json>,
}

fn id_of(line: &[u8]) -> Json {
    let value: Option<Json> = serde_json::from_slice(line).ok();
    value.and_then(|value| value.get("id").cloned()).unwrap_or(Json::Null)
}

fn information(
    plugins: &Plugins,
    scratch: &mut Scratch,
    line: &[u8],
    url_key: bool,
) -> Result<Json, String> {
    let line: RequestLine = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let request = &line.request;
    let (mut agent, mut class) = (None, None);
    let path;
    let mut args = Vec::new();
    let source = match line.protocol.as_str() {
        "http" => {
            let target = bytes(&request.path)?;
            let mut parts = target.splitn(2, |&byte| byte == b'?');
            let raw = parts.next().unwrap_or_default();
            path = if url_key { split_key(raw).1 } else { raw }.to_vec();
            args = parts.next().unwrap_or_default().to_vec();
            let named = request.headers.iter();
            let found = named.rev().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
            agent = found.and_then(|(_, value)| value.as_str()).map(field).transpose()?;
            Source::Http
        }
        "tftp" => {
            path = bytes(&request.filename)?;
            Source::Tftp
        }
        "dhcp" => {
            path = Vec::new();
            class = request.options.get("60").map(option).transpose()?;
            Source::Dhcp
        }
        other => return Err(format!("no protocol has the name {other:?}")),
    };
    let form = request.form.as_deref().map(bytes).transpose()?;
    let mac = request.mac.as_deref().map(|mac| Mac::parse(mac.as_bytes())).transpose();
    let query = Query {
        source,
        ip: request.ip.unwrap_or(ADDRESS),
        key: None,
        path: &path,
        name: b"",
        args: &args,
        agent: agent.as_deref(),
        form: form.as_deref(),
        vendor_class: class.as_deref(),
        mac: mac.map_err(|error| error.to_string())?,
    };
    let sighting = plugins.extract(&query, scratch);
    Ok(json!({"id": line.id, "info": info(&sighting)}))
}

/// An option's bytes: a text, or `{"hex": …}`.
fn option(value: &Json) -> Result<Vec<u8>, String> {
    if let Some(text) = value.as_str() {
        return bytes(text);
    }
    let hex = value.get("hex").and_then(Json::as_str).ok_or("an option is a text or hex")?;
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pair = |pair: &[u8]| match pair {
        &[high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(pair).collect();
    bytes.ok_or_else(|| format!("{hex:?} is no hex"))
}

/// A field's value: the white space around it is no part of it (RFC 9112 section 5.1).
fn field(text: &str) -> Result<Vec<u8>, String> {
    bytes(text.trim_matches([' ', '\t']))
}

/// A text whose characters are bytes.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let byte = |c: char| u8::try_from(c).map_err(|_| format!("{c:?} is no byte"));
    text.chars().map(byte).collect()
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

fn info(sighting: &Sighting<'_>) -> Json {
    let mut info = Map::new();
    let texts = [
        ("vendor", &sighting.vendor),
        ("model", &sighting.model),
        ("version", &sighting.version),
        ("sn", &sighting.sn),
        ("uuid", &sighting.uuid),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            info.insert(key.to_owned(), Json::String(text(value)));
        }
    }
    if let Some(mac) = sighting.mac {
        info.insert("mac".to_owned(), Json::String(mac.to_string()));
    }
    info.insert("ip".to_owned(), Json::String(sighting.ip.to_string()));
    Json::Object(info)
}

fn association(plugins: &Plugins, line: &[u8]) -> Result<Json, String> {
    let line: InfoLine = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let value = |key: &str| line.dev_info.get(key).and_then(Json::as_str).map(bytes).transpose();
    let (vendor, model, version) = (value("vendor")?, value("model")?, value("version")?);
    let info =
        Info { vendor: vendor.as_deref(), model: model.as_deref(), version: version.as_deref() };
    let scores: Map<String, Json> =
        plugins.scores(&info).map(|(id, score)| (id.to_string(), Json::from(score))).collect();
    let winner = plugins.associate(&info).map(|release| release.id().to_string());
    Ok(json!({"id": line.id, "scores": scores, "winner": winner}))
}
