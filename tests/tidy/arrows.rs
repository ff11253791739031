//! Data and names flow one way: a module names those that the table lets it, and nothing else.

use super::Finding;
use super::source::{Source, is_name};
use std::collections::BTreeMap;

/// What a module may name of the crate. A module without a place here is a finding.
const ARROWS: &[(&str, &[&str])] = &[
    ("limits", &["time"]),
    ("time", &[]),
    ("device", &["limits"]),
    ("query", &["device"]),
    ("url", &[]),
    ("wire", &["limits", "time"]),
    ("wire::http", &["limits", "time"]),
    ("wire::tftp", &["limits", "time"]),
    ("ring", &["limits", "time"]),
    ("directory", &["limits", "device", "time"]),
    ("plugin", &["limits", "device", "query", "time"]),
    ("identify", &["limits", "device", "query", "directory", "plugin", "time"]),
    ("content", &["limits", "time", "device", "directory", "plugin", "world"]),
    ("store", &["limits", "device", "directory", "time"]),
    ("world", &["limits", "device", "query", "directory", "plugin", "identify", "store", "time"]),
    ("shadow", &["limits", "time", "query", "wire", "content"]),
    (
        "worker",
        &[
            "limits", "time", "device", "query", "wire", "ring", "plugin", "content", "world",
            "shadow",
        ],
    ),
    (
        "control",
        &[
            "limits",
            "time",
            "device",
            "query",
            "directory",
            "plugin",
            "content",
            "store",
            "world",
            "watch",
            "wazo",
            "bus",
            "notify",
            "dhcp",
            "packages",
            "url",
        ],
    ),
    (
        "watch",
        &["limits", "time", "device", "query", "ring", "plugin", "content", "world", "worker"],
    ),
    ("wazo", &["limits", "time", "device", "url"]),
    ("bus", &["limits", "time"]),
    ("notify", &["limits", "time", "device", "plugin"]),
    ("dhcp", &["limits", "time", "device", "query", "world"]),
    ("packages", &["limits", "plugin"]),
    ("tools", &["device", "query", "plugin"]),
    ("import", ALL),
    ("export", ALL),
    ("log", &["limits", "time"]),
    ("settings", ALL),
    ("serve", ALL),
    ("main", ALL),
    ("commands", ALL),
    ("lib", ALL),
];

const ALL: &[&str] = &["*"];

/// Names that a module may take of another that it names, where not all of them: time is an
/// argument, so that these know its types and no clock. The store's thread is a loop of its own.
const ONLY: &[(&str, &str, &[&str])] = &[
    ("limits", "time", &["Duration"]),
    ("plugin", "time", &["Civil"]),
    ("directory", "time", &["Duration", "Instant"]),
    ("identify", "time", &["Duration", "Instant"]),
    ("world", "time", &["Duration", "Instant"]),
];

/// Crates that few places name, and whether it is one file of them.
const DOORS: &[(&str, &[&str], bool)] = &[
    ("amqprs", &["src/bus"], false),
    ("httparse", &["src/wire/http"], true),
    ("io_uring", &["src/ring"], false),
    ("libc", &["src/ring"], false),
    ("rocksdb", &["src/store"], false),
    ("ureq", &["src/packages", "src/commands/ctl", "src/wazo", "src/notify"], false),
];

/// What the load generator may name of the server: what both ends of a wire share.
const LOADGEN: &[&str] = &["device", "limits", "time", "wire"];

/// Holds one file against the table.
pub fn check(path: &str, source: &Source) -> Vec<Finding> {
    if path.starts_with("loadgen/src/") {
        return loadgen(path, source);
    }
    let Some(file) = path.strip_prefix("src/").and_then(|path| path.strip_suffix(".rs")) else {
        return Vec::new();
    };
    let here = module(file);
    let own = own(&here);
    let Some((_, may)) = ARROWS.iter().find(|(module, _)| *module == own) else {
        return vec![Finding::new(path, 0, format!("`{own}` has no place in the table"))];
    };
    let mut findings = leaves(path, source, here.len(), own.split("::").count());
    // Tests see the whole flow: they may set up what stands before and look at what comes behind.
    if *may == ALL || here.contains(&"tests") {
        return findings;
    }
    let modules = source.modules().into_iter();
    let tests: Vec<_> = modules.filter(|module| module.name == "tests").collect();
    for (at, named) in named(source, "crate") {
        if tests.iter().any(|tests| tests.body.contains(&at)) {
            continue;
        }
        let name: Vec<&str> = named.split("::").collect();
        let is_own = named == own || named.starts_with(&format!("{own}::"));
        if !is_own && !may.contains(&name[0]) {
            let text = format!("`{own}` may not name `crate::{named}`");
            findings.push(Finding::new(path, source.line(at), text));
        }
        let only = ONLY.iter().find(|(from, to, _)| *from == own && *to == name[0]);
        if let Some((_, _, only)) = only
            && !name.get(1).is_some_and(|name| only.contains(name))
        {
            let text = format!("of `{}`, `{own}` may name {only:?} only", name[0]);
            findings.push(Finding::new(path, source.line(at), text));
        }
    }
    findings
}

