//! What a phone reports: every request once, every trouble, and the end.

use crate::http::Malformed;
use crate::inspect::Wrong;
use crate::profile::{Expect, Transport};
use ringboot::time::Duration;
use ringboot::wire::tftp::Failure;
use std::io::ErrorKind;

/// Something for the report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A request that was due at a planned time has begun.
    Began {
        /// How long after that time: the generator's own fault.
        late: Duration,
    },
    /// A step has its answer.
    Answered(Answer),
    /// An attempt failed.
    Troubled {
        /// The request.
        what: String,
        /// How.
        trouble: Trouble,
    },
    /// A step will be tried again.
    Retried,
    /// A TFTP packet was sent again.
    Retransmitted,
    /// A kept connection was gone when it was used again; the request goes out on a new one.
    Reconnected,
    /// The boot is over. The last event.
    Ended {
        /// How.
        outcome: Outcome,
        /// Time since the planned start.
        took: Duration,
    },
}

/// A step's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// How it was asked.
    pub transport: Transport,
    /// What it had to be.
    pub expect: Expect,
    /// Time since the request was due, failed attempts included.
    pub latency: Duration,
    /// Bytes of content.
    pub bytes: u64,
    /// The request and what is wrong with the answer.
    pub wrong: Option<(String, Wrong)>,
}

/// How a boot ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Every answer was as expected.
    Provisioned,
    /// Every step was answered, and some answer was wrong.
    Wrong,
    /// A step failed too often.
    Lost,
}

/// How an attempt failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The connection could not be made.
    Connect(Option<ErrorKind>),
    /// The connection was not made in time.
    ConnectTime,
    /// The answer was not whole in time.
    AnswerTime,
    /// The link ended before the answer began.
    Closed(Option<ErrorKind>),
    /// The connection ended within the answer.
    Cut(Option<ErrorKind>),
    /// The answer breaks the protocol's rules.
    Malformed(Malformed),
    /// The server asks to come later.
    Status(u16),
    /// The transfer failed, other than by an ERROR.
    Transfer(Failure),
}

impl Trouble {
    /// The kind, for counting.
    #[must_use]
    pub fn kind(self) -> String {
        let with = |text: &str, error: Option<ErrorKind>| match error {
            Some(error) => format!("{text}: {error}"),
            None => text.to_owned(),
        };
        match self {
            Self::Connect(error) => with("connection not made", error),
            Self::ConnectTime => "connection not made in time".to_owned(),
            Self::AnswerTime => "answer not whole in time".to_owned(),
            Self::Closed(error) => with("closed before the answer", error),
            Self::Cut(error) => with("answer cut short", error),
            Self::Malformed(malformed) => malformed.to_string(),
            Self::Status(status) => format!("status {status}"),
            Self::Transfer(Failure::Silent) => "transfer fell silent".to_owned(),
            Self::Transfer(Failure::Options) => "options that were not asked".to_owned(),
            Self::Transfer(Failure::Length) => "transfer not as long as said".to_owned(),
            Self::Transfer(Failure::Refused(code)) => format!("ERROR {}", code.0),
        }
    }
}
