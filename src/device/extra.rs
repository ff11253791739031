//! The keys of a document that have no field of their own: most devices have none, and pay a word.

use serde_json::Value;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use super::Document;

/// Keys and values in the order given. INVARIANT: what is shared is not empty.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Extra(Option<Arc<Document>>);

static NOTHING: LazyLock<Document> = LazyLock::new(Document::new);

impl Extra {
    /// Adds a key, or replaces its value.
    pub fn insert(&mut self, key: String, value: Value) {
        Arc::make_mut(self.0.get_or_insert_default()).insert(key, value);
    }

    /// Whether both are the same in memory.
    pub fn is_same(&self, other: &Extra) -> bool {
        match (&self.0, &other.0) {
            (Some(left), Some(right)) => Arc::ptr_eq(left, right),
            (left, right) => left.is_none() && right.is_none(),
        }
    }
}

impl Deref for Extra {
    type Target = Document;

    fn deref(&self) -> &Document {
        self.0.as_deref().unwrap_or_else(|| &NOTHING)
    }
}

impl From<Document> for Extra {
    fn from(document: Document) -> Extra {
        Extra((!document.is_empty()).then(|| Arc::new(document)))
    }
}
