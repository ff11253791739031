//! What a template's text tells before it is run: whom it takes in, its blocks, its names.

use minijinja::machinery::ast::{Expr, Stmt};
use minijinja::machinery::{Instruction, WhitespaceConfig, get_compiled_template, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind};
use std::collections::BTreeSet;

use crate::plugin::template::bodies;
use crate::plugin::words;

/// What is known of one template.
#[derive(Debug, Default)]
pub struct Facts {
    /// Templates that it extends, includes or imports, each with the line.
    pub taken: Vec<Taken>,
    /// Some are named by an expression.
    pub takes_unnamed: bool,
    /// Its blocks, each with the line.
    pub blocks: Vec<(String, usize)>,
    /// How many blocks stand around what is looked at.
    depth: usize,
    /// Those of its blocks that stand in no other one.
    pub outermost: Vec<(String, usize)>,
    /// Names that it does not define itself.
    pub names: BTreeSet<String>,
    /// Filters and tests that nobody knows, each with the line.
    pub unknown: Vec<(String, usize)>,
}

/// A template that another one takes in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken {
    pub name: String,
    pub line: usize,
    /// By `extends`.
    pub is_parent: bool,
    /// By `include … ignore missing`.
    pub may_be_missing: bool,
}

impl Facts {
    /// Reads a template.
    ///
    /// # Errors
    /// What the template language says of a text that is no template.
    pub fn of(name: &str, text: &str) -> Result<Facts, Error> {
        let mut env = Environment::new();
        words::install(&mut env);
        env.add_template_owned(name.to_owned(), text.to_owned())?;
        let names = env.get_template(name)?.undeclared_variables(false).into_iter().collect();
        let unknown = unknown(&env, name)?;
        let mut facts = Facts { names, unknown, ..Facts::default() };
        facts.look(&parse(text, name, SyntaxConfig, WhitespaceConfig::default())?);
        Ok(facts)
    }

    /// The template that this one extends.
    pub fn parent(&self) -> Option<&Taken> {
        self.taken.iter().find(|taken| taken.is_parent)
    }

    fn look(&mut self, statement: &Stmt<'_>) {
        match statement {
            Stmt::Extends(extends) => {
                self.take(&extends.name, extends.span().start_line, true, false);
            }
            Stmt::Include(include) => {
                let line = include.span().start_line;
                self.take(&include.name, line, false, include.ignore_missing);
            }
            Stmt::Import(import) => {
                self.take(&import.expr, import.span().start_line, false, false);
            }
            Stmt::FromImport(import) => {
                self.take(&import.expr, import.span().start_line, false, false);
            }
            Stmt::Block(block) => {
                let line = usize::from(block.span().start_line);
                self.blocks.push((block.name.to_owned(), line));
                if self.depth == 0 {
                    self.outermost.push((block.name.to_owned(), line));
                }
            }
            _ => {}
        }
        let is_block = usize::from(matches!(statement, Stmt::Block(_)));
        self.depth += is_block;
        for list in bodies(statement) {
            list.iter().for_each(|statement| self.look(statement));
        }
        self.depth -= is_block;
    }

    fn take(&mut self, name: &Expr<'_>, line: u16, is_parent: bool, may_be_missing: bool) {
        let constant = name.as_const();
        match constant.as_ref().and_then(|name| name.as_str()) {
            Some(name) => {
                let (name, line) = (name.to_owned(), usize::from(line));
                self.taken.push(Taken { name, line, is_parent, may_be_missing });
            }
            None => self.takes_unnamed = true,
        }
    }
}

/// The filters and tests of a template that the environment does not have.
fn unknown(env: &Environment<'_>, name: &str) -> Result<Vec<(String, usize)>, Error> {
    let template = env.get_template(name)?;
    let compiled = get_compiled_template(&template);
    let state = env.empty_state();
    let mut unknown = Vec::new();
    for part in std::iter::once(&compiled.instructions).chain(compiled.blocks.values()) {
        for at in 0..u32::try_from(part.len()).unwrap_or(u32::MAX) {
            let (kind, word, result) = match part.get(at) {
                Some(Instruction::ApplyFilter(word, ..)) => {
                    ("filter", word, state.apply_filter(word, &[]).err())
                }
                Some(Instruction::PerformTest(word, ..)) => {
                    ("test", word, state.perform_test(word, &[]).err())
                }
                _ => continue,
            };
            let kinds = [ErrorKind::UnknownFilter, ErrorKind::UnknownTest];
            if result.is_some_and(|error| kinds.contains(&error.kind())) {
                let line = part.get_line(at).unwrap_or(1);
                unknown.push((format!("there is no {kind} {word:?}"), line));
            }
        }
    }
    Ok(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_tells_whom_it_takes_in() {
        let text = "{% extends 'base.tpl' %}\n{% block a %}\n{% if x %}{% include y %}\n\
                    {% include 'b.tpl' ignore missing %}{% endif %}{% endblock %}\n\
                    {% from 'c.tpl' import m %}{{ m(z) }}";
        let facts = Facts::of("t.tpl", text).expect("a template");
        let taken = |name: &str, line, is_parent, may_be_missing| Taken {
            name: name.to_owned(),
            line,
            is_parent,
            may_be_missing,
        };
        assert_eq!(
            facts.taken,
            [
                taken("base.tpl", 1, true, false),
                taken("b.tpl", 4, false, true),
                taken("c.tpl", 5, false, false)
            ]
        );
        assert!(facts.takes_unnamed);
        assert_eq!(facts.blocks, [("a".to_owned(), 2)]);
        assert!(["x", "z"].iter().all(|name| facts.names.contains(*name)));
        assert!(!facts.names.contains("m"));
        assert_eq!(Facts::of("t.tpl", "a\n{% if %}").expect_err("a mistake").line(), Some(2));
    }
}
