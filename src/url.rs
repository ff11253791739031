//! Parts of URLs: what is escaped comes back as it was (RFC 3986 section 2).

/// A value of a query, or a name in a path: all but unreserved signs is escaped.
pub fn escape(text: &str) -> String {
    escape_but(text, b"-._~")
}

/// A path's segment: signs that mean nothing in it stand as they are (RFC 3986 section 3.3).
pub fn segment(name: &str) -> String {
    escape_but(name, b"-._~!$&'()*+,;=:@")
}

fn escape_but(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A part of a query: `+` is a blank, `%XX` a byte (what is none stays as it is).
pub fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let code = behind.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        rest = behind;
        match (byte, code.and_then(|code| u8::from_str_radix(code, 16).ok())) {
            (b'+', _) => out.push(b' '),
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = &behind[2..];
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_comes_back() {
        let text = "provd.dev_mgr.é&x=#.r e+d%";
        assert_eq!(escape(text), "provd.dev_mgr.%C3%A9%26x%3D%23.r%20e%2Bd%25");
        assert_eq!(decode(&escape(text)), text);
        assert_eq!(segment("autoprov0e20-é b/c"), "autoprov0e20-%C3%A9%20b%2Fc");
    }

    #[test]
    fn queries_are_decoded() {
        assert_eq!(decode("%7B%22a%22:+1%7d%"), "{\"a\": 1}%");
        assert_eq!(decode("%C3%A9%+1%é"), "é% 1%é");
    }
}
