//! What stands behind synchronize, as scripts: wazo-amid's HTTP, Asterisk's manager interface.

use ringboot::time::{self, Instant};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server of a script; its threads end with the test's process.
pub struct Script<T> {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it was asked, and when.
    pub asked: Arc<Mutex<Vec<(T, Instant)>>>,
}

/// A request to wazo-amid: its head and its document.
pub type Request = (String, Value);

/// What Asterisk does with an action that is no login.
#[derive(Clone, Copy)]
pub enum Act {
    /// Takes it; says other things before.
    Take,
    /// Refuses it.
    Refuse,
    /// Closes the connection, as it does when it is started anew.
    Close,
}

/// wazo-amid, which gives these answers one after another, and then the last one again.
pub fn amid(answers: &[(u16, &str)]) -> Script<Request> {
    let answers: Vec<_> = answers.iter().map(|(code, text)| (*code, (*text).to_owned())).collect();
    let answers = Mutex::new(VecDeque::from(answers));
    serve(move |stream, asked: &Mutex<Vec<(Request, Instant)>>| {
        let request = request(&mut BufReader::new(&stream));
        asked.lock().unwrap().push((request, time::now()));
        let mut answers = answers.lock().unwrap();
        let (code, text) = answers.front().unwrap().clone();
        if answers.len() > 1 {
            answers.pop_front();
        }
        let head = "Content-Type: application/json\r\nConnection: close\r\n";
        let length = text.len();
        let _ =
            write!(&stream, "HTTP/1.1 {code} x\r\n{head}Content-Length: {length}\r\n\r\n{text}");
    })
}

/// Asterisk, where `user` and `secret` log in, and which does this with the actions.
pub fn asterisk(acts: &[Act]) -> Script<Vec<String>> {
    let acts = Mutex::new(VecDeque::from(acts.to_vec()));
    serve(move |mut stream, asked: &Mutex<Vec<(Vec<String>, Instant)>>| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let _ = stream.write_all(b"Asterisk Call Manager/9.0.0\r\n");
        while let Some(action) = action(&mut reader) {
            let has = |line: &str| action.iter().any(|one| one == line);
            let id = action.iter().find(|line| line.starts_with("ActionID: ")).unwrap().clone();
            let is_login = has("Action: Login");
            let is_known = has("Username: ringboot") && has("Secret: se cret");
            let answer = |word: &str, text: &str| {
                format!("Response: {word}\r\n{id}\r\nMessage: {text}\r\n\r\n")
            };
            let text = if is_login && is_known {
                answer("Success", "Authentication accepted")
            } else if is_login {
                answer("Error", "Authentication failed")
            } else {
                asked.lock().unwrap().push((action, time::now()));
                let act = acts.lock().unwrap().pop_front().unwrap_or(Act::Take);
                let others = "Event: FullyBooted\r\nStatus: x\r\n\r\n\
                              Response: Error\r\nActionID: somebody-7\r\nMessage: not ours\r\n\r\n";
                match act {
                    Act::Take => others.to_owned() + &answer("Success", "NOTIFY sent"),
                    Act::Refuse => answer("Error", "Unable to retrieve endpoint"),
                    Act::Close => return,
                }
            };
            let _ = stream.write_all(text.as_bytes());
        }
    })
}

fn serve<T: Send + 'static>(
    answer: impl Fn(TcpStream, &Mutex<Vec<(T, Instant)>>) + Send + Sync + 'static,
) -> Script<T> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(16).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (kept, answer) = (Arc::clone(&asked), Arc::new(answer));
    thread::spawn(move || {
        while let Ok((peer, _)) = socket.accept() {
            let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
            thread::spawn(move || answer(peer.into(), &kept));
        }
    });
    Script { address, asked }
}

fn request(reader: &mut impl BufRead) -> Request {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

/// The lines of an action; none at the end.
fn action(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}
