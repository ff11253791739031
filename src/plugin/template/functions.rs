//! Functions and methods that templates call, each as the reference engine answers, or declined.

use bumpalo::collections::{String as ArenaString, Vec as ArenaVec};
use std::borrow::Cow;
use std::cell::RefCell;

use super::root::zone_value;
use super::run::Run;
use super::tree::{Call, Expr, Method};
use super::value::{Declined, Eval, Function, Namespace, Value};
use crate::limits;
use crate::plugin::directory::{self, Directory};
use crate::plugin::zone::Zone;

impl<'a> Run<'a> {
    /// The value of a function's call.
    #[inline(never)]
    pub(super) fn function(&mut self, function: Function, call: &'a Call) -> Eval<Value<'a>> {
        let arguments = self.eval_all(&call.arguments)?;
        match (function, arguments) {
            (Function::Range, _) if call.named.is_empty() => range(arguments),
            (Function::Namespace, []) => self.namespace(&call.named),
            (Function::Zone, [Value::Text(name)]) if call.named.is_empty() => {
                let zone = Zone::find(name);
                Ok(zone.map_or(Value::None, |zone| zone_value(&zone, self.arena)))
            }
            (Function::PhonebookUrl, [Value::Text(vendor)]) => self.phonebook(vendor, call),
            (
                Function::ServiceUrl,
                [Value::Text(vendor), Value::Text(name), Value::Text(action)],
            ) if call.named.is_empty() => {
                let Some(directory) = self.directory(call)? else { return Ok(Value::None) };
                let url = directory.service(vendor, name, action);
                Ok(Value::Text(self.arena.alloc_str(&url)))
            }
            _ => Err(Declined("a function with other arguments")),
        }
    }

    fn namespace(&mut self, named: &'a [(Box<str>, Expr)]) -> Eval<Value<'a>> {
        let mut names = ArenaVec::new_in(self.arena);
        for (name, value) in named {
            names.push((&**name, self.eval(value)?));
        }
        Ok(Value::Namespace(self.arena.alloc(Namespace(RefCell::new(names)))))
    }

    fn phonebook(&mut self, vendor: &str, call: &'a Call) -> Eval<Value<'a>> {
        let (mut entry, mut prefix, mut suffix) = ("input", "", "");
        for (name, value) in &call.named {
            let value = self.eval(value)?;
            let place = match &**name {
                "entry" => &mut entry,
                "prefix" => &mut prefix,
                "suffix" => &mut suffix,
                _ => return Err(Declined("an argument of another name")),
            };
            let Value::Text(text) = value else { return Err(Declined("an argument, no text")) };
            *place = text;
        }
        let Some(directory) = self.directory(call)? else { return Ok(Value::None) };
        let url = directory.phonebook(vendor, entry, prefix, suffix);
        Ok(Value::Text(self.arena.alloc_str(&url)))
    }

    fn directory(&mut self, call: &'a Call) -> Eval<Option<Directory<'a>>> {
        let mut texts = [const { None }; directory::SETTINGS.len()];
        for (looked_up, text) in call.looked_up.iter().zip(&mut texts) {
            *text = match self.eval(looked_up)? {
                Value::Text(known) => Some(known),
                value if value.is_true()? => {
                    let mut written = ArenaString::new_in(self.arena);
                    value.write(&mut written, self.arena)?;
                    Some(written.into_bump_str())
                }
                _ => None,
            };
        }
        Ok(Directory::of(texts.map(|text| text.map(Cow::Borrowed))))
    }

    /// The value of a method's call.
    #[inline(never)]
    pub(super) fn method(&mut self, method: &'a Method) -> Eval<Value<'a>> {
        let base = self.look_up(&method.base)?;
        if let Value::Module(number) = base {
            return self.of_module(number, method);
        }
        if base.is_callable() {
            return Err(Declined("a method of a macro"));
        }
        let arguments = self.eval_all(&method.arguments)?;
        let arena = self.arena;
        if method.named.is_empty() {
            // These answer the same of a text that is safe.
            let plain = base.as_text().map_or(base, Value::Text);
            match (plain, &*method.name, arguments) {
                (Value::Text(text), "startswith", [Value::Text(prefix)]) => {
                    return Ok(Value::Bool(text.starts_with(prefix)));
                }
                (Value::Text(text), "endswith", [Value::Text(suffix)]) => {
                    return Ok(Value::Bool(text.ends_with(suffix)));
                }
                (Value::Text(text), "isdigit" | "isnumeric", []) => {
                    return Ok(Value::Bool(text.chars().all(char::is_numeric)));
                }
                (Value::Text(text), "strip", []) => return Ok(Value::Text(text.trim())),
                (Value::Text(text), "split", [Value::Text(by)])
                    if !matches!(base, Value::Safe(_)) =>
                {
                    let mut parts = ArenaVec::new_in(arena);
                    parts.extend(text.split(by).map(Value::Text));
                    return Ok(Value::List(parts.into_bump_slice()));
                }
                (Value::Text(text), "replace", [Value::Text(from), Value::Text(to)]) => {
                    return Ok(Value::Text(arena.alloc_str(&text.replace(from, to))));
                }
                (
                    Value::Object(_) | Value::Table(_) | Value::Line(_) | Value::Pairs(_),
                    name @ ("get" | "items" | "keys" | "values"),
                    _,
                ) => return self.of_map(base, name, arguments),
                _ => {}
            }
        }
        let mut all = Vec::new();
        for argument in arguments {
            all.push(argument.reference(arena)?);
        }
        if !method.named.is_empty() {
            all.push(self.named(&method.named)?);
        }
        let state = self.env.empty_state();
        let given = base.reference(arena)?.call_method(&state, &method.name, &all);
        Value::back(&given.map_err(|_| Declined("a method fails"))?, arena)
    }

    fn of_map(&mut self, map: Value<'a>, name: &str, arguments: &[Value<'a>]) -> Eval<Value<'a>> {
        let arena = self.arena;
        match (name, arguments) {
            ("get", [Value::Text(key)]) => Ok(map.get(key)?.unwrap_or(Value::None)),
            ("get", [Value::Text(key), other]) => Ok(map.get(key)?.unwrap_or(*other)),
            ("items", []) => {
                let pairs = map.pairs(arena)?.iter();
                let pairs = pairs.map(|(key, value)| Value::List(arena.alloc([*key, *value])));
                Ok(Value::Stream(arena.alloc_slice_fill_iter(pairs)))
            }
            ("keys", []) => {
                let keys = map.pairs(arena)?.iter().map(|(key, _)| *key);
                Ok(Value::Stream(arena.alloc_slice_fill_iter(keys)))
            }
            ("values", []) => {
                let values = map.pairs(arena)?.iter().map(|(_, value)| *value);
                Ok(Value::Stream(arena.alloc_slice_fill_iter(values)))
            }
            _ => Err(Declined("a method with other arguments")),
        }
    }
}

/// `range(upper)`, `range(lower, upper)`; other steps than 1 are left to the reference engine.
fn range<'a>(arguments: &[Value<'a>]) -> Eval<Value<'a>> {
    let (lower, upper) = match arguments {
        [Value::Int(upper)] => (0, *upper),
        [Value::Int(lower), Value::Int(upper)] => (*lower, *upper),
        _ => return Err(Declined("a range of another kind")),
    };
    let len = u32::try_from(upper.saturating_sub(lower).max(0));
    match len {
        Ok(len) if len <= limits::RANGE_MAX => Ok(Value::Range(lower, len)),
        _ => Err(Declined("a range of too many")),
    }
}
