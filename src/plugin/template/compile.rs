//! From the reference engine's own syntax tree to a program; what has no program is said why.
//!
//! Included, imported and extended templates become part of the program where they are named, so
//! that nothing is looked up by name while it runs.

use minijinja::machinery::ast::{self, Expr as Syntax, Stmt};
use std::collections::BTreeMap;

use super::Unsupported;
use super::expressions::constant_text;
use super::free;
use super::plain::{Known, plain_of};
use super::rounds;
use super::scope::Scopes;
use super::tree::{For, LoopFilter, Macro, Node, Place, Program, Target};
use crate::limits;
use crate::plugin::manifest::Escape;

/// Parsed templates, by name, and how each is escaped.
pub struct Library<'s> {
    pub templates: BTreeMap<&'s str, Stmt<'s>>,
    pub escape: &'s dyn Fn(&str) -> Escape,
}

type Done<T> = Result<T, Unsupported>;
type Block<'s> = ast::Block<'s>;

/// Makes programs of one template after the other.
pub struct Compiler<'s> {
    library: &'s Library<'s>,
    pub(super) scopes: Scopes<'s>,
    macros: Vec<Macro>,
    /// Where they are declared.
    declared: Vec<(Place, u32)>,
    loops: u32,
    modules: Vec<Vec<(Box<str>, Place)>>,
    /// Bodies of each block, the one that counts first.
    blocks: BTreeMap<&'s str, Vec<&'s Block<'s>>>,
    /// The block whose body it is, and the number of that body.
    block: Option<(&'s str, usize)>,
    unit: u32,
    /// What is written goes nowhere.
    quiet: bool,
    depth: usize,
    /// Templates and blocks that were put in so far.
    parts: usize,
}

impl<'s> Compiler<'s> {
    /// Makes the program of a template.
    ///
    /// # Errors
    /// The first thing that only the reference engine can run.
    pub fn program(library: &'s Library<'s>, name: &str) -> Done<Program> {
        let mut compiler = Compiler {
            library,
            scopes: Scopes::default(),
            macros: Vec::new(),
            declared: Vec::new(),
            loops: 0,
            modules: Vec::new(),
            blocks: BTreeMap::new(),
            block: None,
            unit: 0,
            quiet: false,
            depth: 0,
            parts: 0,
        };
        compiler.scopes.push(false);
        let body = compiler.template(name)?;
        compiler.scopes.pop()?;
        let Compiler { scopes, macros, modules, .. } = compiler;
        let (names, places) = scopes.finish();
        let escape = (library.escape)(name);
        let number = rounds::program_number();
        Ok(Program { body, escape, names, macros, modules, places, number })
    }

    /// A template and those that it extends, in the scope that it is named in.
    fn template(&mut self, name: &str) -> Done<Vec<Node>> {
        self.part(name)?;
        let unit = self.scopes.unit();
        let unit = std::mem::replace(&mut self.unit, unit);
        let quiet = self.quiet;
        let blocks = std::mem::take(&mut self.blocks);
        let block = self.block.take();
        let mut nodes = Vec::new();
        let mut next = Some(self.children(name)?);
        while let Some(children) = next.take() {
            self.quiet = quiet;
            for child in children {
                blocks_below(child, &mut |block| {
                    self.blocks.entry(block.name).or_default().push(block);
                });
            }
            for child in children {
                match child {
                    Stmt::Extends(_) if next.is_some() => {
                        return Err(Unsupported::new(name, "extends two templates"));
                    }
                    Stmt::Extends(extends) => {
                        next = Some(self.children(constant_text(&extends.name)?)?);
                        self.quiet = true;
                    }
                    _ => self.statement(child, &mut nodes)?,
                }
            }
            self.part(name)?;
        }
        self.quiet = quiet;
        self.blocks = blocks;
        self.block = block;
        self.unit = unit;
        Ok(nodes)
    }

