//! Finds loops whose rounds are plain: made of few small values, and of entries that most lack.
//!
//! Of such a loop it is known beforehand what a round's text depends on: the release's own tables,
//! scalars that stand still while the loop runs, the loop's own number, and what some maps hold
//! under that number (and an offset). Where they hold nothing, the scalars and the number make the
//! text. Where a loop goes through the release's tables, the scalars alone make the text of all its
//! rounds. Whatever is not known to be harmless (a value stored outside, a function, a loop through
//! a phone's settings within) makes no plain loop.

use super::ops::Operator;
use super::root::Name;
use super::tree::{Call, Expr, For, Macro, Node, Place, Target};
use crate::limits;

/// What the rounds of a plain loop depend on, next to the loop's number.
#[derive(Debug)]
pub struct Plain {
    /// The loop's own number in its program.
    pub number: u32,
    /// What it goes through is the same whenever the inputs are.
    pub is_fixed: bool,
    /// Values that must be scalars.
    pub inputs: Vec<Expr>,
    /// Macros that are called, by what they are called.
    pub macros: Vec<(Expr, u32)>,
    pub probes: Vec<Probe>,
}

/// An entry that a round looks for: under the loop's number and the offset, as a text.
#[derive(Clone, Debug)]
pub struct Probe {
    pub base: Expr,
    pub offset: Option<Expr>,
}

/// What is known where a loop stands.
#[derive(Clone, Copy, Debug)]
pub struct Known<'c> {
    pub macros: &'c [Macro],
    /// The places of the macros so far.
    pub declared: &'c [(Place, u32)],
    /// Names at the top level, by number.
    pub names: &'c [Name],
}

/// Looks through a loop outside of macros.
pub fn plain_of(each: &For, known: Known<'_>, number: u32) -> Option<Plain> {
    let is_fixed = known.is_fixed(&each.items);
    let found =
        Plain { number, is_fixed, inputs: Vec::new(), macros: Vec::new(), probes: Vec::new() };
    let (local, arguments) = (Vec::new(), Vec::new());
    let mut walk = Walk { known, counted: None, local, arguments, found };
    if is_fixed {
        walk.within(each)?;
    } else {
        let Target::Place(target, None) = each.target else { return None };
        if each.filter.is_some() || each.state.is_some() {
            return None;
        }
        walk.counted = Some(target);
        walk.local.clone_from(&each.places);
        walk.nodes(&each.body)?;
    }
    Some(walk.found)
}

impl Known<'_> {
    /// Whether it is a part of the release's tables, or of a constant: which part may depend on
    /// what the walk takes for inputs.
    fn is_fixed(&self, items: &Expr) -> bool {
        match items {
            Expr::Const(_) => true,
            Expr::Name(number) => self.names[*number as usize] == Name::Data,
            Expr::Attribute(base, _) => self.is_fixed(base),
            Expr::Item(sides) => self.is_fixed(&sides.0),
            Expr::Or(sides) => self.is_fixed(&sides.0) && self.is_fixed(&sides.1),
            Expr::Filter(apply) => self.is_fixed(&apply.base),
            _ => false,
        }
    }
}

struct Walk<'c> {
    known: Known<'c>,
    /// Where the loop's number is, of one whose rounds are kept one by one.
    counted: Option<Place>,
    /// Places that every round finds empty.
    local: Vec<Place>,
    /// Of the macro: the loop's number and which offset each is, if it is that.
    arguments: Vec<(Place, Option<Offset>)>,
    found: Plain,
}

/// What is added to the loop's number.
type Offset = Option<Expr>;

