//! The project speaks only of itself: no machine's paths, no other people's services, no ledgers.
//!
//! The words are put together here, so that this file holds none of them.

use super::Finding;

/// Folders that are one machine's; users' examples live in `/var/lib`, `/srv` and `/etc`.
const FOLDERS: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/t", "mp/"), concat!("/ho", "me/")];

/// Hosts and names that the project has nothing to say of.
const WORDS: [&str; 14] = [
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js.org"),
    concat!("ruby", "gems.org"),
    concat!("proxy.", "golang.org"),
    concat!("conda.", "anaconda.org"),
    concat!("maven", ".org"),
    concat!("anth", "ropic"),
    concat!("clau", "de"),
    concat!("chat", "gpt"),
    concat!("open", "ai"),
    concat!("copi", "lot"),
    concat!("language ", "model"),
];

/// What stands in front of an issue's number.
const LEDGERS: [&str; 5] = ["issue", "fixes", "closes", "pr", "bug"];

/// Files that are written by tools, and say where they have things from.
const WRITTEN_BY_TOOLS: [&str; 2] = ["Cargo.lock", "fuzz/Cargo.lock"];

/// Holds one text file against the lists.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    if WRITTEN_BY_TOOLS.contains(&path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let folders = FOLDERS.iter().filter(|folder| names_folder(line, folder));
        let lower = line.to_lowercase();
        let words = WORDS.iter().filter(|word| stands(&lower, word));
        for found in folders.chain(words) {
            findings.push(Finding::new(path, number, format!("speaks of {found:?}")));
        }
        if LEDGERS.iter().any(|ledger| names_number(&lower, ledger)) {
            findings.push(Finding::new(path, number, "speaks of an issue by its number"));
        }
    }
    findings
}

/// Whether a path begins with this folder: nothing that could be a path's stands before it.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !".-_}>*)/".contains(c))
            || line[..at].ends_with("file://")
    })
}

/// Whether the word stands by itself.
fn stands(line: &str, word: &str) -> bool {
    let free = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    line.match_indices(word).any(|(at, _)| {
        free(line[..at].chars().next_back()) && free(line[at + word.len()..].chars().next())
    })
}

fn names_number(line: &str, ledger: &str) -> bool {
    line.match_indices(ledger).any(|(at, _)| {
        let rest = line[at + ledger.len()..].strip_prefix(" #");
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric())
            && rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

#[test]
fn only_the_project_is_spoken_of() {
    let told = |text: &str| check("docs/a.md", text).len();
    for folder in FOLDERS {
        assert_eq!(told(&format!("as in {folder}a")), 1, "{folder}");
        assert_eq!(told(&format!("\"{folder}a\"")), 1, "{folder}");
        assert_eq!(told(&format!("file://{folder}a")), 1, "{folder}");
        assert_eq!(told(&format!("src{folder}a")), 0, "{folder}");
        assert_eq!(told(&format!("{{x}}{folder}a")), 0, "{folder}");
    }
    for word in WORDS {
        assert_eq!(told(&format!("see https://{word}/a")), 1, "{word}");
        assert_eq!(told(&format!("x\nsee {}.", word.to_uppercase())), 1, "{word}");
        assert_eq!(told(&format!("un{word}s")), 0, "{word}");
    }
    assert_eq!(told(&format!("{} {}12", LEDGERS[0], '#')), 1);
    assert_eq!(told("line 12 of the issue, # 12, &#12; issue"), 0);
    assert_eq!(check("Cargo.lock", WORDS[0]).len(), 0);
}
