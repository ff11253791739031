//! What is left of an output: a head, then memory or a file, never out of order and never twice.

use bytes::Buf;
use std::sync::Arc;

use super::{Body, Opened, Output, Then};
use crate::limits;

/// An output on its way. What has left is taken off its front.
#[derive(Debug)]
pub(super) struct Outgoing {
    head: Vec<u8>,
    head_sent: usize,
    body: Body,
    chunk: Vec<u8>,
    chunk_sent: usize,
    /// What becomes of the connection behind it.
    pub then: Then,
}

impl Outgoing {
    /// Takes an output over; a small body moves behind its head so that one send takes both.
    pub fn new(output: Output, then: Then) -> Self {
        let Output { mut head, mut body } = output;
        if let Body::Bytes(bytes) = &body {
            let room = head.capacity() - head.len();
            if bytes.len() <= limits::INLINE_BODY_BYTES_MAX.min(room) {
                head.extend_from_slice(bytes);
                body = Body::Empty;
            }
        }
        Self { head, head_sent: 0, body, chunk: Vec::new(), chunk_sent: 0, then }
    }

    /// What can be sent from memory now: the head's rest, then the rest of the chunk or the body.
    pub fn slices(&self) -> [&[u8]; 2] {
        let behind = match &self.body {
            Body::Bytes(bytes) => bytes,
            Body::Empty | Body::File { .. } => &self.chunk[self.chunk_sent..],
        };
        [&self.head[self.head_sent..], behind]
    }

    /// The file's part that has not been read into a chunk: file, offset and length.
    pub fn file_left(&self) -> Option<(&Arc<Opened>, u64, u64)> {
        match &self.body {
            Body::File { file, offset, len } if *len > 0 => Some((file, *offset, *len)),
            _ => None,
        }
    }

    /// Whether a chunk must be read before anything more can be sent behind the head.
    pub fn wants_chunk(&self) -> bool {
        self.file_left().is_some() && self.chunk_sent == self.chunk.len()
    }

    /// Whether all of it has left.
    pub fn is_done(&self) -> bool {
        let [head, behind] = self.slices();
        head.is_empty() && behind.is_empty() && self.file_left().is_none()
    }

    /// Takes `sent` bytes off the slices.
    pub fn advance(&mut self, sent: usize) {
        let of_head = sent.min(self.head.len() - self.head_sent);
        self.head_sent += of_head;
        let behind = sent - of_head;
        if behind == 0 {
            return;
        }
        match &mut self.body {
            Body::Bytes(bytes) => bytes.advance(behind),
            Body::Empty | Body::File { .. } => {
                self.chunk_sent += behind;
                assert!(self.chunk_sent <= self.chunk.len());
            }
        }
    }

    /// Takes `read` bytes off the file: they are in a chunk now, or have been sent by the kernel.
    pub fn advance_file(&mut self, read: usize) {
        let Body::File { offset, len, .. } = &mut self.body else {
            unreachable!("invariant: only files are read")
        };
        *offset += read as u64;
        *len = len.checked_sub(read as u64).expect("invariant: no more is read than is left");
    }

    /// The chunk's buffer, to be filled or given back.
    pub fn take_chunk(&mut self) -> Vec<u8> {
        self.chunk_sent = 0;
        std::mem::take(&mut self.chunk)
    }

    /// Puts a chunk's buffer in; its content goes out next.
    pub fn put_chunk(&mut self, chunk: Vec<u8>) {
        assert_eq!(self.chunk_sent, self.chunk.len(), "a chunk is sent before the next one");
        self.chunk = chunk;
        self.chunk_sent = 0;
    }

    /// The head's buffer, to be used again.
    pub fn take_head(&mut self) -> Vec<u8> {
        self.head_sent = 0;
        std::mem::take(&mut self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn sent_by(mut outgoing: Outgoing, piece: usize) -> Vec<u8> {
        let mut sent = Vec::new();
        while !outgoing.is_done() {
            let joined = outgoing.slices().concat();
            let now = &joined[..piece.min(joined.len())];
            sent.extend_from_slice(now);
            outgoing.advance(now.len());
        }
        sent
    }

    #[test]
    fn head_and_body_leave_in_order_however_they_are_cut() {
        for piece in 1..=12 {
            let body = Body::Bytes(Bytes::from_static(b"body!"));
            let joined =
                Outgoing::new(Output { head: b"head\n".to_vec(), body: body.clone() }, Then::Keep);
            assert_eq!(sent_by(joined, piece), b"head\nbody!");
            let roomy = [Vec::with_capacity(64), b"head\n".to_vec()].concat();
            assert_eq!(
                sent_by(Outgoing::new(Output { head: roomy, body }, Then::Keep), piece),
                b"head\nbody!"
            );
        }
    }

    #[test]
    fn a_small_body_moves_behind_its_head_without_growing_it() {
        let mut head = Vec::with_capacity(64);
        head.extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\n");
        let place = head.as_ptr();
        let body = Body::Bytes(Bytes::from_static(b"#!version:1.0.0.1\n"));
        let outgoing = Outgoing::new(Output { head, body }, Then::Close);
        let [joined, behind] = outgoing.slices();
        assert_eq!((joined.as_ptr(), behind.len()), (place, 0));
        assert!(joined.ends_with(b"#!version:1.0.0.1\n"));
    }

    #[test]
    fn a_file_waits_for_its_chunk() {
        let file = Opened::new(std::fs::File::open("/dev/null").expect("opens"));
        let file = Arc::new(file.expect("a file"));
        let body = Body::File { file, offset: 10, len: 5 };
        let mut outgoing = Outgoing::new(Output { head: b"h".to_vec(), body }, Then::Keep);
        assert!(outgoing.wants_chunk());
        outgoing.advance_file(3);
        outgoing.put_chunk(b"abc".to_vec());
        assert!(!outgoing.wants_chunk());
        assert_eq!(outgoing.slices(), [&b"h"[..], b"abc"]);
        outgoing.advance(4);
        assert_eq!(outgoing.file_left().map(|(_, offset, len)| (offset, len)), Some((13, 2)));
        assert!(outgoing.wants_chunk());
        assert!(!outgoing.is_done());
    }
}
