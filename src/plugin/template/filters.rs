//! Filters: the usual ones at once, the others by the reference engine's own functions.

use bumpalo::collections::{String as ArenaString, Vec as ArenaVec};
use minijinja::Value as Reference;
use minijinja::value::Kwargs;
use serde_json::Value as Json;

use super::Unsupported;
use super::checks::Check;
use super::ops;
use super::run::Run;
use super::tree::{Apply, Expr};
use super::value::{Declined, Eval, Value};
use crate::device::Mac;
use crate::plugin::words;
use crate::plugin::zone::Zone;

/// A filter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filter {
    Default,
    Items,
    List,
    First,
    Last,
    Length,
    Text,
    Int,
    Absolute,
    Trim,
    Upper,
    Lower,
    Replace,
    Least,
    Most,
    NumberSort,
    TextSort,
    ZeroFill,
    Checksum,
    Mac,
    Xml,
    Line,
    Safe,
    NearestZone,
    /// What counts as true.
    Select,
    /// Items of whose part the test holds; without a test, of which it counts as true.
    SelectPart(Vec<Step>, Option<Check>),
    /// That part of each item.
    Part(Vec<Step>),
    /// The reference engine's own.
    Reference(Box<str>),
}

/// A step into a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    Key(Box<str>),
    Index(i64),
}

/// Filters of the reference engine that depend on nothing but their arguments' values, as long as
/// no text among them is safe, and that give values which tell nothing of how they were made.
const REFERENCE: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "checksum",
    "count",
    "dictsort",
    "first",
    "float",
    "format",
    "hex",
    "indent",
    "int",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "mac",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "round",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
    "words",
    "zfill",
];

type Named = Vec<(Box<str>, Expr)>;

impl Filter {
    /// The filter of that name with these arguments, and the arguments that are left.
    pub fn of(
        name: &str,
        arguments: Vec<Expr>,
        named: Named,
    ) -> Result<(Filter, Vec<Expr>, Named), Unsupported> {
        let text = |at: usize| match arguments.get(at) {
            Some(Expr::Const(Json::String(text))) => Some(text.as_str()),
            _ => None,
        };
        if name == "selectattr"
            && named.is_empty()
            && let Some(path) = text(0)
        {
            let path = steps(path);
            let check = match arguments.get(1) {
                None => Some(None),
                Some(_) => text(1).and_then(|check| Check::of(check).ok()).map(Some),
            };
            if let Some(check) = check {
                let rest = arguments.into_iter().skip(2).collect();
                return Ok((Filter::SelectPart(path, check), rest, named));
            }
        }
        if name == "map"
            && arguments.is_empty()
            && let [(key, Expr::Const(Json::String(path)))] = &named[..]
            && &**key == "attribute"
        {
            return Ok((Filter::Part(steps(path)), arguments, Vec::new()));
        }
        let filter = match (name, arguments.len()) {
            _ if !named.is_empty() => None,
            ("default" | "d", 0..=2) => Some(Filter::Default),
            ("items", 0) => Some(Filter::Items),
            ("list", 0) => Some(Filter::List),
            ("first", 0) => Some(Filter::First),
            ("last", 0) => Some(Filter::Last),
            ("length" | "count", 0) => Some(Filter::Length),
            ("string", 0) => Some(Filter::Text),
            ("int", 0) => Some(Filter::Int),
            ("abs", 0) => Some(Filter::Absolute),
            ("trim", 0) => Some(Filter::Trim),
            ("upper", 0) => Some(Filter::Upper),
            ("lower", 0) => Some(Filter::Lower),
            ("replace", 2) => Some(Filter::Replace),
            ("min", 0) => Some(Filter::Least),
            ("max", 0) => Some(Filter::Most),
            ("numsort", 0) => Some(Filter::NumberSort),
            ("strsort", 0) => Some(Filter::TextSort),
            ("zfill", 1) => Some(Filter::ZeroFill),
            ("checksum", 0) => Some(Filter::Checksum),
            ("mac", 0) => Some(Filter::Mac),
            ("e" | "escape" | "xml", 0) => Some(Filter::Xml),
            ("line", 0) => Some(Filter::Line),
            ("safe", 0) => Some(Filter::Safe),
            ("nearest_zone", 1) => Some(Filter::NearestZone),
            ("select", 0) => Some(Filter::Select),
            _ => None,
        };
        match filter {
            Some(filter) => Ok((filter, arguments, named)),
            None if REFERENCE.contains(&name) => {
                Ok((Filter::Reference(name.into()), arguments, named))
            }
            None => Err(Unsupported::new(name, "is a filter without a program")),
        }
    }
}

