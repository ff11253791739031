//! Sockets on the ring, connections and datagrams alike: no call here blocks the thread.
//!
//! To the ring a socket is a descriptor: connect, read and write are the same operations for a
//! stream. `tokio_uring::net::UdpSocket` is the only type of that crate that connects a socket
//! which was bound before, so it carries both kinds. The descriptors stay in blocking mode: the
//! ring polls by itself, and hands `EAGAIN` of a non-blocking one to the caller instead.

use crate::limits::READ_BYTES;
use socket2::{Domain, Protocol, SockAddr, Type};
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use tokio_uring::net::UdpSocket;

/// A socket and the one thing that is waited for on it.
pub struct Socket {
    inner: Rc<UdpSocket>,
    pending: Pin<Box<dyn Future<Output = Happened>>>,
}

/// What was waited for.
#[derive(Debug)]
pub enum Happened {
    /// A connection is there.
    Connected,
    /// Bytes of a connection; none at its end.
    Received(Vec<u8>),
    /// A datagram and its sender.
    Datagram(SocketAddr, Vec<u8>),
    /// The socket failed.
    Failed(io::ErrorKind),
}

impl Socket {
    /// A connection to `server`, from `source` if there is one.
    ///
    /// # Errors
    /// When there is no descriptor, or the address is not this machine's.
    pub fn connect(server: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<Self> {
        let inner = Rc::new(open(server, Type::STREAM, Protocol::TCP, source)?);
        let connecting = Rc::clone(&inner);
        let pending = Box::pin(async move {
            match connecting.connect(server).await {
                Ok(()) => Happened::Connected,
                Err(error) => Happened::Failed(error.kind()),
            }
        });
        Ok(Self { inner, pending })
    }

    /// A datagram socket for what comes from `server`'s address family, of up to `bytes_max`.
    ///
    /// # Errors
    /// When there is no descriptor, or the address is not this machine's.
    pub fn datagrams(
        server: SocketAddr,
        source: Option<Ipv4Addr>,
        bytes_max: usize,
    ) -> io::Result<Self> {
        let inner = Rc::new(open(server, Type::DGRAM, Protocol::UDP, source)?);
        let pending = receive_from(&inner, Vec::with_capacity(bytes_max));
        Ok(Self { inner, pending })
    }

    /// Waits. May be dropped and called again: what is waited for stays under way.
    pub async fn next(&mut self) -> Happened {
        self.pending.as_mut().await
    }

    /// Waits for the next bytes or datagram, into the memory of the last one.
    pub fn rearm(&mut self, happened: Happened) {
        self.pending = match happened {
            Happened::Connected => receive(&self.inner, Vec::with_capacity(READ_BYTES)),
            Happened::Received(buffer) => receive(&self.inner, buffer),
            Happened::Datagram(_, buffer) => receive_from(&self.inner, buffer),
            Happened::Failed(_) => Box::pin(std::future::pending()),
        };
    }

    /// Sends all of `bytes` on the connection.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send(&self, bytes: Vec<u8>) -> io::Result<()> {
        let mut rest = bytes;
        loop {
            let (result, buffer) = self.inner.write(rest).submit().await;
            match result? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                sent if sent >= buffer.len() => return Ok(()),
                sent => rest = buffer[sent..].to_vec(),
            }
        }
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send_to(&self, to: SocketAddr, datagram: Vec<u8>) -> io::Result<()> {
        self.inner.send_to(datagram, to).await.0.map(drop)
    }
}

impl Drop for Socket {
    /// Ends what is waited for: the ring holds the descriptor until that completes.
    fn drop(&mut self) {
        // A socket that is not connected says so, and its receive ends all the same.
        let _ = self.inner.shutdown(Shutdown::Both);
    }
}

#[expect(clippy::disallowed_types, reason = "the door of the load generator's sockets")]
fn open(
    server: SocketAddr,
    kind: Type,
    protocol: Protocol,
    source: Option<Ipv4Addr>,
) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(Domain::for_address(server), kind, Some(protocol))?;
    if let Some(source) = source {
        // Ports of closed connections are free for other servers and other sources.
        socket.set_reuse_address(kind == Type::STREAM)?;
        socket.bind(&SockAddr::from(SocketAddr::new(IpAddr::V4(source), 0)))?;
    }
    Ok(UdpSocket::from_std(std::net::UdpSocket::from(socket)))
}

fn receive(socket: &Rc<UdpSocket>, mut buffer: Vec<u8>) -> Pin<Box<dyn Future<Output = Happened>>> {
    let socket = Rc::clone(socket);
    buffer.clear();
    Box::pin(async move {
        let (result, mut buffer) = socket.read(buffer).await;
        match result {
            Ok(received) => {
                buffer.truncate(received);
                Happened::Received(buffer)
            }
            Err(error) => Happened::Failed(error.kind()),
        }
    })
}

fn receive_from(
    socket: &Rc<UdpSocket>,
    mut buffer: Vec<u8>,
) -> Pin<Box<dyn Future<Output = Happened>>> {
    let socket = Rc::clone(socket);
    buffer.clear();
    Box::pin(async move {
        let (result, mut buffer) = socket.recv_from(buffer).await;
        match result {
            Ok((received, from)) => {
                buffer.truncate(received);
                Happened::Datagram(from, buffer)
            }
            Err(error) => Happened::Failed(error.kind()),
        }
    })
}