/// The modules down to a file's own: `x_tests.rs` holds the tests of `x`.
fn module(file: &str) -> Vec<&str> {
    let mut here: Vec<&str> = file.split('/').collect();
    match here.pop() {
        Some("mod") if !here.is_empty() => {}
        Some(name) => match name.strip_suffix("_tests") {
            Some(tested) => here.extend([tested, "tests"]),
            None => here.push(name),
        },
        None => {}
    }
    here
}

/// The module of the table that a file belongs to: two names where the table has both.
fn own(here: &[&str]) -> String {
    let long = here.iter().take(2).copied().collect::<Vec<_>>().join("::");
    if ARROWS.iter().any(|(module, _)| *module == long) { long } else { here[0].to_owned() }
}

/// Paths that leave the module by `super`.
fn leaves(path: &str, source: &Source, depth: usize, base: usize) -> Vec<Finding> {
    let modules = source.modules();
    let mut findings = Vec::new();
    let mut last = 0;
    for at in source.words("super") {
        // Only the first of a chain: `super::super::x`.
        if at < last {
            continue;
        }
        let mut ups = 0;
        let mut end = at;
        while source.code[end..].starts_with(&['s', 'u', 'p', 'e', 'r', ':', ':']) {
            ups += 1;
            end += 7;
        }
        last = end;
        let inside = modules.iter().filter(|module| module.body.contains(&at)).count();
        if ups > 0 && depth + inside < base + ups {
            let text = "`super::` leaves the module: name it by `crate::`";
            findings.push(Finding::new(path, source.line(at), text));
        }
    }
    findings
}

/// What stands behind `root::` in the code, groups taken apart: two names of each path.
fn named(source: &Source, root: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for at in source.words(root) {
        let rest = source.next(at + root.len());
        let Some(rest) = rest.strip_prefix("::") else { continue };
        if let Some(group) = rest.strip_prefix('{') {
            paths.extend(members(group).into_iter().map(|path| (at, path)));
        } else {
            let (first, rest) = name(rest);
            let second = rest.strip_prefix("::").map_or("", |rest| name(rest).0);
            let inner = rest.strip_prefix("::{").map(members).unwrap_or_default();
            for member in &inner {
                paths.push((at, format!("{first}::{member}")));
            }
            if inner.is_empty() {
                let path =
                    if second.is_empty() { first.into() } else { format!("{first}::{second}") };
                paths.push((at, path));
            }
        }
    }
    paths
}

/// The paths of a group's members; of groups inside them only what stands in front.
fn members(group: &str) -> Vec<String> {
    let mut members = vec![String::new()];
    let mut depth = 0;
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => members.push(String::new()),
            c if depth == 0 => members.last_mut().expect("one at least").push(c),
            _ => {}
        }
    }
    let clean = |member: &String| {
        let names = member.split("::").map(|part| name(part.trim()).0).filter(|n| !n.is_empty());
        names.take(2).collect::<Vec<_>>().join("::")
    };
    members.iter().map(clean).filter(|member| !member.is_empty()).collect()
}

fn name(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()))
}

fn loadgen(path: &str, source: &Source) -> Vec<Finding> {
    let foreign = |named: &str| !LOADGEN.contains(&name(named).0);
    let named = named(source, "ringboot").into_iter().filter(|(_, named)| foreign(named));
    named
        .map(|(at, named)| {
            let text = format!("the load generator may not name `ringboot::{named}`");
            Finding::new(path, source.line(at), text)
        })
        .collect()
}

/// Crates behind doors, over all files of `src`.
#[derive(Default)]
pub struct Alone {
    /// The file in which each crate was seen that only one file may name.
    seen: BTreeMap<&'static str, String>,
}

impl Alone {
    pub fn check(&mut self, path: &str, source: &Source) -> Vec<Finding> {
        let mut findings = Vec::new();
        for &(name, doors, one_file) in DOORS {
            let Some(&at) = source.words(name).first().filter(|_| path.starts_with("src/")) else {
                continue;
            };
            let line = source.line(at);
            let is_in =
                |door: &&str| path.starts_with(&format!("{door}/")) || path == format!("{door}.rs");
            if !doors.iter().any(is_in) {
                let text = format!("`{name}` is named outside of {}", doors.join(", "));
                findings.push(Finding::new(path, line, text));
            } else if one_file {
                let first = self.seen.entry(name).or_insert_with(|| path.to_owned());
                if first != path {
                    let text = format!("`{name}` is named in {first} already: one file does it");
                    findings.push(Finding::new(path, line, text));
                }
            }
        }
        findings
    }
}