/// `1.type`: numbers are indexes, other parts are keys.
fn steps(path: &str) -> Vec<Step> {
    let step = |part: &str| match part.parse::<usize>().ok().and_then(|n| i64::try_from(n).ok()) {
        Some(index) => Step::Index(index),
        None => Step::Key(part.into()),
    };
    path.split('.').map(step).collect()
}

impl<'a> Run<'a> {
    /// The value of a filter.
    #[inline(never)]
    pub(super) fn filter(&mut self, apply: &'a Apply<Filter>) -> Eval<Value<'a>> {
        let value = self.eval(&apply.base)?;
        let arguments = self.eval_all(&apply.arguments)?;
        let arena = self.arena;
        match (&apply.kind, arguments) {
            (Filter::Default, _) => {
                let lax = arguments.get(1).map_or(Ok(false), Value::is_true)?;
                let other = arguments.first().copied().unwrap_or(Value::Text(""));
                let replaced = value.is_undefined() || lax && !value.is_true()?;
                Ok(if replaced { other } else { value })
            }
            (Filter::SelectPart(path, check), _) => {
                self.select(value, path, check.as_ref(), arguments)
            }
            (Filter::Select, _) => self.select(value, &[], None, &[]),
            (Filter::Part(path), _) => {
                let (items, _) = value.items(arena)?;
                let mut parts = ArenaVec::with_capacity_in(items.len(), arena);
                for item in (0..items.len()).filter_map(|index| items.get(index)) {
                    parts.push(part(item, path)?);
                }
                Ok(Value::List(parts.into_bump_slice()))
            }
            (Filter::Items, _) => {
                let pairs = value.pairs(arena)?.iter().map(|pair| pair_list(*pair, arena));
                Ok(Value::Stream(arena.alloc_slice_fill_iter(pairs)))
            }
            (Filter::List, _) => Ok(match value {
                Value::Array(_) | Value::List(_) => value,
                _ => {
                    let (items, _) = value.items(arena)?;
                    let values = (0..items.len()).filter_map(|index| items.get(index));
                    let mut list = ArenaVec::with_capacity_in(items.len(), arena);
                    list.extend(values);
                    Value::List(list.into_bump_slice())
                }
            }),
            (Filter::NumberSort, _) => {
                self.sort(value, |key| (key.parse::<u64>().unwrap_or(u64::MAX), key))
            }
            (Filter::TextSort, _) => self.sort(value, |key| (0, key)),
            (Filter::Mac, _) => self.mac(value),
            (Filter::NearestZone, _) => self.nearest_zone(value, arguments),
            (Filter::Safe, _) => match value {
                Value::Text(text) | Value::Safe(text) => Ok(Value::Safe(text)),
                _ => Err(Declined("what is safe and no text")),
            },
            (Filter::Xml | Filter::Line, _) => {
                let mut written = String::new();
                if !matches!(value, Value::None) {
                    value.write(&mut written, arena)?;
                }
                let escaped = match apply.kind {
                    Filter::Xml => words::xml(&written),
                    _ => words::line(&written),
                };
                Ok(Value::Safe(arena.alloc_str(&escaped)))
            }
            (Filter::Reference(name), _) => self.by_reference(name, value, arguments, &apply.named),
            (kind, _) => match self.simple(kind, value, arguments)? {
                Some(value) => Ok(value),
                None => self.by_reference(name_of(kind), value, arguments, &[]),
            },
        }
    }

    /// Filters of one value; none where the reference engine's own is to be asked.
    fn simple(
        &mut self,
        kind: &Filter,
        value: Value<'a>,
        arguments: &[Value<'a>],
    ) -> Eval<Option<Value<'a>>> {
        let arena = self.arena;
        Ok(Some(match (kind, value, arguments) {
            (Filter::Text, Value::Text(_) | Value::Safe(_), _)
            | (Filter::Int, Value::Int(_), _) => value,
            (Filter::Text, ..) => {
                let mut text = ArenaString::new_in(arena);
                value.write(&mut text, arena)?;
                Value::Text(text.into_bump_str())
            }
            (Filter::Int, Value::None, _) => Value::Int(0),
            (Filter::Int, Value::Text(text) | Value::Safe(text), _) => match text.parse::<i64>() {
                Ok(number) => Value::Int(number),
                Err(_) => return Ok(None),
            },
            (Filter::First, Value::List(_) | Value::Stream(_) | Value::Array(_), _) => {
                ops::at(value.items(arena)?.0, 0)
            }
            (Filter::Last, Value::List(_) | Value::Stream(_) | Value::Array(_), _) => {
                ops::at(value.items(arena)?.0, -1)
            }
            (Filter::Length, Value::List(_) | Value::Array(_), _) => {
                let len = value.items(arena)?.0.len();
                Value::Int(i64::try_from(len).map_err(|_| Declined("an endless list"))?)
            }
            (Filter::Absolute, Value::Int(number), _) => {
                Value::Int(number.checked_abs().ok_or(Declined("a number beyond 64 bits"))?)
            }
            (Filter::Trim, Value::Text(text), _) => Value::Text(text.trim()),
            (Filter::Upper, Value::Text(text), _) => {
                Value::Text(arena.alloc_str(&text.to_uppercase()))
            }
            (Filter::Lower, Value::Text(text), _) => {
                Value::Text(arena.alloc_str(&text.to_lowercase()))
            }
            (Filter::Replace, Value::Text(text), [Value::Text(from), Value::Text(to)]) => {
                Value::Text(arena.alloc_str(&text.replace(from, to)))
            }
            (Filter::Least | Filter::Most, Value::List(list), _) => {
                let ints = list.iter().map(|value| match value {
                    Value::Int(number) => Some(*number),
                    _ => None,
                });
                let Some(ints) = ints.collect::<Option<Vec<i64>>>() else { return Ok(None) };
                let found = match kind {
                    Filter::Least => ints.into_iter().min(),
                    _ => ints.into_iter().max(),
                };
                found.map_or(Value::Undefined, Value::Int)
            }
            (Filter::Checksum, Value::Text(text) | Value::Safe(text), _) => {
                Value::Int(i64::from(words::checksum(text)))
            }
            (Filter::ZeroFill, _, [Value::Int(width)]) => {
                let mut text = String::new();
                if !matches!(value, Value::None) {
                    value.write(&mut text, arena)?;
                }
                let width = usize::try_from(*width).map_err(|_| Declined("a negative width"))?;
                let width = u16::try_from(width).map_err(|_| Declined("a great width"))?;
                Value::Text(arena.alloc_str(&format!("{text:0>width$}", width = width.into())))
            }
            _ => return Ok(None),
        }))
    }

    fn select(
        &mut self,
        value: Value<'a>,
        path: &[Step],
        check: Option<&Check>,
        arguments: &[Value<'a>],
    ) -> Eval<Value<'a>> {
        let (items, _) = value.items(self.arena)?;
        let mut selected = ArenaVec::new_in(self.arena);
        for item in (0..items.len()).filter_map(|index| items.get(index)) {
            let tested = part(item, path)?;
            let holds = match check {
                Some(check) => self.check(check, tested, arguments)?,
                None => tested.is_true()?,
            };
            if holds {
                selected.push(item);
            }
        }
        Ok(Value::List(selected.into_bump_slice()))
    }

    fn sort(
        &mut self,
        value: Value<'a>,
        by: impl Fn(&'a str) -> (u64, &'a str),
    ) -> Eval<Value<'a>> {
        if value.is_undefined() || matches!(value, Value::None) {
            return Ok(Value::List(&[]));
        }
        let mut sorted = ArenaVec::new_in(self.arena);
        for pair in value.pairs(self.arena)? {
            let key = pair.0.as_text().ok_or(Declined("a key that is no text"))?;
            sorted.push((by(key), pair_list(*pair, self.arena)));
        }
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let pairs = sorted.into_iter().map(|(_, pair)| pair);
        Ok(Value::List(self.arena.alloc_slice_fill_iter(pairs)))
    }

