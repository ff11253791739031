//! Values of a running template: they borrow the settings, are copied freely, and own nothing.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use minijinja::Value as Reference;
use minijinja::value::ValueKind;
use serde_json::Value as Json;
use std::cell::{Cell, RefCell};
use std::fmt::Write;

use super::table::Table;
use crate::device::Document;

/// Why the file is left to the reference engine: it makes the bytes, or tells the mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declined(pub &'static str);

/// What evaluating comes to.
pub type Eval<T> = Result<T, Declined>;

/// A value. Kinds that look alike are apart where the reference engine tells them apart.
///
/// The wide tag keeps what follows it aligned: copies are whole words, and a third faster.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Value<'a> {
    /// A slot that nothing was stored in.
    Unset,
    Undefined,
    None,
    Bool(bool),
    Int(i64),
    /// Above what `Int` holds.
    Big(u64),
    Float(f64),
    Text(&'a str),
    /// A text that is not escaped again.
    Safe(&'a str),
    /// A sequence that a template or a filter made.
    List(&'a [Value<'a>]),
    /// What the reference engine would make while it is iterated: no length, no own text.
    Stream(&'a [Value<'a>]),
    /// Numbers from the first, so many.
    Range(i64, u32),
    Array(&'a [Json]),
    Object(&'a Document),
    /// A large object with an index.
    Table(&'a Table<'a>),
    /// A map that a template or the server made.
    Pairs(&'a [(Value<'a>, Value<'a>)]),
    Line(&'a Line<'a>),
    Namespace(&'a Namespace<'a>),
    Loop(&'a Loop<'a>),
    Macro(u32),
    Module(u32),
    Function(Function),
}

/// The functions that every template has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Function {
    Range,
    Namespace,
    Zone,
    PhonebookUrl,
    ServiceUrl,
    /// Known to the reference engine alone.
    Other,
}

/// A SIP line: its own settings, and the global servers where it has none.
#[derive(Debug)]
pub struct Line<'a> {
    pub number: u32,
    pub own: &'a Document,
    pub all: &'a Document,
}

/// What `namespace()` gives: names that may be stored in from inner scopes.
#[derive(Debug)]
pub struct Namespace<'a>(pub RefCell<ArenaVec<'a, (&'a str, Value<'a>)>>);

/// `loop` within a loop.
#[derive(Debug)]
pub struct Loop<'a> {
    pub index: Cell<usize>,
    pub items: Items<'a>,
    /// Whether the reference engine knows how many there are.
    pub counted: bool,
}

/// What a loop goes through.
#[derive(Clone, Copy, Debug)]
pub enum Items<'a> {
    Values(&'a [Value<'a>]),
    Json(&'a [Json]),
    Range(i64, u32),
}

/// Keys that a line takes from the global settings, with the names they have there.
pub const FALLBACK: [(&str, &str); 10] = [
    ("proxy_ip", "sip_proxy_ip"),
    ("proxy_port", "sip_proxy_port"),
    ("backup_proxy_ip", "sip_backup_proxy_ip"),
    ("backup_proxy_port", "sip_backup_proxy_port"),
    ("registrar_ip", "sip_registrar_ip"),
    ("registrar_port", "sip_registrar_port"),
    ("backup_registrar_ip", "sip_backup_registrar_ip"),
    ("backup_registrar_port", "sip_backup_registrar_port"),
    ("outbound_proxy_ip", "sip_outbound_proxy_ip"),
    ("outbound_proxy_port", "sip_outbound_proxy_port"),
];

/// Objects of up to so many keys are looked through key by key: cheaper than a hash.
pub const SCANNED_MAX: usize = 8;

/// Looks a key up.
pub fn find<'a>(map: &'a Document, key: &str) -> Option<&'a Json> {
    if map.len() <= SCANNED_MAX {
        map.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    } else {
        map.get(key)
    }
}

impl<'a> Line<'a> {
    fn get(&self, key: &str) -> Option<Value<'a>> {
        if key == "n" {
            return Some(Value::Int(i64::from(self.number)));
        }
        let own = find(self.own, key);
        if own.is_none_or(Json::is_null)
            && let Some((_, global)) = FALLBACK.iter().find(|(name, _)| *name == key)
            && let Some(global) = self.all.get(*global)
        {
            return Some(Value::of(global));
        }
        own.map(Value::of)
    }

    /// All of it, in the order in which the reference engine has it.
    pub fn pairs(&self, arena: &'a Bump) -> &'a [(Value<'a>, Value<'a>)] {
        let mut pairs = ArenaVec::new_in(arena);
        for key in self.own.keys() {
            pairs.push((Value::Text(key), self.get(key).unwrap_or(Value::Undefined)));
        }
        for (key, global) in FALLBACK {
            if !self.own.contains_key(key) && self.all.contains_key(global) {
                pairs.push((Value::Text(key), self.get(key).unwrap_or(Value::Undefined)));
            }
        }
        if !self.own.contains_key("n") {
            pairs.push((Value::Text("n"), Value::Int(i64::from(self.number))));
        }
        pairs.into_bump_slice()
    }
}

