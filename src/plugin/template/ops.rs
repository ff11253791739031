//! Operators on values, each as the reference engine has it, or declined.

use bumpalo::Bump;
use bumpalo::collections::{String as ArenaString, Vec as ArenaVec};
use std::cmp::Ordering;

use super::value::{Declined, Eval, Items, Value};

/// Operators that take both sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
}

/// Applies an operator.
pub fn apply<'a>(
    operator: Operator,
    left: Value<'a>,
    right: Value<'a>,
    arena: &'a Bump,
) -> Eval<Value<'a>> {
    let order = |holds: fn(Ordering) -> bool| Ok(Value::Bool(holds(compare(left, right, arena)?)));
    match operator {
        Operator::Equal => Ok(Value::Bool(equal(left, right, arena)?)),
        Operator::Unequal => Ok(Value::Bool(!equal(left, right, arena)?)),
        Operator::Less => order(Ordering::is_lt),
        Operator::LessOrEqual => order(Ordering::is_le),
        Operator::Greater => order(Ordering::is_gt),
        Operator::GreaterOrEqual => order(Ordering::is_ge),
        Operator::In => Ok(Value::Bool(contains(right, left, arena)?)),
        Operator::NotIn => Ok(Value::Bool(!contains(right, left, arena)?)),
        _ => arithmetic(operator, left, right, arena),
    }
}

fn arithmetic<'a>(
    operator: Operator,
    left: Value<'a>,
    right: Value<'a>,
    arena: &'a Bump,
) -> Eval<Value<'a>> {
    if let (Operator::Add, Some(left), Some(right)) = (operator, left.as_text(), right.as_text()) {
        let mut text = ArenaString::with_capacity_in(left.len() + right.len(), arena);
        text.push_str(left);
        text.push_str(right);
        return Ok(Value::Text(text.into_bump_str()));
    }
    let is_row =
        |value: &Value<'_>| matches!(value, Value::List(_) | Value::Array(_) | Value::Stream(_));
    if operator == Operator::Add && is_row(&left) && is_row(&right) {
        let mut both = ArenaVec::new_in(arena);
        for items in [left.items(arena)?.0, right.items(arena)?.0] {
            for index in 0..items.len() {
                both.push(items.get(index).ok_or(Declined("a row that ends early"))?);
            }
        }
        return Ok(Value::Stream(both.into_bump_slice()));
    }
    let (Value::Int(left), Value::Int(right)) = (left, right) else {
        return Err(Declined("arithmetic with what is no whole number"));
    };
    let number = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::FloorDivide => left.checked_div_euclid(right),
        Operator::Remainder => left.checked_rem_euclid(right),
        #[expect(clippy::cast_precision_loss, reason = "the reference engine divides so")]
        _ => return Ok(Value::Float(left as f64 / right as f64)),
    };
    number.map(Value::Int).ok_or(Declined("a number beyond 64 bits, or no number"))
}

/// `-x`
pub fn negate(value: Value<'_>) -> Eval<Value<'_>> {
    let Value::Int(number) = value else { return Err(Declined("the negative of no whole number")) };
    number.checked_neg().map(Value::Int).ok_or(Declined("a number beyond 64 bits"))
}

/// `==`
pub fn equal<'a>(left: Value<'a>, right: Value<'a>, arena: &'a Bump) -> Eval<bool> {
    Ok(match (left, right) {
        (Value::Text(a) | Value::Safe(a), Value::Text(b) | Value::Safe(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::None, Value::None) => true,
        (a, b) if a.is_undefined() && b.is_undefined() => true,
        (Value::Text(_) | Value::Safe(_), Value::Int(_) | Value::None)
        | (Value::Int(_) | Value::None, Value::Text(_) | Value::Safe(_)) => false,
        (Value::Text(_) | Value::Safe(_) | Value::Int(_) | Value::None, b) if b.is_undefined() => {
            false
        }
        (a, Value::Text(_) | Value::Safe(_) | Value::Int(_) | Value::None) if a.is_undefined() => {
            false
        }
        _ => left.reference(arena)? == right.reference(arena)?,
    })
}

fn compare<'a>(left: Value<'a>, right: Value<'a>, arena: &'a Bump) -> Eval<Ordering> {
    Ok(match (left, right) {
        (Value::Int(a), Value::Int(b)) => a.cmp(&b),
        (Value::Text(a) | Value::Safe(a), Value::Text(b) | Value::Safe(b)) => a.cmp(b),
        _ => left.reference(arena)?.cmp(&right.reference(arena)?),
    })
}

