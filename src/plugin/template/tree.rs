//! A template as it runs: names are places, texts are joined, and what is known of it is looked up.

use serde_json::Value as Json;

use super::checks::Check;
use super::filters::Filter;
use super::ops::Operator;
use super::plain::Plain;
use super::root::Name;
use crate::plugin::manifest::Escape;

/// A template, ready to run.
#[derive(Debug)]
pub struct Program {
    pub body: Vec<Node>,
    pub escape: Escape,
    /// Names that it finds outside itself, by number.
    pub names: Vec<Name>,
    pub macros: Vec<Macro>,
    /// Names and places of imported templates.
    pub modules: Vec<Vec<(Box<str>, Place)>>,
    /// Places that are not a macro's own.
    pub places: u32,
    /// Its own, among all programs of this process.
    pub number: u64,
}

/// Where a value is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub number: u32,
    /// Of the macro that runs, else of the whole template.
    pub own: bool,
}

/// What is done.
#[derive(Debug)]
pub enum Node {
    Raw(String),
    Emit(Expr),
    /// Evaluated for its mistakes alone.
    Discard(Expr),
    If {
        test: Expr,
        then: Vec<Node>,
        other: Vec<Node>,
    },
    For(Box<For>),
    Set {
        target: Target,
        value: Expr,
    },
    /// What the body writes becomes a value.
    Capture {
        target: Target,
        body: Vec<Node>,
    },
    /// A scope: its places are empty at first.
    Scope {
        places: Vec<Place>,
        body: Vec<Node>,
    },
    /// An included template, with its own escaping.
    Include {
        escape: Escape,
        body: Vec<Node>,
    },
    Macro {
        number: u32,
        target: Target,
    },
    /// What an import found, which may be a macro.
    Import {
        target: Target,
        value: Expr,
    },
    Module {
        number: u32,
        target: Target,
    },
}

/// A loop.
#[derive(Debug)]
pub struct For {
    pub items: Expr,
    pub filter: Option<LoopFilter>,
    pub target: Target,
    /// Places that are emptied before every round.
    pub places: Vec<Place>,
    /// Where `loop` is, when it is used.
    pub state: Option<Place>,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
    /// What its rounds depend on, where that is little.
    pub plain: Option<Plain>,
}

/// `for … if …`
#[derive(Debug)]
pub struct LoopFilter {
    pub target: Target,
    pub places: Vec<Place>,
    pub test: Expr,
}

/// What is stored in.
#[derive(Debug)]
pub enum Target {
    /// A place, and the one in which macros see the same name.
    Place(Place, Option<Place>),
    Unpack(Vec<Target>),
    Attribute(Expr, Box<str>),
}

/// A macro.
#[derive(Debug)]
pub struct Macro {
    pub arguments: Vec<(Box<str>, Place)>,
    /// Numbers of arguments and what they are where they were not given, in the order of need.
    pub defaults: Vec<(usize, Expr)>,
    pub body: Vec<Node>,
    /// Places of its own.
    pub places: u32,
    /// What it sees of the scope around it: taken when it is declared, the first time.
    pub captures: Vec<(Place, Expr)>,
}

/// What is evaluated.
#[derive(Clone, PartialEq, Debug)]
pub enum Expr {
    Const(Json),
    Undefined,
    /// The value of a place, or what the name means further out.
    Place {
        place: Place,
        otherwise: Box<Expr>,
    },
    /// A name at the top level.
    Name(u32),
    Attribute(Box<Expr>, Box<str>),
    Item(Box<(Expr, Expr)>),
    /// `map[number|string]`, without making the text.
    ItemOfNumber(Box<(Expr, Expr)>),
    Slice(Box<[Expr; 4]>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    And(Box<(Expr, Expr)>),
    Or(Box<(Expr, Expr)>),
    Binary(Operator, Box<(Expr, Expr)>),
    Chain(Box<(Expr, Vec<(Operator, Expr)>)>),
    Join(Vec<Expr>),
    If(Box<(Expr, Expr, Expr)>),
    Filter(Box<Apply<Filter>>),
    Test(Box<Apply<Check>>),
    Method(Box<Method>),
    Call(Box<Call>),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
}

/// A filter or a test, with its arguments.
#[derive(Clone, PartialEq, Debug)]
pub struct Apply<K> {
    pub kind: K,
    pub base: Expr,
    pub arguments: Vec<Expr>,
    pub named: Vec<(Box<str>, Expr)>,
}

/// A method of a value.
#[derive(Clone, PartialEq, Debug)]
pub struct Method {
    pub base: Expr,
    pub name: Box<str>,
    pub arguments: Vec<Expr>,
    pub named: Vec<(Box<str>, Expr)>,
}

/// A call of a macro or a function.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    pub callee: Expr,
    pub arguments: Vec<Expr>,
    pub named: Vec<(Box<str>, Expr)>,
    /// Settings that the function looks up where it is called.
    pub looked_up: Vec<Expr>,
}
