//! Runs a program over one phone's settings, into one text.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use minijinja::Environment;
use std::cell::Cell;

use super::ops;
use super::tree::{Call, Expr, For, Method, Node, Place, Program, Target};
use super::value::{Declined, Eval, Items, Loop, Value};
use crate::limits;
use crate::plugin::manifest::Escape;
use crate::plugin::render::Given;
use crate::plugin::words;

/// A run of a program.
#[derive(Debug)]
pub struct Run<'a> {
    pub(super) arena: &'a Bump,
    /// Whose filters and methods are used where there is none here.
    pub(super) env: &'a Environment<'static>,
    pub(super) program: &'a Program,
    given: &'a Given<'a>,
    names: &'a mut [Value<'a>],
    pub(super) places: ArenaVec<'a, Value<'a>>,
    /// Where the running macro's places begin.
    pub(super) base: usize,
    pub(super) out: String,
    pub(super) escape: Escape,
    pub(super) depth: usize,
}

impl Program {
    /// Makes the text. `capacity` is what it is expected to take.
    ///
    /// # Errors
    /// [`Declined`], where the reference engine is to be asked.
    pub fn run(
        &self,
        given: &Given<'_>,
        env: &Environment<'static>,
        capacity: usize,
    ) -> Eval<String> {
        let arena = Bump::with_capacity(limits::ARENA_BYTES);
        let mut places = ArenaVec::new_in(&arena);
        places.resize(self.places as usize, Value::Unset);
        let mut run = Run {
            arena: &arena,
            env,
            program: self,
            given,
            names: arena.alloc_slice_fill_copy(self.names.len(), Value::Unset),
            places,
            base: 0,
            out: String::with_capacity(capacity),
            escape: self.escape,
            depth: 0,
        };
        run.nodes(&self.body)?;
        Ok(run.out)
    }
}

impl<'a> Run<'a> {
    fn nodes(&mut self, nodes: &'a [Node]) -> Eval<()> {
        nodes.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &'a Node) -> Eval<()> {
        match node {
            Node::Raw(text) => self.out.push_str(text),
            Node::Emit(expr) => self.emit(expr)?,
            Node::Discard(expr) => drop(self.eval(expr)?),
            Node::If { test, then, other } => {
                let nodes = if self.holds(test)? { then } else { other };
                self.nodes(nodes)?;
            }
            Node::For(each) => self.each(each)?,
            Node::Set { target, value } => {
                let value = self.eval(value)?;
                self.store(target, value)?;
            }
            Node::Capture { target, body } => {
                let value = self.captured(|run| run.nodes(body))?;
                self.store(target, value)?;
            }
            Node::Scope { places, body } => {
                self.empty(places);
                self.nodes(body)?;
            }
            Node::Include { escape, body } => {
                let outer = std::mem::replace(&mut self.escape, *escape);
                self.nodes(body)?;
                self.escape = outer;
            }
            Node::Macro { number, target } => {
                for (place, value) in &self.program.macros[*number as usize].captures {
                    if matches!(self.places[place.number as usize], Value::Unset) {
                        self.places[place.number as usize] = match self.look_up(value)? {
                            Value::Unset => Value::Undefined,
                            value => value,
                        };
                    }
                }
                self.store(target, Value::Macro(*number))?;
            }
            Node::Import { target, value } => {
                let value = self.look_up(value)?;
                self.store(target, value)?;
            }
            Node::Module { number, target } => self.store(target, Value::Module(*number))?,
        }
        Ok(())
    }

    fn each(&mut self, each: &'a For) -> Eval<()> {
        match &each.plain {
            Some(plain) if plain.is_fixed => self.fixed(each, plain),
            _ => self.every(each),
        }
    }

