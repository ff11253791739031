//! What expressions come to.

use bumpalo::collections::{String as ArenaString, Vec as ArenaVec};

use super::ops::{self, Operator};
use super::run::Run;
use super::tree::Expr;
use super::value::{Declined, Eval, Value, digits_of};

impl<'a> Run<'a> {
    /// The value of an expression.
    pub(super) fn eval(&mut self, expr: &'a Expr) -> Eval<Value<'a>> {
        match expr {
            Expr::Const(json) => Ok(Value::of(json)),
            Expr::Place { .. } | Expr::Name(_) => match self.look_up(expr)? {
                value if value.is_callable() => Err(Declined("a macro as a value")),
                value => Ok(value),
            },
            Expr::Attribute(base, name) => match self.look_up(base)? {
                Value::Module(number) => self.part_of_module(number, name),
                value => ops::attribute(value, name),
            },
            Expr::ItemOfNumber(sides) => self.item_of_number(&sides.0, &sides.1),
            Expr::Join(parts) => self.join(parts),
            Expr::Binary(operator, sides) => {
                let (left, right) = (self.eval(&sides.0)?, self.eval(&sides.1)?);
                ops::apply(*operator, left, right, self.arena)
            }
            _ => self.eval_other(expr),
        }
    }

    /// What is evaluated less often; apart, so that the rest needs little of the stack.
    #[inline(never)]
    fn eval_other(&mut self, expr: &'a Expr) -> Eval<Value<'a>> {
        Ok(match expr {
            Expr::Item(sides) => {
                let (base, key) = (self.eval(&sides.0)?, self.eval(&sides.1)?);
                ops::item(base, key, self.arena)?
            }
            Expr::Slice(parts) => {
                let [base, start, stop, step] = &**parts;
                let base = self.eval(base)?;
                let bounds = [self.eval(start)?, self.eval(stop)?, self.eval(step)?];
                ops::slice(base, bounds, self.arena)?
            }
            Expr::Not(inner) => Value::Bool(!self.holds(inner)?),
            Expr::Negative(inner) => ops::negate(self.eval(inner)?)?,
            Expr::And(sides) => match self.eval(&sides.0)? {
                left if left.is_true()? => self.eval(&sides.1)?,
                left => left,
            },
            Expr::Or(sides) => match self.eval(&sides.0)? {
                left if left.is_true()? => left,
                _ => self.eval(&sides.1)?,
            },
            Expr::If(branch) => {
                let (test, then, other) = &**branch;
                let chosen = if self.holds(test)? { then } else { other };
                self.eval(chosen)?
            }
            Expr::Chain(chain) => self.chain(&chain.0, &chain.1)?,
            Expr::Filter(apply) => self.filter(apply)?,
            Expr::Test(apply) => {
                if !apply.named.is_empty() {
                    return Err(Declined("a test with a named argument"));
                }
                let base = self.eval(&apply.base)?;
                let arguments = self.eval_all(&apply.arguments)?;
                Value::Bool(self.check(&apply.kind, base, arguments)?)
            }
            Expr::Method(method) => self.method(method)?,
            Expr::Call(call) => self.call(call)?,
            Expr::List(items) => Value::List(self.eval_all(items)?),
            Expr::Map(pairs) => self.map(pairs)?,
            _ => Value::Undefined,
        })
    }

    fn chain(&mut self, first: &'a Expr, links: &'a [(Operator, Expr)]) -> Eval<Value<'a>> {
        let mut left = self.eval(first)?;
        for (operator, right) in links {
            let right = self.eval(right)?;
            if !ops::apply(*operator, left, right, self.arena)?.is_true()? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    fn join(&mut self, parts: &'a [Expr]) -> Eval<Value<'a>> {
        let mut text = ArenaString::with_capacity_in(JOINED_BYTES, self.arena);
        for part in parts {
            match self.eval(part)? {
                Value::Text(part) | Value::Safe(part) => text.push_str(part),
                part => part.write(&mut text, self.arena)?,
            }
        }
        Ok(Value::Text(text.into_bump_str()))
    }

    /// What a name stands for, which may be a macro.
    pub(super) fn look_up(&mut self, expr: &'a Expr) -> Eval<Value<'a>> {
        let mut expr = expr;
        loop {
            match expr {
                Expr::Place { place, otherwise } => match self.at(*place) {
                    Value::Unset => expr = otherwise,
                    value => return Ok(value),
                },
                Expr::Name(number) => return Ok(self.name(*number)),
                Expr::Undefined => return Ok(Value::Undefined),
                _ => return self.eval(expr),
            }
        }
    }

    /// The values of a list of expressions.
    pub(super) fn eval_all(&mut self, exprs: &'a [Expr]) -> Eval<&'a [Value<'a>]> {
        let mut values = ArenaVec::with_capacity_in(exprs.len(), self.arena);
        for expr in exprs {
            values.push(self.eval(expr)?);
        }
        Ok(values.into_bump_slice())
    }

    fn item_of_number(&mut self, base: &'a Expr, number: &'a Expr) -> Eval<Value<'a>> {
        let base = self.eval(base)?;
        match self.eval(number)? {
            Value::Int(number) => {
                let mut room = [0; 20];
                let key = digits_of(number, &mut room);
                match base {
                    Value::Object(_) | Value::Table(_) => ops::attribute(base, key),
                    _ => ops::item(base, Value::Text(self.arena.alloc_str(key)), self.arena),
                }
            }
            other => {
                let mut text = ArenaString::new_in(self.arena);
                other.write(&mut text, self.arena)?;
                ops::item(base, Value::Text(text.into_bump_str()), self.arena)
            }
        }
    }

    fn part_of_module(&mut self, number: u32, name: &str) -> Eval<Value<'a>> {
        let names = &self.program.modules[number as usize];
        let place = names.iter().find(|(known, _)| **known == *name).map(|(_, place)| *place);
        match place.map(|place| self.at(place)) {
            None | Some(Value::Unset) => Ok(Value::Undefined),
            Some(value) if value.is_callable() => Err(Declined("a macro as a value")),
            Some(value) => Ok(value),
        }
    }

    fn map(&mut self, pairs: &'a [(Expr, Expr)]) -> Eval<Value<'a>> {
        let mut values: ArenaVec<'a, (Value<'a>, Value<'a>)> =
            ArenaVec::with_capacity_in(pairs.len(), self.arena);
        for (key, value) in pairs {
            let (key, value) = (self.eval(key)?, self.eval(value)?);
            if !matches!(key, Value::Text(_) | Value::Int(_)) {
                return Err(Declined("a key of another kind"));
            }
            for pair in &values {
                if ops::equal(pair.0, key, self.arena)? {
                    return Err(Declined("a key given twice"));
                }
            }
            values.push((key, value));
        }
        Ok(Value::Pairs(values.into_bump_slice()))
    }
}

/// What a joined text usually fits in.
const JOINED_BYTES: usize = 40;
