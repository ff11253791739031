//! The words that templates have beside those of the template language: filters and functions.
//!
//! `docs/plugins.md` lists them for people. Output is the same for the same input, always.

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State};

use super::directory::{self, Directory};
use super::manifest::Escape;
use super::zone::{Change, Zone};
use crate::device::Mac;
use crate::limits;

/// What the template language calls the escaping of one line.
const LINE: AutoEscape = AutoEscape::Custom("line");

impl Escape {
    /// The same in the template language's terms.
    pub const fn mode(self) -> AutoEscape {
        match self {
            Escape::Line => LINE,
            Escape::Xml => AutoEscape::Html,
            Escape::None => AutoEscape::None,
        }
    }
}

/// Gives an environment the words and the way in which values are written.
pub fn install(env: &mut Environment<'static>) {
    env.set_unknown_method_callback(method);
    env.set_formatter(write_value);
    for name in ["e", "escape", "xml"] {
        env.add_filter(name, |text: &Value| Value::from_safe_string(xml(&text_of(text))));
    }
    env.add_filter("line", |text: &Value| Value::from_safe_string(line(&text_of(text))));
    env.add_filter("mac", mac_filter);
    env.add_filter("numsort", numsort);
    env.add_filter("strsort", strsort);
    env.add_filter("zfill", |text: &Value, width: usize| format!("{:0>width$}", text_of(text)));
    env.add_filter("hex", |number: i64| format!("{number:x}"));
    env.add_filter("nearest_zone", nearest_zone);
    env.add_filter("words", words);
    env.add_filter("checksum", |text: &Value| checksum(&text_of(text)));
    env.add_function("zone", zone_function);
    env.add_function("phonebook_url", phonebook_url);
    env.add_function("service_url", service_url);
}

/// Gives an environment what templates written for the predecessor expect of the usual words.
pub fn install_foreign(env: &mut Environment<'static>) {
    env.add_filter("int", int);
}

/// Methods of Python's texts and maps.
fn method(
    state: &State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    if let (Some(text), "zfill", [width]) = (value.as_str(), name, arguments) {
        let width = usize::try_from(width.clone())?.min(limits::ZFILL_WIDTH_MAX);
        // Zeros go behind a sign.
        let sign = text.len() - text.trim_start_matches(['+', '-']).len();
        let (sign, digits) = text.split_at(sign.min(1));
        let zeros = width.saturating_sub(text.chars().count());
        return Ok(Value::from(format!("{sign}{}{digits}", "0".repeat(zeros))));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, name, arguments)
}

/// `x | int(default, base)` as Jinja2 has it: what is no number is the default.
fn int(value: &Value, default: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let named: Option<Value> = kwargs.get("default")?;
    let base: Option<u32> = kwargs.get("base")?;
    kwargs.assert_all_used()?;
    let default = default.or(named).unwrap_or_else(|| Value::from(0));
    let Some(text) = value.as_str() else {
        let number = i64::try_from(value.clone()).ok();
        let float = || f64::try_from(value.clone()).ok().and_then(whole);
        return Ok(number.or_else(float).map_or(default, Value::from));
    };
    let text = text.trim();
    let base = base.unwrap_or(10);
    let digits = match base {
        16 => text.trim_start_matches("0x").trim_start_matches("0X"),
        _ => text,
    };
    let exact = (2..=36).contains(&base).then(|| i64::from_str_radix(digits, base).ok());
    let float = || text.parse::<f64>().ok().and_then(whole);
    Ok(exact.flatten().or_else(float).map_or(default, Value::from))
}

/// The whole part of a number that a template counts with.
fn whole(number: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is in the range of whole numbers")]
    (number.abs() <= EXACT_MAX).then_some(number as i64)
}

/// Writes a value: undefined and none write nothing; texts are escaped for their file.
fn write_value(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() || value.is_none() {
        return Ok(());
    }
    let plain = value.is_safe() || matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    let text = text_of(value);
    let written = match state.auto_escape() {
        _ if plain => out.write_str(&text),
        AutoEscape::Html => out.write_str(&xml(&text)),
        AutoEscape::Custom(_) => out.write_str(&line(&text)),
        _ => out.write_str(&text),
    };
    written.map_err(|_| Error::new(ErrorKind::WriteFailure, "the output is full"))
}

fn text_of(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.is_undefined() || value.is_none() => String::new(),
        None => value.to_string(),
    }
}

/// Escapes for XML text and attributes. Characters that XML cannot hold become spaces
/// (XML 1.0 section 2.2).
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_xml(&mut out, text);
    out
}

/// Writes what [`xml`] gives.
pub fn push_xml(out: &mut String, text: &str) {
    let special = |byte: u8| is_unusual(byte) || matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'');
    if !text.bytes().fold(false, |found, byte| found | special(byte)) {
        return out.push_str(text);
    }
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
}

