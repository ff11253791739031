//! Files are read in chunks, a bounded number at once, in order: firmware does not starve answers.

use io_uring::{opcode, types};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use super::connection::Phase;
use super::token::{self, Kind};
use super::*;
use crate::ring::Lease;

/// Reads under way and reads that wait. INVARIANT: none waits while `under_way < most`.
pub(super) struct Files {
    under_way: usize,
    most: usize,
    waiting: VecDeque<Want>,
    reads: Vec<Option<Reading>>,
    free: Vec<usize>,
}

/// Who wants a read.
enum Want {
    /// A connection, its next chunk.
    Chunk(Slot),
    /// The worker.
    Read(Reading, u64),
}

/// A read for the worker; the kernel writes to the buffer's spare room.
struct Reading {
    token: u64,
    file: Arc<File>,
    buffer: Vec<u8>,
    len: usize,
}

impl Files {
    pub fn new(most: usize) -> Self {
        let (waiting, reads, free) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { under_way: 0, most: most.max(1), waiting, reads, free }
    }

    fn keep(&mut self, reading: Reading) -> usize {
        if let Some(number) = self.free.pop() {
            self.reads[number] = Some(reading);
            return number;
        }
        self.reads.push(Some(reading));
        self.reads.len() - 1
    }

    #[cfg(test)]
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    pub fn leak(&mut self) {
        std::mem::forget(std::mem::take(&mut self.reads));
    }
}

impl Uring {
    /// The next chunk of the file that `slot` is sent.
    pub(super) fn want_chunk(&mut self, slot: Slot) {
        self.files.waiting.push_back(Want::Chunk(slot));
        self.start_reads();
    }

    /// A read of the worker's.
    pub(super) fn want_read(&mut self, token: u64, file: &Arc<File>, offset: u64, len: usize) {
        let file = Arc::clone(file);
        let reading = Reading { token, file, buffer: Vec::new(), len };
        self.files.waiting.push_back(Want::Read(reading, offset));
        self.start_reads();
    }

    fn start_reads(&mut self) {
        while self.files.under_way < self.files.most {
            match self.files.waiting.pop_front() {
                None => return,
                Some(Want::Chunk(slot)) => self.start_chunk(slot),
                Some(Want::Read(reading, offset)) => self.start_read(reading, offset),
            }
        }
    }

    fn start_chunk(&mut self, slot: Slot) {
        // A connection that closes meanwhile is not read for.
        let open = self.connections.get(slot).filter(|c| c.phase == Phase::Open);
        let Some(connection) = open else { return };
        let outgoing = connection.outgoing.as_mut().expect("invariant: it wants a chunk");
        let mut chunk = outgoing.take_chunk();
        if chunk.capacity() == 0 {
            chunk = self.chunks.take();
        }
        chunk.clear();
        let (file, offset, left) = outgoing.file_left().expect("invariant: it wants a chunk");
        let len = chunk.capacity().min(usize::try_from(left).unwrap_or(usize::MAX));
        let len = len.min(self.chunks.bytes());
        let bytes = u32::try_from(len).expect("invariant: a chunk is small");
        let entry = opcode::Read::new(types::Fd(file.as_raw_fd()), chunk.as_mut_ptr(), bytes)
            .offset(offset)
            .build()
            .user_data(token::encode(Kind::Chunk, slot));
        outgoing.put_chunk(chunk);
        connection.entries += 1;
        self.files.under_way += 1;
        // SAFETY: the chunk's room is at least `len` bytes, and it and the file stay in the
        // connection, untouched, until this completes: the place is kept until then.
        unsafe { self.queue.push(&[entry]) };
    }

    pub(super) fn chunk_done(&mut self, slot: Slot, result: i32) {
        self.files.under_way -= 1;
        let connection = self.connections.get(slot).expect("invariant: the place is kept");
        if connection.phase == Phase::Open {
            match usize::try_from(result) {
                // The file was cut: what was promised cannot be kept.
                Ok(0) => self.begin_close(slot, Some(io::ErrorKind::UnexpectedEof)),
                Ok(read) => {
                    let outgoing = connection.outgoing.as_mut().expect("invariant: it sends");
                    let mut chunk = outgoing.take_chunk();
                    // SAFETY: the kernel has written `read` bytes to the chunk's spare room.
                    unsafe { chunk.set_len(read) };
                    outgoing.put_chunk(chunk);
                    outgoing.advance_file(read);
                    self.send_piece(slot);
                }
                Err(_) if matches!(-result, libc::EINTR | libc::EAGAIN) => self.want_chunk(slot),
                Err(_) => {
                    let error = io::Error::from_raw_os_error(-result).kind();
                    self.begin_close(slot, Some(error));
                }
            }
        }
        self.start_reads();
    }

    fn start_read(&mut self, mut reading: Reading, offset: u64) {
        reading.buffer = self.chunks.take();
        reading.buffer.reserve(reading.len);
        let bytes = u32::try_from(reading.len).unwrap_or(u32::MAX >> 1);
        let file = types::Fd(reading.file.as_raw_fd());
        let buffer = reading.buffer.as_mut_ptr();
        let number = self.files.keep(reading);
        let entry = opcode::Read::new(file, buffer, bytes).offset(offset).build();
        let entry = entry.user_data(token::encode_place(Kind::Read, number));
        self.files.under_way += 1;
        // SAFETY: the buffer's room is at least `len` bytes, and it and the file stay in `reads`,
        // untouched, until this completes.
        unsafe { self.queue.push(&[entry]) };
    }

    pub(super) fn read_done(&mut self, number: usize, result: i32) {
        self.files.under_way -= 1;
        self.files.free.push(number);
        let reading = self.files.reads[number].take().expect("invariant: it was under way");
        let Reading { token, mut buffer, .. } = reading;
        let result = match usize::try_from(result) {
            Ok(read) => {
                // SAFETY: the kernel has written `read` bytes to the buffer's spare room.
                unsafe { buffer.set_len(read) };
                Ok(Lease::pooled(self.chunks.lease(buffer)))
            }
            Err(_) => {
                self.chunks.give(buffer);
                Err(io::Error::from_raw_os_error(-result))
            }
        };
        self.events.push(Event::Read { token, result });
        self.start_reads();
    }
}
