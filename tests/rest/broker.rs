//! A broker on loopback that speaks as much AMQP 0-9-1 as one consumer needs, and keeps what it was
//! sent.

use ringboot::bus::Settings;
use socket2::{Domain, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// The broker; its threads end with the test's process.
pub struct Broker {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What it knows.
#[derive(Default)]
pub struct State {
    /// Methods that came over all connections: class, method, arguments.
    pub methods: Vec<(u16, u16, Vec<u8>)>,
    /// Who consumes.
    consumer: Option<Socket>,
    sent: u64,
}

impl Broker {
    /// One that listens.
    pub fn new() -> Broker {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(8).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            while let Ok((peer, _)) = socket.accept() {
                let shared = Arc::clone(&shared);
                // A client that goes away is the test's business.
                thread::spawn(move || drop(serve(peer, &shared)));
            }
        });
        Broker { address, state }
    }

    /// How it is reached.
    pub fn settings(&self) -> Settings {
        let port = self.address.port();
        Settings {
            host: "127.0.0.1".to_owned(),
            port,
            vhost: "wazo".to_owned(),
            ..Settings::default()
        }
    }

    /// What it knows.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Whether somebody consumes.
    pub fn has_consumer(&self) -> bool {
        self.state().consumer.is_some()
    }

    /// Hands this message over, in two frames; gives its number.
    pub fn say(&self, body: &str) -> u64 {
        let mut state = self.state();
        state.sent += 1;
        let tag = state.sent;
        let (first, second) = body.as_bytes().split_at(body.len() / 2);
        let deliver = [
            short("ringboot"),
            tag.to_be_bytes().to_vec(),
            vec![0],
            short("wazo-headers"),
            short(""),
        ];
        let header = [&[0, 60, 0, 0][..], &(body.len() as u64).to_be_bytes(), &[0, 0]].concat();
        let consumer = state.consumer.as_mut().unwrap();
        consumer.write_all(&method(1, 60, 60, &deliver.concat())).unwrap();
        consumer.write_all(&frame(2, 1, &header)).unwrap();
        for part in [first, second].into_iter().filter(|part| !part.is_empty()) {
            consumer.write_all(&frame(3, 1, part)).unwrap();
        }
        tag
    }

    /// Says that a tenant is deleted.
    pub fn say_deleted(&self, tenant: &str) -> u64 {
        self.say(&format!(r#"{{"name":"auth_tenant_deleted","data":{{"uuid":"{tenant}"}}}}"#))
    }

    /// Numbers of the messages that were acknowledged, each alone.
    pub fn acknowledged(&self) -> Vec<u64> {
        let state = self.state();
        let acks = state.methods.iter().filter(|(class, method, _)| (*class, *method) == (60, 80));
        acks.map(|(_, _, tag)| {
            assert_eq!(tag[8], 0, "not several at once");
            u64::from_be_bytes(tag[..8].try_into().unwrap())
        })
        .collect()
    }

    /// Closes the connection.
    pub fn cut(&self) {
        let consumer = self.state().consumer.take().unwrap();
        consumer.shutdown(Shutdown::Both).unwrap();
    }

    /// Tells the consumer that its queue was taken away.
    pub fn cancel(&self) {
        let mut consumer = self.state().consumer.take().unwrap();
        let arguments = [short("ringboot"), vec![1]].concat();
        consumer.write_all(&method(1, 60, 30, &arguments)).unwrap();
    }
}

fn serve(mut peer: Socket, state: &Mutex<State>) -> io::Result<()> {
    let mut header = [0; 8];
    peer.read_exact(&mut header)?;
    assert_eq!(&header, b"AMQP\x00\x00\x09\x01");
    let start = [&[0, 9][..], &[0; 4], &long("PLAIN AMQPLAIN"), &long("en_US")].concat();
    peer.write_all(&method(0, 10, 10, &start))?;
    loop {
        let mut head = [0; 7];
        peer.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head[3..].try_into().unwrap());
        let mut payload = vec![0; length as usize + 1];
        peer.read_exact(&mut payload)?;
        assert_eq!(payload.pop(), Some(0xce), "a frame ends with its own sign");
        // What is no method is a sign of life.
        if head[0] != 1 {
            continue;
        }
        let arguments = payload.split_off(4);
        let two = |at: usize| u16::from_be_bytes([payload[at], payload[at + 1]]);
        let (class, name) = (two(0), two(2));
        let queue = |arguments: &[u8]| arguments[2..3 + usize::from(arguments[2])].to_vec();
        let answer = match (class, name) {
            // 2047 channels, frames of 128 kB, signs of life each minute.
            (10, 11) => Some((30, vec![7, 255, 0, 2, 0, 0, 0, 60])),
            (10, 40) => Some((41, short(""))),
            (20, 10) => Some((11, long(""))),
            (50, 10) => Some((11, [queue(&arguments), vec![0; 8]].concat())),
            (60, 20) => Some((21, short("ringboot"))),
            (10, 50) | (20, 40) | (40, 10) | (50, 20) | (60, 10) => Some((name + 1, Vec::new())),
            _ => None,
        };
        if let Some((answer, arguments)) = answer {
            let channel = u16::from_be_bytes([head[1], head[2]]);
            peer.write_all(&method(channel, class, answer, &arguments))?;
        }
        let mut state = state.lock().unwrap();
        if (class, name) == (60, 20) {
            state.consumer = Some(peer.try_clone()?);
        }
        state.methods.push((class, name, arguments));
    }
}

fn method(channel: u16, class: u16, method: u16, arguments: &[u8]) -> Vec<u8> {
    let payload = [&class.to_be_bytes()[..], &method.to_be_bytes(), arguments].concat();
    frame(1, channel, &payload)
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind][..], &channel.to_be_bytes(), &length, payload, &[0xce]].concat()
}

/// A short text: its length in one byte before it.
pub fn short(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// A long text: its length in four.
pub fn long(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}