    /// Counts what is put in, and how deep: the caller takes the depth back.
    fn part(&mut self, name: &str) -> Done<()> {
        self.depth += 1;
        self.parts += 1;
        if self.depth > limits::TEMPLATE_DEPTH_MAX || self.parts > limits::TEMPLATE_PARTS_MAX {
            return Err(Unsupported::new(name, "includes itself, or too much"));
        }
        Ok(())
    }

    fn children(&self, name: &str) -> Done<&'s [Stmt<'s>]> {
        match self.library.templates.get(name) {
            Some(Stmt::Template(template)) => Ok(&template.children),
            _ => Err(Unsupported::new(name, "is no template")),
        }
    }

    fn statements(&mut self, statements: &'s [Stmt<'s>]) -> Done<Vec<Node>> {
        let mut nodes = Vec::new();
        for statement in statements {
            self.statement(statement, &mut nodes)?;
        }
        Ok(nodes)
    }

    fn branch(&mut self, statements: &'s [Stmt<'s>]) -> Done<Vec<Node>> {
        self.scopes.begin_branch();
        let nodes = self.statements(statements);
        self.scopes.end_branch();
        nodes
    }

    fn statement(&mut self, statement: &'s Stmt<'s>, nodes: &mut Vec<Node>) -> Done<()> {
        let node = match statement {
            Stmt::EmitRaw(raw) => {
                if !self.quiet {
                    push_raw(nodes, raw.raw);
                }
                return Ok(());
            }
            Stmt::EmitExpr(emit) => return self.emit(&emit.expr, nodes),
            Stmt::ForLoop(each) => self.each(each)?,
            Stmt::IfCond(branch) => Node::If {
                test: self.expr(&branch.expr)?,
                then: self.branch(&branch.true_body)?,
                other: self.branch(&branch.false_body)?,
            },
            Stmt::WithBlock(with) => {
                self.scopes.push(false);
                let mut body = Vec::new();
                for (target, value) in &with.assignments {
                    body.push(self.set(target, value)?);
                }
                for statement in &with.body {
                    self.statement(statement, &mut body)?;
                }
                self.scope(body)?.0
            }
            Stmt::Set(set) => self.set(&set.target, &set.expr)?,
            Stmt::SetBlock(set) => return self.capture(set, nodes),
            Stmt::Do(call) => Node::Discard(self.call(&call.call)?),
            Stmt::Macro(declared) => self.declare(declared)?,
            Stmt::Block(block) => {
                if self.quiet {
                    return Ok(());
                }
                self.block(block.name, 0)?
            }
            Stmt::Include(include) => {
                let name = constant_text(&include.name)?;
                if include.ignore_missing && !self.library.templates.contains_key(name) {
                    return Ok(());
                }
                self.include(name)?
            }
            Stmt::Import(import) => return self.import(import, nodes),
            Stmt::FromImport(import) => return self.import_names(import, nodes),
            _ => return Err(Unsupported::new("a statement", "of this kind has no program")),
        };
        nodes.push(node);
        Ok(())
    }

    fn emit(&mut self, expr: &'s Syntax<'s>, nodes: &mut Vec<Node>) -> Done<()> {
        if let Syntax::Call(call) = expr
            && let Syntax::Var(name) = &call.expr
            && name.id == "super"
            && call.args.is_empty()
        {
            let (name, level) =
                self.block.ok_or(Unsupported::new("super", "stands outside a block"))?;
            nodes.push(self.block(name, level + 1)?);
            return Ok(());
        }
        let expr = self.expr(expr)?;
        nodes.push(if self.quiet { Node::Discard(expr) } else { Node::Emit(expr) });
        Ok(())
    }

    fn set(&mut self, target: &'s Syntax<'s>, value: &'s Syntax<'s>) -> Done<Node> {
        // What is stored is looked up before the name is there.
        let value = self.expr(value)?;
        Ok(Node::Set { target: self.target(target)?, value })
    }

    fn capture(&mut self, set: &'s ast::SetBlock<'s>, nodes: &mut Vec<Node>) -> Done<()> {
        if set.filter.is_some() || self.quiet {
            return Err(Unsupported::new("set", "with a filter, or where nothing is written"));
        }
        let body = self.statements(&set.body)?;
        nodes.push(Node::Capture { target: self.target(&set.target)?, body });
        Ok(())
    }

    fn target(&mut self, target: &'s Syntax<'s>) -> Done<Target> {
        match target {
            Syntax::Var(name) => Ok(self.scopes.store(name.id, self.unit)),
            Syntax::List(list) => {
                let targets: Done<_> = list.items.iter().map(|item| self.target(item)).collect();
                Ok(Target::Unpack(targets?))
            }
            Syntax::GetAttr(part) => {
                Ok(Target::Attribute(self.expr(&part.expr)?, part.name.into()))
            }
            _ => Err(Unsupported::new("set", "of what is no name")),
        }
    }

    fn each(&mut self, each: &'s ast::ForLoop<'s>) -> Done<Node> {
        if each.recursive {
            return Err(Unsupported::new("for", "is recursive"));
        }
        let items = self.expr(&each.iter)?;
        let filter = match &each.filter_expr {
            None => None,
            Some(test) => {
                self.scopes.push(false);
                let target = self.target(&each.target)?;
                let test = self.expr(test)?;
                Some(LoopFilter { target, test, places: self.scopes.pop()?.places() })
            }
        };
        self.scopes.push(true);
        let target = self.target(&each.target)?;
        let body = self.statements(&each.body)?;
        let ended = self.scopes.pop()?;
        let (places, state) = (ended.places(), ended.state);
        let otherwise = self.branch(&each.else_body)?;
        let plain = None;
        let mut each = For { items, filter, target, places, state, body, otherwise, plain };
        if !self.scopes.is_macro() {
            self.loops += 1;
            let (macros, declared) = (&*self.macros, &*self.declared);
            let known = Known { macros, declared, names: self.scopes.names() };
            each.plain = plain_of(&each, known, self.loops);
        }
        Ok(Node::For(Box::new(each)))
    }

    /// Ends the innermost scope around a body, and gives the names that it had.
    fn scope(&mut self, body: Vec<Node>) -> Done<(Node, Vec<(&'s str, Place)>)> {
        let mut places = self.scopes.captures();
        let ended = self.scopes.pop()?;
        places.extend(ended.places());
        Ok((Node::Scope { places, body }, ended.names))
    }

    fn block(&mut self, name: &'s str, level: usize) -> Done<Node> {
        let bodies = self.blocks.get(name);
        let body = bodies.and_then(|bodies| bodies.get(level));
        let body = *body.ok_or(Unsupported::new(name, "has no such block"))?;
        if self.scopes.is_macro() || body.required {
            return Err(Unsupported::new(name, "is a block that has no body, or in a macro"));
        }
        let depth = self.depth;
        self.part(name)?;
        let outer = self.block.replace((name, level));
        self.scopes.push(false);
        let nodes = self.statements(&body.body)?;
        self.block = outer;
        self.depth = depth;
        Ok(self.scope(nodes)?.0)
    }

    fn include(&mut self, name: &str) -> Done<Node> {
        if self.scopes.is_macro() {
            return Err(Unsupported::new(name, "is included by a macro"));
        }
        let depth = self.depth;
        let body = self.template(name)?;
        self.depth = depth;
        Ok(Node::Include { escape: (self.library.escape)(name), body })
    }

    fn import(&mut self, import: &'s ast::Import<'s>, nodes: &mut Vec<Node>) -> Done<()> {
        let quiet = std::mem::replace(&mut self.quiet, true);
        self.scopes.push(false);
        let include = self.include(constant_text(&import.expr)?)?;
        let (scope, names) = self.scope(vec![include])?;
        self.quiet = quiet;
        nodes.push(scope);
        let number = number_of(&self.modules);
        self.modules.push(names.into_iter().map(|(name, place)| (name.into(), place)).collect());
        nodes.push(Node::Module { number, target: self.target(&import.name)? });
        Ok(())
    }

    fn import_names(&mut self, import: &'s ast::FromImport<'s>, nodes: &mut Vec<Node>) -> Done<()> {
        let quiet = std::mem::replace(&mut self.quiet, true);
        self.scopes.push(false);
        let include = self.include(constant_text(&import.expr)?)?;
        let mut values = Vec::new();
        for (name, _) in &import.names {
            values.push(self.expr(name)?);
        }
        nodes.push(self.scope(vec![include])?.0);
        self.quiet = quiet;
        for ((name, alias), value) in import.names.iter().zip(values).rev() {
            let target = self.target(alias.as_ref().unwrap_or(name))?;
            nodes.push(Node::Import { target, value });
        }
        Ok(())
    }

    fn declare(&mut self, declared: &'s ast::Macro<'s>) -> Done<Node> {
        if self.scopes.is_macro() || self.scopes.is_loop() {
            return Err(Unsupported::new(declared.name, "is a macro in a loop or a macro"));
        }
        let names = free::captured(declared);
        if names.iter().any(|name| ["caller", "loop", "self", "super"].contains(name)) {
            return Err(Unsupported::new(declared.name, "is a macro that asks who calls it"));
        }
        let captures = self.scopes.capture(&names, self.unit);
        self.scopes.enter(&names, self.unit);
        let quiet = std::mem::replace(&mut self.quiet, false);
        let mut arguments = Vec::new();
        for argument in &declared.args {
            let Syntax::Var(name) = argument else {
                return Err(Unsupported::new(declared.name, "has an argument that is no name"));
            };
            arguments.push((name.id.into(), self.scopes.place(name.id)));
        }
        let mut defaults = Vec::new();
        for (at, default) in (0..arguments.len()).rev().zip(declared.defaults.iter().rev()) {
            defaults.push((at, self.expr(default)?));
        }
        for argument in &declared.args {
            if let Syntax::Var(name) = argument {
                self.scopes.ensure(name.id);
            }
        }
        let body = self.statements(&declared.body)?;
        self.quiet = quiet;
        let places = self.scopes.leave(self.unit)?.places;
        let number = number_of(&self.macros);
        self.macros.push(Macro { arguments, defaults, body, places, captures });
        let target = self.scopes.store(declared.name, self.unit);
        if let Target::Place(place, _) = target {
            self.declared.push((place, number));
        }
        Ok(Node::Macro { number, target })
    }
}

