//! Papers and manifests keep to what is there: paths exist, bounds are explained, dependencies too.

use super::Finding;

/// First parts of the paths that a paper may name.
const FOLDERS: [&str; 8] = ["src", "tests", "docs", "loadgen", "plugins", "benches", "fuzz", ".ci"];

/// Upper-case words that are the kernel's or the environment's, by their beginnings.
const FOREIGN: [&str; 12] = [
    "SO_",
    "TCP_",
    "IP_",
    "UDP_",
    "RLIMIT_",
    "RINGBOOT_",
    "IORING_",
    "EPOLL",
    "MSG_",
    "MALLOC_",
    "MIMALLOC_",
    "CAP_",
];

/// Paths in backticks that are not there. A path is told by its first folder, or by its ending
/// where it lies at the root; from a placeholder (`*`, `<vendor>`, `{mac}`, `…`) on it may be any.
pub fn paths(text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, word) in quoted(text) {
        let first = word.split('/').next().unwrap_or_default();
        let is_folder = FOLDERS.contains(&first) && word.contains('/');
        let is_file = [".md", ".toml", ".rs"].iter().any(|end| word.ends_with(end));
        let is_one_word = !word.contains(char::is_whitespace);
        if !is_one_word || (!is_folder && (!is_file || word.contains('/'))) {
            continue;
        }
        let is_open = |part: &&str| part.contains(['*', '<', '{', '…']);
        let sure: Vec<&str> = word.split('/').take_while(|part| !is_open(part)).collect();
        let sure = sure.join("/");
        let path = sure.split(':').next().unwrap_or_default().trim_end_matches('/');
        if !path.is_empty() && !exists(path) {
            findings.push(Finding::new("ARCHITECTURE.md", line, format!("`{word}` is not there")));
        }
    }
    findings
}

/// Bounds that tuning.md does not explain, and words of its that look like bounds and are none.
pub fn limits(server: &[(&str, &str)], loadgen: &str, tuning: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let words: Vec<(usize, &str)> = quoted(tuning).collect();
    let mut known: Vec<&str> = constants(loadgen).map(|(_, name)| name).collect();
    for (path, text) in server {
        for (line, name) in constants(text) {
            known.push(name);
            if !words.iter().any(|(_, word)| *word == name) {
                let text = format!("tuning.md does not explain `{name}`");
                findings.push(Finding::new(path, line, text));
            }
        }
    }
    for (line, word) in words {
        let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let looks = word.contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(is_upper);
        let foreign = FOREIGN.iter().any(|start| word.starts_with(start));
        if looks && !foreign && !known.contains(&word) {
            findings.push(Finding::new("tuning.md", line, format!("no bound is named `{word}`")));
        }
    }
    findings
}

fn constants(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let (name, _) = line.strip_prefix("pub const ")?.split_once(':')?;
        Some((number, name))
    })
}

/// What stands in backticks, with its line; blocks of code are left out.
fn quoted(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    let lines = (1..).zip(text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        !in_block && !fence
    });
    lines.flat_map(|(number, line)| {
        line.split('`').skip(1).step_by(2).map(move |word| (number, word))
    })
}

/// Dependencies of a Cargo.toml without a comment beside or above them; those of the workspace
/// are explained there.
pub fn dependencies(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut section = "";
    let mut above = false;
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        let (before, explained) = (std::mem::take(&mut above), line.contains(" # "));
        if line.starts_with('[') {
            section = line.split(']').next().unwrap_or_default();
            let own = section.split_once("dependencies.").map(|(_, name)| name);
            if let Some(name) = own
                && !explained
                && !before
            {
                findings.push(Finding::new(path, number, format!("what is `{name}` for?")));
            }
        } else if line.starts_with('#') {
            above = true;
        } else if section.ends_with("dependencies")
            && let Some((name, value)) = line.split_once('=')
            && name.trim().chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
        {
            let inherited =
                name.trim().ends_with(".workspace") || value.contains("workspace = true");
            if !explained && !before && !inherited {
                let text = format!("what is `{}` for?", name.trim());
                findings.push(Finding::new(path, number, text));
            }
        }
    }
    findings
}

#[test]
fn paths_exist() {
    let exists = |path: &str| ["src/ring", "docs/plugins.md", "tuning.md"].contains(&path);
    let told = |text: &str| super::told(paths(text, exists));
    assert_eq!(told("`src/ring/`, `docs/plugins.md`, `tuning.md`\n"), [""; 0]);
    assert_eq!(
        told("a\n`src/wing/mod.rs` and `limits.md`\n"),
        ["2: `src/wing/mod.rs` is not there", "2: `limits.md` is not there"]
    );
    assert_eq!(told("`a/b` `GET /src/x` `wire::http` `src/ring/*.rs`\n"), [""; 0]);
    assert_eq!(
        told("`plugins/<vendor>/cases.toml`\n"),
        ["1: `plugins/<vendor>/cases.toml` is not there"]
    );
    assert_eq!(told("```text\n`src/wing`\n```\n`src/wing/`\n").len(), 1);
}

#[test]
fn bounds_are_explained() {
    let source = "/// A.\npub const A_MAX: u8 = 1;\n/// B.\npub const B: u8 = 1;\n";
    let told = |tuning: &str| {
        super::told(limits(&[("src/limits.rs", source)], "pub const C_MAX: u8 = 1;\n", tuning))
    };
    assert_eq!(told("`A_MAX` and `B`, like `C_MAX` and `SO_RCVBUF`\n"), [""; 0]);
    assert_eq!(told("A_MAX and `B`\n"), ["2: tuning.md does not explain `A_MAX`"]);
    assert_eq!(told("`A_MAX` `B`\n`B_MAX` `GET` `x_MAX`\n"), ["2: no bound is named `B_MAX`"]);
}

#[test]
fn dependencies_are_explained() {
    let told = |text: &str| super::told(dependencies("Cargo.toml", text));
    assert_eq!(
        told("[dependencies]\na = \"1\" # b\nc.workspace = true\n# d\ne = \"1\"\n"),
        [""; 0]
    );
    assert_eq!(told("[package]\nname = \"a\"\n"), [""; 0]);
    assert_eq!(told("[dev-dependencies]\na = \"1\"\n"), ["2: what is `a` for?"]);
    assert_eq!(told("[workspace.dependencies]\na = { version = \"1\" }\n").len(), 1);
    assert_eq!(told("[dependencies.a]\nversion = \"1\"\n"), ["1: what is `a` for?"]);
    assert_eq!(told("# for b\n[dependencies.a]\nversion = \"1\"\n"), [""; 0]);
}