impl Walk<'_> {
    fn nodes(&mut self, nodes: &[Node]) -> Option<()> {
        nodes.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Raw(_) => Some(()),
            Node::Emit(expr) | Node::Discard(expr) => self.expr(expr),
            Node::If { test, then, other } => {
                self.expr(test)?;
                self.nodes(then)?;
                self.nodes(other)
            }
            Node::Set { target, value } => {
                self.expr(value)?;
                self.target(target)
            }
            Node::Capture { target, body } => {
                self.nodes(body)?;
                self.target(target)
            }
            Node::Scope { places, body } => {
                self.local.extend(places);
                self.nodes(body)
            }
            Node::For(each) if self.known.is_fixed(&each.items) => self.within(each),
            _ => None,
        }
    }

    /// All rounds of a loop through what is fixed.
    fn within(&mut self, each: &For) -> Option<()> {
        self.expr(&each.items)?;
        self.local.extend(&each.places);
        self.local.extend(each.state);
        if let Some(filter) = &each.filter {
            self.local.extend(&filter.places);
            self.target(&filter.target)?;
            self.expr(&filter.test)?;
        }
        self.target(&each.target)?;
        self.nodes(&each.body)?;
        self.nodes(&each.otherwise)
    }

    /// What is stored must be gone with the round, and no number that is counted on.
    fn target(&self, target: &Target) -> Option<()> {
        match target {
            Target::Place(place, None) => {
                let counted = |(argument, _): &(Place, _)| argument == place;
                let free = Some(*place) != self.counted && !self.arguments.iter().any(counted);
                (self.is_local(*place) && free).then_some(())
            }
            Target::Unpack(targets) => targets.iter().try_for_each(|target| self.target(target)),
            _ => None,
        }
    }

    fn is_local(&self, place: Place) -> bool {
        place.own || self.local.contains(&place) || Some(place) == self.counted
    }

    /// Whether the value stands still while the loop runs.
    fn is_still(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Const(_) | Expr::Undefined | Expr::Name(_) => true,
            Expr::Place { place, otherwise } => !self.is_local(*place) && self.is_still(otherwise),
            Expr::Attribute(base, _) => self.is_still(base),
            Expr::Binary(Operator::Add | Operator::Subtract | Operator::Multiply, sides) => {
                self.is_still(&sides.0) && self.is_still(&sides.1)
            }
            _ => false,
        }
    }

    /// What the expression adds to the loop's number, if it is that number and no more.
    fn offset(&self, expr: &Expr) -> Option<Offset> {
        match expr {
            Expr::Place { place, .. } if Some(*place) == self.counted => Some(None),
            Expr::Place { place, .. } => {
                let argument = self.arguments.iter().find(|(argument, _)| argument == place);
                argument.and_then(|(_, offset)| offset.clone())
            }
            Expr::Binary(Operator::Add, sides) if self.is_still(&sides.0) => {
                let alone = self.offset(&sides.1)?.is_none();
                alone.then(|| Some(sides.0.clone()))
            }
            _ => None,
        }
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Option<()> {
        exprs.into_iter().try_for_each(|expr| self.expr(expr))
    }

    fn pair(&mut self, sides: &(Expr, Expr)) -> Option<()> {
        self.exprs([&sides.0, &sides.1])
    }

    fn expr(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            Expr::Const(_) | Expr::Undefined => Some(()),
            Expr::Name(_) if self.known.is_fixed(expr) => Some(()),
            Expr::Attribute(base, _) if self.known.is_fixed(base) => self.expr(base),
            Expr::Name(_) | Expr::Place { .. } | Expr::Attribute(..) if self.is_still(expr) => {
                if !self.found.inputs.contains(expr) {
                    self.found.inputs.push(expr.clone());
                }
                Some(())
            }
            Expr::Place { place, otherwise } if self.is_local(*place) => self.expr(otherwise),
            Expr::Attribute(base, _) => self.expr(base),
            Expr::ItemOfNumber(sides) => match self.offset(&sides.1) {
                Some(offset) if self.is_still(&sides.0) => {
                    self.found.probes.push(Probe { base: sides.0.clone(), offset });
                    self.expr(&sides.1)
                }
                _ => self.pair(sides),
            },
            Expr::Item(sides) | Expr::And(sides) | Expr::Or(sides) | Expr::Binary(_, sides) => {
                self.pair(sides)
            }
            Expr::Slice(parts) => self.exprs(&**parts),
            Expr::Not(inner) | Expr::Negative(inner) => self.expr(inner),
            Expr::Chain(chain) => {
                self.expr(&chain.0)?;
                self.exprs(chain.1.iter().map(|(_, link)| link))
            }
            Expr::Join(parts) | Expr::List(parts) => self.exprs(parts),
            Expr::If(branch) => self.exprs([&branch.0, &branch.1, &branch.2]),
            Expr::Filter(apply) => {
                self.expr(&apply.base)?;
                self.exprs(apply.arguments.iter().chain(apply.named.iter().map(|(_, v)| v)))
            }
            Expr::Test(apply) => {
                self.expr(&apply.base)?;
                self.exprs(apply.arguments.iter().chain(apply.named.iter().map(|(_, v)| v)))
            }
            Expr::Map(pairs) => pairs.iter().try_for_each(|pair| self.pair(pair)),
            Expr::Call(call) => self.call(call),
            _ => None,
        }
    }

    fn call(&mut self, call: &Call) -> Option<()> {
        let Expr::Place { place, .. } = &call.callee else { return None };
        let (_, number) =
            self.known.declared.iter().rev().find(|(declared, _)| declared == place)?;
        let called = &self.known.macros[*number as usize];
        let whole = call.arguments.len() == called.arguments.len() && called.defaults.is_empty();
        if !whole || !call.named.is_empty() || !self.is_still(&call.callee) {
            return None;
        }
        // Calls are counted, so that macros that call each other come to an end.
        self.found.macros.push((call.callee.clone(), *number));
        if self.found.macros.len() > limits::MACRO_DEPTH_MAX {
            return None;
        }
        let mut arguments = Vec::new();
        for ((_, place), argument) in called.arguments.iter().zip(&call.arguments) {
            self.expr(argument)?;
            arguments.push((*place, self.offset(argument)));
        }
        let outer = std::mem::replace(&mut self.arguments, arguments);
        self.nodes(&called.body)?;
        self.arguments = outer;
        Some(())
    }
}
