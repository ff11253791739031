//! The least TFTP: a request gets block 1, an acknowledgement the block behind it, from one socket.

use socket2::Socket;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;

/// Datagrams that one call takes in or gives out.
const BATCH: usize = 64;
/// Room for a request or an acknowledgement.
const DATAGRAM_BYTES: usize = 512;
/// Bytes of a block (RFC 1350).
const BLOCK_BYTES: usize = 512;

/// What one datagram lies in.
struct Room {
    peer: libc::sockaddr_in6,
    part: libc::iovec,
    bytes: [u8; DATAGRAM_BYTES],
}

/// Answers everybody, for ever. An acknowledgement names its block, so that no peer is remembered.
pub fn serve(socket: &Socket, bytes: usize) -> io::Result<()> {
    let blocks = blocks(bytes);
    // SAFETY: integers and pointers only, for which zero is a value.
    let mut rooms: Vec<Room> = (0..BATCH).map(|_| unsafe { std::mem::zeroed() }).collect();
    // SAFETY: as above.
    let mut incoming: Vec<libc::mmsghdr> =
        (0..BATCH).map(|_| unsafe { std::mem::zeroed() }).collect();
    for (header, room) in incoming.iter_mut().zip(&mut rooms) {
        room.part =
            libc::iovec { iov_base: room.bytes.as_mut_ptr().cast(), iov_len: DATAGRAM_BYTES };
        header.msg_hdr.msg_name = (&raw mut room.peer).cast();
        header.msg_hdr.msg_iov = &raw mut room.part;
        header.msg_hdr.msg_iovlen = 1;
    }
    let mut parts = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; BATCH];
    let mut outgoing = incoming.clone();
    let descriptor = socket.as_raw_fd();
    loop {
        for header in &mut incoming {
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
        }
        let (headers, wait) = (incoming.as_mut_ptr(), libc::MSG_WAITFORONE);
        // SAFETY: each header names memory of `rooms`, which stays and is not looked at meanwhile.
        let came =
            unsafe { libc::recvmmsg(descriptor, headers, BATCH as _, wait, ptr::null_mut()) };
        let Ok(came) = usize::try_from(came) else {
            match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => continue,
                error => return Err(error),
            }
        };
        let mut count = 0;
        for (header, room) in incoming[..came].iter().zip(&rooms) {
            let len = usize::try_from(header.msg_len).unwrap_or(0);
            let Some(block) = wanted(&room.bytes[..len]).and_then(|n| blocks.get(n)) else {
                continue;
            };
            let iov_base = block.as_ptr().cast_mut().cast();
            parts[count] = libc::iovec { iov_base, iov_len: block.len() };
            let answer = &mut outgoing[count].msg_hdr;
            answer.msg_name = header.msg_hdr.msg_name;
            answer.msg_namelen = header.msg_hdr.msg_namelen;
            answer.msg_iov = &raw mut parts[count];
            count += 1;
        }
        send_all(descriptor, &mut outgoing[..count])?;
    }
}

fn send_all(descriptor: i32, mut outgoing: &mut [libc::mmsghdr]) -> io::Result<()> {
    while !outgoing.is_empty() {
        let count = outgoing.len() as u32;
        // SAFETY: each header names a peer, a part and a block, which stay and are not written to.
        let left = unsafe { libc::sendmmsg(descriptor, outgoing.as_mut_ptr(), count, 0) };
        match usize::try_from(left) {
            Ok(left) => outgoing = &mut outgoing[left..],
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                // A peer that has gone costs its own datagram.
                error if error.kind() == io::ErrorKind::ConnectionRefused => {
                    outgoing = &mut outgoing[1..];
                }
                error => return Err(error),
            },
        }
    }
    Ok(())
}

/// The place of the block that a datagram asks for.
fn wanted(datagram: &[u8]) -> Option<usize> {
    match datagram {
        [0, 1, ..] => Some(0),
        [0, 4, high, low, ..] => Some(usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}

/// All DATA packets of a file; the last one is shorter than a block.
fn blocks(bytes: usize) -> Vec<Vec<u8>> {
    let file = vec![b'x'; bytes];
    let mut blocks = Vec::new();
    for number in 0..=bytes / BLOCK_BYTES {
        let [high, low] = (number as u16).wrapping_add(1).to_be_bytes();
        let start = number * BLOCK_BYTES;
        let end = bytes.min(start + BLOCK_BYTES);
        blocks.push([&[0, 3, high, low], &file[start..end]].concat());
    }
    blocks
}
