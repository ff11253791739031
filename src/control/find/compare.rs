//! Values compared as clients are used to: as Python compares them, and never an error.
//!
//! True is 1 and false is 0; numbers compare by what they are worth; texts and lists compare from
//! the front. What cannot be compared is neither less nor more.

use serde_json::{Number, Value};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write;

use super::view::Seen;

/// Whether two values are equal.
pub fn equal(left: Seen<'_>, right: Seen<'_>) -> bool {
    match (left, right) {
        (Seen::Null, Seen::Null) => true,
        (Seen::Text(left), Seen::Text(right)) => left == right,
        (Seen::List(left), Seen::List(right)) => {
            let mut pairs = left.iter().zip(right);
            left.len() == right.len() && pairs.all(|(left, right)| equal(left.into(), right.into()))
        }
        (Seen::Object(left), Seen::Object(right)) => {
            let has = |key, value: &Value| {
                right.get(key).is_some_and(|other| equal(value.into(), other.into()))
            };
            left.len() == right.len() && left.iter().all(|(key, value)| has(key, value))
        }
        _ => numbers(left, right) == Some(Ordering::Equal),
    }
}

/// Which of two values is more; None where they cannot be compared.
pub fn order(left: Seen<'_>, right: Seen<'_>) -> Option<Ordering> {
    match (left, right) {
        // Bytes of UTF-8 have the order of the characters.
        (Seen::Text(left), Seen::Text(right)) => Some(left.cmp(right)),
        (Seen::List(left), Seen::List(right)) => {
            let mut pairs = left.iter().zip(right);
            let other = pairs.find(|(left, right)| !equal((*left).into(), (*right).into()));
            match other {
                Some((left, right)) => order(left.into(), right.into()),
                None => Some(left.len().cmp(&right.len())),
            }
        }
        _ => numbers(left, right),
    }
}

/// Whether a text has this part, a list this element, or an object this key.
pub fn contains(whole: Seen<'_>, part: Seen<'_>) -> bool {
    match (whole, part) {
        (Seen::Text(text), Seen::Text(part)) => text.contains(part),
        (Seen::List(list), part) => list.iter().any(|item| equal(item.into(), part)),
        (Seen::Object(object), Seen::Text(key)) => object.contains_key(key),
        _ => false,
    }
}

/// The text that lists are sorted by: Python's `str` of the value, and nothing for a null.
pub fn text(value: Seen<'_>) -> Cow<'_, str> {
    match value {
        Seen::Null => Cow::Borrowed(""),
        Seen::Text(text) => Cow::Borrowed(text),
        other => {
            let mut out = String::new();
            write_literal(&mut out, other);
            Cow::Owned(out)
        }
    }
}

fn numbers(left: Seen<'_>, right: Seen<'_>) -> Option<Ordering> {
    /// The whole number, where it is one, and what it is nearly.
    fn read(value: Seen<'_>) -> Option<(Option<i128>, f64)> {
        const EXACT_MAX: f64 = 1e30;
        match value {
            Seen::Flag(flag) => Some((Some(flag.into()), f64::from(u8::from(flag)))),
            Seen::Number(number) => {
                let float = number.as_f64()?;
                let whole = float.fract() == 0.0 && float.abs() < EXACT_MAX;
                let exact = || whole.then_some(float as i128);
                Some((number.as_i128().or_else(exact), float))
            }
            _ => None,
        }
    }
    match (read(left)?, read(right)?) {
        ((Some(left), _), (Some(right), _)) => Some(left.cmp(&right)),
        ((_, left), (_, right)) => left.partial_cmp(&right),
    }
}

/// Writes a value as Python's `repr` does.
fn write_literal(out: &mut String, value: Seen<'_>) {
    match value {
        Seen::Null => out.push_str("None"),
        Seen::Flag(true) => out.push_str("True"),
        Seen::Flag(false) => out.push_str("False"),
        Seen::Number(number) => write_number(out, number),
        Seen::Text(text) => write_text(out, text),
        Seen::List(list) => {
            out.push('[');
            for (at, item) in list.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_literal(out, item.into());
            }
            out.push(']');
        }
        Seen::Object(object) => {
            out.push('{');
            for (at, (key, item)) in object.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_text(out, key);
                out.push_str(": ");
                write_literal(out, item.into());
            }
            out.push('}');
        }
    }
}

/// Both languages write the shortest digits that are the number, and choose an exponent alike.
fn write_number(out: &mut String, number: &Number) {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else {
        return out.push_str(&number.to_string());
    };
    let text = format!("{float:?}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            let digits = digits.strip_suffix(".0").unwrap_or(digits);
            write!(out, "{digits}e{sign}{exponent:0>2}").expect("a String takes all");
        }
        None => out.push_str(&text),
    }
}

fn write_text(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter == quote => out.extend(['\\', letter]),
            letter if letter.is_control() => {
                write!(out, "\\x{:02x}", u32::from(letter)).expect("a String takes all");
            }
            letter => out.push(letter),
        }
    }
    out.push(quote);
}
