//! The selector language: an object of keys and conditions, all of which hold for what is found.
//!
//! ```text
//! {"vendor": "Yealink", "version": {"$ge": "86", "$ne": "86.9"}, "options.switchboard": true}
//! ```
//!
//! A condition is a value, and then equality is asked, or an object of operators. A key may lead
//! into objects by dots; its last part is looked for in each object of a list, and one that passes
//! is enough. A key that is not there passes `$ne`, `$nin` and `{"$exists": false}` alone; these
//! deny what `$in`, equality and `{"$exists": true}` say, in lists too.

use ahash::RandomState;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::HashSet;

use super::compare;
use super::view::{Fielded, Path, Seen};
use crate::device::raw;

/// Which documents are looked for. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    conditions: Vec<Condition>,
}

/// Why a JSON value is no selector.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SelectorError {
    /// It is no object.
    #[error("a selector must be an object")]
    NotObject,
    /// Nobody knows the operator.
    #[error("unknown operator {0:?} in a selector")]
    Operator(String),
    /// The operator takes a list.
    #[error("{0} in a selector takes a list")]
    NotList(&'static str),
}

/// What is asked of one key: all of its tests pass.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The key.
    pub path: Path,
    /// What is asked.
    pub tests: Vec<Test>,
}

/// A question about a value.
#[derive(Clone, Debug)]
pub enum Test {
    /// Is it this one, or one of these?
    In(Among),
    /// Is it none of these?
    Nin(Among),
    /// Has it this part?
    Contains(Value),
    /// Is it more?
    Gt(Value),
    /// Is it this one or more?
    Ge(Value),
    /// Is it less?
    Lt(Value),
    /// Is it this one or less?
    Le(Value),
    /// Is it there, or is it not?
    Exists(bool),
}

/// Some values; of texts there may be many.
#[derive(Clone, Debug, Default)]
pub struct Among {
    texts: HashSet<String, RandomState>,
    others: Vec<Value>,
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// [`SelectorError`] where the value is none.
    pub fn parse(json: Value) -> Result<Selector, SelectorError> {
        let Value::Object(keys) = json else { return Err(SelectorError::NotObject) };
        let condition = |(key, value): (String, Value)| {
            Ok(Condition { path: Path::new(&key), tests: tests(value)? })
        };
        Ok(Selector { conditions: keys.into_iter().map(condition).collect::<Result<_, _>>()? })
    }

    /// Whether a document is one of those that are looked for.
    pub fn matches(&self, document: &impl Fielded) -> bool {
        self.conditions.iter().all(|condition| condition.holds(document))
    }

    /// Asks one of these texts of a key, instead of what was asked of it.
    pub fn overwrite(&mut self, key: &str, texts: impl IntoIterator<Item = String>) {
        self.lift(key);
        let among = Among { texts: texts.into_iter().collect(), others: Vec::new() };
        self.conditions.push(Condition { path: Path::new(key), tests: vec![Test::In(among)] });
    }

    /// Asks nothing of a key.
    pub fn lift(&mut self, key: &str) {
        self.conditions.retain(|condition| condition.path.only() != Some(key));
    }

    /// All conditions.
    pub(super) fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

impl Condition {
    /// The texts one of which the value of this key must be; none where it may be something else
    /// that an index does not know: documents keep empty texts and nulls beside what they mean.
    pub fn texts(&self) -> Option<impl Iterator<Item = &str>> {
        let among = self.tests.iter().find_map(|test| match test {
            Test::In(among) => Some(among),
            _ => None,
        })?;
        let is_known = !among.texts.contains("") && !among.others.iter().any(Value::is_null);
        is_known.then(|| among.texts.iter().map(String::as_str))
    }

    fn holds(&self, document: &impl Fielded) -> bool {
        self.tests.iter().all(|test| match test {
            Test::Nin(among) => self.path.any(document, |value| among.has(value)) != Some(true),
            Test::Exists(wanted) => self.path.any(document, |_| true).is_some() == *wanted,
            test => self.path.any(document, |value| test.passes(value)) == Some(true),
        })
    }
}

impl Test {
    fn passes(&self, value: Seen<'_>) -> bool {
        let order = |other: &Value| compare::order(value, other.into());
        match self {
            Test::In(among) => among.has(value),
            Test::Nin(among) => !among.has(value),
            Test::Contains(part) => compare::contains(value, part.into()),
            Test::Gt(other) => order(other) == Some(Ordering::Greater),
            Test::Ge(other) => order(other).is_some_and(Ordering::is_ge),
            Test::Lt(other) => order(other) == Some(Ordering::Less),
            Test::Le(other) => order(other).is_some_and(Ordering::is_le),
            Test::Exists(wanted) => *wanted,
        }
    }
}

impl Among {
    fn has(&self, value: Seen<'_>) -> bool {
        match value {
            Seen::Text(text) => self.texts.contains(text),
            other => self.others.iter().any(|wanted| compare::equal(wanted.into(), other)),
        }
    }
}

impl FromIterator<Value> for Among {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let mut among = Among::default();
        for value in values {
            match value {
                Value::String(text) => drop(among.texts.insert(text)),
                other => among.others.push(other),
            }
        }
        among
    }
}

fn tests(condition: Value) -> Result<Vec<Test>, SelectorError> {
    match condition {
        Value::Object(operators) if operators.keys().any(|key| key.starts_with('$')) => {
            operators.into_iter().map(|(name, value)| test(&name, value)).collect()
        }
        value => Ok(vec![Test::In(Among::from_iter([value]))]),
    }
}

fn test(name: &str, value: Value) -> Result<Test, SelectorError> {
    Ok(match name {
        "$in" => Test::In(list("$in", value)?),
        "$nin" => Test::Nin(list("$nin", value)?),
        "$ne" => Test::Nin(Among::from_iter([value])),
        "$contains" => Test::Contains(value),
        "$gt" => Test::Gt(value),
        "$ge" => Test::Ge(value),
        "$lt" => Test::Lt(value),
        "$le" => Test::Le(value),
        "$exists" => Test::Exists(raw::is_truthy(&value)),
        other => return Err(SelectorError::Operator(other.to_owned())),
    })
}

fn list(operator: &'static str, value: Value) -> Result<Among, SelectorError> {
    match value {
        Value::Array(values) => Ok(values.into_iter().collect()),
        _ => Err(SelectorError::NotList(operator)),
    }
}
