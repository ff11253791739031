//! Says whether an answer is what its step expects, from a body that is never kept.

use crate::limits::ENDS_BYTES_MAX;
use crate::profile::{Credential, Expect, Whole};
use crate::token::{Credentials, Findings, Scanner};

/// What an answer was, apart from its body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Got {
    /// A file: 2xx, or a transfer to its last block.
    File,
    /// 404, or ERROR 1.
    Missing,
    /// Another status.
    Status(u16),
    /// Another ERROR.
    Error(u16),
}

/// What is wrong with an answer that came whole.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Wrong {
    /// A file that must be there is not.
    #[error("missing")]
    Missing,
    /// A file that must not be there is.
    #[error("a file where none was expected")]
    Present,
    /// A status that no step expects.
    #[error("status {0}")]
    Status(u16),
    /// An ERROR that no step expects.
    #[error("ERROR {0}")]
    Error(u16),
    /// Another phone's credentials.
    #[error("holds another phone's {0}")]
    Foreign(String),
    /// The phone's own credentials are not all there.
    #[error("lacks the phone's own {0}")]
    Lacks(&'static str),
    /// It does not start or end as a whole file does.
    #[error("does not {0} as a whole file does")]
    Ends(&'static str),
}

impl Wrong {
    /// The kind, for counting.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing file",
            Self::Present => "unexpected file",
            Self::Status(_) | Self::Error(_) => "unexpected status",
            Self::Foreign(_) => "foreign credentials",
            Self::Lacks(_) => "own credentials not there",
            Self::Ends(_) => "file not whole",
        }
    }
}

/// Looks at one body as it comes.
#[derive(Debug, Default)]
pub struct Inspector {
    scanner: Scanner,
    /// The first bytes that are no white space.
    start: Vec<u8>,
    /// The last bytes.
    end: Vec<u8>,
    bytes: u64,
}

impl Inspector {
    /// Takes the next piece.
    pub fn feed(&mut self, own: &Credentials, piece: &[u8]) {
        self.scanner.feed(own, piece);
        self.bytes += piece.len() as u64;
        let first = if self.start.is_empty() { piece.trim_ascii_start() } else { piece };
        let room = ENDS_BYTES_MAX - self.start.len();
        self.start.extend_from_slice(&first[..first.len().min(room)]);
        self.end.extend_from_slice(&piece[piece.len().saturating_sub(ENDS_BYTES_MAX)..]);
        self.end.drain(..self.end.len().saturating_sub(ENDS_BYTES_MAX));
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is wrong with the answer; none when it is as expected.
    #[must_use]
    pub fn judge(
        self,
        own: &Credentials,
        expect: Expect,
        got: Got,
        whole: &Whole,
        lacks: &[Credential],
    ) -> Option<Wrong> {
        let findings = self.scanner.finish(own);
        if let Some(token) = findings.foreign {
            return Some(Wrong::Foreign(token));
        }
        match (expect, got) {
            (Expect::Any, _) | (Expect::Missing, Got::Missing) | (Expect::Common, Got::File) => {
                None
            }
            (Expect::Own, Got::File) => {
                let lacking = lacking(&findings, lacks).map(Wrong::Lacks);
                lacking.or_else(|| cut(&self.start, &self.end, whole).map(Wrong::Ends))
            }
            (Expect::Missing, Got::File) => Some(Wrong::Present),
            (_, Got::Missing) => Some(Wrong::Missing),
            (_, Got::Status(status)) => Some(Wrong::Status(status)),
            (_, Got::Error(code)) => Some(Wrong::Error(code)),
        }
    }
}

fn lacking(findings: &Findings, lacks: &[Credential]) -> Option<&'static str> {
    let wanted = [
        (Credential::Username, findings.username, "user name"),
        (Credential::Password, findings.password, "password"),
        (Credential::Number, findings.number, "number"),
    ];
    let missing = |(credential, is_there, _): &(Credential, bool, &str)| {
        !is_there && !lacks.contains(credential)
    };
    wanted.into_iter().find(missing).map(|(.., name)| name)
}

