//! Dates as HTTP writes them: one form out, three forms in, and one formatting a second.

use std::io::Write;
use std::time::UNIX_EPOCH;

use crate::time::{Civil, Duration};

/// Bytes of `Sun, 06 Nov 1994 08:49:37 GMT`.
pub const DATE_BYTES: usize = 29;
/// 9999-12-31T23:59:59Z, the last second that four digits of a year can say.
const CIVIL_LAST: Civil = Civil(253_402_300_799);

/// The text of this second's `Date`, made once a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DateCache {
    second: Civil,
    text: [u8; DATE_BYTES],
}

impl DateCache {
    /// The text of `now`.
    #[must_use]
    pub fn new(now: Civil) -> Self {
        Self { second: now, text: write_date(now) }
    }

    /// Makes the text again when the second has changed; call it once a turn.
    pub fn update(&mut self, now: Civil) {
        if self.second != now {
            *self = Self::new(now);
        }
    }

    /// The second whose text this is.
    #[must_use]
    pub const fn now(&self) -> Civil {
        self.second
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &[u8; DATE_BYTES] {
        &self.text
    }
}

/// The IMF-fixdate of a second (RFC 9110 section 5.6.7); years end at 9999.
#[must_use]
pub fn write_date(second: Civil) -> [u8; DATE_BYTES] {
    let since = Duration::from_secs(second.min(CIVIL_LAST).0);
    let date = httpdate::HttpDate::from(UNIX_EPOCH + since);
    let mut text = [0; DATE_BYTES];
    write!(text.as_mut_slice(), "{date}").expect("invariant: an IMF-fixdate has 29 bytes");
    text
}

/// Reads any of the three date forms (RFC 9110 section 5.6.7); `None` for what is none of them,
/// or lies before 1970.
#[must_use]
pub fn parse_date(value: &[u8]) -> Option<Civil> {
    let text = std::str::from_utf8(value).ok()?;
    let date = httpdate::parse_http_date(text).ok()?;
    Some(Civil(date.duration_since(UNIX_EPOCH).ok()?.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 9110 section 5.6.7.
    const EXAMPLE: Civil = Civil(784_111_777);

    #[test]
    fn one_form_out() {
        assert_eq!(&write_date(EXAMPLE), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(&write_date(Civil(0)), b"Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(&write_date(Civil(951_782_400)), b"Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(&write_date(Civil(u64::MAX)), b"Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn three_forms_in() {
        assert_eq!(parse_date(b"Sun, 06 Nov 1994 08:49:37 GMT"), Some(EXAMPLE));
        assert_eq!(parse_date(b"Sunday, 06-Nov-94 08:49:37 GMT"), Some(EXAMPLE));
        assert_eq!(parse_date(b"Sun Nov  6 08:49:37 1994"), Some(EXAMPLE));
        let nonsense: [&[u8]; 7] = [
            b"",
            b"0",
            b"784111777",
            b"Sun, 31 Feb 1994 08:49:37 GMT",
            b"Sun, 06 Nov 1994 08:49:37 CET",
            b"Sun, 06 Nov 1994 08:49:61 GMT",
            b"\xff",
        ];
        for value in nonsense {
            assert_eq!(parse_date(value), None, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn the_cache_follows_the_second() {
        let mut cache = DateCache::new(EXAMPLE);
        cache.update(Civil(EXAMPLE.0 + 1));
        assert_eq!(cache.text(), b"Sun, 06 Nov 1994 08:49:38 GMT");
        assert_eq!(cache.now(), Civil(EXAMPLE.0 + 1));
    }
}
