//! A configuration file by its meaning: parameters and values, without comments, order and blanks.

use quick_xml::Reader;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How often each parameter has each value.
pub type Parameters = BTreeMap<(String, String), usize>;

/// Attributes that say which of several elements it is.
const NAMES: [&str; 6] = ["id", "idx", "index", "name", "number", "para"];

/// Reads a file's parameters. XML: elements by their path, with the attributes that name them, and
/// their text; other attributes by the path of their element; where `flat`, attributes alone by
/// their own name, as the elements around them mean nothing. Other files: `name = value` or `name:
/// value`, a line each, behind the name of their `[section]`; `#` begins a comment.
///
/// # Errors
/// XML that is none.
pub fn parameters(file: &[u8], flat: bool) -> Result<Parameters, String> {
    let text = text_of(file);
    let mut found = Parameters::new();
    if text.trim_start().starts_with('<') {
        read_xml(&text, flat, &mut found)?;
    } else {
        let mut section = "";
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            if line.starts_with('[') && line.ends_with(']') {
                section = line;
                continue;
            }
            let end = line.find(['=', ':']).unwrap_or(line.len());
            let (name, value) = line.split_at(end);
            if !line.is_empty() {
                let value = value.get(1..).unwrap_or_default();
                add(&mut found, &format!("{section}{}", name.trim()), value.trim());
            }
        }
    }
    Ok(found)
}

/// XML whose values are not escaped, made whole: where an element stands on one line and its value
/// cannot be read, the value is taken as it is written.
pub fn mended(file: &[u8]) -> String {
    let text = text_of(file);
    text.split_inclusive('\n').map(|line| mended_line(line).unwrap_or(line.to_owned())).collect()
}

/// What is no UTF-8 is Latin-1: one byte, one character.
/// A last line as `<<END OF FILE>>` is a mark and no XML.
fn text_of(file: &[u8]) -> String {
    let latin = || file.iter().map(|&byte| char::from(byte)).collect();
    let text = std::str::from_utf8(file).map_or_else(|_| latin(), ToOwned::to_owned);
    match text.trim_end().rsplit_once('\n') {
        Some((xml, mark)) if mark.starts_with("<<") => xml.to_owned(),
        _ => text,
    }
}

fn mended_line(line: &str) -> Option<String> {
    mended_text(line).or_else(|| mended_attributes(line))
}

/// A line that is one element with attributes: a value goes on until a quote that an attribute or
/// the element's end follows.
fn mended_attributes(line: &str) -> Option<String> {
    let is_whole = |value: &str| !value.contains('<') && unescape(value).is_ok();
    let inner = line.trim().strip_prefix('<')?;
    let inner = inner.strip_suffix("/>").or_else(|| inner.strip_suffix('>'))?;
    let (name, mut rest) = inner.split_once(' ')?;
    let mut out = format!("<{name}");
    while let Some((key, behind)) = rest.trim_start().split_once('=') {
        let quote = behind.chars().next().filter(|c| ['"', '\''].contains(c))?;
        let behind = &behind[1..];
        let ends = behind.match_indices(quote).map(|(at, _)| at);
        let end = ends.into_iter().find(|&at| begins_attribute(&behind[at + 1..]))?;
        let value = &behind[..end];
        let value = if is_whole(value) { value.into() } else { escape(value) };
        let value = value.replace('"', "&quot;");
        let _ = write!(out, " {}=\"{value}\"", key.trim());
        rest = &behind[end + 1..];
    }
    let end = if line.trim_end().ends_with("/>") { "/>" } else { ">" };
    rest.trim().is_empty().then(|| format!("{out}{end}\n"))
}

/// Whether an attribute or nothing stands here.
fn begins_attribute(text: &str) -> bool {
    let text = text.trim_start();
    let name = text.split(['=', ' ']).next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-:.".contains(c);
    let has_value = text[name.len()..].starts_with(['=']);
    text.is_empty() || (!name.is_empty() && name.chars().all(fits) && has_value)
}

fn mended_text(line: &str) -> Option<String> {
    let name = line.trim_start().strip_prefix('<')?;
    let name = &name[..name.find(|c: char| c.is_whitespace() || c == '>')?];
    let start = line.find('>')? + 1;
    let end = line.rfind(&format!("</{name}>")).filter(|end| *end >= start)?;
    let value = &line[start..end];
    let is_whole = !value.contains('<') && unescape(value).is_ok();
    (!is_whole).then(|| format!("{}{}{}", &line[..start], escape(value), &line[end..]))
}

