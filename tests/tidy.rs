//! The house rules hold everywhere: every finding is printed, and each rule has a test of its own.
//!
//! There are the arrows between modules, rules of form, and rules for what the project says of
//! itself. A rule takes a path and a text and gives findings; only this file reads the tree.

#[path = "tidy/arrows.rs"]
mod arrows;
#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/papers.rs"]
mod papers;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;

use source::Source;
use std::fmt;
use std::fs;
use std::path::Path;

/// What a rule has to say of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Finding {
    path: String,
    /// From 1; 0 means the whole file.
    line: usize,
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// Folders at the root that git does not keep.
const LEFT_OUT: [&str; 4] = [".git", "target", "data", "storm"];

/// A file of the project that is text: its path from the root, and what it says.
struct File {
    path: String,
    text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        let ours = [
            "src/",
            "dhcp-event/",
            "loadgen/src/",
            "loadgen/tests/",
            "roofline/src/",
            "tests/",
            "benches/",
            "fuzz/",
        ];
        self.path.rsplit('.').next() == Some("rs")
            && ours.iter().any(|folder| self.path.starts_with(folder))
    }
}

#[test]
fn the_house_is_tidy() {
    let files = files();
    let text = |path: &str| files.iter().find(|f| f.path == path).map(|f| &*f.text);
    let mut findings = Vec::new();
    let mut alone = arrows::Alone::default();
    for file in &files {
        findings.extend(words::check(&file.path, &file.text));
        if file.path.ends_with("Cargo.toml") {
            findings.extend(papers::dependencies(&file.path, &file.text));
        }
        if file.is_rust() {
            let source = Source::new(&file.text);
            findings.extend(arrows::check(&file.path, &source));
            findings.extend(alone.check(&file.path, &source));
            findings.extend(code::check(&file.path, &source));
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match text("ARCHITECTURE.md") {
        Some(text) => findings.extend(papers::paths(text, |path| root.join(path).exists())),
        None => findings.push(Finding::new("ARCHITECTURE.md", 0, "is missing")),
    }
    match text("tuning.md") {
        Some(tuning) => {
            let server = files.iter().filter(|file| file.path.starts_with("src/limits"));
            let server: Vec<_> = server.map(|file| (&*file.path, &*file.text)).collect();
            let loadgen = text("loadgen/src/limits.rs").unwrap_or_default();
            findings.extend(papers::limits(&server, loadgen, tuning));
        }
        None => findings.push(Finding::new("tuning.md", 0, "is missing")),
    }
    for finding in &findings {
        println!("{finding}");
    }
    assert!(files.iter().any(|file| file.path == "src/limits.rs"), "the tree was not read");
    assert!(findings.is_empty(), "{} findings", findings.len());
}

/// All text files below the root that git keeps, in order.
fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("found below the root");
            let name = name.to_str().expect("a name in UTF-8").to_owned();
            if LEFT_OUT.contains(&&*name) || name.ends_with("/target") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                files.push(File { path: name, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Runs a rule on a small text and says the lines and texts of its findings.
#[cfg(test)]
fn told(findings: impl IntoIterator<Item = Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| format!("{}: {}", finding.line, finding.text)).collect()
}
