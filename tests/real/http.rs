//! A phone's HTTP: one connection, one answer after the other, from an address of its own.

use ringboot::time::Duration;
use socket2::{Domain, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};

/// A connection that is kept.
pub struct Client {
    /// For what no well-behaved phone does.
    pub stream: TcpStream,
    input: Vec<u8>,
}

/// An answer with its content.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The content as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    /// Connects from this address on loopback.
    pub fn connect(server: SocketAddr, from: impl Into<IpAddr>) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(from.into(), 0).into())?;
        socket.connect(&server.into())?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: Vec::new() })
    }

    /// Asks for a path, as this agent.
    pub fn get(&mut self, path: &str, agent: &str) -> io::Result<Answer> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: prov\r\nUser-Agent: {agent}\r\n\r\n"))
    }

    /// Sends a whole request and takes the answer.
    pub fn ask(&mut self, request: &str) -> io::Result<Answer> {
        self.stream.write_all(request.as_bytes())?;
        self.answer()
    }

    /// Takes an answer with a length.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let (head, length) = self.head()?;
        while self.input.len() < length {
            self.receive()?;
        }
        let body = self.input.drain(..length).collect();
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status: {head}")))?;
        Ok(Answer { status, head, body })
    }

    /// Whether the server closes within the time that reads wait.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 64]), Ok(0))
    }

    /// The head in lower case and the length of what follows it.
    fn head(&mut self) -> io::Result<(String, usize)> {
        let end = loop {
            match self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.receive()?,
            }
        };
        let head: Vec<u8> = self.input.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|length| length.parse().ok());
        let length = length.ok_or_else(|| io::Error::other(format!("no length: {head}")))?;
        Ok((head, length))
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut part = [0; 16 * 1024];
        let read = self.stream.read(&mut part)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.input.extend_from_slice(&part[..read]);
        Ok(())
    }
}
