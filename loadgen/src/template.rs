//! Texts with a phone's own values in them: checked when they are read, filled in without failing.

use ringboot::device::Mac;
use serde::Deserialize;

/// A text such as `/{mac}.cfg`, cut at its placeholders.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Vec<Part>);

/// What the placeholders stand for.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// `{mac}`, `{MAC}`, `{mac:}`, `{MAC:}`, `{mac-}`, `{MAC-}`, `{mac_}`; `{uuid}` is made of it.
    pub mac: Mac,
    /// `{model}`.
    pub model: &'a str,
    /// `{version}`.
    pub version: &'a str,
    /// `{serial}`.
    pub serial: &'a str,
}

/// The text is no template.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    /// A name in braces that stands for nothing.
    #[error("unknown placeholder {{{0}}}")]
    Unknown(String),
    /// A brace without its partner.
    #[error("unbalanced brace")]
    Unbalanced,
    /// A character that a request line or a field cannot carry.
    #[error("control character")]
    Control,
}

impl Template {
    /// Whether it names the phone's UUID.
    #[must_use]
    pub fn has_uuid(&self) -> bool {
        self.0.contains(&Part::Uuid)
    }

    /// Cuts `text` at its placeholders.
    ///
    /// # Errors
    /// [`TemplateError`] for unknown placeholders, single braces and control characters.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.contains(char::is_control) {
            return Err(TemplateError::Control);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((plain, tail)) = rest.split_once('{') {
            let (name, tail) = tail.split_once('}').ok_or(TemplateError::Unbalanced)?;
            parts.push(plain_part(plain)?);
            parts.push(Part::of(name)?);
            rest = tail;
        }
        parts.push(plain_part(rest)?);
        parts.retain(|part| *part != Part::Plain(String::new()));
        Ok(Self(parts))
    }

    /// The text with `values` in it.
    #[must_use]
    pub fn fill(&self, values: Values<'_>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Mac { separator, upper } => {
                    text.push_str(&values.mac.format(separator, *upper));
                }
                Part::Uuid => text.push_str(&uuid(values.mac)),
                Part::Model => text.push_str(values.model),
                Part::Version => text.push_str(values.version),
                Part::Serial => text.push_str(values.serial),
            }
        }
        text
    }
}

/// The identity of a softphone: a UUID of version 8 (RFC 9562 section 5.8) that ends in its MAC.
#[must_use]
pub fn uuid(mac: Mac) -> String {
    format!("00000000-0000-8000-8000-{}", mac.format("", false))
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        Self::parse(&text)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Plain(String),
    Mac { separator: &'static str, upper: bool },
    Uuid,
    Model,
    Version,
    Serial,
}

impl Part {
    fn of(name: &str) -> Result<Self, TemplateError> {
        Ok(match name {
            "mac" => Self::Mac { separator: "", upper: false },
            "MAC" => Self::Mac { separator: "", upper: true },
            "mac:" => Self::Mac { separator: ":", upper: false },
            "MAC:" => Self::Mac { separator: ":", upper: true },
            "mac_" => Self::Mac { separator: "_", upper: false },
            "uuid" => Self::Uuid,
            "mac-" => Self::Mac { separator: "-", upper: false },
            "MAC-" => Self::Mac { separator: "-", upper: true },
            "model" => Self::Model,
            "version" => Self::Version,
            "serial" => Self::Serial,
            _ => return Err(TemplateError::Unknown(name.to_owned())),
        })
    }
}

fn plain_part(text: &str) -> Result<Part, TemplateError> {
    if text.contains('}') {
        return Err(TemplateError::Unbalanced);
    }
    Ok(Part::Plain(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_placeholder() {
        let values = Values {
            mac: Mac([0x00, 0x15, 0x65, 0x4a, 0xa9, 0x37]),
            model: "T46G",
            version: "28.72.0.1",
            serial: "S1",
        };
        for (text, wanted) in [
            (
                "Yealink SIP-{model} {version} {mac:}",
                "Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37",
            ),
            ("/{mac}.cfg", "/0015654aa937.cfg"),
            ("/Aastra/{MAC}.cfg", "/Aastra/0015654AA937.cfg"),
            ("{MAC-}{mac-}{MAC:}", "00-15-65-4A-A9-3700-15-65-4a-a9-3700:15:65:4A:A9:37"),
            ("{serial}", "S1"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(Template::parse(text).map(|t| t.fill(values)), Ok(wanted.to_owned()));
        }
    }

    #[test]
    fn refuses_what_would_be_sent_as_it_stands() {
        for (text, wanted) in [
            ("/{Mac}.cfg", TemplateError::Unknown("Mac".to_owned())),
            ("/{}.cfg", TemplateError::Unknown(String::new())),
            ("/{mac.cfg", TemplateError::Unbalanced),
            ("/mac}.cfg", TemplateError::Unbalanced),
            ("/a}{mac}", TemplateError::Unbalanced),
            ("a\r\nHost: b", TemplateError::Control),
        ] {
            assert_eq!(Template::parse(text), Err(wanted), "{text}");
        }
    }
}
