//! Whole, cut at every byte and mutated, an input must always end in the same conversation.

mod heads;
mod life;
mod limits;
mod mutate;
pub mod samples;

use super::{After, Connection, RequestError, Step};
use crate::time::Instant;

/// What came of an input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A request as its `Debug` text, and what followed its answer.
    Answered(String, After),
    /// A refusal.
    Rejected(RequestError),
    /// A close without a word.
    Closed,
}

const NOW: Instant = Instant::from_nanos(1);

/// Runs a connection on an input that comes in pieces; each answer leaves at once, and the peer
/// says at the end that there is no more.
pub fn converse<'i>(pieces: impl IntoIterator<Item = &'i [u8]>) -> Vec<Outcome> {
    let mut connection = Connection::new(NOW);
    let mut outcomes = Vec::new();
    for piece in pieces {
        if !take(&mut connection, piece, &mut outcomes) {
            return outcomes;
        }
    }
    connection.finished();
    take(&mut connection, &[], &mut outcomes);
    outcomes
}

/// Takes in one piece; false when the connection is closed.
fn take(connection: &mut Connection, piece: &[u8], outcomes: &mut Vec<Outcome>) -> bool {
    let mut rest = piece;
    loop {
        let text = match connection.next(NOW, &mut rest) {
            Step::Wait => break,
            Step::Close => {
                outcomes.push(Outcome::Closed);
                return false;
            }
            Step::Reject(error) => {
                outcomes.push(Outcome::Rejected(error));
                continue;
            }
            Step::Request(request) => format!("{request:?}"),
        };
        let after = connection.answering(NOW, true);
        outcomes.push(Outcome::Answered(text, after));
        if after == After::Keep {
            connection.sent(NOW);
        }
    }
    connection.keep(rest).is_ok()
}

/// Every way to cut an input in two, and the one into single bytes: all end like the whole.
pub fn converse_in_every_cut(input: &[u8]) -> Vec<Outcome> {
    let whole = converse([input]);
    for cut in 1..input.len() {
        let (first, second) = input.split_at(cut);
        assert_eq!(converse([first, second]), whole, "cut at {cut}: {}", input.escape_ascii());
    }
    assert_eq!(converse(input.chunks(1)), whole, "byte by byte: {}", input.escape_ascii());
    whole
}
