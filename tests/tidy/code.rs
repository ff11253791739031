//! Rules of form for Rust: lengths, first sentences, `unsafe` and its reasons, things left undone.

use super::Finding;
use super::source::Source;

const FILE_LINES_MAX: usize = 500;
const LINE_COLUMNS_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;
/// Longer tests have a file of their own.
const INLINE_TEST_LINES_MAX: usize = 200;
/// Lines above an `unsafe` in which its reason may stand.
const REASON_LINES_MAX: usize = 6;
/// Where `unsafe` may stand: in the server's driver, and in the bare loops that it is held against,
/// which are a driver and nothing else.
const UNSAFE_FOLDERS: [&str; 2] = ["src/ring/", "roofline/src/"];
/// The one test that may have some: an allocator that counts is an `unsafe` trait's.
const UNSAFE_TEST: &str = "tests/allocations.rs";

const LEFT_UNDONE: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Holds one file against all rules of form.
pub fn check(path: &str, source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut tell = |line: usize, text: String| findings.push(Finding::new(path, line, text));
    lengths(source, &mut tell);
    first_sentence(source, &mut tell);
    let may_be_unsafe =
        UNSAFE_FOLDERS.iter().any(|folder| path.starts_with(folder)) || path == UNSAFE_TEST;
    reasons(may_be_unsafe, source, &mut tell);
    left_undone(source, &mut tell);
    attributes(source, &mut tell);
    findings.sort_by_key(|finding| finding.line);
    findings
}

fn lengths(source: &Source, tell: &mut impl FnMut(usize, String)) {
    let count = source.lines.len();
    if count > FILE_LINES_MAX {
        tell(0, format!("{count} lines, {FILE_LINES_MAX} at most"));
    }
    for (number, line) in (1..).zip(&source.lines) {
        let columns = line.chars().count();
        if columns > LINE_COLUMNS_MAX {
            tell(number, format!("{columns} columns, {LINE_COLUMNS_MAX} at most"));
        }
    }
    for function in source.functions() {
        let (first, last) = function.lines;
        let count = last - first + 1;
        if count > FUNCTION_LINES_MAX {
            let name = function.name;
            tell(first, format!("`{name}` has {count} lines, {FUNCTION_LINES_MAX} at most"));
        }
    }
    for module in source.modules().into_iter().filter(|module| module.name == "tests") {
        let (first, last) = module.lines;
        let count = last - first + 1;
        if count > INLINE_TEST_LINES_MAX {
            tell(first, format!("{count} lines of tests: they need a file of their own"));
        }
    }
}

/// The first paragraph of `//!` lines is a sentence.
fn first_sentence(source: &Source, tell: &mut impl FnMut(usize, String)) {
    let lines = source.lines.iter().map_while(|line| line.strip_prefix("//! "));
    let sentence = lines.collect::<Vec<_>>().join(" ");
    let words = sentence.split_whitespace().count();
    if words < 3 || !sentence.trim_end().ends_with('.') {
        tell(1, "the file does not begin with `//! ` and a sentence".to_owned());
    }
}

fn reasons(is_allowed: bool, source: &Source, tell: &mut impl FnMut(usize, String)) {
    for at in source.words("unsafe") {
        let line = source.line(at);
        if !is_allowed {
            tell(line, format!("`unsafe` outside of {}", UNSAFE_FOLDERS[0]));
        }
        let above = line.saturating_sub(1 + REASON_LINES_MAX)..line;
        let is_reason = |text: &String| text.contains("SAFETY: ") || text.contains("# Safety");
        if !source.comments[above].iter().any(is_reason) {
            tell(line, "`unsafe` without a `// SAFETY:` above it".to_owned());
        }
    }
}

fn left_undone(source: &Source, tell: &mut impl FnMut(usize, String)) {
    for name in MACROS {
        for at in source.words(name) {
            if source.next(at + name.len()).starts_with("!(") {
                tell(source.line(at), format!("`{name}!`"));
            }
        }
    }
    for (number, line) in (1..).zip(&source.lines) {
        for word in line.split(|c: char| !c.is_alphanumeric()) {
            if LEFT_UNDONE.contains(&word) {
                tell(number, format!("{word}: do it, or leave it"));
            }
        }
    }
}

fn attributes(source: &Source, tell: &mut impl FnMut(usize, String)) {
    for (name, wanted) in [("allow", ""), ("expect", "reason")] {
        for at in source.words(name) {
            let before = source.code[..at].iter().rev().find(|c| !c.is_whitespace());
            let rest = source.next(at + name.len());
            let Some(rest) = rest.strip_prefix('(').filter(|_| before == Some(&'[')) else {
                continue;
            };
            let end = rest.find(")]").unwrap_or(rest.len());
            if wanted.is_empty() {
                tell(source.line(at), "`#[allow]`: `#[expect]` tells when it is over".to_owned());
            } else if !rest[..end].contains(",reason=") {
                tell(source.line(at), "`#[expect]` without a reason".to_owned());
            }
        }
    }
}

