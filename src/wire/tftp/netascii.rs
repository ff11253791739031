//! Bytes as netascii, the text mode of RFC 1350 (RFC 764's end of line): a pure function of a body.

/// `body` in netascii: a line feed becomes CR LF, a carriage return becomes CR NUL.
///
/// The result is at most twice as long as `body`, which the caller has in memory.
pub fn to_netascii(body: &[u8]) -> Vec<u8> {
    let breaks = body.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    let mut text = Vec::with_capacity(body.len().saturating_add(breaks));
    for &byte in body {
        match byte {
            b'\n' => text.extend_from_slice(b"\r\n"),
            b'\r' => text.extend_from_slice(b"\r\0"),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_written_as_the_mode_asks() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"", b""),
            (b"lcl SIP 1\n", b"lcl SIP 1\r\n"),
            (b"a\r\nb", b"a\r\0\r\nb"),
            (b"\r", b"\r\0"),
            (b"\n\n", b"\r\n\r\n"),
            (b"\x00\xff", b"\x00\xff"),
        ];
        for (body, text) in cases {
            assert_eq!(&to_netascii(body), text, "{body:?}");
        }
    }

    #[test]
    fn nothing_is_lost() {
        let body: Vec<u8> = (0..=255).chain([10, 13, 13, 10, 10, 0, 13]).collect();
        let text = to_netascii(&body);
        let mut back = Vec::new();
        let mut rest = text.iter().copied();
        while let Some(byte) = rest.next() {
            match (byte, byte == b'\r') {
                (_, true) => match rest.next() {
                    Some(b'\n') => back.push(b'\n'),
                    Some(0) => back.push(b'\r'),
                    other => panic!("CR followed by {other:?}"),
                },
                (plain, false) => back.push(plain),
            }
        }
        assert_eq!(back, body);
    }
}
