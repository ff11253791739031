//! Folders of documents, read on all cores: a file is a document, and its name is the document's.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::facts::Fact;
use super::report::Report;
use crate::device::{Document, Text};
use crate::limits;

/// Reads each file of a folder into what `make` makes of it, in the order of names. A folder that
/// is not there has none. `progress` is told how many are read and all.
///
/// # Errors
/// Where the folder cannot be listed. What is wrong with a file goes into the report.
pub fn folder<T: Send>(
    folder: &Path,
    report: &mut Report,
    make: &(dyn Fn(Text, Document, &mut Report) -> Option<T> + Sync),
    progress: &mut dyn FnMut(usize, usize),
) -> io::Result<Vec<T>> {
    let names = names(folder)?;
    let lots: Vec<&[OsString]> = names.chunks(limits::IMPORT_LOT).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = |told: &mut dyn FnMut(usize)| {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(lot) = lots.get(at) else { break };
            let mut report = Report::default();
            let read = |name| one(folder, name, &mut report, make);
            let made: Vec<T> = lot.iter().filter_map(read).collect();
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, made, report));
            told(at);
        }
    };
    let all = names.len();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..cores.min(limits::LOAD_THREADS_MAX) {
            scope.spawn(|| work(&mut |_| {}));
        }
        work(&mut |at| progress(all.min(at * limits::IMPORT_LOT), all));
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, ..)| *at);
    progress(all, all);
    let mut read = Vec::with_capacity(all);
    for (_, made, told) in done {
        report.add(told);
        read.extend(made);
    }
    Ok(read)
}

/// The names in a folder, in their order; none where there is no folder.
pub fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names =
        entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<OsString>>>()?;
    names.sort_unstable();
    Ok(names)
}

fn one<T>(
    folder: &Path,
    name: &OsString,
    report: &mut Report,
    make: &(dyn Fn(Text, Document, &mut Report) -> Option<T> + Sync),
) -> Option<T> {
    let path = folder.join(name);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) => {
            report.tell(Fact::Unreadable, format_args!("{}: {error}", short(&path)));
            return None;
        }
    };
    let Some(id) = name.to_str() else {
        report.tell(Fact::BadName, short(&path));
        return None;
    };
    let mut document = object(&text, &path, report)?;
    match document.get("id") {
        Some(serde_json::Value::String(inner)) if inner == id => {}
        inner => {
            let inner = inner.map_or_else(|| "none".to_owned(), ToString::to_string);
            report.tell(Fact::OtherId, format_args!("{}: {inner}", short(&path)));
            document.insert("id".to_owned(), id.into());
        }
    }
    make(id.into(), document, report)
}

/// A JSON object, as Python's reader takes it: half of a surrogate pair counts as a character.
pub fn object(text: &[u8], path: &Path, report: &mut Report) -> Option<Document> {
    let error = match serde_json::from_slice(text) {
        Ok(document) => return Some(document),
        Err(error) => error,
    };
    if let Some(mended) = mend(text)
        && let Ok(document) = serde_json::from_slice(&mended)
    {
        report.tell(Fact::Surrogate, short(path));
        return Some(document);
    }
    report.tell(Fact::NoJson, format_args!("{}: {error}", short(path)));
    None
}

/// Replaces escaped halves of surrogate pairs that stand alone; none where there are none.
fn mend(text: &[u8]) -> Option<Vec<u8>> {
    let mut mended = Vec::with_capacity(text.len());
    let mut is_changed = false;
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let length = match (first, after.first()) {
            (b'\\', Some(b'u')) => match (unit(rest), rest.get(6..).and_then(unit)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
                (Some(0xd800..=0xdfff), _) => {
                    mended.extend_from_slice(b"\\ufffd");
                    is_changed = true;
                    rest = &rest[6..];
                    continue;
                }
                _ => 2,
            },
            (b'\\', Some(_)) => 2,
            _ => 1,
        };
        mended.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
    }
    is_changed.then_some(mended)
}

/// The number of an escape that the text begins with.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The end of a path that says where in an installation it is.
pub fn short(path: &Path) -> String {
    let parts: Vec<_> = path.components().rev().take(2).collect();
    let short: PathBuf = parts.into_iter().rev().collect();
    short.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_halves_are_mended_and_pairs_stay() {
        let mend = |text: &str| {
            mend(text.as_bytes()).map(|mended| String::from_utf8(mended).expect("a text"))
        };
        assert_eq!(mend(r#"{"a":"\ud83d\ude00 \\ud83d"}"#), None);
        assert_eq!(mend(r#"{"a":"\ud83d"}"#).as_deref(), Some(r#"{"a":"\ufffd"}"#));
        assert_eq!(mend(r"\ude00\ud83d\ude00").as_deref(), Some(r"\ufffd\ud83d\ude00"));
        assert_eq!(mend(r"\ud83d\u0041\").as_deref(), Some(r"\ufffd\u0041\"));
        assert_eq!(mend(r"\u12"), None);
    }
}
