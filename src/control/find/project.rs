//! Some keys of a document: its `id` in front, then those asked for that are there.

use serde_json::Value;

use super::view::{Fielded, Path};
use crate::device::Document;

/// Keys that are shown, in the order asked for; one with dots is shown within its objects.
#[derive(Clone, PartialEq, Debug)]
pub struct Fields(Vec<Path>);

impl Fields {
    /// Reads keys with commas between them.
    pub fn parse(text: &str) -> Fields {
        Fields(text.split(',').map(Path::new).collect())
    }

    /// The keys of a document that are asked for.
    pub fn project(&self, document: &impl Fielded) -> Document {
        let mut shown = Document::new();
        if let Some(id) = document.field("id") {
            shown.insert("id".to_owned(), id.into_value());
        }
        for path in &self.0 {
            if let Some(value) = path.value(document) {
                place(&mut shown, path.keys(), value.into_value());
            }
        }
        shown
    }
}

/// Puts a value where it is in the document.
fn place<'a>(shown: &mut Document, mut keys: impl Iterator<Item = &'a str>, value: Value) {
    let Some(mut last) = keys.next() else { return };
    let mut object = shown;
    for key in keys {
        let inner = object.entry(last).or_insert_with(|| Value::Object(Document::new()));
        let Value::Object(inner) = inner else { return };
        object = inner;
        last = key;
    }
    object.insert(last.to_owned(), value);
}
