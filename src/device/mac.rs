//! Hardware addresses: read in every form phones write them, kept as six bytes, written on demand.

use std::fmt;

/// A 48-bit hardware address. Its text form is lower case with colons (spec section 2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mac(pub [u8; 6]);

/// The text is none of the forms that phones write a MAC in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("invalid MAC string")]
pub struct MacError;

impl Mac {
    /// Reads twelve hex digits, or six groups of one or two with `:` or `-` between all of them.
    ///
    /// # Errors
    /// [`MacError`] for everything else.
    pub fn parse(text: &[u8]) -> Result<Mac, MacError> {
        if let Some(mac) = text.try_into().ok().and_then(parse_plain) {
            return Ok(mac);
        }
        match text.iter().find(|&&byte| byte == b':' || byte == b'-') {
            Some(&separator) if (11..=17).contains(&text.len()) => parse_grouped(text, separator),
            _ => Err(MacError),
        }
    }

    /// Reads the text form alone: lower case, colons, two digits each. None for everything else.
    pub fn parse_normal(text: &[u8]) -> Option<Mac> {
        let text: &[u8; 17] = text.try_into().ok()?;
        let mut bytes = [0; 6];
        for (byte, group) in bytes.iter_mut().zip(text.chunks(3)) {
            let is_normal = !group.iter().any(u8::is_ascii_uppercase)
                && group.get(2).is_none_or(|&separator| separator == b':');
            *byte = hex(group[0]).ok()? << 4 | hex(group[1]).ok()?;
            if !is_normal {
                return None;
            }
        }
        Some(Mac(bytes))
    }

    /// Writes the twelve digits with `separator` (at most one byte long) between the pairs.
    pub fn format(self, separator: &str, upper: bool) -> String {
        const DIGITS: [&[u8; 16]; 2] = [b"0123456789abcdef", b"0123456789ABCDEF"];
        let digits = DIGITS[usize::from(upper)];
        let mut out = String::with_capacity(12 + 5 * separator.len());
        for (index, byte) in self.0.iter().enumerate() {
            if index > 0 {
                out.push_str(separator);
            }
            out.push(char::from(digits[usize::from(byte >> 4)]));
            out.push(char::from(digits[usize::from(byte & 15)]));
        }
        out
    }
}

fn parse_plain(text: &[u8; 12]) -> Option<Mac> {
    let digits = text.map(|byte| HEX[usize::from(byte)]);
    let is_hex = digits.iter().fold(0, |all, digit| all | digit) < 16;
    is_hex.then(|| Mac(std::array::from_fn(|at| digits[2 * at] << 4 | digits[2 * at + 1])))
}

/// The digit that each byte is; 16 and more where it is none.
const HEX: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

fn parse_grouped(text: &[u8], separator: u8) -> Result<Mac, MacError> {
    let mut bytes = [0; 6];
    let mut groups = text.split(|&b| b == separator);
    for byte in &mut bytes {
        *byte = match groups.next().ok_or(MacError)? {
            [low] => hex(*low)?,
            [high, low] => hex(*high)? << 4 | hex(*low)?,
            _ => return Err(MacError),
        };
    }
    groups.next().map_or(Ok(Mac(bytes)), |_| Err(MacError))
}

fn hex(digit: u8) -> Result<u8, MacError> {
    Some(HEX[usize::from(digit)]).filter(|digit| *digit < 16).ok_or(MacError)
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format(":", false))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_phones_write() {
        let wanted = Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37]);
        for text in ["00:15:65:4a:a9:37", "0015654AA937", "00-15-65-4A-A9-37", "0:15:65:4a:a9:37"] {
            assert_eq!(Mac::parse(text.as_bytes()), Ok(wanted), "{text}");
        }
        assert_eq!(Mac::parse(b"0-4-13-A-B-C"), Ok(Mac([0, 4, 0x13, 0xa, 0xb, 0xc])));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "0015654aa93",
            "0015654aa9377",
            "00:15-65:4a:a9:37",
            "00:15:65:4a:a9",
            "00:15:65:4a:a9:37:",
            "00:15:65:4a:a9:3g",
            "001565 4aa937",
            "::15:65:4a:a9:37",
            "000:15:65:4a:a9:3",
        ] {
            assert_eq!(Mac::parse(text.as_bytes()), Err(MacError), "{text}");
        }
    }

    #[test]
    fn the_text_form_is_one() {
        let wanted = Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37]);
        assert_eq!(Mac::parse_normal(b"00:15:65:4a:a9:37"), Some(wanted));
        for text in ["00:15:65:4A:a9:37", "00-15-65-4a-a9-37", "0:15:65:4a:a9:37", "0015654aa937"] {
            assert_eq!(Mac::parse_normal(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn writes_every_form() {
        let mac = Mac([0, 0x15, 0x65, 0x4a, 0xa9, 0x37]);
        assert_eq!(mac.to_string(), "00:15:65:4a:a9:37");
        assert_eq!(mac.format("", true), "0015654AA937");
        assert_eq!(mac.format("-", false), "00-15-65-4a-a9-37");
    }
}