    /// All rounds of a loop.
    #[inline(never)]
    pub(super) fn every(&mut self, each: &'a For) -> Eval<()> {
        let value = self.eval(&each.items)?;
        let (mut items, mut counted) = value.items(self.arena)?;
        if let Some(filter) = &each.filter {
            let mut kept = ArenaVec::new_in(self.arena);
            for index in 0..items.len() {
                let item = items.get(index).unwrap_or(Value::Undefined);
                self.empty(&filter.places);
                self.store(&filter.target, item)?;
                if self.holds(&filter.test)? {
                    kept.push(item);
                }
            }
            (items, counted) = (Items::Values(kept.into_bump_slice()), true);
        }
        let state = each.state.map(|place| {
            let state = &*self.arena.alloc(Loop { index: Cell::new(0), items, counted });
            self.put(place, Value::Loop(state));
            state
        });
        if let Some(plain) = &each.plain
            && !plain.is_fixed
            && items.len() > 0
            && self.plain(each, plain, items)?
        {
            return Ok(());
        }
        for index in 0..items.len() {
            if let Some(state) = state {
                state.index.set(index);
            }
            self.round(each, items, index)?;
        }
        if items.len() == 0 { self.nodes(&each.otherwise) } else { Ok(()) }
    }

    /// One round of a loop.
    pub(super) fn round(&mut self, each: &'a For, items: Items<'a>, index: usize) -> Eval<()> {
        self.empty(&each.places);
        self.store(&each.target, items.get(index).unwrap_or(Value::Undefined))?;
        self.nodes(&each.body)
    }

    fn empty(&mut self, places: &[Place]) {
        for place in places {
            self.put(*place, Value::Unset);
        }
    }

    pub(super) fn put(&mut self, place: Place, value: Value<'a>) {
        let base = if place.own { self.base } else { 0 };
        self.places[base + place.number as usize] = value;
    }

