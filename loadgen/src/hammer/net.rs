//! Sockets and their readiness without `unsafe` here: nothing blocks but the wait for events.
//!
//! A stream is registered once, for edges: a client that was answered sends at once, and the next
//! edge is the next answer.

use crate::limits::HAMMER_EVENTS;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::sockopt::{IpBindAddressNoPort, TcpNoDelay};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, bind, connect, recv, recvfrom,
    send, sendto, setsockopt, socket,
};
use ringboot::time::Duration;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};

/// What the kernel refused, and why.
pub type Result<T> = std::result::Result<T, Errno>;

/// Waits for many sockets at once.
#[derive(Debug)]
pub struct Poller(Epoll);

/// When a client is told of its socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wake {
    /// When something came: once, for those who read all there is.
    Came,
    /// That, and when there is room to write.
    CameOrRoom,
    /// As long as there is something to read: for those who do not read all.
    Unread,
}

/// Room for the events of one wait.
#[derive(Debug)]
pub struct Events(Vec<EpollEvent>, usize);

/// What happened to a client's socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ready {
    /// The client.
    pub who: usize,
    /// The peer has closed its side: what is there to read is all there will be.
    pub is_ending: bool,
}

/// A socket of one client.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Poller {
    /// One without sockets.
    ///
    /// # Errors
    /// When there is no descriptor.
    pub fn new() -> Result<Self> {
        Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map(Self)
    }

    /// From now on `who` is told what `wake` says. What is ready already is told too.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn add(&self, socket: &Socket, who: usize, wake: Wake) -> Result<()> {
        self.0.add(&socket.0, EpollEvent::new(wake.flags(), who as u64))
    }

    /// The same for a socket that was added, from now on.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn change(&self, socket: &Socket, who: usize, wake: Wake) -> Result<()> {
        self.0.modify(&socket.0, &mut EpollEvent::new(wake.flags(), who as u64))
    }

    /// Waits for events, at most for `most`.
    ///
    /// # Errors
    /// Those of the kernel; an interruption is none.
    pub fn wait(&self, events: &mut Events, most: Duration) -> Result<()> {
        let most = u16::try_from(most.as_millis()).unwrap_or(u16::MAX);
        events.1 = match self.0.wait(&mut events.0, EpollTimeout::from(most)) {
            Err(Errno::EINTR) => 0,
            counted => counted?,
        };
        Ok(())
    }
}

impl Wake {
    fn flags(self) -> EpollFlags {
        let came = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
        match self {
            Self::Came => came,
            Self::CameOrRoom => came | EpollFlags::EPOLLOUT,
            Self::Unread => EpollFlags::EPOLLIN,
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self(vec![EpollEvent::empty(); HAMMER_EVENTS], 0)
    }
}

impl Events {
    /// The events of the last wait.
    pub fn iter(&self) -> impl Iterator<Item = Ready> + use<'_> {
        let ending = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        self.0[..self.1].iter().map(move |event| Ready {
            who: usize::try_from(event.data()).unwrap_or(usize::MAX),
            is_ending: event.events().intersects(ending),
        })
    }
}

impl Socket {
    /// A connection that is being made; on loopback it nearly always is when this returns.
    ///
    /// # Errors
    /// When there is no descriptor or port, or the peer refuses at once.
    pub fn connect(to: SocketAddr, source: Option<Ipv4Addr>) -> Result<Self> {
        let opened = Self::open(to, SockType::Stream, source)?;
        match connect(opened.0.as_raw_fd(), &SockaddrStorage::from(to)) {
            Err(Errno::EINPROGRESS) | Ok(()) => Ok(opened),
            Err(error) => Err(error),
        }
    }

    /// A datagram socket; it has its port from the first send on.
    ///
    /// # Errors
    /// When there is no descriptor, or the address is not this machine's.
    pub fn datagrams(to: SocketAddr, source: Option<Ipv4Addr>) -> Result<Self> {
        Self::open(to, SockType::Datagram, source)
    }

    fn open(to: SocketAddr, kind: SockType, source: Option<Ipv4Addr>) -> Result<Self> {
        let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let opened = socket(family, kind, flags, None)?;
        if let Some(source) = source {
            if kind == SockType::Stream {
                // The port is chosen when the peer is known: one port serves many peers.
                setsockopt(&opened, IpBindAddressNoPort, &true)?;
            }
            let source = SocketAddrV4::new(source, 0);
            bind(opened.as_raw_fd(), &SockaddrStorage::from(source))?;
        }
        Ok(Self(opened))
    }

    /// Small requests leave at once, whatever is on its way.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn set_no_delay(&self) -> Result<()> {
        setsockopt(&self.0, TcpNoDelay, &true)
    }

    /// Sends on the connection; 0 when there is no room, or no connection yet.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn send(&self, bytes: &[u8]) -> Result<usize> {
        match send(self.0.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            Err(Errno::EAGAIN) => Ok(0),
            sent => sent,
        }
    }

    /// Receives from the connection; none when there is nothing yet.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        some(recv(self.0.as_raw_fd(), buffer, MsgFlags::empty()))
    }

    /// Drops bytes of the connection, at most as many as `buffer` has, without copying them: of
    /// TCP the kernel then only counts (`tcp(7)`, `MSG_TRUNC`).
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn discard(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        some(recv(self.0.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC))
    }

    /// Sends a datagram; one that finds no room is lost, as on any network.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn send_to(&self, to: SocketAddr, datagram: &[u8]) -> Result<()> {
        let to = SockaddrStorage::from(to);
        match sendto(self.0.as_raw_fd(), datagram, &to, MsgFlags::empty()) {
            Err(Errno::EAGAIN | Errno::ENOBUFS) => Ok(()),
            sent => sent.map(drop),
        }
    }

    /// Receives a datagram and its sender; none when there is nothing yet.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn receive_from(&self, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddr)>> {
        let received = some(recvfrom::<SockaddrStorage>(self.0.as_raw_fd(), buffer))?;
        Ok(received.and_then(|(len, from)| Some((len, address(&from?)?))))
    }
}

fn some<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(thing) => Ok(Some(thing)),
        Err(Errno::EAGAIN) => Ok(None),
        Err(error) => Err(error),
    }
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| SocketAddrV4::from(*v4).into());
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into()))
}
