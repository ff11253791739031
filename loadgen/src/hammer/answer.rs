//! One answer at a time, read in place: nothing is copied of a body, and no head is read twice.

use crate::http::{Head, Malformed, parse};
use crate::limits::ANSWER_HEAD_BYTES_MAX;

/// What an answer must be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Check {
    /// The length of the body.
    pub bytes: Option<u64>,
    /// What the body begins with.
    pub begins: Vec<u8>,
    /// What the body ends with.
    pub ends: Vec<u8>,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Wrong {
    /// It breaks the rules.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// Not 200.
    #[error("status {0}")]
    Status(u16),
    /// A body of another length than asked for.
    #[error("{got} bytes instead of {wanted}")]
    Length {
        /// What `Content-Length` says.
        got: u64,
        /// What it should say.
        wanted: u64,
    },
    /// The connection ended before the body did.
    #[error("cut short after {got} of {length} bytes")]
    Cut {
        /// Bytes of the body that came.
        got: u64,
        /// What `Content-Length` says; 0 when the head was cut.
        length: u64,
    },
    /// The body does not begin as it should.
    #[error("the body begins with something else")]
    Begins,
    /// The body does not end as it should.
    #[error("the body ends with something else")]
    Ends,
}

/// The last head that was read: a server mostly repeats itself, and the same bytes mean the same.
#[derive(Debug, Default)]
pub struct Heads {
    last: Option<Head>,
    bytes: Vec<u8>,
}

/// An answer that is being read.
#[derive(Debug, Default)]
pub struct Answer {
    /// Bytes of a head that is not whole.
    spill: Vec<u8>,
    head: Option<Head>,
    got: u64,
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Heads {
    /// The head that `bytes` begin with and its length; none when they are only a part of one.
    ///
    /// # Errors
    /// [`Malformed`]: the connection cannot be used any more.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<(Head, usize)>, Malformed> {
        if let Some(head) = self.last.filter(|_| bytes.starts_with(&self.bytes)) {
            return Ok(Some((head, self.bytes.len())));
        }
        let read = parse(bytes)?;
        if let Some((head, len)) = read {
            self.last = Some(head);
            self.bytes.clear();
            self.bytes.extend_from_slice(&bytes[..len]);
        } else if bytes.len() > ANSWER_HEAD_BYTES_MAX {
            return Err(Malformed::HeadTooLong);
        }
        Ok(read)
    }
}

impl Answer {
    /// Takes a piece; says whether the answer is whole.
    ///
    /// # Errors
    /// [`Malformed`]: the connection cannot be used any more.
    pub fn feed(
        &mut self,
        piece: &[u8],
        heads: &mut Heads,
        check: &Check,
    ) -> Result<bool, Malformed> {
        if self.head.is_some() {
            return self.body(piece, check);
        }
        if !self.spill.is_empty() {
            self.spill.extend_from_slice(piece);
            let spill = std::mem::take(&mut self.spill);
            return self.begin(&spill, heads, check);
        }
        self.begin(piece, heads, check)
    }

