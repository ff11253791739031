//! The four options a transfer may have: read with every rule of RFC 2347, nonsense left out.

use crate::limits::{
    BLOCK_BYTES_DEFAULT, BLOCK_BYTES_MAX, BLOCK_BYTES_MIN, WINDOW_BLOCKS_MAX, WINDOW_BYTES_MAX,
};

/// The name and value pairs of a request or an OACK, as they came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OptionList<'a>(&'a [u8]);

impl<'a> OptionList<'a> {
    /// A list in its wire form: `name NUL value NUL …`. Whatever follows the last whole pair is
    /// not looked at.
    pub fn new(wire: &'a [u8]) -> Self {
        Self(wire)
    }

    /// The wire form.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The whole pairs, in order.
    pub fn pairs(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (name, after) = split_nul(rest)?;
            let (value, after) = split_nul(after)?;
            rest = after;
            Some((name, value))
        })
    }
}

/// Options that are asked for, or agreed to. A field is `None` where the option is absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// `blksize` in bytes (RFC 2348).
    pub block_bytes: Option<u16>,
    /// `timeout` in seconds (RFC 2349).
    pub timeout_s: Option<u8>,
    /// `tsize` in bytes (RFC 2349); 0 in a read request.
    pub size: Option<u64>,
    /// `windowsize` in blocks (RFC 7440).
    pub window_blocks: Option<u16>,
}

impl Options {
    /// What `list` says. Unknown options and values that are out of range or no plain decimal are
    /// left out; of an option that is given twice the first counts, even if it is nonsense.
    pub fn read(list: OptionList<'_>) -> Self {
        let mut options = Self::default();
        let (mut block, mut timeout, mut size, mut window) = (false, false, false, false);
        for (name, value) in list.pairs() {
            if is_first(name, b"blksize", &mut block) {
                let range = u64::from(BLOCK_BYTES_MIN)..=u64::from(BLOCK_BYTES_MAX);
                options.block_bytes = decimal_in(value, range);
            } else if is_first(name, b"timeout", &mut timeout) {
                options.timeout_s = decimal_in(value, 1..=255);
            } else if is_first(name, b"tsize", &mut size) {
                options.size = decimal(value);
            } else if is_first(name, b"windowsize", &mut window) {
                options.window_blocks = decimal_in(value, 1..=65535);
            }
        }
        options
    }

    /// The server's answer for a file of `size` bytes: what was asked, the real size, and no
    /// larger window than `WINDOW_BLOCKS_MAX` and what fits `WINDOW_BYTES_MAX` (RFC 7440 section 3
    /// lets a server lower it): a window that overruns the peer's buffer costs a time-out each.
    #[must_use]
    pub fn agree(self, size: u64) -> Self {
        let fits = WINDOW_BYTES_MAX / u32::from(self.block_bytes_or_default());
        let fits = u16::try_from(fits.max(1)).unwrap_or(u16::MAX);
        Self {
            size: self.size.map(|_| size),
            window_blocks: self.window_blocks.map(|asked| asked.min(WINDOW_BLOCKS_MAX).min(fits)),
            ..self
        }
    }

    /// Whether there is none. Then a server sends no OACK (RFC 2347).
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The block size to use, in bytes.
    pub fn block_bytes_or_default(&self) -> u16 {
        self.block_bytes.unwrap_or(BLOCK_BYTES_DEFAULT)
    }

    /// The window to use, in blocks.
    pub fn window_blocks_or_default(&self) -> u16 {
        self.window_blocks.unwrap_or(1)
    }

