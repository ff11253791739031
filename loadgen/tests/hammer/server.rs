//! A small server on loopback, good or bad in one way, that remembers who asked for what.

use ringboot::wire::tftp::Packet;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How it answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Good,
    /// Each body ends before its length.
    Short,
    /// Nothing is found.
    Missing,
    /// Each connection gets bytes of its own in the middle of the body.
    Mixed,
    /// Connections are closed behind an answer that says otherwise.
    Closes,
    /// Nothing is ever answered.
    Silent,
    /// Every fifth datagram is lost on its way in.
    Lossy,
}

/// Where it listens, and what it has seen.
pub struct Server {
    pub http: SocketAddr,
    pub tftp: SocketAddr,
    pub seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
pub struct Seen {
    pub connections: usize,
    /// What each address has asked for.
    pub asked: BTreeMap<IpAddr, BTreeSet<String>>,
}

/// Starts it with bodies of `bytes` bytes; it ends with the process.
#[expect(clippy::disallowed_types, reason = "a server of a test")]
pub fn start(manner: Manner, bytes: usize) -> Server {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = Server {
        http: listener.local_addr().unwrap(),
        tftp: socket.local_addr().unwrap(),
        seen: Arc::clone(&seen),
    };
    thread::spawn(move || {
        for stream in listener.incoming() {
            let seen = Arc::clone(&seen);
            seen.lock().unwrap().connections += 1;
            thread::spawn(move || serve(stream.unwrap(), manner, bytes, &seen));
        }
    });
    thread::spawn(move || {
        let (mut buffer, mut count) = ([0; 600], 0_u32);
        loop {
            let (len, peer) = socket.recv_from(&mut buffer).unwrap();
            count += 1;
            if manner == Manner::Lossy && count.is_multiple_of(5) {
                continue;
            }
            let block = match Packet::parse(&buffer[..len]).unwrap() {
                Packet::Read(_) => 1,
                Packet::Ack { block } => block + 1,
                _ => continue,
            };
            let begin = 512 * (usize::from(block) - 1);
            if begin <= bytes {
                let body = vec![b'x'; (bytes - begin).min(512)];
                let mut datagram = Vec::new();
                Packet::Data { block, body: &body }.encode(&mut datagram);
                // A peer that has gone says so, and is not asked again.
                let _ = socket.send_to(&datagram, peer);
            }
        }
    });
    server
}

/// Answers one connection to its end; what the peer breaks off is its own affair.
fn serve(mut stream: TcpStream, manner: Manner, bytes: usize, seen: &Mutex<Seen>) {
    let peer = stream.peer_addr().unwrap();
    let mut input = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        input.extend_from_slice(&buffer[..read]);
        if !input.ends_with(b"\r\n\r\n") || manner == Manner::Silent {
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut input)).unwrap();
        let path = text.split(' ').nth(1).unwrap().to_owned();
        seen.lock().unwrap().asked.entry(peer.ip()).or_default().insert(path);
        let status = if manner == Manner::Missing { "404 Not Found" } else { "200 OK" };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {bytes}\r\n\r\n");
        let mut answer = head.into_bytes();
        let begin = answer.len();
        answer.resize(begin + bytes, b'x');
        match manner {
            Manner::Mixed => {
                let own = peer.port().to_string();
                answer[begin + 100..begin + 100 + own.len()].copy_from_slice(own.as_bytes());
            }
            Manner::Short => answer.truncate(begin + bytes / 2),
            _ => {}
        }
        let is_over = text.contains("Connection: close");
        let ends = is_over || matches!(manner, Manner::Short | Manner::Closes);
        if stream.write_all(&answer).is_err() || ends {
            return;
        }
    }
}
