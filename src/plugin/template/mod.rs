//! Templates as programs: the same bytes as the reference engine's, or none.
//!
//! minijinja is the language: its parser reads the templates, and whatever a program does not know
//! (a construct when it is compiled, a value while it runs, a mistake) is declined and left to
//! minijinja itself. So a program never has to be complete, only right where it answers.

mod checks;
mod compile;
mod eval;
mod expressions;
mod filters;
mod free;
mod functions;
mod ops;
mod plain;
mod root;
mod rounds;
mod run;
mod scope;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod value;

pub use compile::bodies;
pub use tree::Program;
#[cfg(test)]
pub use value::Declined;
pub use value::FALLBACK;

use minijinja::machinery::{WhitespaceConfig, parse};
use minijinja::syntax::SyntaxConfig;
use std::collections::BTreeMap;

use super::manifest::Escape;
use compile::{Compiler, Library};

/// Why a template has no program.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unsupported(String);

impl Unsupported {
    fn new(what: &str, why: &str) -> Unsupported {
        Unsupported(format!("{what:?} {why}"))
    }
}

/// Makes a program of each template that can have one: of its name and its text, and whether blocks
/// leave no blank lines in it.
pub fn compile<'s>(
    sources: impl Iterator<Item = (&'s str, &'s str, bool)>,
    escape: &dyn Fn(&str) -> Escape,
) -> impl Iterator<Item = (&'s str, Result<Program, Unsupported>)> {
    let mut templates = BTreeMap::new();
    for (name, text, trims) in sources {
        let space = WhitespaceConfig {
            keep_trailing_newline: false,
            lstrip_blocks: trims,
            trim_blocks: trims,
        };
        if let Ok(parsed) = parse(text, name, SyntaxConfig, space) {
            templates.insert(name, parsed);
        }
    }
    let names: Vec<&str> = templates.keys().copied().collect();
    let library = Library { templates, escape };
    let compiled = names.into_iter().map(|name| (name, Compiler::program(&library, name)));
    compiled.collect::<Vec<_>>().into_iter()
}
