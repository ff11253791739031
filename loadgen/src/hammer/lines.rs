//! Who asks for what: lines of a file or one request for all, dealt to clients once and for good.

use super::flags::Common;
use crate::fleet::loopback;
use anyhow::{Context, Result, bail};
use std::fs;
use std::net::Ipv4Addr;

/// What one client asks for, and as whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The address that it speaks from; the kernel's choice when there is none.
    pub source: Option<Ipv4Addr>,
    /// The path, or the name of a TFTP file.
    pub path: String,
    /// The User-Agent.
    pub agent: String,
}

/// The lines of all clients.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lines {
    lines: Vec<Line>,
    sources: u64,
}

impl Lines {
    /// Those of the flags.
    ///
    /// # Errors
    /// A file that cannot be read, or a line that is none.
    pub fn load(flags: &Common) -> Result<Self> {
        let lines = match &flags.requests {
            None => {
                let Common { path, agent, .. } = flags.clone();
                vec![Line { source: None, path, agent }]
            }
            Some(file) => {
                let name = file.display().to_string();
                let text = fs::read_to_string(file).with_context(|| name.clone())?;
                parse(&text).with_context(|| name)?
            }
        };
        Ok(Self { lines, sources: flags.sources })
    }

    /// The line of client `client`: always the same, so that a phone keeps its address.
    #[must_use]
    pub fn of(&self, client: usize) -> Line {
        let mut line = self.lines[client % self.lines.len()].clone();
        if line.source.is_none() && self.sources > 0 {
            line.source = Some(loopback(client as u64 % self.sources));
        }
        line
    }
}

fn parse(text: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        lines.push(line(text).with_context(|| format!("line {number}"))?);
    }
    if lines.is_empty() {
        bail!("no lines");
    }
    Ok(lines)
}

fn line(text: &str) -> Result<Line> {
    let mut fields = text.split('\t');
    let (Some(source), Some(path), Some(agent), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        bail!("not SOURCE<TAB>PATH<TAB>AGENT");
    };
    let source = match source {
        "-" => None,
        address => Some(address.parse().with_context(|| format!("{address:?}"))?),
    };
    if path.is_empty() {
        bail!("no path");
    }
    Ok(Line { source, path: path.to_owned(), agent: agent.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_dealt_in_turn_and_keep_their_source() {
        let text = "127.0.0.9\t/a\tAcme\n-\t/b\t\n";
        let lines = Lines { lines: parse(text).unwrap(), sources: 3 };
        let of = |client| {
            let Line { source, path, agent } = lines.of(client);
            (source.unwrap().to_string(), path, agent)
        };
        let own = |source: &str, path: &str, agent: &str| {
            (source.to_owned(), path.to_owned(), agent.to_owned())
        };
        assert_eq!(of(0), own("127.0.0.9", "/a", "Acme"));
        assert_eq!(of(1), own("127.1.0.2", "/b", ""));
        assert_eq!(of(2), of(0));
        assert_eq!(of(7), of(1));
        assert_eq!(of(3).0, "127.1.0.1");
    }

    #[test]
    fn what_is_no_line_is_told_with_its_number() {
        for (text, wanted) in [
            ("", "no lines"),
            ("-\t/a\tx\n-\t/a\n", "line 2: not SOURCE<TAB>PATH<TAB>AGENT"),
            ("-\t/a\tx\ty\n", "line 1: not SOURCE<TAB>PATH<TAB>AGENT"),
            ("-\t\tx\n", "line 1: no path"),
            ("::1\t/a\tx\n", "line 1: \"::1\": invalid IPv4 address syntax"),
        ] {
            assert_eq!(format!("{:#}", parse(text).unwrap_err()), wanted);
        }
    }
}
