//! A paper of which this tool writes marked parts and keeps the others: no figure is typed.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// What a paper starts as.
const SKELETON: &str = "\
# Performance

`make compare` and `make scale` write this page and its figures; nobody types them.

<!-- compare: begin -->
<!-- compare: end -->

<!-- scale: begin -->
<!-- scale: end -->
";

/// Puts `text` in the part `name` of the paper, which is made where there is none.
///
/// # Errors
/// When it cannot be read or written.
pub fn write(paper: &Path, name: &str, text: &str) -> Result<()> {
    let told = || paper.display().to_string();
    let old = match fs::read_to_string(paper) {
        Ok(old) => old,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => SKELETON.to_owned(),
        Err(error) => return Err(error).with_context(told),
    };
    fs::write(paper, with_part(&old, name, text)).with_context(told)
}

/// The paper with this part; at its end when it has none of the name.
fn with_part(paper: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let part = format!("{begin}\n{}\n{end}", text.trim_end());
    let cut = paper
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    match cut {
        Some((before, after)) => format!("{before}{part}{after}"),
        None => format!("{}\n\n{part}\n", paper.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_replaces_itself_and_nothing_else() {
        let first = with_part(SKELETON, "compare", "one\n");
        assert!(first.contains("<!-- compare: begin -->\none\n<!-- compare: end -->\n"));
        let both = with_part(&first, "scale", "two");
        let again = with_part(&both, "compare", "three");
        assert!(!again.contains("one") && again.contains("two") && again.contains("three"));
        assert_eq!(with_part(&again, "compare", "one\n"), both);
        assert!(
            with_part("# Other\n", "scale", "x").ends_with("begin -->\nx\n<!-- scale: end -->\n")
        );
    }
}