#[cfg(test)]
fn told(path: &str, text: &str) -> Vec<String> {
    super::told(check(path, &Source::new(&format!("//! It is so.\n{text}"))))
}

#[test]
fn lengths_are_bounded() {
    let function = |lines: usize| format!("fn a() {{\n{}}}\n", "    b();\n".repeat(lines - 2));
    assert_eq!(told("src/a.rs", &function(70)), [""; 0]);
    assert_eq!(told("src/a.rs", &function(71)), ["2: `a` has 71 lines, 70 at most"]);
    assert_eq!(told("src/a.rs", &"//\n".repeat(499)), [""; 0]);
    assert_eq!(told("src/a.rs", &"//\n".repeat(500)), ["0: 501 lines, 500 at most"]);
    assert_eq!(told("src/a.rs", &format!("//{}", "é".repeat(98))), [""; 0]);
    assert_eq!(told("src/a.rs", &format!("//{}", "é".repeat(99))), ["2: 101 columns, 100 at most"]);
    let tests = format!("mod tests {{\n{}}}\n", "    const A: u8 = 1;\n".repeat(199));
    let wanted = ["2: 201 lines of tests: they need a file of their own"];
    assert_eq!(told("src/a.rs", &tests), wanted);
}

#[test]
fn files_begin_with_a_sentence() {
    let told = |text: &str| super::told(check("src/a.rs", &Source::new(text))).len();
    assert_eq!(told("//! Counts what it is\n//! given.\n//!\n//! More\n"), 0);
    assert_eq!(told("//! Counts what it is given.\nfn a() {}\n"), 0);
    for text in ["", "use a;\n", "// Counts what it is given.\n", "//! T.\n", "//! Counts and\n"] {
        assert_eq!(told(text), 1, "{text}");
    }
}

#[test]
fn unsafe_has_its_place_and_its_reason() {
    let reason = "// SAFETY: the slice is not empty.\n";
    let block = "let a = unsafe { b() };\n";
    assert_eq!(told("src/ring/a.rs", &format!("{reason}{block}")), [""; 0]);
    assert_eq!(told("src/ring/a.rs", &format!("{reason}{}{block}", "a();\n".repeat(5))), [""; 0]);
    assert_eq!(told("src/ring/a.rs", &format!("{reason}{}{block}", "a();\n".repeat(6))).len(), 1);
    assert_eq!(told("src/ring/a.rs", block), ["2: `unsafe` without a `// SAFETY:` above it"]);
    assert_eq!(told("src/ring/a.rs", "/// # Safety\n/// As above.\nunsafe fn a() {}\n"), [""; 0]);
    assert_eq!(told("src/a.rs", &format!("{reason}{block}")), ["3: `unsafe` outside of src/ring/"]);
    assert_eq!(told("src/a.rs", "// unsafe {\nlet unsafe_code = \"unsafe {\";\n"), [""; 0]);
}

#[test]
fn nothing_is_left_undone() {
    assert_eq!(told("src/a.rs", "fn a() { todo!() }\n"), ["2: `todo!`"]);
    assert_eq!(told("src/a.rs", "fn a() { dbg!(b) }\n"), ["2: `dbg!`"]);
    assert_eq!(told("src/a.rs", "fn a() { \"todo!()\"; todo() }\n"), [""; 0]);
    let comment = format!("// {}: more\n", LEFT_UNDONE[0]);
    assert_eq!(told("src/a.rs", &comment).len(), 1);
    assert_eq!(told("src/a.rs", &format!("// {}S\n", LEFT_UNDONE[0])).len(), 0);
}

#[test]
fn lints_are_expected_and_not_allowed() {
    assert_eq!(told("src/a.rs", "#![allow(dead_code)]\n").len(), 1);
    assert_eq!(told("src/a.rs", "#[allow(dead_code, reason = \"x\")]\nfn a() {}\n").len(), 1);
    assert_eq!(told("src/a.rs", "#[expect(dead_code)]\nfn a() {}\n").len(), 1);
    let expect = "#[expect(\n    dead_code,\n    reason = \"x\"\n)]\nfn a() {}\n";
    assert_eq!(told("src/a.rs", expect), [""; 0]);
    assert_eq!(
        told("src/a.rs", "a.expect(\"x\"); [expect(b)]; allow(c);\n"),
        ["2: `#[expect]` without a reason"]
    );
}
