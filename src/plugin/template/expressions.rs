//! Expressions of the reference engine's syntax tree, made ready to be evaluated.

use minijinja::Value as Reference;
use minijinja::machinery::ast::{self, BinOpKind, CallArg, CompareOpKind, Expr as Syntax};
use minijinja::value::ValueKind;
use serde_json::Value as Json;

use super::Unsupported;
use super::checks::Check;
use super::compile::Compiler;
use super::filters::Filter;
use super::ops::Operator;
use super::tree::{Apply, Call, Expr, Method};

type Done<T> = Result<T, Unsupported>;

/// Arguments by place, and by name.
type Arguments = (Vec<Expr>, Vec<(Box<str>, Expr)>);

/// A template's name, where it stands as a text.
pub fn constant_text<'s>(expr: &'s Syntax<'s>) -> Done<&'s str> {
    match expr {
        Syntax::Const(text) if text.value.as_str().is_some() => {
            Ok(text.value.as_str().unwrap_or_default())
        }
        _ => Err(Unsupported::new("a template", "is named by an expression")),
    }
}

impl<'s> Compiler<'s> {
    pub(super) fn expr(&mut self, expr: &'s Syntax<'s>) -> Done<Expr> {
        if let Some(json) = expr.as_const().as_ref().and_then(json_of) {
            return Ok(Expr::Const(json));
        }
        Ok(match expr {
            Syntax::Var(name) => self.scopes.resolve(name.id),
            Syntax::Const(_) => return Err(Unsupported::new("a constant", "of no known kind")),
            Syntax::Slice(slice) => {
                let mut bound = |bound: &'s Option<Syntax<'s>>| match bound {
                    Some(bound) => self.expr(bound),
                    None => Ok(Expr::Const(Json::Null)),
                };
                let bounds = [bound(&slice.start)?, bound(&slice.stop)?, bound(&slice.step)?];
                let [start, stop, step] = bounds;
                Expr::Slice(Box::new([self.expr(&slice.expr)?, start, stop, step]))
            }
            Syntax::UnaryOp(unary) => {
                let value = Box::new(self.expr(&unary.expr)?);
                match unary.op {
                    ast::UnaryOpKind::Not => Expr::Not(value),
                    ast::UnaryOpKind::Neg => Expr::Negative(value),
                }
            }
            Syntax::BinOp(binary) => self.binary(binary)?,
            Syntax::Compare(chain) => {
                let first = self.expr(&chain.expr)?;
                let links = chain.ops.iter();
                let links = links.map(|link| Ok((comparison(link.op), self.expr(&link.expr)?)));
                Expr::Chain(Box::new((first, links.collect::<Done<_>>()?)))
            }
            Syntax::IfExpr(branch) => {
                let test = self.expr(&branch.test_expr)?;
                let then = self.expr(&branch.true_expr)?;
                let other = match &branch.false_expr {
                    Some(other) => self.expr(other)?,
                    None => Expr::Undefined,
                };
                Expr::If(Box::new((test, then, other)))
            }
            Syntax::Filter(filter) => self.filter(filter)?,
            Syntax::Test(test) => {
                let base = self.expr(&test.expr)?;
                let (arguments, named) = self.arguments(&test.args)?;
                let kind = Check::of(test.name)?;
                Expr::Test(Box::new(Apply { kind, base, arguments, named }))
            }
            Syntax::GetAttr(part) => {
                Expr::Attribute(Box::new(self.expr(&part.expr)?), part.name.into())
            }
            Syntax::GetItem(part) => self.item(part)?,
            Syntax::Call(call) => self.call(call)?,
            Syntax::List(list) => {
                let items: Done<Vec<_>> = list.items.iter().map(|item| self.expr(item)).collect();
                folded(items?)
            }
            Syntax::Map(map) => {
                let mut pairs = Vec::new();
                for (key, value) in map.keys.iter().zip(&map.values) {
                    pairs.push((self.expr(key)?, self.expr(value)?));
                }
                Expr::Map(pairs)
            }
        })
    }

    fn binary(&mut self, binary: &'s ast::BinOp<'s>) -> Done<Expr> {
        let left = self.expr(&binary.left)?;
        let right = self.expr(&binary.right)?;
        let operator = match binary.op {
            BinOpKind::ScAnd => return Ok(Expr::And(Box::new((left, right)))),
            BinOpKind::ScOr => return Ok(Expr::Or(Box::new((left, right)))),
            BinOpKind::Concat => {
                let mut parts = Vec::new();
                for side in [left, right] {
                    match side {
                        Expr::Join(inner) => parts.extend(inner),
                        other => parts.push(other),
                    }
                }
                return Ok(Expr::Join(parts));
            }
            BinOpKind::Eq => Operator::Equal,
            BinOpKind::Ne => Operator::Unequal,
            BinOpKind::Lt => Operator::Less,
            BinOpKind::Lte => Operator::LessOrEqual,
            BinOpKind::Gt => Operator::Greater,
            BinOpKind::Gte => Operator::GreaterOrEqual,
            BinOpKind::In => Operator::In,
            BinOpKind::Add => Operator::Add,
            BinOpKind::Sub => Operator::Subtract,
            BinOpKind::Mul => Operator::Multiply,
            BinOpKind::Div => Operator::Divide,
            BinOpKind::FloorDiv => Operator::FloorDivide,
            BinOpKind::Rem => Operator::Remainder,
            BinOpKind::Pow => return Err(Unsupported::new("**", "has no program")),
        };
        Ok(Expr::Binary(operator, Box::new((left, right))))
    }