/// Keeps a value on its line: control characters and line separators become spaces.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_line(&mut out, text);
    out
}

/// Writes what [`line`] gives.
pub fn push_line(out: &mut String, text: &str) {
    if !text.bytes().fold(false, |found, byte| found | is_unusual(byte)) {
        return out.push_str(text);
    }
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    out.extend(text.chars().map(|c| if breaks(c) { ' ' } else { c }));
}

/// Whether a byte is no printable ASCII character: only then is a character looked at.
fn is_unusual(byte: u8) -> bool {
    byte.wrapping_sub(b' ') > b'~' - b' '
}

/// `mac | mac(separator="", upper=false)`: another form of a hardware address.
fn mac_filter(text: &Value, kwargs: Kwargs) -> Result<String, Error> {
    let separator: Option<&str> = kwargs.get("separator")?;
    let upper: Option<bool> = kwargs.get("upper")?;
    kwargs.assert_all_used()?;
    let mac = Mac::parse(text_of(text).as_bytes())
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    Ok(mac.format(separator.unwrap_or(""), upper.unwrap_or(false)))
}

/// The pairs of a map, keys that are numbers first, by their number.
fn numsort(map: &Value) -> Result<Value, Error> {
    sorted(map, |key| (key.parse::<u64>().unwrap_or(u64::MAX), key.to_owned()))
}

/// The pairs of a map by the text of their keys: `10` comes before `2`.
fn strsort(map: &Value) -> Result<Value, Error> {
    sorted(map, ToOwned::to_owned)
}

fn sorted<K: Ord>(map: &Value, by: impl Fn(&str) -> K) -> Result<Value, Error> {
    if map.is_undefined() || map.is_none() {
        return Ok(Value::from(Vec::<Value>::new()));
    }
    let mut pairs = Vec::new();
    for key in map.try_iter()? {
        let value = map.get_item(&key)?;
        pairs.push((by(&text_of(&key)), key, value));
    }
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(pairs.into_iter().map(|(_, key, value)| Value::from(vec![key, value])).collect())
}

/// `zone("Europe/Paris")`: the zone's rule, or none.
fn zone_function(name: &str) -> Value {
    Zone::find(name).map_or(Value::from(()), |zone| zone_value(&zone))
}

/// `x | words`: letters and digits of any script, `_` and white space; all else goes.
fn words(text: &Value) -> String {
    let stays = |c: &char| c.is_alphanumeric() || c.is_whitespace() || *c == '_';
    text_of(text).chars().filter(stays).collect()
}

/// `x | checksum`: a number below 2^32 that depends on the text alone.
pub fn checksum(text: &str) -> u32 {
    (xxhash_rust::xxh3::xxh3_64(text.as_bytes()) & u64::from(u32::MAX)) as u32
}

/// `timezone | nearest_zone(names)`: of a list of zones, or the keys of a map, the one that tells
/// the same time, or nearly so; none when there is none (`Zone::nearest`).
fn nearest_zone(name: &Value, names: &Value) -> Result<Value, Error> {
    let names: Vec<Value> = names.try_iter()?.collect();
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    Ok(Zone::nearest(&text_of(name), &names).map_or(Value::from(()), Value::from))
}

/// A zone's rule for templates: `offset` in seconds, `dst` none or `save`, `start`, `end`.
pub fn zone_value(zone: &Zone) -> Value {
    let change = |change: &Change| {
        Value::from_iter([
            ("month", Value::from(change.month)),
            ("week", Value::from(change.week)),
            ("last", Value::from(change.week == 5)),
            ("weekday", Value::from(change.weekday)),
            ("iso_weekday", Value::from(if change.weekday == 0 { 7 } else { change.weekday })),
            ("time", Value::from(change.time)),
            ("hour", Value::from(change.time / 3600)),
            ("minute", Value::from(change.time / 60 % 60)),
        ])
    };
    let dst = zone.dst.map_or(Value::from(()), |dst| {
        Value::from_iter([
            ("save", Value::from(dst.save)),
            ("start", change(&dst.start)),
            ("end", change(&dst.end)),
        ])
    });
    Value::from_iter([("offset", Value::from(zone.offset)), ("dst", dst)])
}

/// `phonebook_url(vendor, entry="input", prefix="", suffix="")` (vendors' section 0.4); none
/// without the directory's address and the user.
fn phonebook_url(state: &State<'_, '_>, vendor: &str, kwargs: Kwargs) -> Result<Value, Error> {
    let entry: Option<&str> = kwargs.get("entry")?;
    let prefix: Option<&str> = kwargs.get("prefix")?;
    let suffix: Option<&str> = kwargs.get("suffix")?;
    kwargs.assert_all_used()?;
    let (entry, prefix) = (entry.unwrap_or("input"), prefix.unwrap_or_default());
    let url = |directory: Directory<'_>| {
        Value::from(directory.phonebook(vendor, entry, prefix, suffix.unwrap_or_default()))
    };
    Ok(directory(state).map_or(Value::from(()), url))
}

