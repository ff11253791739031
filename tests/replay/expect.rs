//! The words of a line, and whether an answer or a packet is as they say.

use crate::play::{Said, check};
use ringboot::ring::Then;
use ringboot::wire::tftp::Packet;
use std::path::Path;

/// The words of a line; what is in quotes is one word, with `\r`, `\n`, `\"`, `\\` and `\xNN`.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let mut word = String::new();
        while let Some(c) = rest.chars().next().filter(|c| !c.is_whitespace()) {
            rest = &rest[c.len_utf8()..];
            if c == '"' { rest = quoted(rest, &mut word)? } else { word.push(c) }
        }
        words.push(word);
        rest = rest.trim_start();
    }
    Ok(words)
}

/// Appends what stands up to the closing quote, and returns what is behind it.
fn quoted<'a>(text: &'a str, word: &mut String) -> Result<&'a str, String> {
    let mut chars = text.chars();
    loop {
        match chars.next().ok_or("a quote is not closed")? {
            '"' => return Ok(chars.as_str()),
            '\\' => match chars.next() {
                Some('r') => word.push('\r'),
                Some('n') => word.push('\n'),
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).collect();
                    let byte = u8::from_str_radix(&digits, 16).map_err(|e| e.to_string())?;
                    word.push(char::from(byte));
                }
                Some(other) => word.push(other),
                None => return Err("a quote is not closed".to_owned()),
            },
            other => word.push(other),
        }
    }
}

/// One byte for each character.
pub fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a character of Latin-1")).collect()
}

/// A whole head from `> GET /x HTTP/1.1 | Host: prov`.
pub fn head(line: &str) -> Vec<u8> {
    let lines: Vec<&str> = line.trim_start_matches([' ', '>']).split(" | ").collect();
    latin1(&(lines.join("\r\n") + "\r\n\r\n"))
}

/// Head and body of an answer.
pub fn split(answer: &[u8]) -> Result<(&str, &[u8]), String> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no head")?;
    let head = std::str::from_utf8(&answer[..end]).map_err(|error| error.to_string())?;
    Ok((head, &answer[end + 4..]))
}

/// Whether an answer is as the words say: first its status, then what else must hold of it.
pub fn answer(words: &[&str], bytes: &[u8], then: Then, files: &Path) -> Said {
    let (head, body) = split(bytes)?;
    let whole = || head.to_owned();
    let (status, conditions) = words.split_first().ok_or("which status?")?;
    check(head.split(' ').nth(1) == Some(status), whole)?;
    let mut wanted = Then::Keep;
    for condition in conditions {
        match condition.split_once('=') {
            None if *condition == "close" => wanted = Then::Close,
            None if *condition == "linger" => wanted = Then::Linger,
            None if *condition == "empty" => check(body.is_empty(), whole)?,
            None => check(field(head, condition).is_some(), whole)?,
            Some(("length", len)) => check(body.len().to_string() == len, whole)?,
            Some(("body", text)) => {
                check(body == latin1(text), || body.escape_ascii().to_string())?
            }
            Some(("starts", text)) => check(body.starts_with(&latin1(text)), whole)?,
            Some(("holds", text)) => {
                let text = latin1(text);
                check(body.windows(text.len()).any(|window| window == text), whole)?;
            }
            Some(("file", part)) => is_of_file(part, body, files)?,
            Some((name, "none")) => check(field(head, name).is_none(), whole)?,
            Some((name, value)) => check(field(head, name) == Some(value), whole)?,
        }
    }
    if *status != "304" {
        let length = field(head, "Content-Length").ok_or("no Content-Length")?;
        let fits = body.is_empty() || body.len().to_string() == length;
        check(fits, || format!("{length} bytes said, {} sent", body.len()))?;
    }
    let says_close = field(head, "Connection") == Some("close");
    check(says_close == (wanted != Then::Keep), whole)?;
    check(then == wanted, || format!("{then:?} behind it, not {wanted:?}"))
}

/// `name` or `name@offset`: the body is the file, or the part of it that begins there.
fn is_of_file(part: &str, body: &[u8], files: &Path) -> Said {
    let (name, offset) = part.split_once('@').unwrap_or((part, "0"));
    let file = std::fs::read(files.join(name)).map_err(|error| error.to_string())?;
    let offset: usize = offset.parse().map_err(|_| "no offset".to_owned())?;
    let is_part = file.get(offset..offset + body.len()) == Some(body);
    let is_whole = part.contains('@') || body.len() == file.len();
    check(is_part && is_whole, || "the body is not of this file".to_owned())
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Whether a packet is `OACK key=value …` or `ERROR code`.
pub fn packet(words: &[&str], datagram: &[u8]) -> Said {
    let packet = Packet::parse(datagram).map_err(|error| error.to_string())?;
    let found = match packet {
        Packet::OptionAck(options) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let pairs = options.pairs().map(|(key, value)| text(key) + "=" + &text(value));
            ["OACK".to_owned()].into_iter().chain(pairs).collect()
        }
        Packet::Error { code, .. } => vec!["ERROR".to_owned(), code.0.to_string()],
        other => return Err(format!("{other:?}")),
    };
    check(found == words, || found.join(" "))
}