fn add(found: &mut Parameters, name: &str, value: &str) {
    *found.entry((name.to_owned(), value.to_owned())).or_default() += 1;
}

/// An element that is open: its path, its text by now, and whether it holds others.
struct Open {
    path: String,
    text: String,
    holds: bool,
}

fn read_xml(text: &str, flat: bool, found: &mut Parameters) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Open> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                let parent = open.last_mut().map(|parent| {
                    parent.holds = true;
                    parent.path.clone()
                });
                let name = start.name();
                let path = format!("{}/{}", parent.unwrap_or_default(), name.as_ref());
                let path = attributes(&start, path, flat, found)?;
                open.push(Open { path, text: String::new(), holds: false });
            }
            Event::Text(part) => say(&mut open, &part),
            Event::CData(part) => say(&mut open, &part),
            Event::GeneralRef(name) => {
                let reference = format!("&{};", &*name);
                say(&mut open, &unescape(&reference).map_err(|error| error.to_string())?);
            }
            Event::End(_) => {
                let element = open.pop().ok_or("an end without a start")?;
                let value = element.text.trim();
                if !flat && (!value.is_empty() || !element.holds) {
                    add(found, &element.path, value);
                }
            }
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err("an element is not closed".to_owned()),
            _ => {}
        }
    }
}

fn say(open: &mut [Open], part: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(part);
    }
}

/// Takes an element's attributes; its path with those that name it.
fn attributes(
    start: &BytesStart<'_>,
    mut path: String,
    flat: bool,
    found: &mut Parameters,
) -> Result<String, String> {
    let mut others = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key = attribute.key.as_ref().to_owned();
        let value = unescape(&attribute.value).map_err(|error| error.to_string())?.into_owned();
        if flat {
            add(found, &key, &value);
        } else if NAMES.contains(&&*key.to_ascii_lowercase()) {
            let _ = write!(path, "[{value}]");
        } else {
            others.push((key, value));
        }
    }
    for (key, value) in others {
        add(found, &format!("{path}@{key}"), &value);
    }
    Ok(path)
}

#[test]
fn meaning_is_kept_and_form_is_not() {
    let same = |a: &str, b: &str, flat| {
        assert_eq!(parameters(a.as_bytes(), flat), parameters(b.as_bytes(), flat));
    };
    same("# x\na = 1\nb= 2\n", "b = 2\n\na=1", false);
    same("<a><b>1 &amp; 2</b><!-- x --><c/></a>", "<a>\n <c></c>\n <b>1 &#38; 2</b>\n</a>", false);
    same("<a>1 &amp; 2</a>", "<a><![CDATA[1 & 2]]></a>", false);
    same(r#"<a x="1"><b y="2"/></a>"#, r#"<q y="2" x="1"/>"#, true);
    same("<a>1</a>\n<<END OF FILE>>\n", "<a>1</a>", false);
    let differ = |a: &str, b: &str| {
        assert_ne!(parameters(a.as_bytes(), false), parameters(b.as_bytes(), false));
    };
    differ("a = 1", "a = 2");
    differ("a = 1\na = 1", "a = 1");
    differ("[x]\na = 1\n[y]\na = 2", "[x]\na = 2\n[y]\na = 1");
    differ(
        r#"<s><p id="a" value="1"/><p id="b" value="2"/></s>"#,
        r#"<s><p id="a" value="2"/><p id="b" value="1"/></s>"#,
    );
    differ("<a><b>1</b></a>", "<a><c>1</c></a>");
    assert!(parameters(b"<a><b></a>", false).is_err());
}

#[test]
fn values_that_are_not_escaped_are_mended() {
    let mend = |text: &str| mended(text.as_bytes());
    assert_eq!(
        mend("<a>\n <b x=\"1\">R&D <1></b>\n</a>"),
        "<a>\n <b x=\"1\">R&amp;D &lt;1&gt;</b>\n</a>"
    );
    assert_eq!(
        mend("  <b x='\"a&b\"' y=\"1 \"Bob\" <R&D>\"/>\n"),
        "<b x=\"&quot;a&amp;b&quot;\" y=\"1 &quot;Bob&quot; &lt;R&amp;D&gt;\"/>\n"
    );
    for whole in ["<a>\n<b>R&amp;D</b>\n</a>\n", "<!-- <b> & -->\n", "<b/>\n", "a & b\n"] {
        assert_eq!(mend(whole), whole);
    }
}