    pub(super) fn at(&self, place: Place) -> Value<'a> {
        let base = if place.own { self.base } else { 0 };
        self.places[base + place.number as usize]
    }

    /// What a name at the top level stands for.
    pub(super) fn name(&mut self, number: u32) -> Value<'a> {
        let known = self.names[number as usize];
        if !matches!(known, Value::Unset) {
            return known;
        }
        let value = self.program.names[number as usize].value(self.given, self.arena);
        self.names[number as usize] = value;
        value
    }

    fn store(&mut self, target: &'a Target, value: Value<'a>) -> Eval<()> {
        match target {
            Target::Place(place, seen) => {
                self.put(*place, value);
                if let Some(seen) = seen {
                    self.put(*seen, value);
                }
            }
            Target::Unpack(targets) => {
                if !matches!(value, Value::List(_) | Value::Stream(_) | Value::Array(_)) {
                    return Err(Declined("unpacking what is no list"));
                }
                let (items, _) = value.items(self.arena)?;
                if items.len() != targets.len() {
                    return Err(Declined("unpacking a list of another length"));
                }
                for (index, target) in targets.iter().enumerate() {
                    self.store(target, items.get(index).unwrap_or(Value::Undefined))?;
                }
            }
            Target::Attribute(base, name) => {
                let Value::Namespace(space) = self.eval(base)? else {
                    return Err(Declined("storing in what is no namespace"));
                };
                let mut names = space.0.borrow_mut();
                match names.iter_mut().find(|(known, _)| **known == **name) {
                    Some((_, place)) => *place = value,
                    None => names.push((name, value)),
                }
            }
        }
        Ok(())
    }

    /// What is written meanwhile, as a value.
    fn captured(&mut self, run: impl FnOnce(&mut Self) -> Eval<()>) -> Eval<Value<'a>> {
        let start = self.out.len();
        run(self)?;
        let text = &*self.arena.alloc_str(&self.out[start..]);
        self.out.truncate(start);
        Ok(match self.escape {
            Escape::None => Value::Text(text),
            Escape::Line | Escape::Xml => Value::Safe(text),
        })
    }

    fn emit(&mut self, expr: &'a Expr) -> Eval<()> {
        match expr {
            Expr::Join(parts) => {
                for part in parts {
                    match self.eval(part)? {
                        Value::Text(text) | Value::Safe(text) => self.write(text),
                        value => {
                            let mut text = String::new();
                            value.write(&mut text, self.arena)?;
                            self.write(&text);
                        }
                    }
                }
                return Ok(());
            }
            Expr::If(branch) => {
                let (test, then, other) = &**branch;
                let chosen = if self.holds(test)? { then } else { other };
                return self.emit(chosen);
            }
            Expr::Call(call) => {
                if let Value::Macro(number) = self.look_up(&call.callee)? {
                    return self.run_macro(number, &call.arguments, &call.named);
                }
            }
            _ => {}
        }
        match self.eval(expr)? {
            Value::Unset | Value::Undefined | Value::None => {}
            Value::Text(text) => self.write(text),
            Value::Safe(text) => self.out.push_str(text),
            value @ (Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_)) => {
                value.write(&mut self.out, self.arena)?;
            }
            value => {
                let mut text = String::new();
                value.write(&mut text, self.arena)?;
                self.write(&text);
            }
        }
        Ok(())
    }

    fn write(&mut self, text: &str) {
        match self.escape {
            Escape::Line => words::push_line(&mut self.out, text),
            Escape::Xml => words::push_xml(&mut self.out, text),
            Escape::None => self.out.push_str(text),
        }
    }

    /// The value of a call.
    #[inline(never)]
    pub(super) fn call(&mut self, call: &'a Call) -> Eval<Value<'a>> {
        match self.look_up(&call.callee)? {
            Value::Macro(number) => {
                self.captured(|run| run.run_macro(number, &call.arguments, &call.named))
            }
            Value::Function(function) => self.function(function, call),
            _ => Err(Declined("a call of what is no macro")),
        }
    }

    /// A macro of an imported template.
    pub(super) fn of_module(&mut self, number: u32, method: &'a Method) -> Eval<Value<'a>> {
        let names = &self.program.modules[number as usize];
        let place = names.iter().find(|(name, _)| *name == method.name).map(|(_, place)| *place);
        match place.map(|place| self.at(place)) {
            Some(Value::Macro(number)) => {
                self.captured(|run| run.run_macro(number, &method.arguments, &method.named))
            }
            _ => Err(Declined("a call of what is no macro")),
        }
    }

    fn run_macro(
        &mut self,
        number: u32,
        arguments: &'a [Expr],
        named: &'a [(Box<str>, Expr)],
    ) -> Eval<()> {
        let called = &self.program.macros[number as usize];
        if arguments.len() > called.arguments.len() || self.depth == limits::MACRO_DEPTH_MAX {
            return Err(Declined("a macro with too many arguments, or calls"));
        }
        // The arguments are the caller's to evaluate; the new places lie behind its own.
        let base = self.places.len();
        let mut values = [Value::Undefined; limits::MACRO_ARGUMENTS_MAX];
        let count = called.arguments.len();
        let values = values.get_mut(..count).ok_or(Declined("a macro of too many arguments"))?;
        for (value, argument) in values.iter_mut().zip(arguments) {
            *value = self.eval(argument)?;
        }
        for (name, argument) in named {
            let at = called.arguments.iter().position(|(own, _)| own == name);
            let at = at.filter(|at| *at >= arguments.len());
            let at = at.ok_or(Declined("an argument of an unknown name, or given twice"))?;
            values[at] = self.eval(argument)?;
        }
        self.places.resize(base + called.places as usize, Value::Unset);
        let outer = std::mem::replace(&mut self.base, base);
        self.depth += 1;
        // From the last to the first: a default sees the arguments behind it alone.
        let mut defaults = called.defaults.iter().peekable();
        for (at, (_, place)) in called.arguments.iter().enumerate().rev() {
            let mut value = values[at];
            if let Some((_, default)) = defaults.next_if(|(number, _)| *number == at)
                && value.is_undefined()
            {
                value = self.eval(default)?;
            }
            self.put(*place, value);
        }
        self.nodes(&called.body)?;
        self.depth -= 1;
        self.base = outer;
        self.places.truncate(base);
        Ok(())
    }

    /// Whether an expression counts as true.
    pub(super) fn holds(&mut self, expr: &'a Expr) -> Eval<bool> {
        match expr {
            Expr::Not(inner) => Ok(!self.holds(inner)?),
            Expr::And(sides) => Ok(self.holds(&sides.0)? && self.holds(&sides.1)?),
            Expr::Or(sides) => Ok(self.holds(&sides.0)? || self.holds(&sides.1)?),
            Expr::Binary(operator, sides) => {
                let (left, right) = (self.eval(&sides.0)?, self.eval(&sides.1)?);
                ops::apply(*operator, left, right, self.arena)?.is_true()
            }
            _ => self.eval(expr)?.is_true(),
        }
    }
}
