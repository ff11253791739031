//! A file name of a request becomes a path below a folder, or nothing.

/// The name is no path below a folder: it climbs, or hides a control character.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the file name leads out of its folder or holds a control character")]
pub struct BadName;

/// Reads the name as a path: `\` is a slash, as some phones write it, several slashes are one,
/// leading ones are none, and one trailing line feed is not part of it. `buffer` is overwritten
/// only when something has to change.
///
/// # Errors
/// [`BadName`]: a control character, or a segment `.` or `..`.
pub fn path_of<'b>(name: &'b [u8], buffer: &'b mut Vec<u8>) -> Result<&'b [u8], BadName> {
    let name = name.strip_suffix(b"\n").unwrap_or(name);
    let plain = !name.contains(&b'\\') && !name.windows(2).any(|pair| pair == b"//");
    let path = if plain {
        name
    } else {
        buffer.clear();
        for &byte in name {
            let byte = if byte == b'\\' { b'/' } else { byte };
            if byte != b'/' || buffer.last() != Some(&b'/') {
                buffer.push(byte);
            }
        }
        buffer.as_slice()
    };
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let climbs = path.split(|&byte| byte == b'/').any(|part| matches!(part, b"." | b".."));
    if climbs || path.iter().any(u8::is_ascii_control) { Err(BadName) } else { Ok(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_phones_write_them() {
        for (name, path) in [
            ("/spa504G.cfg", "spa504G.cfg"),
            ("init.cfg", "init.cfg"),
            ("//a//b.cfg", "a/b.cfg"),
            ("Communicator\\LdapDirectories.xml", "Communicator/LdapDirectories.xml"),
            ("\\\\a", "a"),
            ("a.cfg\n", "a.cfg"),
            ("", ""),
        ] {
            let mut buffer = Vec::new();
            assert_eq!(path_of(name.as_bytes(), &mut buffer), Ok(path.as_bytes()), "{name:?}");
        }
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in ["../a", "/a/../b", "a\\..\\b", ".", "a\0b", "a\x01", "a\n\n"] {
            let mut buffer = Vec::new();
            assert_eq!(path_of(name.as_bytes(), &mut buffer), Err(BadName), "{name:?}");
        }
    }
}
