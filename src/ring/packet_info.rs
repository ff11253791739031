//! A datagram tells which of the machine's addresses it was sent to, and its answer leaves there.
//!
//! That takes one control message a datagram (`ip(7)`, `IP_PKTINFO`; RFC 3542 section 6.1,
//! `IPV6_PKTINFO`): the family is that of the socket, as IPv6 names IPv4 addresses too.

use std::io;
use std::mem::offset_of;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::ptr;

/// Room for the control message of a datagram of either family.
pub(super) const CONTROL_BYTES: usize = size_of::<Message<libc::in6_pktinfo>>();

/// What a datagram that leaves tells the kernel of its source address.
pub(super) enum Control {
    /// Nothing: the kernel chooses it.
    None,
    /// From an IPv4 socket.
    V4(Message<libc::in_pktinfo>),
    /// From an IPv6 socket.
    V6(Message<libc::in6_pktinfo>),
}

/// A control message as it lies in memory (`cmsg(3)`).
#[repr(C)]
pub(super) struct Message<T> {
    header: libc::cmsghdr,
    info: T,
}

/// Where the information begins.
const INFO_START: usize = size_of::<libc::cmsghdr>();
const _: () = assert!(offset_of!(Message<libc::in_pktinfo>, info) == INFO_START);
const _: () = assert!(offset_of!(Message<libc::in6_pktinfo>, info) == INFO_START);
const _: () = assert!(size_of::<Message<libc::in_pktinfo>>() <= CONTROL_BYTES);

impl Control {
    /// To send from this address, through a socket that is bound to `socket`.
    pub fn new(from: Option<IpAddr>, socket: SocketAddr) -> Self {
        match (from, socket) {
            (Some(IpAddr::V4(from)), SocketAddr::V4(_)) => {
                let nothing = libc::in_addr { s_addr: 0 };
                let address = libc::in_addr { s_addr: u32::from_ne_bytes(from.octets()) };
                let (ipi_spec_dst, ipi_addr) = (address, nothing);
                let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst, ipi_addr };
                Self::V4(Message::new(libc::IPPROTO_IP, libc::IP_PKTINFO, info))
            }
            (Some(from), SocketAddr::V6(_)) => {
                let from = match from {
                    IpAddr::V4(from) => from.to_ipv6_mapped(),
                    IpAddr::V6(from) => from,
                };
                let ipi6_addr = libc::in6_addr { s6_addr: from.octets() };
                let info = libc::in6_pktinfo { ipi6_addr, ipi6_ifindex: 0 };
                Self::V6(Message::new(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info))
            }
            (None | Some(IpAddr::V6(_)), _) => Self::None,
        }
    }

    /// Makes `header` point at the control message, which has to stay where it is while the kernel
    /// reads it.
    pub fn attach(&self, header: &mut libc::msghdr) {
        let (start, len): (*const libc::c_void, _) = match self {
            Self::None => (ptr::null(), 0),
            Self::V4(message) => (ptr::from_ref(message).cast(), size_of_val(message)),
            Self::V6(message) => (ptr::from_ref(message).cast(), size_of_val(message)),
        };
        header.msg_control = start.cast_mut();
        header.msg_controllen = len as _;
    }
}

impl<T> Message<T> {
    fn new(level: i32, kind: i32, info: T) -> Self {
        // SAFETY: integers only, for which zero is a value.
        let mut header: libc::cmsghdr = unsafe { std::mem::zeroed() };
        header.cmsg_len = (INFO_START + size_of::<T>()) as _;
        header.cmsg_level = level;
        header.cmsg_type = kind;
        Self { header, info }
    }
}

/// Asks for the control message with each datagram of a socket of `address`'s family.
///
/// # Errors
/// What `setsockopt(2)` says.
pub(super) fn request(socket: &impl AsRawFd, address: SocketAddr) -> io::Result<()> {
    let (level, option) = match address {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
    };
    let on: libc::c_int = 1;
    let (value, len) = ((&raw const on).cast(), size_of_val(&on) as libc::socklen_t);
    // SAFETY: the value is readable for the length that is passed.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value, len) };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The address that an answer leaves from, of what the kernel wrote beside a datagram. None where
/// it wrote nothing, or no address that can be sent from: that of a group, or of all.
pub(super) fn local(control: &[u8]) -> Option<IpAddr> {
    let level = i32::from_ne_bytes(field(control, offset_of!(libc::cmsghdr, cmsg_level))?);
    let kind = i32::from_ne_bytes(field(control, offset_of!(libc::cmsghdr, cmsg_type))?);
    let ip = match (level, kind) {
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            // Not `ipi_addr`: that is what the datagram names, which may be a broadcast address.
            let start = INFO_START + offset_of!(libc::in_pktinfo, ipi_spec_dst);
            IpAddr::V4(Ipv4Addr::from(field::<4>(control, start)?))
        }
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
            let start = INFO_START + offset_of!(libc::in6_pktinfo, ipi6_addr);
            Ipv6Addr::from(field::<16>(control, start)?).to_canonical()
        }
        _ => return None,
    };
    let is_broadcast = ip == Ipv4Addr::BROADCAST;
    (!ip.is_unspecified() && !ip.is_multicast() && !is_broadcast).then_some(ip)
}

fn field<const N: usize>(bytes: &[u8], start: usize) -> Option<[u8; N]> {
    bytes.get(start..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel reads of a control message.
    fn written(from: &str, socket: &str) -> Vec<u8> {
        let from = from.parse().expect("an address");
        let control = Control::new(Some(from), socket.parse().expect("an address"));
        // SAFETY: integers and pointers only, for which zero is a value.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        control.attach(&mut header);
        if header.msg_control.is_null() {
            return Vec::new();
        }
        // SAFETY: the control message is as long as its header says, and outlives the slice.
        unsafe { std::slice::from_raw_parts(header.msg_control.cast(), header.msg_controllen) }
            .to_vec()
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        for (from, socket) in [
            ("192.0.2.7", "0.0.0.0:69"),
            ("192.0.2.7", "[::]:69"),
            ("2001:db8::7", "[::]:69"),
            ("fe80::7", "[::]:69"),
        ] {
            let control = written(from, socket);
            assert_eq!(local(&control), from.parse().ok());
            let end = if socket.starts_with('[') { INFO_START + 16 } else { INFO_START + 8 };
            for cut in 0..end {
                assert_eq!(local(&control[..cut]), None, "{from} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_cannot_be_sent_from_is_left_to_the_kernel() {
        for (from, socket) in [
            ("255.255.255.255", "[::]:69"),
            ("224.0.0.1", "0.0.0.0:69"),
            ("ff02::1", "[::]:69"),
            ("0.0.0.0", "0.0.0.0:69"),
            ("2001:db8::7", "0.0.0.0:69"),
        ] {
            assert_eq!(local(&written(from, socket)), None, "{from}");
        }
    }
}
