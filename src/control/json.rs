//! JSON as the predecessor's clients have always had it: no blanks, and nothing but ASCII.

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io;

/// Writes a value: `,` and `:` without blanks, what is not printable ASCII as `\uXXXX`.
pub fn write(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut serializer = Serializer::with_formatter(&mut out, Ascii);
    value.serialize(&mut serializer).expect("invariant: a JSON value can be written to memory");
    out
}

struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let is_plain = |c: char| matches!(c, ' '..='~');
        let mut rest = fragment;
        while let Some(at) = rest.find(|c| !is_plain(c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            let odd = rest[at..].chars().next().expect("invariant: one was found there");
            for unit in odd.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &rest[at + odd.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_ascii_and_without_blanks() {
        let value: serde_json::Value =
            serde_json::from_str("{\"b\": [1, null], \"a\": \"é\u{7f}\\n\\\"😀 x\"}")
                .expect("JSON");
        let text = String::from_utf8(write(&value)).expect("ASCII");
        assert_eq!(text, "{\"b\":[1,null],\"a\":\"\\u00e9\\u007f\\n\\\"\\ud83d\\ude00 x\"}");
    }
}