fn cut(start: &[u8], end: &[u8], whole: &Whole) -> Option<&'static str> {
    if !start.starts_with(whole.starts.as_bytes()) {
        Some("start")
    } else if !end.trim_ascii_end().ends_with(whole.ends.as_bytes()) {
        Some("end")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    fn judge(expect: Expect, got: Got, body: &str) -> Option<Wrong> {
        judge_without(&[], expect, got, body)
    }

    fn judge_without(lacks: &[Credential], expect: Expect, got: Got, body: &str) -> Option<Wrong> {
        let own = Credentials::of(1, &mut Chance::of(9, 1));
        let whole = Whole { starts: "#!v".to_owned(), ends: "#end".to_owned() };
        let mut inspectors = [Inspector::default(), Inspector::default()];
        inspectors[0].feed(&own, body.as_bytes());
        body.bytes().for_each(|b| inspectors[1].feed(&own, &[b]));
        let [at_once, by_bytes] = inspectors.map(|one| {
            assert_eq!(one.bytes(), body.len() as u64);
            one.judge(&own, expect, got, &whole, lacks)
        });
        assert_eq!(at_once, by_bytes);
        at_once
    }

    #[test]
    fn every_way_to_be_wrong_has_its_name() {
        let own = Credentials::of(1, &mut Chance::of(9, 1));
        let other = Credentials::of(2, &mut Chance::of(9, 2));
        let Credentials { username: u, password: p, number: n } = &own;
        let good = format!("\r\n #!v {u} {p} {n} {}\n#end \n", "x".repeat(3 * ENDS_BYTES_MAX));
        let lacks = |text: &str| good.replace(text, "");
        for (expect, got, body, wanted) in [
            (Expect::Own, Got::File, good.clone(), None),
            (Expect::Own, Got::File, lacks(u), Some(Wrong::Lacks("user name"))),
            (Expect::Own, Got::File, lacks(p), Some(Wrong::Lacks("password"))),
            (Expect::Own, Got::File, lacks(n), Some(Wrong::Lacks("number"))),
            (Expect::Own, Got::File, lacks("#!"), Some(Wrong::Ends("start"))),
            (Expect::Own, Got::File, lacks("#end"), Some(Wrong::Ends("end"))),
            (Expect::Own, Got::Missing, String::new(), Some(Wrong::Missing)),
            (Expect::Own, Got::Status(403), String::new(), Some(Wrong::Status(403))),
            (Expect::Common, Got::File, "anything".to_owned(), None),
            (Expect::Common, Got::Missing, String::new(), Some(Wrong::Missing)),
            (Expect::Common, Got::Error(2), String::new(), Some(Wrong::Error(2))),
            (Expect::Missing, Got::Missing, "no such file".to_owned(), None),
            (Expect::Missing, Got::File, good.clone(), Some(Wrong::Present)),
            (Expect::Missing, Got::Status(500), String::new(), Some(Wrong::Status(500))),
            (Expect::Any, Got::Status(405), String::new(), None),
        ] {
            assert_eq!(judge(expect, got, &body), wanted, "{expect:?} {got:?}");
        }
        let (expect, got, without) = (Expect::Own, Got::File, lacks(n));
        assert_eq!(judge_without(&[Credential::Number], expect, got, &without), None);
        let wanted = Some(Wrong::Lacks("number"));
        assert_eq!(judge_without(&[Credential::Password], expect, got, &without), wanted);
        for expect in [Expect::Own, Expect::Common, Expect::Missing, Expect::Any] {
            let body = format!("{good}{}", other.password);
            let wanted = Some(Wrong::Foreign(other.password.clone()));
            assert_eq!(judge(expect, Got::File, &body), wanted);
        }
    }
}
