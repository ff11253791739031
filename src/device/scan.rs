//! Compact JSON without escapes, walked once without a copy: what the store holds nearly always.
//!
//! Whatever is not just that (blanks, escapes, fractions, a fault) is none of this scanner's, which
//! then says nothing, and a real parser says what it is. What it walks over is valid JSON.

/// A place in a text.
#[derive(Debug)]
pub struct Scan<'a> {
    text: &'a str,
    at: usize,
}

/// A value that needs no second look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plain<'a> {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// A text.
    Text(&'a str),
}

/// Deepest nesting that is followed.
const DEPTH_MAX: u32 = 32;
/// Longest number: it is exact however it is read.
const DIGITS_MAX: usize = 15;

impl<'a> Scan<'a> {
    /// The beginning of a text; none where it is not of the kind.
    pub fn new(json: &'a [u8]) -> Option<Scan<'a>> {
        let is_odd = |byte: &u8| *byte < b' ' || *byte == b'\\';
        // All of it is looked at, so that the loop has no exit and takes many bytes a step.
        let odd = json.iter().fold(false, |odd, byte| odd | is_odd(byte));
        let text = std::str::from_utf8(json).ok()?;
        (!odd).then_some(Scan { text, at: 0 })
    }

    /// Walks an object: `member` takes each key, and must take the value behind it.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&'a str, &mut Scan<'a>) -> Option<()>,
    ) -> Option<()> {
        self.byte(b'{')?;
        if self.byte(b'}').is_some() {
            return Some(());
        }
        loop {
            let key = self.text()?;
            self.byte(b':')?;
            member(key, self)?;
            if self.byte(b',').is_none() {
                return self.byte(b'}');
            }
        }
    }

    /// Walks a list: `element` must take each value.
    pub fn list(&mut self, mut element: impl FnMut(&mut Scan<'a>) -> Option<()>) -> Option<()> {
        self.byte(b'[')?;
        if self.byte(b']').is_some() {
            return Some(());
        }
        loop {
            element(self)?;
            if self.byte(b',').is_none() {
                return self.byte(b']');
            }
        }
    }

    /// Takes a text.
    pub fn text(&mut self) -> Option<&'a str> {
        self.byte(b'"')?;
        let length = quote(&self.text.as_bytes()[self.at..])?;
        let text = &self.text[self.at..self.at + length];
        self.at += length + 1;
        Some(text)
    }

    /// Takes null, a boolean or a text.
    pub fn plain(&mut self) -> Option<Plain<'a>> {
        match self.peek()? {
            b'"' => self.text().map(Plain::Text),
            b't' => self.word("true").map(|()| Plain::Bool(true)),
            b'f' => self.word("false").map(|()| Plain::Bool(false)),
            b'n' => self.word("null").map(|()| Plain::Null),
            _ => None,
        }
    }

    /// Takes any value; gives its text.
    pub fn value(&mut self) -> Option<&'a str> {
        let from = self.at;
        self.skip(0)?;
        Some(self.since(from))
    }

    /// What is next.
    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Where it is.
    pub fn place(&self) -> usize {
        self.at
    }

    /// The text from a place on up to here.
    pub fn since(&self, place: usize) -> &'a str {
        &self.text[place..self.at]
    }

    /// Whether all is taken.
    pub fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn skip(&mut self, depth: u32) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(|_, scan| scan.skip(depth + 1)),
            b'[' => self.list(|scan| scan.skip(depth + 1)),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.plain().map(drop),
        }
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.byte(b'-');
        let rest = &self.text.as_bytes()[self.at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_exact = (1..=DIGITS_MAX).contains(&digits) && (digits == 1 || rest[0] != b'0');
        let is_whole = !matches!(rest.get(digits), Some(b'.' | b'e' | b'E'));
        self.at += digits;
        (is_exact && is_whole).then_some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.as_bytes()[self.at..].starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }
}

/// Where the first quote is. Texts are short: a search that is made for long ones would take longer
/// to begin than this takes.
fn quote(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        // A byte that is a quote is zero now; the lowest high bit is that of the first zero byte.
        let word = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'"'));
        let zeros = word.wrapping_sub(ONES) & !word & HIGHS;
        if zeros != 0 {
            return Some(8 * number + zeros.trailing_zeros() as usize / 8);
        }
    }
    let found = rest.iter().position(|byte| *byte == b'"')?;
    Some(8 * words.len() + found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn value(text: &str) -> Option<&str> {
        let mut scan = Scan::new(text.as_bytes())?;
        let value = scan.value()?;
        scan.is_at_end().then_some(value)
    }

    #[test]
    fn what_it_takes_is_whole_and_valid() {
        for text in [
            r#"{}"#,
            r#"[]"#,
            r#"{"a":[1,-2,0,null,true,false,"x y",{}],"b":{"c":"\u007f é"}}"#,
            r#"123456789012345"#,
        ] {
            assert_eq!(value(text).is_some(), !text.contains('\\'), "{text}");
        }
    }

    /// Cut or changed anywhere, it takes nothing that a parser would refuse.
    #[test]
    fn it_takes_nothing_that_is_no_json() {
        let text = r#"{"a":[1,-20,"x",{"b":null}],"c":{"d":true},"é":"ü","f":false,"g":[[]]}"#;
        assert_eq!(value(text), Some(text));
        for at in 0..text.len() {
            for byte in *b"\"{}[]:,0-. \\nt\x01\xff" {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] = byte;
                let taken = std::str::from_utf8(&bytes).ok().and_then(value).is_some();
                let is_json = serde_json::from_slice::<Value>(&bytes).is_ok();
                assert!(!taken || is_json, "{}", bytes.escape_ascii());
            }
            assert!(!text.is_char_boundary(at) || value(&text[..at]).is_none(), "{at}");
        }
    }

    #[test]
    fn the_first_quote_is_found_wherever_it_is() {
        for len in 0..40 {
            for other in [b'!', b'#', 0xa2, 0xff, 0x80] {
                let mut bytes = vec![other; len];
                assert_eq!(quote(&bytes), None);
                for at in (0..len).rev() {
                    bytes[at] = b'"';
                    assert_eq!(quote(&bytes), Some(at), "{len} {other}");
                }
            }
        }
    }

    #[test]
    fn what_is_odd_is_left_to_others() {
        for text in ["01", "1.5", "1e3", "1234567890123456", "-", " 1", "\"\\n\"", "nul", "{\"a\"}"]
        {
            assert_eq!(value(text), None, "{text}");
        }
        let deep = "[".repeat(40) + &"]".repeat(40);
        assert_eq!(value(&deep), None);
    }
}