fn number_of<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).expect("invariant: a template is shorter than 4 GiB")
}

fn push_raw(nodes: &mut Vec<Node>, text: &str) {
    match nodes.last_mut() {
        Some(Node::Raw(before)) => before.push_str(text),
        _ => nodes.push(Node::Raw(text.to_owned())),
    }
}

/// Finds the blocks of a template, wherever they stand.
fn blocks_below<'s>(statement: &'s Stmt<'s>, take: &mut dyn FnMut(&'s Block<'s>)) {
    for list in bodies(statement) {
        list.iter().for_each(|below| blocks_below(below, take));
    }
    if let Stmt::Block(block) = statement {
        take(block);
    }
}

/// The statements in a statement.
pub fn bodies<'l, 's>(statement: &'l Stmt<'s>) -> Vec<&'l [Stmt<'s>]> {
    match statement {
        Stmt::Template(template) => vec![&template.children],
        Stmt::ForLoop(each) => vec![&each.body, &each.else_body],
        Stmt::IfCond(branch) => vec![&branch.true_body, &branch.false_body],
        Stmt::WithBlock(with) => vec![&with.body],
        Stmt::SetBlock(set) => vec![&set.body],
        Stmt::AutoEscape(escape) => vec![&escape.body],
        Stmt::FilterBlock(filter) => vec![&filter.body],
        Stmt::Block(block) => vec![&block.body],
        Stmt::Macro(declared) => vec![&declared.body],
        Stmt::CallBlock(call) => vec![&call.macro_decl.body],
        _ => Vec::new(),
    }
}
