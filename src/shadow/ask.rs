//! One request to the other server, by the protocol that the phone took.

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::TcpStream;

use super::{Asked, Content, Peer};
use crate::limits;
use crate::query::Source;
use crate::wire::tftp::{ErrorCode, Mode, Packet, Request};

/// Bytes of a TFTP block without options (RFC 1350 section 2).
const BLOCK_BYTES: usize = 512;

/// What the other server gives.
///
/// # Errors
/// No answer, or one that says nothing of the file (5xx, a TFTP error other than "not found").
pub fn ask(peer: &Peer, asked: &Asked) -> io::Result<Content> {
    match asked.source {
        Source::Tftp => by_tftp(peer, &asked.path),
        Source::Http | Source::Dhcp => by_http(peer, asked),
    }
}

fn by_http(peer: &Peer, asked: &Asked) -> io::Result<Content> {
    let mut stream = TcpStream::connect_timeout(&peer.http, limits::SHADOW_TIME_MAX)?;
    stream.set_read_timeout(Some(limits::SHADOW_TIME_MAX))?;
    stream.set_write_timeout(Some(limits::SHADOW_TIME_MAX))?;
    stream.write_all(&http_request(peer, asked))?;
    let mut answer = Vec::new();
    let most = limits::SHADOW_BODY_BYTES_MAX as u64;
    let len = (&mut stream).take(most).read_to_end(&mut answer)?;
    let rest = if len as u64 == most { io::copy(&mut stream, &mut io::sink())? } else { 0 };
    http_answer(answer, rest)
}

/// HTTP/1.0: the body ends where the connection does.
fn http_request(peer: &Peer, asked: &Asked) -> Vec<u8> {
    let Asked { ip, key, path, args, agent, form, .. } = asked;
    let method: &[u8] = if form.is_some() { b"POST " } else { b"GET " };
    let mut out = method.to_vec();
    if let Some(key) = key {
        out.push(b'/');
        out.extend_from_slice(key);
    }
    out.extend_from_slice(path);
    if !args.is_empty() {
        out.push(b'?');
        out.extend_from_slice(args);
    }
    let fields = format!(" HTTP/1.0\r\nHost: {}\r\nX-Forwarded-For: {ip}\r\n", peer.host);
    out.extend_from_slice(fields.as_bytes());
    if let Some(agent) = agent {
        out.extend_from_slice(&[b"User-Agent: ", &**agent, b"\r\n"].concat());
    }
    let form = form.as_deref().unwrap_or_default();
    if !form.is_empty() {
        let fields = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ";
        out.extend_from_slice(format!("{fields}{}\r\n", form.len()).as_bytes());
    }
    out.extend_from_slice(b"Connection: close\r\n\r\n");
    out.extend_from_slice(form);
    out
}

/// `rest` bytes more came than are there.
fn http_answer(answer: Vec<u8>, rest: u64) -> io::Result<Content> {
    let bad = || Error::new(ErrorKind::InvalidData, "no HTTP answer");
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").ok_or_else(bad)? + 4;
    let line = std::str::from_utf8(answer.get(..12).ok_or_else(bad)?).map_err(|_| bad())?;
    let status = line.split_once(' ').filter(|(version, _)| version.starts_with("HTTP/1."));
    let status: u16 = status.and_then(|(_, code)| code.parse().ok()).ok_or_else(bad)?;
    match status {
        200 if rest == 0 => Ok(Content::Bytes(Bytes::from(answer).slice(end..))),
        200 => Ok(Content::Length((answer.len() - end) as u64 + rest)),
        400..=499 => Ok(Content::Nothing),
        _ => Err(Error::other(format!("status {status}"))),
    }
}

