//! The names that a macro captures of the scope around it, as the reference engine finds them.
//!
//! Its rules have corners: a name that is stored counts as the macro's own before what is stored is
//! looked at, and what a slice is taken of is not looked at. They are kept, as they can be seen.

use minijinja::machinery::ast::{CallArg, Expr, Macro, Stmt};
use std::collections::BTreeSet;

/// The names, in order.
pub fn captured<'s>(declared: &Macro<'s>) -> Vec<&'s str> {
    let mut names = Names { free: BTreeSet::new(), own: vec![BTreeSet::new()] };
    names.body(declared);
    names.free.into_iter().collect()
}

struct Names<'s> {
    free: BTreeSet<&'s str>,
    own: Vec<BTreeSet<&'s str>>,
}

impl<'s> Names<'s> {
    fn body(&mut self, declared: &Macro<'s>) {
        declared.args.iter().for_each(|argument| self.assign(argument));
        declared.defaults.iter().for_each(|default| self.look(default));
        self.walk_all(&declared.body);
    }

    fn own(&mut self, name: &'s str) {
        self.own.last_mut().expect("invariant: scopes end in order").insert(name);
    }

    fn within(&mut self, run: impl FnOnce(&mut Self)) {
        self.own.push(BTreeSet::new());
        run(self);
        self.own.pop();
    }

    fn assign(&mut self, target: &Expr<'s>) {
        match target {
            Expr::Var(name) => self.own(name.id),
            Expr::List(list) => list.items.iter().for_each(|item| self.assign(item)),
            _ => {}
        }
    }

    fn walk_all(&mut self, nodes: &[Stmt<'s>]) {
        nodes.iter().for_each(|node| self.walk(node));
    }

    fn walk(&mut self, node: &Stmt<'s>) {
        match node {
            Stmt::EmitExpr(emit) => self.look(&emit.expr),
            Stmt::ForLoop(each) => {
                self.within(|names| {
                    names.own("loop");
                    names.look(&each.iter);
                    names.assign(&each.target);
                    names.look_some(each.filter_expr.as_ref());
                    names.walk_all(&each.body);
                });
                self.within(|names| names.walk_all(&each.else_body));
            }
            Stmt::IfCond(branch) => {
                self.look(&branch.expr);
                self.within(|names| names.walk_all(&branch.true_body));
                self.within(|names| names.walk_all(&branch.false_body));
            }
            Stmt::WithBlock(with) => self.within(|names| {
                for (target, value) in &with.assignments {
                    names.assign(target);
                    names.look(value);
                }
                names.walk_all(&with.body);
            }),
            Stmt::Set(set) => {
                self.assign(&set.target);
                self.look(&set.expr);
            }
            Stmt::SetBlock(set) => {
                self.assign(&set.target);
                self.within(|names| names.walk_all(&set.body));
            }
            Stmt::Do(call) => {
                self.look(&call.call.expr);
                self.arguments(&call.call.args);
            }
            // Other statements in a macro are left to the reference engine.
            _ => {}
        }
    }

    fn look_some(&mut self, expr: Option<&Expr<'s>>) {
        if let Some(expr) = expr {
            self.look(expr);
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'s>]) {
        for argument in arguments {
            match argument {
                CallArg::Pos(expr)
                | CallArg::Kwarg(_, expr)
                | CallArg::PosSplat(expr)
                | CallArg::KwargSplat(expr) => self.look(expr),
            }
        }
    }

    fn look(&mut self, expr: &Expr<'s>) {
        match expr {
            Expr::Var(name) => {
                if !self.own.iter().any(|own| own.contains(name.id)) {
                    self.free.insert(name.id);
                    self.own(name.id);
                }
            }
            Expr::Const(_) => {}
            Expr::UnaryOp(unary) => self.look(&unary.expr),
            Expr::BinOp(binary) => {
                self.look(&binary.left);
                self.look(&binary.right);
            }
            Expr::Compare(chain) => {
                self.look(&chain.expr);
                chain.ops.iter().for_each(|link| self.look(&link.expr));
            }
            Expr::IfExpr(branch) => {
                self.look(&branch.test_expr);
                self.look(&branch.true_expr);
                self.look_some(branch.false_expr.as_ref());
            }
            Expr::Filter(filter) => {
                self.look_some(filter.expr.as_ref());
                self.arguments(&filter.args);
            }
            Expr::Test(test) => {
                self.look(&test.expr);
                self.arguments(&test.args);
            }
            Expr::GetAttr(part) => self.look(&part.expr),
            Expr::GetItem(part) => {
                self.look(&part.expr);
                self.look(&part.subscript_expr);
            }
            Expr::Slice(slice) => {
                self.look_some(slice.start.as_ref());
                self.look_some(slice.stop.as_ref());
                self.look_some(slice.step.as_ref());
            }
            Expr::Call(call) => {
                self.look(&call.expr);
                self.arguments(&call.args);
            }
            Expr::List(list) => list.items.iter().for_each(|item| self.look(item)),
            Expr::Map(map) => {
                for (key, value) in map.keys.iter().zip(&map.values) {
                    self.look(key);
                    self.look(value);
                }
            }
        }
    }
}