impl<'a> Items<'a> {
    pub fn len(&self) -> usize {
        match *self {
            Items::Values(list) => list.len(),
            Items::Json(list) => list.len(),
            Items::Range(_, len) => len as usize,
        }
    }

    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        match *self {
            Items::Values(list) => list.get(index).copied(),
            Items::Json(list) => list.get(index).map(Value::of),
            Items::Range(first, len) => {
                let offset = u32::try_from(index).ok().filter(|offset| *offset < len)?;
                Some(Value::Int(first + i64::from(offset)))
            }
        }
    }
}

impl<'a> Value<'a> {
    /// A value of a document.
    pub fn of(json: &'a Json) -> Value<'a> {
        match json {
            Json::Null => Value::None,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Value::Int(number),
                (None, Some(number)) => Value::Big(number),
                (None, None) => number.as_f64().map_or(Value::Undefined, Value::Float),
            },
            Json::String(text) => Value::Text(text),
            Json::Array(list) => Value::Array(list),
            Json::Object(map) => Value::Object(map),
        }
    }

    /// The text, of a text.
    pub fn as_text(&self) -> Option<&'a str> {
        match *self {
            Value::Text(text) | Value::Safe(text) => Some(text),
            _ => None,
        }
    }

    pub fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined | Value::Unset)
    }

    /// Whether only a call may name it.
    pub fn is_callable(&self) -> bool {
        matches!(self, Value::Macro(_) | Value::Module(_) | Value::Function(_))
    }

    /// Whether it counts as true.
    pub fn is_true(&self) -> Eval<bool> {
        Ok(match *self {
            Value::Unset | Value::Undefined | Value::None => false,
            Value::Bool(flag) => flag,
            Value::Int(number) => number != 0,
            Value::Big(_) | Value::Line(_) | Value::Table(_) => true,
            Value::Float(number) => number != 0.0,
            Value::Text(text) | Value::Safe(text) => !text.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
            Value::Pairs(pairs) => !pairs.is_empty(),
            Value::Stream([_, ..]) => true,
            Value::Range(_, len) if len > 0 => true,
            _ => return Err(Declined("the truth of an object")),
        })
    }

    /// The value under a text, of a map; of anything else there is none.
    pub fn get(&self, key: &str) -> Eval<Option<Value<'a>>> {
        Ok(match *self {
            Value::Object(map) => find(map, key).map(Value::of),
            Value::Table(table) => table.get(key).map(Value::of),
            Value::Line(line) => line.get(key),
            Value::Pairs(pairs) => {
                let pair = pairs.iter().find(|(name, _)| name.as_text() == Some(key));
                pair.map(|(_, value)| *value)
            }
            Value::Namespace(space) => {
                let names = space.0.borrow();
                names.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
            }
            Value::Loop(state) => state.get(key)?,
            Value::Macro(_) | Value::Module(_) | Value::Function(_) => {
                return Err(Declined("a part of a macro"));
            }
            _ => None,
        })
    }

    /// What `for` goes through, with whether the reference engine knows its length.
    pub fn items(&self, arena: &'a Bump) -> Eval<(Items<'a>, bool)> {
        let keys = |map: &'a Document| {
            let keys = map.keys().map(|key| Value::Text(key));
            Items::Values(arena.alloc_slice_fill_iter(keys))
        };
        let first = |pairs: &'a [(Value<'a>, Value<'a>)]| {
            Items::Values(arena.alloc_slice_fill_iter(pairs.iter().map(|(key, _)| *key)))
        };
        Ok(match *self {
            Value::Unset | Value::Undefined | Value::None => (Items::Values(&[]), true),
            Value::List(list) => (Items::Values(list), true),
            Value::Stream(list) => (Items::Values(list), false),
            Value::Range(first, len) => (Items::Range(first, len), false),
            Value::Array(list) => (Items::Json(list), true),
            Value::Object(map) => (keys(map), true),
            Value::Table(table) => (keys(table.map), true),
            Value::Pairs(pairs) => (first(pairs), true),
            Value::Line(line) => (first(line.pairs(arena)), true),
            _ => return Err(Declined("going through what is no sequence")),
        })
    }

    /// The pairs of a map.
    pub fn pairs(&self, arena: &'a Bump) -> Eval<&'a [(Value<'a>, Value<'a>)]> {
        let of = |map: &'a Document| {
            let pairs = map.iter().map(|(key, value)| (Value::Text(key), Value::of(value)));
            &*arena.alloc_slice_fill_iter(pairs)
        };
        match *self {
            Value::Object(map) => Ok(of(map)),
            Value::Table(table) => Ok(of(table.map)),
            Value::Pairs(pairs) => Ok(pairs),
            Value::Line(line) => Ok(line.pairs(arena)),
            _ => Err(Declined("the pairs of what is no map")),
        }
    }

    /// Writes it as `~` joins it.
    pub fn write(&self, out: &mut impl Write, arena: &'a Bump) -> Eval<()> {
        let written = match *self {
            Value::Unset | Value::Undefined => Ok(()),
            Value::None => out.write_str("None"),
            Value::Bool(flag) => out.write_str(if flag { "True" } else { "False" }),
            Value::Int(number) => write_int(out, number),
            Value::Text(text) | Value::Safe(text) => out.write_str(text),
            _ => write!(out, "{}", self.reference(arena)?),
        };
        written.map_err(|_| Declined("a text cannot be written"))
    }

    /// The same as a value of the reference engine.
    pub fn reference(&self, arena: &'a Bump) -> Eval<Reference> {
        let list = |list: &[Value<'a>]| {
            let list: Eval<Vec<Reference>> = list.iter().map(|v| v.reference(arena)).collect();
            Ok(Reference::from(list?))
        };
        Ok(match *self {
            Value::Unset | Value::Undefined => Reference::UNDEFINED,
            Value::None => Reference::from(()),
            Value::Bool(flag) => Reference::from(flag),
            Value::Int(number) => Reference::from(number),
            Value::Big(number) => Reference::from(number),
            Value::Float(number) => Reference::from(number),
            Value::Text(text) => Reference::from(text),
            Value::List(values) => list(values)?,
            Value::Array(values) => Reference::from_serialize(values),
            Value::Object(map) => Reference::from_serialize(map),
            Value::Table(table) => Reference::from_serialize(table.map),
            Value::Pairs(_) | Value::Line(_) => {
                let pairs = self.pairs(arena)?.iter();
                let pairs: Eval<Vec<_>> = pairs
                    .map(|(key, value)| Ok((key.reference(arena)?, value.reference(arena)?)))
                    .collect();
                Reference::from_iter(pairs?)
            }
            _ => return Err(Declined("a value that the reference engine makes itself")),
        })
    }

    /// The same as what the reference engine gave.
    pub fn back(value: &Reference, arena: &'a Bump) -> Eval<Value<'a>> {
        Ok(match value.kind() {
            ValueKind::Undefined => Value::Undefined,
            ValueKind::None => Value::None,
            ValueKind::Bool => Value::Bool(value.is_true()),
            ValueKind::String => {
                let text = arena.alloc_str(value.as_str().unwrap_or_default());
                if value.is_safe() { Value::Safe(text) } else { Value::Text(text) }
            }
            ValueKind::Number if value.is_integer() => {
                let number = i64::try_from(value.clone());
                Value::Int(number.map_err(|_| Declined("a number beyond 64 bits"))?)
            }
            ValueKind::Number => {
                let number = f64::try_from(value.clone());
                Value::Float(number.map_err(|_| Declined("a number of no known kind"))?)
            }
            ValueKind::Seq => {
                let items = value.try_iter().map_err(|_| Declined("a sequence without items"))?;
                let mut list = ArenaVec::new_in(arena);
                for item in items {
                    list.push(Value::back(&item, arena)?);
                }
                Value::List(list.into_bump_slice())
            }
            ValueKind::Map => {
                let keys = value.try_iter().map_err(|_| Declined("a map without keys"))?;
                let mut pairs = ArenaVec::new_in(arena);
                for key in keys {
                    let item = value.get_item(&key).map_err(|_| Declined("a map without items"))?;
                    pairs.push((Value::back(&key, arena)?, Value::back(&item, arena)?));
                }
                Value::Pairs(pairs.into_bump_slice())
            }
            _ => return Err(Declined("an object of the reference engine")),
        })
    }
}