/// `value in container`
pub fn contains<'a>(container: Value<'a>, value: Value<'a>, arena: &'a Bump) -> Eval<bool> {
    match container {
        Value::Unset | Value::Undefined => Ok(false),
        Value::Text(text) | Value::Safe(text) => {
            let Some(part) = value.as_text() else {
                return Err(Declined("a text that may contain no text"));
            };
            Ok(text.contains(part))
        }
        Value::Object(_) | Value::Table(_) | Value::Line(_) => match value {
            Value::Text(key) | Value::Safe(key) => Ok(container.get(key)?.is_some()),
            Value::Int(_) | Value::None | Value::Undefined => Ok(false),
            _ => Err(Declined("a key of another kind")),
        },
        Value::Pairs(_) => Ok(keyed(container, value, arena)?.is_some()),
        Value::List(_) | Value::Stream(_) | Value::Array(_) | Value::Range(..) => {
            let (items, _) = container.items(arena)?;
            any((0..items.len()).filter_map(|index| items.get(index)), value, arena)
        }
        _ => Err(Declined("containment in what contains nothing")),
    }
}

fn any<'a>(
    mut values: impl Iterator<Item = Value<'a>>,
    wanted: Value<'a>,
    arena: &'a Bump,
) -> Eval<bool> {
    values.try_fold(false, |found, value| Ok(found || equal(value, wanted, arena)?))
}

/// `base.name`
pub fn attribute<'a>(base: Value<'a>, name: &str) -> Eval<Value<'a>> {
    match base.get(name)? {
        Some(value) => Ok(value),
        None if base.is_undefined() => Err(Declined("a part of what is undefined")),
        None => Ok(Value::Undefined),
    }
}

/// `base[key]`
pub fn item<'a>(base: Value<'a>, key: Value<'a>, arena: &'a Bump) -> Eval<Value<'a>> {
    let items = match base {
        Value::Unset | Value::Undefined => return Err(Declined("a part of what is undefined")),
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => {
            return Ok(Value::Undefined);
        }
        Value::Object(_) | Value::Table(_) | Value::Line(_) => {
            return match key {
                Value::Text(key) | Value::Safe(key) => attribute(base, key),
                Value::Int(_) | Value::None | Value::Undefined => Ok(Value::Undefined),
                _ => Err(Declined("a key of another kind")),
            };
        }
        Value::Pairs(_) => return Ok(keyed(base, key, arena)?.unwrap_or(Value::Undefined)),
        Value::List(_) | Value::Array(_) => base.items(arena)?.0,
        _ => return Err(Declined("a part of what has none")),
    };
    match key {
        Value::Int(index) => Ok(at(items, index)),
        Value::Text(_) | Value::Safe(_) | Value::None | Value::Undefined => Ok(Value::Undefined),
        _ => Err(Declined("an index of another kind")),
    }
}

/// The value under a key of a map that a template made.
fn keyed<'a>(base: Value<'a>, key: Value<'a>, arena: &'a Bump) -> Eval<Option<Value<'a>>> {
    let Value::Pairs(pairs) = base else { return Ok(None) };
    for (name, value) in pairs {
        // `true` equals 1 and is another key.
        if matches!(name, Value::Bool(_) | Value::Float(_)) || matches!(key, Value::Bool(_)) {
            return Err(Declined("a key of another kind"));
        }
        if equal(*name, key, arena)? {
            return Ok(Some(*value));
        }
    }
    Ok(None)
}

/// The item of that number, from the end where it is negative.
pub fn at<'a>(items: Items<'a>, index: i64) -> Value<'a> {
    let back = usize::try_from(index.unsigned_abs()).ok();
    let index = if index < 0 { back.and_then(|n| items.len().checked_sub(n)) } else { back };
    index.and_then(|index| items.get(index)).unwrap_or(Value::Undefined)
}

/// `base[start:stop]`; other steps than 1 are left to the reference engine.
pub fn slice<'a>(
    base: Value<'a>,
    [start, stop, step]: [Value<'a>; 3],
    arena: &'a Bump,
) -> Eval<Value<'a>> {
    let bound = |value: Value<'a>| match value {
        Value::None => Ok(None),
        Value::Int(number) => Ok(Some(number)),
        _ => Err(Declined("a bound that is no whole number")),
    };
    let (start, stop) = (bound(start)?.unwrap_or(0), bound(stop)?);
    if !matches!(step, Value::None | Value::Int(1)) {
        return Err(Declined("a slice with a step"));
    }
    let within = |len: usize| {
        let place = |bound: i64| {
            let distance = usize::try_from(bound.unsigned_abs()).unwrap_or(usize::MAX);
            if bound < 0 { len.saturating_sub(distance) } else { distance.min(len) }
        };
        let start = place(start);
        (start, stop.map_or(len, place).max(start))
    };
    match base {
        Value::Text(text) | Value::Safe(text) => {
            let (start, stop) = within(text.chars().count());
            let place = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
            Ok(Value::Text(&text[place(start)..place(stop)]))
        }
        Value::Undefined | Value::Unset | Value::None => Ok(Value::List(&[])),
        Value::List(list) => {
            let (start, stop) = within(list.len());
            Ok(Value::Stream(&list[start..stop]))
        }
        Value::Array(list) => {
            let (start, stop) = within(list.len());
            let mut part = ArenaVec::with_capacity_in(stop - start, arena);
            part.extend(list[start..stop].iter().map(Value::of));
            Ok(Value::Stream(part.into_bump_slice()))
        }
        _ => Err(Declined("a slice of what is no sequence")),
    }
}
