//! Differences, counted by kind and by plugin, and told one by one where that is wanted.

use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};

use super::{Asked, Content};
use crate::query::Source;
use crate::time;

/// How two answers to one request differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Byte for byte the same, or a file nowhere.
    Same,
    /// Of files too large to be compared only the lengths are known, and they are the same.
    SameLength,
    /// A file here, none there.
    OnlyHere,
    /// A file there, none here.
    OnlyThere,
    /// Another file.
    Other,
    /// The other server did not answer.
    NoAnswer,
}

impl Kind {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Same => "the same",
            Kind::SameLength => "of the same length",
            Kind::OnlyHere => "a file only here",
            Kind::OnlyThere => "a file only there",
            Kind::Other => "another file",
            Kind::NoAnswer => "no answer there",
        }
    }

    fn of(here: &Content, there: &io::Result<Content>) -> Kind {
        let Ok(there) = there else { return Kind::NoAnswer };
        match (here, there) {
            (Content::Nothing, Content::Nothing) => Kind::Same,
            (_, Content::Nothing) => Kind::OnlyHere,
            (Content::Nothing, _) => Kind::OnlyThere,
            (Content::Bytes(here), Content::Bytes(there)) if here == there => Kind::Same,
            (Content::Bytes(_), Content::Bytes(_)) => Kind::Other,
            _ if here.len() == there.len() => Kind::SameLength,
            _ => Kind::Other,
        }
    }
}

/// What was found so far.
pub struct Report {
    /// By kind, and by protocol and plugin.
    counts: BTreeMap<(Kind, &'static str, String), u64>,
    out: Option<File>,
    with_lines: bool,
}

impl Report {
    /// Nothing yet. `out` takes a line for each difference.
    pub fn new(out: Option<File>, with_lines: bool) -> Report {
        Report { counts: BTreeMap::new(), out, with_lines }
    }

    pub(super) fn take(&mut self, asked: &Asked, here: &Content, there: &io::Result<Content>) {
        let kind = Kind::of(here, there);
        let protocol = if asked.source == Source::Tftp { "TFTP" } else { "HTTP" };
        let plugin = asked.plugin.clone().unwrap_or_else(|| "–".to_owned());
        *self.counts.entry((kind, protocol, plugin)).or_default() += 1;
        if !matches!(kind, Kind::Same | Kind::SameLength)
            && let Err(error) = self.tell(kind, asked, here, there)
        {
            tracing::error!(%error, "differences are no longer written");
            self.out = None;
        }
    }

    fn tell(
        &mut self,
        kind: Kind,
        asked: &Asked,
        here: &Content,
        there: &io::Result<Content>,
    ) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        let mut line = json!({
            "at": time::civil_now().0,
            "kind": kind.name(),
            "protocol": if asked.source == Source::Tftp { "TFTP" } else { "HTTP" },
            "ip": asked.ip.to_string(),
            "path": String::from_utf8_lossy(&asked.path),
            "query": String::from_utf8_lossy(&asked.args),
            "user_agent": asked.agent.as_ref().map(|agent| String::from_utf8_lossy(agent)),
            "plugin": asked.plugin,
            "bytes_here": here.len(),
        });
        match there {
            Err(error) => line["error"] = error.to_string().into(),
            Ok(there) => {
                line["bytes_there"] = there.len().into();
                if let (Content::Bytes(here), Content::Bytes(there)) = (here, there) {
                    let (number, here, there) = first_difference(here, there);
                    line["line"] = number.into();
                    if self.with_lines {
                        line["line_here"] = String::from_utf8_lossy(here).into();
                        line["line_there"] = String::from_utf8_lossy(there).into();
                    }
                }
            }
        }
        writeln!(out, "{line}")
    }

    /// For people: a line for each kind, protocol and plugin.
    pub fn table(&self, dropped: u64) -> String {
        let mut out = String::new();
        let all: u64 = self.counts.values().sum();
        let _ = writeln!(out, "{all} requests compared, {dropped} left out");
        for ((kind, protocol, plugin), count) in &self.counts {
            let _ = writeln!(out, "{count:>10}  {:<20} {protocol}  {plugin}", kind.name());
        }
        out
    }
}

/// The first line that differs, counted from 1, in both texts.
fn first_difference<'t>(here: &'t [u8], there: &'t [u8]) -> (usize, &'t [u8], &'t [u8]) {
    let (mut left, mut right) = (here.split(|b| *b == b'\n'), there.split(|b| *b == b'\n'));
    let mut number = 0;
    loop {
        number += 1;
        match (left.next(), right.next()) {
            (Some(here), Some(there)) if here == there => {}
            (here, there) => return (number, here.unwrap_or_default(), there.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn kinds_are_told_apart() {
        let bytes = |text: &'static str| Content::Bytes(Bytes::from_static(text.as_bytes()));
        let lost = || Err(io::Error::other("gone"));
        for (here, there, kind) in [
            (bytes("a"), Ok(bytes("a")), Kind::Same),
            (Content::Nothing, Ok(Content::Nothing), Kind::Same),
            (bytes("a"), Ok(bytes("b")), Kind::Other),
            (bytes("a"), Ok(Content::Nothing), Kind::OnlyHere),
            (Content::Nothing, Ok(bytes("")), Kind::OnlyThere),
            (Content::Length(1), Ok(bytes("a")), Kind::SameLength),
            (Content::Length(2), Ok(bytes("a")), Kind::Other),
            (Content::Nothing, lost(), Kind::NoAnswer),
        ] {
            assert_eq!(Kind::of(&here, &there), kind);
        }
    }

    #[test]
    fn the_first_line_that_differs_is_found() {
        assert_eq!(first_difference(b"a\nb\nc", b"a\nx\nc"), (2, &b"b"[..], &b"x"[..]));
        assert_eq!(first_difference(b"a", b"a\nb"), (2, &b""[..], &b"b"[..]));
    }
}