    fn mac(&mut self, value: Value<'a>) -> Eval<Value<'a>> {
        let text = value.as_text().ok_or(Declined("a hardware address that is no text"))?;
        let mac = Mac::parse(text.as_bytes());
        let mac = mac.map_err(|_| Declined("what is no hardware address"))?;
        Ok(Value::Text(self.arena.alloc_str(&mac.format("", false))))
    }

    fn nearest_zone(&mut self, value: Value<'a>, zones: &[Value<'a>]) -> Eval<Value<'a>> {
        let (Value::Text(name), [zones]) = (value, zones) else {
            return self.by_reference("nearest_zone", value, zones, &[]);
        };
        let (items, _) = zones.items(self.arena)?;
        let names = (0..items.len()).filter_map(|index| items.get(index)?.as_text());
        let names = ArenaVec::from_iter_in(names, self.arena);
        Ok(Zone::nearest(name, &names).map_or(Value::None, Value::Text))
    }

    fn by_reference(
        &mut self,
        name: &str,
        value: Value<'a>,
        arguments: &[Value<'a>],
        named: &'a [(Box<str>, Expr)],
    ) -> Eval<Value<'a>> {
        let mut all = vec![value.reference(self.arena)?];
        for argument in arguments {
            all.push(argument.reference(self.arena)?);
        }
        if !named.is_empty() {
            all.push(self.named(named)?);
        }
        let given = self.env.empty_state().apply_filter(name, &all);
        Value::back(&given.map_err(|_| Declined("a filter fails"))?, self.arena)
    }

    /// Arguments by name, as the reference engine passes them.
    pub(super) fn named(&mut self, named: &'a [(Box<str>, Expr)]) -> Eval<Reference> {
        let mut pairs = Vec::new();
        for (name, value) in named {
            let value = self.eval(value)?.reference(self.arena)?;
            pairs.push((&**name, value));
        }
        Ok(Kwargs::from_iter(pairs).into())
    }
}

