//! Chunked content is followed byte by byte to its exact end, and what bends the rules ends it.
//!
//! ```text
//!        digit                CR          LF                    last byte
//!  Size ───────▶ (Size) ──────────▶ SizeEnd ──▶ Data ─────────────────────▶ DataEnd
//!                  │ ; or SP   ▲        │ size 0    ◀────────── CR LF, next Size
//!                  └▶ Extension┘        ▼
//!                                    Trailer ──CR──▶ LastEnd ──LF──▶ Done
//!                                      ▲ └─token─▶ TrailerName ─:─▶ TrailerValue ─CR─▶ TrailerEnd
//!                                      └───────────────────────LF─────────────────────────┘
//! ```

use crate::limits::{CHUNK_OVERHEAD_BYTES_MAX, DRAIN_BYTES_MAX};

/// Why chunked content cannot be followed further; the peer's fault (RFC 9112 section 7.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum ChunkError {
    /// A byte that the grammar does not have there; a bare LF too.
    #[error("a chunk is malformed")]
    Malformed,
    /// A size of more than 64 bits, or all of the content more than `DRAIN_BYTES_MAX`.
    #[error("the content is too large")]
    TooLarge,
    /// Extensions and trailers of more than `CHUNK_OVERHEAD_BYTES_MAX`.
    #[error("there are too many chunk extensions or trailers")]
    TooMuchOverhead,
}

/// How far chunked content has been followed.
/// Invariant: `total <= DRAIN_BYTES_MAX` and `overhead <= CHUNK_OVERHEAD_BYTES_MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Chunked {
    /// Size of the chunk while it is read, then what is left of it.
    left: u64,
    total: u32,
    overhead: u32,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Place {
    #[default]
    Size,
    SizeDigits,
    ExtensionSpace,
    Extension,
    SizeEnd,
    Data,
    DataEnd,
    DataLineFeed,
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerEnd,
    LastEnd,
    Done,
}

impl Chunked {
    /// Follows the content through `input`; returns how many bytes of it belong to the content.
    /// Less than all of them only when the content has ended.
    ///
    /// # Errors
    /// The peer's; the end of the content is not known, and the connection must be closed.
    pub fn advance(&mut self, input: &[u8]) -> Result<usize, ChunkError> {
        let mut at = 0;
        while at < input.len() && self.place != Place::Done {
            let taken = if self.place == Place::Data {
                self.take_data(input.len() - at)
            } else {
                self.place = self.step(input[at])?;
                1
            };
            at += taken;
            self.count(taken)?;
        }
        Ok(at)
    }

    /// Whether the last byte of the content has been seen.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.place == Place::Done
    }

    fn take_data(&mut self, available: usize) -> usize {
        let taken = usize::try_from(self.left).map_or(available, |left| left.min(available));
        self.left -= taken as u64;
        if self.left == 0 {
            self.place = Place::DataEnd;
        }
        taken
    }

    fn count(&mut self, taken: usize) -> Result<(), ChunkError> {
        let total = u64::from(self.total).saturating_add(taken as u64);
        if total > DRAIN_BYTES_MAX {
            return Err(ChunkError::TooLarge);
        }
        self.total = u32::try_from(total).map_err(|_| ChunkError::TooLarge)?;
        Ok(())
    }

    /// The place behind `byte`, which is no content.
    fn step(&mut self, byte: u8) -> Result<Place, ChunkError> {
        let next = match (self.place, byte) {
            (Place::Size | Place::SizeDigits, byte) if byte.is_ascii_hexdigit() => {
                self.take_digit(byte)?
            }
            (Place::SizeDigits | Place::Extension, b'\r') => Place::SizeEnd,
            // RFC 9112 section 7.1.1 has bad white space before the semicolon, not without one.
            (Place::SizeDigits | Place::ExtensionSpace, b' ' | b'\t') => {
                self.overhead(Place::ExtensionSpace)?
            }
            (Place::SizeDigits | Place::ExtensionSpace, b';') => self.overhead(Place::Extension)?,
            (Place::Extension, byte) if is_text(byte) => self.overhead(Place::Extension)?,
            (Place::SizeEnd, b'\n') if self.left == 0 => Place::Trailer,
            (Place::SizeEnd, b'\n') => Place::Data,
            (Place::DataEnd, b'\r') => Place::DataLineFeed,
            (Place::DataLineFeed, b'\n') => Place::Size,
            (Place::Trailer, b'\r') => Place::LastEnd,
            (Place::Trailer | Place::TrailerName, byte) if is_name(byte) => {
                self.overhead(Place::TrailerName)?
            }
            (Place::TrailerName, b':') => self.overhead(Place::TrailerValue)?,
            (Place::TrailerValue, b'\r') => Place::TrailerEnd,
            (Place::TrailerValue, byte) if is_text(byte) => self.overhead(Place::TrailerValue)?,
            (Place::TrailerEnd, b'\n') => Place::Trailer,
            (Place::LastEnd, b'\n') => Place::Done,
            _ => return Err(ChunkError::Malformed),
        };
        Ok(next)
    }

    fn take_digit(&mut self, byte: u8) -> Result<Place, ChunkError> {
        let digit = char::from(byte).to_digit(16).ok_or(ChunkError::Malformed)?;
        let size = self.left.checked_mul(16).ok_or(ChunkError::TooLarge)?;
        self.left = size + u64::from(digit);
        Ok(Place::SizeDigits)
    }

    fn overhead(&mut self, next: Place) -> Result<Place, ChunkError> {
        if self.overhead as usize >= CHUNK_OVERHEAD_BYTES_MAX {
            return Err(ChunkError::TooMuchOverhead);
        }
        self.overhead += 1;
        Ok(next)
    }
}

