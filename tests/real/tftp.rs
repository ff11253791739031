//! A phone's TFTP: the load generator's client on a real socket with an address of its own.

#![expect(clippy::disallowed_types, reason = "a phone's socket is no server's")]

use ringboot::time::{self, Duration};
use ringboot::wire::tftp::{Destination, Failure, Fetch, Mode, Options, Outcome};
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Largest file of a test.
const BYTES_MAX: usize = 1 << 26;

/// A socket at this address.
pub fn socket(from: impl Into<IpAddr>) -> UdpSocket {
    UdpSocket::bind((from.into(), 0)).unwrap()
}

/// Fetches a file without options, from this address.
pub fn fetch(server: SocketAddr, from: impl Into<IpAddr>, name: &str) -> Result<Vec<u8>, Failure> {
    fetch_with(server, from, name, Options::default(), |_| {})
}

/// Fetches a file with options; `watch` sees what is there before each wait for more.
pub fn fetch_with(
    server: SocketAddr,
    from: impl Into<IpAddr>,
    name: &str,
    options: Options,
    mut watch: impl FnMut(&[u8]),
) -> Result<Vec<u8>, Failure> {
    let socket = socket(from);
    let mut fetch = Fetch::new(time::now(), name.as_bytes(), Mode::Octet, options, BYTES_MAX);
    let mut datagram = vec![0; 65_536];
    loop {
        let mut out = Vec::new();
        while let Some(to) = fetch.poll_transmit(time::now(), &mut out) {
            let to = match to {
                Destination::Listen => server,
                Destination::Address(address) => address,
            };
            socket.send_to(&out, to).unwrap();
            out.clear();
        }
        match fetch.outcome() {
            Some(Outcome::Done) => return Ok(fetch.into_body()),
            Some(Outcome::Failed(failure)) => return Err(failure),
            None => {}
        }
        watch(fetch.body());
        let wait = fetch.poll_timeout().map(|at| at.since(time::now()));
        let wait = wait.unwrap_or_default().max(Duration::from_millis(1));
        socket.set_read_timeout(Some(wait)).unwrap();
        match socket.recv_from(&mut datagram) {
            Ok((length, from)) => {
                assert_eq!(from.ip(), server.ip(), "it answers from where it was asked");
                fetch.handle(time::now(), from, &datagram[..length]);
            }
            Err(_) => fetch.handle_timeout(time::now()),
        }
    }
}