impl<'a> Loop<'a> {
    fn get(&self, key: &str) -> Eval<Option<Value<'a>>> {
        let index = self.index.get();
        let int = |number: usize| {
            let number = i64::try_from(number).map_err(|_| Declined("a loop without end"))?;
            Ok(Some(Value::Int(number)))
        };
        let len = self.items.len();
        match key {
            "index" => int(index + 1),
            "index0" => int(index),
            "first" => Ok(Some(Value::Bool(index == 0))),
            "length" if self.counted => int(len),
            "revindex" if self.counted => int(len - index),
            "revindex0" if self.counted => int(len - index - 1),
            "last" if self.counted => Ok(Some(Value::Bool(index + 1 == len))),
            "previtem" => {
                let item = index.checked_sub(1).and_then(|index| self.items.get(index));
                Ok(Some(item.unwrap_or(Value::Undefined)))
            }
            "nextitem" => Ok(Some(self.items.get(index + 1).unwrap_or(Value::Undefined))),
            _ => Err(Declined("a part of a loop")),
        }
    }
}

/// Writes a whole number.
pub fn write_int(out: &mut impl Write, number: i64) -> std::fmt::Result {
    let mut digits = [0; 20];
    out.write_str(digits_of(number, &mut digits))
}

/// The decimal digits of a number.
pub fn digits_of(number: i64, room: &mut [u8; 20]) -> &str {
    let mut rest = number.unsigned_abs();
    let mut at = room.len();
    loop {
        at -= 1;
        room[at] = b'0' + u8::try_from(rest % 10).expect("invariant: a digit");
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        at -= 1;
        room[at] = b'-';
    }
    std::str::from_utf8(&room[at..]).expect("invariant: digits and a sign")
}