/// A byte that may stand in a field value (RFC 9110 section 5.5).
fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows an input in pieces of `piece` bytes; how many belong to the content, when it ends.
    fn follow(input: &[u8], piece: usize) -> Result<Option<usize>, ChunkError> {
        let mut chunked = Chunked::default();
        let mut total = 0;
        for part in input.chunks(piece) {
            total += chunked.advance(part)?;
            if chunked.is_done() {
                return Ok(Some(total));
            }
        }
        Ok(None)
    }

    #[test]
    fn content_ends_where_it_ends() {
        let cases: [(&[u8], Option<usize>); 9] = [
            (b"0\r\n\r\n", Some(5)),
            (b"000\r\n\r\nGET / HTTP/1.1\r\n", Some(7)),
            (b"5\r\nhello\r\n0\r\n\r\n", Some(15)),
            (b"A\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n", Some(26)),
            (b"3;name=value\r\nabc\r\n0\r\n\r\n", Some(24)),
            (b"3 \t;q=\"a;b\"\r\nabc\r\n0;last\r\n\r\n", Some(28)),
            (b"0\r\nDigest: x\r\nB:\r\n\r\nrest", Some(20)),
            (b"5\r\nhell", None),
            (b"", None),
        ];
        for (input, expected) in cases {
            for piece in 1..=input.len().max(1) {
                assert_eq!(follow(input, piece), Ok(expected), "{}", input.escape_ascii());
            }
        }
    }

    #[test]
    fn what_bends_the_grammar_is_refused_at_every_cut() {
        let cases: [&[u8]; 18] = [
            b"\r\n",
            b"g\r\n",
            b" 5\r\nhello",
            b"-1\r\n",
            b"+1\r\n",
            b"0x5\r\nhello",
            b"5 \r\nhello\r\n",
            b"5\nhello\r\n0\r\n\r\n",
            b"5\r\r\nhello",
            b"5\r\nhelloo\r\n",
            b"5\r\nhello\n0\r\n\r\n",
            b"5;a\nb\r\nhello",
            b"5;a\0\r\nhello",
            b"5;a\rb\r\nhello",
            b"0\r\n folded: no\r\n\r\n",
            b"0\r\nno colon\r\n\r\n",
            b"0\r\nname : value\r\n\r\n",
            b"0\r\n\n",
        ];
        for input in cases {
            for piece in 1..=input.len() {
                let end = follow(input, piece);
                assert_eq!(end, Err(ChunkError::Malformed), "{}", input.escape_ascii());
            }
        }
    }

    #[test]
    fn a_size_may_have_leading_zeros_and_no_more_than_64_bits() {
        let mut chunked = Chunked::default();
        assert_eq!(
            chunked.advance(b"00000000000000000000000000000000ffffffffffffffff\r\n"),
            Ok(50)
        );
        assert_eq!(follow(b"10000000000000000\r\n", 4), Err(ChunkError::TooLarge));
        assert_eq!(follow(b"ffffffffffffffffffff\r\n", 1), Err(ChunkError::TooLarge));
    }

    #[test]
    fn limits_are_hit_one_past() {
        let with_overhead = |count: usize| {
            let mut input = b"0;".to_vec();
            input.resize(count + 1, b'a');
            input.extend_from_slice(b"\r\n\r\n");
            input
        };
        let most = with_overhead(CHUNK_OVERHEAD_BYTES_MAX);
        assert_eq!(follow(&most, 1000), Ok(Some(most.len())));
        let more = with_overhead(CHUNK_OVERHEAD_BYTES_MAX + 1);
        assert_eq!(follow(&more, 1000), Err(ChunkError::TooMuchOverhead));

        let with_total = |total: usize| {
            let mut input = b"00000000\r\n".to_vec();
            let size = total - 10 - 2 - 5;
            input.splice(..8, format!("{size:08x}").into_bytes());
            input.resize(10 + size, b'x');
            input.extend_from_slice(b"\r\n0\r\n\r\n");
            assert_eq!(input.len(), total);
            input
        };
        let most = usize::try_from(DRAIN_BYTES_MAX).unwrap();
        assert_eq!(follow(&with_total(most), 4096), Ok(Some(most)));
        assert_eq!(follow(&with_total(most + 1), 4096), Err(ChunkError::TooLarge));
    }
}
