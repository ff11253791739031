//! What a list's query asks: `q`, `q64`, `fields`, `skip`, `limit`, `sort`, `sort_ord`, `recurse`.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::{Fielded, Fields, Selector, SelectorError, Sort};
use crate::device::Document;

/// Which documents, which of them, in which order, and which of their keys.
///
/// Where the predecessor of this interface fails inside, this does not: `sort` goes together with
/// `limit`, values of different types are no match of `$gt` and its like, and any value may be
/// asked of `mac`, `ip` and `sn`. A selector that can never be one is an error of the client.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// Which documents.
    pub selector: Selector,
    /// Which of their keys; none: all.
    pub fields: Option<Fields>,
    /// How many are left out in front.
    pub skip: usize,
    /// How many there may be; none: all that are left.
    pub limit: Option<usize>,
    /// In which order; none: as they came.
    pub sort: Option<Sort>,
    /// Whether devices of the tenants below the one that asks are asked for.
    pub recurse: bool,
}

impl Params {
    /// Reads the decoded pairs of a query. Of a key that is there twice, the first counts.
    ///
    /// What is not JSON, base64 or a number is as if it were not there; a bad `q64` still is
    /// instead of `q`.
    ///
    /// # Errors
    /// [`SelectorError`] where the JSON of `q` or `q64` is no selector.
    pub fn parse(pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> Result<Params, SelectorError> {
        let first = |key: &str| {
            let pair = pairs.iter().find(|(name, _)| name.as_ref() == key);
            pair.map(|(_, value)| value.as_ref())
        };
        let json: Option<Value> = match (first("q64"), first("q")) {
            (Some(text), _) => {
                let bytes = BASE64.decode(text.trim());
                bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())
            }
            (None, Some(text)) => serde_json::from_str(text).ok(),
            (None, None) => None,
        };
        Ok(Params {
            selector: json.map(Selector::parse).transpose()?.unwrap_or_default(),
            fields: first("fields").map(Fields::parse),
            skip: first("skip").and_then(integer).map_or(0, count),
            limit: first("limit").and_then(integer).filter(|limit| *limit != 0).map(count),
            sort: first("sort").map(|key| Sort::new(key, is_descending(first("sort_ord")))),
            recurse: matches!(first("recurse"), Some("true" | "True")),
        })
    }

    /// Looks for devices of these tenants alone, whatever the selector says of tenants.
    pub fn restrict(&mut self, tenants: impl IntoIterator<Item = String>) {
        self.selector.overwrite("tenant_uuid", tenants);
    }

    /// Looks for documents whatever they have of this key.
    pub fn lift(&mut self, key: &str) {
        self.selector.lift(key);
    }

    /// What the list shows of a document that was found.
    pub fn show(&self, found: &impl Fielded) -> Document {
        match &self.fields {
            Some(fields) => fields.project(found),
            None => found.document(),
        }
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn is_descending(order: Option<&str>) -> bool {
    match order {
        Some("DESC") => true,
        Some("ASC") | None => false,
        Some(other) => {
            tracing::info!(sort_ord = other, "neither ASC nor DESC: sorted as ASC");
            false
        }
    }
}

/// As Python's `int` reads it: blanks around it, a sign, single underscores between digits.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let is_group = |group: &str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    if !digits.split('_').all(is_group) {
        return None;
    }
    // Whatever is too long is more than there can be.
    let value = digits.replace('_', "").parse().unwrap_or(i64::MAX);
    Some(if is_negative { -value } else { value })
}

fn count(value: i64) -> usize {
    usize::try_from(value.max(0)).unwrap_or(usize::MAX)
}
