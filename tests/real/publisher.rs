//! A vendor's server on loopback that does what it is told: whole, cut off, too long, elsewhere.

use socket2::{Domain, Socket, Type};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;

/// What it does with a request.
#[derive(Clone)]
pub enum Act {
    /// Gives the file, or the part that is asked for.
    Serve,
    /// Gives so many bytes of what it announced, and closes.
    Cut(usize),
    /// Gives the whole file, whatever part is asked for.
    Whole,
    /// Gives these bytes and says nothing of their number.
    Unannounced(Vec<u8>),
    /// Sends on to a path of its own.
    Redirect(&'static str),
    /// Says no.
    Refuse(u16),
}

/// The server; its thread ends with the test's process.
pub struct Publisher {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    file: Vec<u8>,
    /// For the next requests; then all are served.
    acts: VecDeque<Act>,
    heads: Vec<String>,
}

impl Publisher {
    /// Publishes this file under every path.
    pub fn new(file: Vec<u8>) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(16).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let state = State { file, acts: VecDeque::new(), heads: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            while let Ok((peer, _)) = socket.accept() {
                // A client that goes away is the test's business.
                let _ = answer(peer, &shared);
            }
        });
        Self { address, state }
    }

    /// Does this with the next requests.
    pub fn then(&self, acts: impl IntoIterator<Item = Act>) {
        self.state.lock().unwrap().acts.extend(acts);
    }

    /// Publishes another file from now on.
    pub fn publish(&self, file: Vec<u8>) {
        self.state.lock().unwrap().file = file;
    }

    /// The heads of the requests since the last look.
    pub fn heads(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().heads)
    }

    /// Where a path of it is.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn answer(mut peer: Socket, state: &Mutex<State>) -> io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        peer.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let (act, file) = {
        let mut state = state.lock().unwrap();
        state.heads.push(head.clone());
        (state.acts.pop_front().unwrap_or(Act::Serve), state.file.clone())
    };
    let etag = format!("\"{}\"", file.len() + usize::from(file[0]));
    let range = head.split("range: bytes=").nth(1).and_then(|rest| rest.split('-').next());
    let is_same = head.split("if-range: ").nth(1).is_none_or(|rest| rest.starts_with(&etag));
    let from: usize = range.filter(|_| is_same).map_or(0, |from| from.parse().unwrap());
    let all = file.len();
    let (from, sent) = match act {
        Act::Serve => (from, all),
        Act::Cut(sent) => (from, (from + sent).min(all)),
        Act::Whole => (0, all),
        Act::Unannounced(bytes) => {
            peer.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            return peer.write_all(&bytes);
        }
        Act::Redirect(path) => {
            let head = format!("HTTP/1.1 302 Found\r\nLocation: {path}\r\n");
            return peer.write_all(
                format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
            );
        }
        Act::Refuse(status) => {
            let head =
                format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return peer.write_all(head.as_bytes());
        }
    };
    let status = if from > 0 {
        format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{all}", all - 1)
    } else {
        "200 OK".to_owned()
    };
    let length = all - from;
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nETag: {etag}\r\nConnection: close\r\n\r\n"
    );
    peer.write_all(head.as_bytes())?;
    peer.write_all(&file[from..sent])
}