#[expect(
    clippy::disallowed_types,
    reason = "it asks a server, and waits: no phone is served by it"
)]
fn by_tftp(peer: &Peer, name: &[u8]) -> io::Result<Content> {
    let socket = Socket::new(Domain::for_address(peer.tftp), Type::DGRAM, Some(Protocol::UDP))?;
    let any = match peer.tftp {
        std::net::SocketAddr::V4(_) => std::net::SocketAddr::from(([0; 4], 0)),
        std::net::SocketAddr::V6(_) => std::net::SocketAddr::from(([0_u16; 8], 0)),
    };
    socket.bind(&any.into())?;
    let socket = std::net::UdpSocket::from(socket);
    socket.set_read_timeout(Some(limits::SHADOW_TIME_MAX / limits::SHADOW_TRIES))?;
    let mut last = Vec::new();
    Packet::Read(Request { name, mode: Mode::Octet, options: b"" }).encode(&mut last);
    let (mut to, mut body, mut block) = (peer.tftp, Vec::new(), 0_u16);
    let mut tries = 0;
    let mut buffer = [0; 4 + BLOCK_BYTES];
    socket.send_to(&last, to)?;
    loop {
        let (len, from) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if is_late(&error) && tries + 1 < limits::SHADOW_TRIES => {
                tries += 1;
                socket.send_to(&last, to)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let is_first = block == 0 && body.is_empty();
        if from.ip() != peer.tftp.ip() || (!is_first && from != to) {
            continue;
        }
        match Packet::parse(&buffer[..len]) {
            Ok(Packet::Data { block: number, body: part }) if number == block.wrapping_add(1) => {
                (to, block, tries) = (from, number, 0);
                body.extend_from_slice(part);
                last.clear();
                Packet::Ack { block }.encode(&mut last);
                socket.send_to(&last, to)?;
                if part.len() < BLOCK_BYTES {
                    return Ok(Content::Bytes(Bytes::from(body)));
                }
                if body.len() >= limits::SHADOW_BODY_BYTES_MAX {
                    return Err(Error::other("a file too large to be asked for by TFTP"));
                }
            }
            Ok(Packet::Error { code: ErrorCode::FILE_NOT_FOUND, .. }) => {
                return Ok(Content::Nothing);
            }
            Ok(Packet::Error { code, .. }) => {
                return Err(Error::other(format!("TFTP error {}", code.0)));
            }
            _ => {}
        }
    }
}

fn is_late(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::super::Here;
    use super::*;

    #[test]
    fn the_phone_is_repeated_word_by_word() {
        let peer = Peer {
            host: "old.example:8667".to_owned(),
            http: ([192, 0, 2, 1], 8667).into(),
            tftp: ([192, 0, 2, 1], 69).into(),
        };
        let asked = Asked {
            source: Source::Http,
            ip: [192, 0, 2, 7].into(),
            key: None,
            path: b"/a%20b\xff.cfg".to_vec(),
            args: b"mac=1".to_vec(),
            agent: Some(b"Acme \xe9".to_vec()),
            form: None,
            plugin: None,
            here: Here::Nothing,
        };
        let wanted: &[u8] = b"GET /a%20b\xff.cfg?mac=1 HTTP/1.0\r\nHost: old.example:8667\r\n\
            X-Forwarded-For: 192.0.2.7\r\nUser-Agent: Acme \xe9\r\nConnection: close\r\n\r\n";
        assert_eq!(http_request(&peer, &asked), wanted);
        let asked = Asked { form: Some(b"uuid=1".to_vec()), args: Vec::new(), ..asked };
        let posted = http_request(&peer, &asked);
        assert!(posted.starts_with(b"POST /a%20b\xff.cfg HTTP/1.0\r\n"));
        assert!(posted.ends_with(b"Content-Length: 6\r\nConnection: close\r\n\r\nuuid=1"));
        let keyed = Asked { key: Some(b"key-of-a".to_vec()), form: None, ..asked };
        let keyed = http_request(&peer, &keyed);
        assert!(keyed.starts_with(b"GET /key-of-a/a%20b\xff.cfg HTTP/1.0\r\n"));
    }

    #[test]
    fn an_answer_is_a_file_none_or_no_answer() {
        let read = |text: &str, rest| http_answer(text.as_bytes().to_vec(), rest);
        let found = read("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nbody", 0);
        assert!(matches!(found, Ok(Content::Bytes(body)) if body == "body"));
        let long = read("HTTP/1.1 200 OK\r\n\r\nbody", 10);
        assert!(matches!(long, Ok(Content::Length(14))));
        assert!(matches!(read("HTTP/1.0 404 Not Found\r\n\r\nno", 0), Ok(Content::Nothing)));
        for bad in ["HTTP/1.1 500 Oops\r\n\r\n", "HTTP/1.1 200 OK\r\n", "", "SSH-2.0-x\r\n\r\n\r\n"]
        {
            assert!(read(bad, 0).is_err(), "{bad:?}");
        }
    }
}
