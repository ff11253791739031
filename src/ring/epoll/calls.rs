//! System calls on nonblocking descriptors: what they did, or why not; having to wait is no error.

use socket2::{SockAddr, SockAddrStorage};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::ring::packet_info::{CONTROL_BYTES, Control};

/// What a call that may have to wait came to.
pub(in crate::ring) type Attempt<T> = io::Result<Option<T>>;

/// Accepts a connection, with its peer.
pub(super) fn accept(listener: &impl AsRawFd) -> Attempt<(OwnedFd, SockAddr)> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let mut storage = SockAddrStorage::zeroed();
    let mut len = size_of::<SockAddrStorage>() as libc::socklen_t;
    let address = (&raw mut storage).cast();
    // SAFETY: `address` is writable for `len` bytes, and `len` is writable.
    let socket = unsafe { libc::accept4(listener.as_raw_fd(), address, &raw mut len, flags) };
    let Some(socket) = attempt(socket as isize)? else { return Ok(None) };
    let socket = i32::try_from(socket).expect("invariant: a descriptor is an int");
    // SAFETY: the descriptor was just made and has no other owner; the kernel has written an
    // address of `len` bytes.
    Ok(Some(unsafe { (OwnedFd::from_raw_fd(socket), SockAddr::new(storage, len)) }))
}

/// Receives into the spare room of an empty buffer; 0 is the peer's end.
pub(super) fn receive(socket: &impl AsRawFd, buffer: &mut Vec<u8>) -> Attempt<usize> {
    assert!(buffer.is_empty());
    let (start, room) = (buffer.as_mut_ptr().cast(), buffer.capacity());
    // SAFETY: the buffer's room is writable.
    let came = attempt(unsafe { libc::recv(socket.as_raw_fd(), start, room, 0) })?;
    if let Some(came) = came {
        // SAFETY: the kernel has written that many bytes.
        unsafe { buffer.set_len(came) };
    }
    Ok(came)
}

/// A datagram's sender, and what the kernel wrote beside it.
pub(super) struct Origin {
    pub peer: SockAddr,
    pub control: [u8; CONTROL_BYTES],
}

/// Receives a datagram into the spare room of an empty buffer. `None` for its origin when the
/// datagram was cut.
pub(super) fn receive_from(socket: &impl AsRawFd, buffer: &mut Vec<u8>) -> Attempt<Option<Origin>> {
    assert!(buffer.is_empty());
    let room = buffer.capacity();
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: room };
    let mut storage = SockAddrStorage::zeroed();
    // What the kernel does not write stays zero, which is no control message.
    let mut control = [0; CONTROL_BYTES];
    let mut message = header();
    message.msg_name = (&raw mut storage).cast();
    message.msg_namelen = size_of::<SockAddrStorage>() as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = CONTROL_BYTES as _;
    // The true length is returned, even of what does not fit.
    let flags = libc::MSG_TRUNC;
    // SAFETY: the message, the buffer's room, the name and the control bytes are writable.
    let came = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) };
    let Some(came) = attempt(came)? else { return Ok(None) };
    if came > room {
        return Ok(Some(None));
    }
    // SAFETY: the kernel has written that many bytes, and an address of `msg_namelen` bytes.
    let peer = unsafe {
        buffer.set_len(came);
        SockAddr::new(storage, message.msg_namelen)
    };
    Ok(Some(Some(Origin { peer, control })))
}

/// Sends both slices as one; `more` promises that something follows.
pub(in crate::ring) fn send(
    socket: &impl AsRawFd,
    slices: [&[u8]; 2],
    more: bool,
) -> Attempt<usize> {
    let part = |bytes: &[u8]| libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let mut parts = slices.map(part);
    let mut message = header();
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len();
    let flags = libc::MSG_NOSIGNAL | if more { libc::MSG_MORE } else { 0 };
    // SAFETY: the message, its parts and their bytes outlive the call and are only read.
    attempt(unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) })
}

/// Sends a part of a file; 0 is the file's end.
pub(in crate::ring) fn send_file(
    socket: &impl AsRawFd,
    file: &File,
    offset: u64,
    len: usize,
) -> Attempt<usize> {
    let start = libc::off_t::try_from(offset);
    let mut start = start.map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let (socket, file) = (socket.as_raw_fd(), file.as_raw_fd());
    // SAFETY: `start` is writable.
    attempt(unsafe { libc::sendfile(socket, file, &raw mut start, len) })
}

/// Sends one datagram from the address that `control` names.
pub(super) fn send_to(
    socket: &impl AsRawFd,
    bytes: &[u8],
    peer: &SockAddr,
    control: &Control,
) -> Attempt<usize> {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut message = header();
    message.msg_name = peer.as_ptr().cast_mut().cast();
    message.msg_namelen = peer.len();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    control.attach(&mut message);
    let flags = libc::MSG_NOSIGNAL;
    // SAFETY: the message, name, bytes and control message outlive the call and are only read.
    attempt(unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) })
}

/// Closes the sending half.
pub(super) fn shut_down(socket: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: no pointers are passed.
    attempt(unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_WR) } as isize).map(|_| ())
}

/// Reads `len` bytes at `offset` into an empty buffer, fewer only at the file's end.
pub(super) fn read_at(
    file: &File,
    offset: u64,
    len: usize,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    assert!(buffer.is_empty());
    let start = libc::off_t::try_from(offset);
    let start = start.map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    buffer.reserve(len);
    while buffer.len() < len {
        let (room, left) = (buffer.spare_capacity_mut().as_mut_ptr(), len - buffer.len());
        let place = start.saturating_add(buffer.len() as libc::off_t);
        // SAFETY: the buffer's spare room is at least `left` bytes.
        let read = unsafe { libc::pread(file.as_raw_fd(), room.cast(), left, place) };
        match attempt(read) {
            Ok(Some(0)) => break,
            Ok(read) => {
                let done = buffer.len() + read.unwrap_or(0);
                // SAFETY: the kernel has written up to there.
                unsafe { buffer.set_len(done) };
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A message's header that names nothing.
fn header() -> libc::msghdr {
    // SAFETY: integers and pointers only, for which zero is a value.
    unsafe { std::mem::zeroed() }
}

/// What a call returned, when it did not have to wait. Interrupted calls count as such: the caller
/// comes again.
fn attempt(returned: isize) -> Attempt<usize> {
    if let Ok(done) = usize::try_from(returned) {
        return Ok(Some(done));
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        error => Err(error),
    }
}