#[test]
fn arrows_are_held() {
    let told = |path: &str, text: &str| super::told(check(path, &Source::new(text)));
    let none: [&str; 0] = [];
    assert_eq!(told("src/store/mod.rs", "use crate::device::Device;\n"), none);
    assert_eq!(told("src/store/mod.rs", "use crate::store::documents::read;\n"), none);
    assert_eq!(told("src/store/mod.rs", "// crate::ring\n\"crate::ring\";\n"), none);
    assert_eq!(
        told("src/store/rocks.rs", "\nuse crate::ring::Io;\nfn f() { crate::wire::x() }\n"),
        ["2: `store` may not name `crate::ring::Io`", "3: `store` may not name `crate::wire::x`"]
    );
    assert_eq!(
        told("src/query.rs", "use crate::{device::Mac, time::{self, Civil},\n    limits};\n"),
        ["1: `query` may not name `crate::time`", "1: `query` may not name `crate::limits`"]
    );
    assert_eq!(told("src/limits.rs", "use crate::time::Duration;\n"), none);
    let wrong = ["1: of `time`, `limits` may name [\"Duration\"] only"];
    assert_eq!(told("src/limits.rs", "use crate::time::{Duration, Instant};\n"), wrong);
    assert_eq!(told("src/store/mod.rs", "use crate::time::Instant;\n"), none);
    assert_eq!(told("src/world/mod.rs", "fn f() { crate::time::now() }\n").len(), 1);
    assert_eq!(told("src/store/mod.rs", "mod tests {\n    use crate::ring::Io;\n}\n"), none);
    assert_eq!(told("src/store/tests.rs", "use crate::ring::Io;\n"), none);
    assert_eq!(told("src/radio.rs", "use crate::device::Mac;\n").len(), 1);
    assert_eq!(told("src/main.rs", "use crate::ring::Io;\n"), none);
    assert_eq!(told("loadgen/src/main.rs", "use ringboot::wire::tftp;\n"), none);
    assert_eq!(told("loadgen/src/main.rs", "use ringboot::{time, store::Rocks};\n").len(), 1);
}

#[test]
fn parents_of_a_module_are_not_named() {
    let told = |path: &str, text: &str| super::told(check(path, &Source::new(text)));
    assert_eq!(told("src/store/mod.rs", "use super::ring;\n").len(), 1);
    assert_eq!(told("src/store/rocks.rs", "use super::Store;\n").len(), 0);
    assert_eq!(told("src/store/rocks.rs", "use super::super::ring;\n").len(), 1);
    assert_eq!(told("src/store/rocks.rs", "mod tests {\n    use super::super::S;\n}\n").len(), 0);
    assert_eq!(told("src/wire/tftp/pair_tests.rs", "use super::super::pair;\n").len(), 0);
    assert_eq!(told("src/wire/tftp/pair_tests.rs", "use super::super::super::http;\n").len(), 1);
    assert_eq!(told("src/wire/http/date.rs", "use super::Status;\n").len(), 0);
    assert_eq!(told("src/wire/http/date.rs", "use super::super::tftp;\n").len(), 1);
    assert_eq!(told("src/wire/http/date.rs", "use crate::wire::tftp;\n").len(), 1);
}

#[test]
fn crates_stay_behind_their_doors() {
    let mut alone = Alone::default();
    let mut told = |path: &str, text: &str| alone.check(path, &Source::new(text)).len();
    assert_eq!(told("src/ring/probe.rs", "use libc::c_int;\n"), 0);
    assert_eq!(told("src/worker/mod.rs", "use libc::c_int;\n"), 1);
    assert_eq!(told("loadgen/src/driver.rs", "use libc::c_int;\n"), 0);
    assert_eq!(told("src/store/rocks.rs", "use rocksdb::DB;\n"), 0);
    assert_eq!(told("src/world.rs", "fn f(db: &rocksdb::DB) {}\n"), 1);
    assert_eq!(told("src/packages/download.rs", "use ureq::Agent;\n"), 0);
    assert_eq!(told("src/wazo/client.rs", "use ureq::Agent;\n"), 0);
    assert_eq!(told("src/control/mod.rs", "use ureq::Agent;\n"), 1);
    assert_eq!(told("src/wire/http/parse.rs", "httparse::parse()\n"), 0);
    assert_eq!(told("src/wire/http/parse.rs", "httparse::parse()\n"), 0);
    assert_eq!(told("src/wire/http/chunked.rs", "httparse::parse()\n"), 1);
}