fn pair_list<'a>((key, value): (Value<'a>, Value<'a>), arena: &'a bumpalo::Bump) -> Value<'a> {
    Value::List(arena.alloc([key, value]))
}

/// The part of a value that a path names.
fn part<'a>(value: Value<'a>, path: &[Step]) -> Eval<Value<'a>> {
    let mut value = value;
    for step in path {
        if value.is_undefined() {
            return Err(Declined("a part of what is undefined"));
        }
        value = match (step, value) {
            (Step::Key(key), _) => ops::attribute(value, key)?,
            (Step::Index(index), Value::List(list)) => {
                let index = usize::try_from(*index).ok();
                index.and_then(|i| list.get(i)).copied().unwrap_or(Value::Undefined)
            }
            (Step::Index(_), _) => return Err(Declined("an index into what is no list")),
        };
    }
    Ok(value)
}

/// The name that the reference engine knows a filter by.
fn name_of(kind: &Filter) -> &'static str {
    match kind {
        Filter::First => "first",
        Filter::Last => "last",
        Filter::Length => "length",
        Filter::Int => "int",
        Filter::Absolute => "abs",
        Filter::Trim => "trim",
        Filter::Upper => "upper",
        Filter::Lower => "lower",
        Filter::Replace => "replace",
        Filter::Least => "min",
        Filter::Most => "max",
        Filter::ZeroFill => "zfill",
        Filter::Checksum => "checksum",
        // The others have an answer of their own for every value.
        _ => "string",
    }
}