    /// Appends the options' wire form, each once.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in self.present() {
            out.extend_from_slice(name.as_bytes());
            out.push(0);
            let mut digits = [0; DIGITS_MAX];
            out.extend_from_slice(digits_of(value, &mut digits));
            out.push(0);
        }
    }

    /// Length of what `write` appends, in bytes.
    pub fn wire_len(&self) -> usize {
        let digits = |value| digits_of(value, &mut [0; DIGITS_MAX]).len();
        self.present().map(|(name, value)| name.len() + 1 + digits(value) + 1).sum()
    }

    fn present(self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("blksize", self.block_bytes.map(u64::from)),
            ("timeout", self.timeout_s.map(u64::from)),
            ("tsize", self.size),
            ("windowsize", self.window_blocks.map(u64::from)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// Digits of the largest u64.
const DIGITS_MAX: usize = 20;

/// The bytes before the first NUL, and those after it.
pub(super) fn split_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// Whether this is the first `option` of its list; names are case-insensitive (RFC 2347).
fn is_first(name: &[u8], option: &[u8], seen: &mut bool) -> bool {
    name.eq_ignore_ascii_case(option) && !std::mem::replace(seen, true)
}

/// A plain decimal number: digits and nothing else, no sign, no space.
fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |sum, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

fn decimal_in<N: TryFrom<u64>>(value: &[u8], range: std::ops::RangeInclusive<u64>) -> Option<N> {
    let number = decimal(value).filter(|number| range.contains(number))?;
    N::try_from(number).ok()
}

fn digits_of(mut value: u64, digits: &mut [u8; DIGITS_MAX]) -> &[u8] {
    let mut start = DIGITS_MAX;
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(value % 10).expect("invariant: a digit");
        value /= 10;
        if value == 0 {
            return &digits[start..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &[u8]) -> Options {
        Options::read(OptionList::new(wire))
    }

    #[test]
    fn values_are_strict_decimals_in_range() {
        let cases: &[(&[u8], Options)] = &[
            (b"blksize\x008\0", Options { block_bytes: Some(8), ..Options::default() }),
            (b"blksize\x007\0", Options::default()),
            (b"blksize\x0065464\0", Options { block_bytes: Some(65464), ..Options::default() }),
            (b"blksize\x0065465\0", Options::default()),
            (b"BlkSize\x001428\0", Options { block_bytes: Some(1428), ..Options::default() }),
            (b"blksize\0\0", Options::default()),
            (b"blksize\0+512\0", Options::default()),
            (b"blksize\0-1\0", Options::default()),
            (b"blksize\0 512\0", Options::default()),
            (b"blksize\x00512 \0", Options::default()),
            (b"blksize\x000x200\0", Options::default()),
            (b"blksize\x0018446744073709552128\0", Options::default()),
            (b"timeout\x000\0", Options::default()),
            (b"timeout\x001\0", Options { timeout_s: Some(1), ..Options::default() }),
            (b"timeout\x00255\0", Options { timeout_s: Some(255), ..Options::default() }),
            (b"timeout\x00256\0", Options::default()),
            (b"tsize\x000\0", Options { size: Some(0), ..Options::default() }),
            (b"windowsize\x000\0", Options::default()),
            (b"windowsize\x001\0", Options { window_blocks: Some(1), ..Options::default() }),
            (
                b"windowsize\x0065535\0",
                Options { window_blocks: Some(65535), ..Options::default() },
            ),
            (b"windowsize\x0065536\0", Options::default()),
            (b"multicast\0\0saveas\0x\0", Options::default()),
        ];
        for (wire, options) in cases {
            assert_eq!(read(wire), *options, "{:?}", wire.escape_ascii().to_string());
        }
    }

    #[test]
    fn of_an_option_given_twice_the_first_counts() {
        assert_eq!(read(b"blksize\x00512\0blksize\x001024\0").block_bytes, Some(512));
        assert_eq!(read(b"blksize\0x\0blksize\x001024\0").block_bytes, None);
        assert_eq!(read(b"TSIZE\x000\0tsize\x005\0").size, Some(0));
    }

    #[test]
    fn an_incomplete_pair_is_not_looked_at() {
        for wire in
            [&b"blksize\x00512\0tsize"[..], b"blksize\x00512\0tsize\0", b"blksize\x00512\0\0"]
        {
            let options = read(wire);
            assert_eq!(options, Options { block_bytes: Some(512), ..Options::default() });
        }
        assert_eq!(read(b"blksize\x00512"), Options::default());
    }

    #[test]
    fn the_answer_holds_only_what_was_asked() {
        let asked = read(b"windowsize\x0065535\0tsize\x000\0bogus\x001\0");
        let mut wire = Vec::new();
        asked.agree(3_000_000).write(&mut wire);
        assert_eq!(wire, b"tsize\x003000000\0windowsize\x0064\0");
        assert_eq!(wire.len(), asked.agree(3_000_000).wire_len());
        assert!(Options::default().agree(5).is_empty());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let options = Options {
            block_bytes: Some(65464),
            timeout_s: Some(255),
            size: Some(u64::MAX),
            window_blocks: Some(64),
        };
        let mut wire = Vec::new();
        options.write(&mut wire);
        assert_eq!(read(&wire), options);
        assert_eq!(wire.len(), options.wire_len());
    }
}
