//! A tiny server on loopback, HTTP and TFTP from one table of files: only for phones that behave.

use ringboot::time;
use ringboot::wire::tftp::{ErrorCode, Packet, Transfer, Transmit};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use tokio_uring::net::{TcpListener, TcpStream, UdpSocket};

/// Bodies by path, with a leading slash.
pub type Files = HashMap<String, String>;

/// Where it listens.
#[derive(Clone, Copy)]
pub struct Server {
    pub http: SocketAddr,
    pub tftp: SocketAddr,
}

/// How it misbehaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Not at all.
    Good,
    /// It accepts and reads, and never answers.
    Silent,
    /// The first answers over HTTP end in their middle.
    Cuts,
}

/// Starts it on free ports; it ends with the process.
pub fn start(files: Files, manner: Manner) -> Server {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        tokio_uring::start(async move {
            let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
            let listener = TcpListener::bind(any).unwrap();
            let socket = UdpSocket::bind(any).await.unwrap();
            let (http, tftp) = (listener.local_addr().unwrap(), socket.local_addr().unwrap());
            tell.send(Server { http, tftp }).unwrap();
            let files = Arc::new(files);
            tokio_uring::spawn(serve_tftp(socket, Arc::clone(&files)));
            for count in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio_uring::spawn(serve_http(stream, Arc::clone(&files), manner, count));
            }
        });
    });
    told.recv().unwrap()
}

async fn serve_http(stream: TcpStream, files: Arc<Files>, manner: Manner, count: usize) {
    let mut input = Vec::new();
    loop {
        while let Some((path, len)) = request(&input) {
            input.drain(..len);
            let (status, body) = match files.get(&path) {
                Some(body) => ("200 OK", body.as_str()),
                None => ("404 Not Found", "no such file"),
            };
            let length = body.len();
            let mut answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
            let is_cut = manner == Manner::Cuts && count < 5;
            if is_cut {
                answer.truncate(answer.len() - 3);
            }
            if manner != Manner::Silent {
                stream.write_all(answer.into_bytes()).await.0.unwrap();
            }
            if is_cut {
                return;
            }
        }
        let (read, bytes) = stream.read(Vec::with_capacity(4096)).await;
        match read {
            Ok(1..) => input.extend_from_slice(&bytes),
            _ => return,
        }
    }
}

/// The path of the first whole request, and its length with its content.
fn request(input: &[u8]) -> Option<(String, usize)> {
    let text = String::from_utf8_lossy(input);
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    let path = head.split(' ').nth(1)?.to_owned();
    (rest.len() >= length).then_some((path, head.len() + 4 + length))
}

/// All transfers on one port, told apart by the peer; lost datagrams are not this server's concern.
async fn serve_tftp(socket: UdpSocket, files: Arc<Files>) {
    let mut transfers: HashMap<SocketAddr, (Transfer, String)> = HashMap::new();
    loop {
        let (received, datagram) = socket.recv_from(Vec::with_capacity(2048)).await;
        let (_, peer) = received.unwrap();
        let now = time::now();
        match Packet::parse(&datagram).unwrap() {
            Packet::Read(request) => {
                let name = String::from_utf8_lossy(request.name).into_owned();
                let Some(body) = files.get(&format!("/{name}")) else {
                    let mut error = Vec::new();
                    Packet::error(ErrorCode(1)).encode(&mut error);
                    socket.send_to(error, peer).await.0.unwrap();
                    continue;
                };
                let transfer = Transfer::new(now, &request, body.len() as u64);
                transfers.insert(peer, (transfer, body.clone()));
            }
            packet => {
                let Some((transfer, _)) = transfers.get_mut(&peer) else { continue };
                transfer.handle(now, &packet);
            }
        }
        let Some((transfer, body)) = transfers.get_mut(&peer) else { continue };
        while let Some(transmit) = transfer.poll_transmit(now) {
            let mut out = Vec::new();
            transmit.encode_head(&mut out);
            if let Transmit::Data { offset, len, .. } = transmit {
                let offset = usize::try_from(offset).unwrap();
                out.extend_from_slice(&body.as_bytes()[offset..offset + len]);
            }
            socket.send_to(out, peer).await.0.unwrap();
        }
        if transfer.is_over() {
            transfers.remove(&peer);
        }
    }
}