    fn item(&mut self, part: &'s ast::GetItem<'s>) -> Done<Expr> {
        let base = self.expr(&part.expr)?;
        if let Syntax::Filter(filter) = &part.subscript_expr
            && filter.name == "string"
            && filter.args.is_empty()
            && let Some(number) = &filter.expr
        {
            return Ok(Expr::ItemOfNumber(Box::new((base, self.expr(number)?))));
        }
        Ok(Expr::Item(Box::new((base, self.expr(&part.subscript_expr)?))))
    }

    fn filter(&mut self, filter: &'s ast::Filter<'s>) -> Done<Expr> {
        let Some(base) = &filter.expr else {
            return Err(Unsupported::new(filter.name, "is a filter without a value"));
        };
        let base = self.expr(base)?;
        let (arguments, named) = self.arguments(&filter.args)?;
        let (kind, arguments, named) = Filter::of(filter.name, arguments, named)?;
        Ok(Expr::Filter(Box::new(Apply { kind, base, arguments, named })))
    }

    pub(super) fn call(&mut self, call: &'s ast::Call<'s>) -> Done<Expr> {
        let (arguments, named) = self.arguments(&call.args)?;
        match &call.expr {
            Syntax::Var(name) if name.id == "super" || name.id == "loop" => {
                Err(Unsupported::new(name.id, "is called within an expression"))
            }
            Syntax::Var(name) => {
                let looked_up = if ["phonebook_url", "service_url"].contains(&name.id) {
                    let names = crate::plugin::directory::SETTINGS.iter();
                    names.map(|name| self.scopes.resolve(name)).collect()
                } else {
                    Vec::new()
                };
                let callee = self.scopes.resolve(name.id);
                Ok(Expr::Call(Box::new(Call { callee, arguments, named, looked_up })))
            }
            Syntax::GetAttr(part) => {
                if matches!(&part.expr, Syntax::Var(name) if name.id == "self") {
                    return Err(Unsupported::new("self", "has no program"));
                }
                let (base, name) = (self.expr(&part.expr)?, part.name.into());
                Ok(Expr::Method(Box::new(Method { base, name, arguments, named })))
            }
            _ => Err(Unsupported::new("a call", "of an expression")),
        }
    }

    fn arguments(&mut self, arguments: &'s [CallArg<'s>]) -> Done<Arguments> {
        let (mut placed, mut named) = (Vec::new(), Vec::new());
        for argument in arguments {
            match argument {
                CallArg::Pos(value) => placed.push(self.expr(value)?),
                CallArg::Kwarg(name, value) => named.push(((*name).into(), self.expr(value)?)),
                _ => return Err(Unsupported::new("*", "in a call has no program")),
            }
        }
        Ok((placed, named))
    }
}

fn comparison(kind: CompareOpKind) -> Operator {
    match kind {
        CompareOpKind::Eq => Operator::Equal,
        CompareOpKind::Ne => Operator::Unequal,
        CompareOpKind::Lt => Operator::Less,
        CompareOpKind::Lte => Operator::LessOrEqual,
        CompareOpKind::Gt => Operator::Greater,
        CompareOpKind::Gte => Operator::GreaterOrEqual,
        CompareOpKind::In => Operator::In,
        CompareOpKind::NotIn => Operator::NotIn,
    }
}

/// A list of constants is a constant.
fn folded(items: Vec<Expr>) -> Expr {
    if !items.iter().all(|item| matches!(item, Expr::Const(_))) {
        return Expr::List(items);
    }
    let constant = |item| match item {
        Expr::Const(json) => Some(json),
        _ => None,
    };
    Expr::Const(Json::Array(items.into_iter().filter_map(constant).collect()))
}

/// A constant as a document, where it comes back as the same value.
fn json_of(value: &Reference) -> Option<Json> {
    Some(match value.kind() {
        ValueKind::None => Json::Null,
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::String if !value.is_safe() => Json::from(value.as_str()?),
        ValueKind::Number if value.is_integer() => Json::from(i64::try_from(value.clone()).ok()?),
        ValueKind::Number => {
            let number = serde_json::Number::from_f64(f64::try_from(value.clone()).ok()?)?;
            Json::Number(number)
        }
        ValueKind::Seq => {
            let items: Option<_> = value.try_iter().ok()?.map(|item| json_of(&item)).collect();
            Json::Array(items?)
        }
        ValueKind::Map => {
            let mut map = serde_json::Map::new();
            for key in value.try_iter().ok()? {
                let item = json_of(&value.get_item(&key).ok()?)?;
                map.insert(key.as_str()?.to_owned(), item);
            }
            Json::Object(map)
        }
        _ => return None,
    })
}