    /// The head, as soon as it is there.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// Whether any byte of it came.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.head.is_some() || !self.spill.is_empty()
    }

    /// The length of the body of a whole answer that is right.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn judge(&self, check: &Check) -> Result<u64, Wrong> {
        let Some(head) = self.head.filter(|head| head.length == self.got) else {
            let length = self.head.map_or(0, |head| head.length);
            return Err(Wrong::Cut { got: self.got, length });
        };
        if head.status != 200 {
            return Err(Wrong::Status(head.status));
        }
        match check.bytes {
            Some(wanted) if wanted != self.got => Err(Wrong::Length { got: self.got, wanted }),
            _ if self.first != check.begins => Err(Wrong::Begins),
            _ if self.last != check.ends => Err(Wrong::Ends),
            _ => Ok(self.got),
        }
    }

    /// Makes room for the next answer.
    pub fn clear(&mut self) {
        self.spill.clear();
        self.head = None;
        self.got = 0;
        self.first.clear();
        self.last.clear();
    }

    fn begin(&mut self, bytes: &[u8], heads: &mut Heads, check: &Check) -> Result<bool, Malformed> {
        match heads.read(bytes)? {
            // An interim answer comes before the final one (RFC 9110 section 15.2).
            Some((head, len)) if head.status < 200 => self.begin(&bytes[len..], heads, check),
            Some((head, len)) => {
                self.head = Some(head);
                self.body(&bytes[len..], check)
            }
            None => {
                self.spill.extend_from_slice(bytes);
                Ok(false)
            }
        }
    }

    fn body(&mut self, piece: &[u8], check: &Check) -> Result<bool, Malformed> {
        let length = self.head.map_or(0, |head| head.length);
        self.got += piece.len() as u64;
        if self.got > length {
            return Err(Malformed::Surplus);
        }
        let missing = (check.begins.len() - self.first.len()).min(piece.len());
        self.first.extend_from_slice(&piece[..missing]);
        if !check.ends.is_empty() {
            let kept = piece.len().min(check.ends.len());
            self.last.extend_from_slice(&piece[piece.len() - kept..]);
            let surplus = self.last.len().saturating_sub(check.ends.len());
            self.last.drain(..surplus);
        }
        Ok(self.got == length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str], check: &Check) -> Result<u64, Wrong> {
        let (mut answer, mut heads) = (Answer::default(), Heads::default());
        for _ in 0..2 {
            answer.clear();
            for piece in pieces {
                answer.feed(piece.as_bytes(), &mut heads, check)?;
            }
        }
        answer.judge(check)
    }

    /// Whole, and cut at every byte, it must be the same.
    fn read_cut(text: &str, check: &Check) -> Result<u64, Wrong> {
        let whole = read(&[text], check);
        for cut in 1..text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(read(&[left, right], check), whole, "{text:?} cut at {cut}");
        }
        whole
    }

    #[test]
    fn right_and_wrong_answers_are_told_apart() {
        let any = Check::default();
        let check = Check { bytes: Some(5), begins: b"he".to_vec(), ends: b"llo".to_vec() };
        for (text, check, wanted) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", &any, Ok(5)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", &check, Ok(5)),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                &any,
                Ok(0),
            ),
            ("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno", &any, Err(Wrong::Status(404))),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell",
                &check,
                Err(Wrong::Length { got: 4, wanted: 5 }),
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                &check,
                Err(Wrong::Cut { got: 4, length: 5 }),
            ),
            ("HTTP/1.1 200 OK\r\nContent-Le", &any, Err(Wrong::Cut { got: 0, length: 0 })),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello", &check, Err(Wrong::Begins)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nheLLo", &check, Err(Wrong::Ends)),
            ("HTTP/1.1 200 OK\r\n\r\nhello", &any, Err(Wrong::Malformed(Malformed::NoLength))),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhello",
                &any,
                Err(Wrong::Malformed(Malformed::Surplus)),
            ),
        ] {
            assert_eq!(read_cut(text, check), wanted, "{text}");
        }
    }

    #[test]
    fn heads_that_only_look_alike_are_read_anew() {
        let mut heads = Heads::default();
        let mut length = |bytes: &str| {
            let read = heads.read(bytes.as_bytes()).unwrap();
            read.map(|(head, len)| (head.length, len))
        };
        assert_eq!(length("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), Some((5, 38)));
        assert_eq!(length("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHELLO"), Some((5, 38)));
        assert_eq!(length("HTTP/1.1 200 OK\r\nContent-Length: 55\r\n\r\n"), Some((55, 39)));
        assert_eq!(length("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"), None);
        assert_eq!(
            length("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: x\r\n\r\n"),
            Some((5, 47))
        );
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(ANSWER_HEAD_BYTES_MAX));
        assert_eq!(heads.read(long.as_bytes()), Err(Malformed::HeadTooLong));
    }
}