/// `service_url(vendor, service, action)`: switches a user's service; none like `phonebook_url`.
fn service_url(state: &State<'_, '_>, vendor: &str, service: &str, action: &str) -> Value {
    let url = |directory: Directory<'_>| Value::from(directory.service(vendor, service, action));
    directory(state).map_or(Value::from(()), url)
}

fn directory(state: &State<'_, '_>) -> Option<Directory<'static>> {
    let look = |name| state.lookup(name).filter(Value::is_true).map(|value| text_of(&value).into());
    Directory::of(directory::SETTINGS.map(look))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(escape: Escape, template: &str, context: &str) -> String {
        let mut env = Environment::new();
        install(&mut env);
        env.set_auto_escape_callback(move |_| escape.mode());
        let context: serde_json::Value = serde_json::from_str(context).expect("JSON");
        env.render_str(template, context).expect("a template that renders")
    }

    #[test]
    fn a_value_does_not_leave_its_place() {
        let context = r#"{"name":"Zoë <x> & \"y\"\r\nadmin = 1\u0000"}"#;
        assert_eq!(
            render(Escape::Xml, "<a b=\"{{ name }}\"/>", context),
            "<a b=\"Zoë &lt;x&gt; &amp; &quot;y&quot; \nadmin = 1 \"/>"
        );
        assert_eq!(
            render(Escape::Line, "name = {{ name }}", context),
            "name = Zoë <x> & \"y\"  admin = 1 "
        );
        assert_eq!(
            render(Escape::Xml, "{{ name|e }}|{{ none }}|{{ 5 }}", r#"{"name":"&"}"#),
            "&amp;||5"
        );
    }

    #[test]
    fn keys_sort_as_numbers_or_as_texts() {
        let context = r#"{"keys":{"10":"a","2":"b","1":"c"}}"#;
        let each = |filter: &str| {
            format!("{{% for k, v in keys|{filter} %}}{{{{ k }}}}{{{{ v }}}} {{% endfor %}}")
        };
        assert_eq!(render(Escape::Line, &each("numsort"), context), "1c 2b 10a ");
        assert_eq!(render(Escape::Line, &each("strsort"), context), "1c 10a 2b ");
        assert_eq!(
            render(Escape::None, "{{ 'Été <x> & y_2.'|words }}|{{ nil|words }}", "{}"),
            "Été x  y_2|"
        );
        assert_eq!(render(Escape::Line, "{% for k, v in nil|numsort %}x{% endfor %}", "{}"), "");
    }

    #[test]
    fn a_checksum_depends_on_the_text() {
        let sums = "{{ 'a'|checksum }} {{ 'a'|checksum }} {{ 'b'|checksum }}";
        let sums = render(Escape::None, sums, "{}");
        let sums: Vec<u32> = sums.split(' ').map(|sum| sum.parse().expect("a number")).collect();
        assert!(sums[0] == sums[1] && sums[1] != sums[2], "{sums:?}");
    }

    #[test]
    fn macs_zones_and_urls() {
        let context = r#"{"mac":"00:15:65:4a:a9:37","X_xivo_phonebook_ip":"192.0.2.30",
            "X_xivo_user_uuid":"u"}"#;
        let of = |template: &str| render(Escape::None, template, context);
        assert_eq!(
            of("{{ mac|mac }} {{ mac|mac(upper=true, separator='-') }}"),
            "0015654aa937 00-15-65-4A-A9-37"
        );
        assert_eq!(
            of("{% set z = zone('Europe/Paris') %}\
                 {{ z.offset }} {{ z.dst.start.week }} {{ z.dst.end.iso_weekday }}"),
            "3600 5 7"
        );
        assert_eq!(of("{{ zone('Mars/Olympus') is none }}"), "True");
        assert_eq!(
            of("{{ 'Europe/Paris'|nearest_zone({'UTC': 0, 'Europe/Rome': 4}) }} \
                {{ 'Asia/Tokyo'|nearest_zone(['UTC']) is none }}"),
            "Europe/Rome True"
        );
        assert_eq!(
            of("{{ phonebook_url('yealink', entry='lookup', suffix='&term=#SEARCH') }}"),
            "http://192.0.2.30:9498/0.1/directories/lookup/default/yealink\
             ?xivo_user_uuid=u&term=#SEARCH"
        );
        assert_eq!(
            of("{{ service_url('yealink', 'dnd', 'enable') }}"),
            "http://192.0.2.30:9498/0.1/yealink/users/u/services/dnd/enable"
        );
        assert_eq!(render(Escape::None, "{{ phonebook_url('x') is none }}", "{}"), "True");
    }
}
