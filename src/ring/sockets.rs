//! Sockets as the cores want them: shared ports, options that accepted connections inherit.

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use super::packet_info;
use crate::limits;

/// Whether a socket waits by itself. A ring waits for blocking sockets without blocking; on a
/// nonblocking one it gives up at once. Epoll needs the other kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waiting {
    /// For io_uring.
    Ring,
    /// For epoll.
    Poll,
}

/// A listening socket whose port other cores may share (`SO_REUSEPORT`). What it accepts inherits
/// no delay (`TCP_NODELAY`), `NOT_SENT_BYTES_MAX` and `SEND_BUFFER_BYTES`.
///
/// # Errors
/// What the kernel says of the address; the text names it.
pub fn listener(address: SocketAddr, waiting: Waiting) -> io::Result<Socket> {
    named(address, || {
        let socket = socket(address, Type::STREAM, Protocol::TCP, waiting)?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_notsent_lowat(limits::NOT_SENT_BYTES_MAX)?;
        socket.set_send_buffer_size(limits::SEND_BUFFER_BYTES)?;
        socket.bind(&address.into())?;
        socket.listen(limits::LISTEN_BACKLOG)?;
        Ok(socket)
    })
}

/// A datagram socket; `shared` ones (the well-known port) may be bound by each core. One on an
/// unspecified address is told to which of the machine's each datagram was sent.
///
/// # Errors
/// What the kernel says of the address; the text names it.
pub fn datagram(address: SocketAddr, shared: bool, waiting: Waiting) -> io::Result<Socket> {
    named(address, || {
        let socket = socket(address, Type::DGRAM, Protocol::UDP, waiting)?;
        if shared {
            socket.set_reuse_port(true)?;
        }
        socket.set_recv_buffer_size(limits::DATAGRAM_RECEIVE_BYTES)?;
        if address.ip().is_unspecified() {
            packet_info::request(&socket, address)?;
        }
        socket.bind(&address.into())?;
        Ok(socket)
    })
}

/// The datagram sockets of a core: the well-known one, then `transfer_ports` on the same address
/// with ports that the kernel chooses.
///
/// # Errors
/// As [`datagram`].
pub fn datagrams(
    address: SocketAddr,
    transfer_ports: usize,
    waiting: Waiting,
) -> io::Result<Vec<Socket>> {
    let mut sockets = vec![datagram(address, true, waiting)?];
    for _ in 0..transfer_ports {
        sockets.push(datagram(SocketAddr::new(address.ip(), 0), false, waiting)?);
    }
    Ok(sockets)
}

/// Where a socket is bound.
///
/// # Errors
/// What `getsockname(2)` says.
pub fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?.as_socket();
    address.ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// `peer` as a socket of `local`'s family can name it: an IPv4 peer of an IPv6 socket is mapped.
pub(super) fn for_family(peer: SocketAddr, local: SocketAddr) -> SockAddr {
    match (peer, local) {
        (SocketAddr::V4(peer), SocketAddr::V6(_)) => {
            SocketAddrV6::new(peer.ip().to_ipv6_mapped(), peer.port(), 0, 0).into()
        }
        _ => peer.into(),
    }
}

/// An address as phones have it: one that is mapped into IPv6 becomes IPv4.
pub(super) fn canonical(peer: &SockAddr) -> Option<SocketAddr> {
    let peer = peer.as_socket()?;
    let ip = peer.ip().to_canonical();
    Some(if ip == peer.ip() { peer } else { SocketAddr::new(ip, peer.port()) })
}

fn socket(
    address: SocketAddr,
    kind: Type,
    protocol: Protocol,
    waiting: Waiting,
) -> io::Result<Socket> {
    let kind = if waiting == Waiting::Poll { kind.nonblocking() } else { kind };
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, kind.cloexec(), Some(protocol))?;
    if domain == Domain::IPV6 {
        // The unspecified address serves both families; another IPv6 address serves itself.
        socket.set_only_v6(address.ip() != Ipv6Addr::UNSPECIFIED)?;
    }
    Ok(socket)
}

fn named(address: SocketAddr, make: impl FnOnce() -> io::Result<Socket>) -> io::Result<Socket> {
    make().map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn cores_share_a_port_and_strangers_are_told_which() {
        let first = listener(LOOPBACK, Waiting::Ring).expect("listens");
        let address = local_address(&first).expect("bound");
        assert!(listener(address, Waiting::Poll).is_ok());
        let stranger = datagram(LOOPBACK, false, Waiting::Ring).expect("bound");
        let taken = local_address(&stranger).expect("bound");
        let error = datagram(taken, false, Waiting::Ring).expect_err("taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&taken.to_string()), "{error}");
    }

    #[test]
    fn addresses_cross_families_both_ways() {
        let phone: SocketAddr = "10.0.0.7:1024".parse().expect("address");
        let any: SocketAddr = "[::]:69".parse().expect("address");
        let mapped = for_family(phone, any);
        assert_eq!(mapped.as_socket(), "[::ffff:10.0.0.7]:1024".parse().ok());
        assert_eq!(canonical(&mapped), Some(phone));
        assert_eq!(for_family(phone, LOOPBACK).as_socket(), Some(phone));
    }
}
