//! Files are read in chunks, a bounded number at once, in order: firmware does not starve answers.

use io_uring::{opcode, types};
use std::collections::VecDeque;
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
    Read(Reading),
}

/// A read for the worker; the kernel writes to the buffer's spare room.
struct Reading {
    token: u64,
    file: Arc<Opened>,
    buffer: Vec<u8>,
    offset: u64,
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
    pub(super) fn want_read(&mut self, token: u64, file: &Arc<Opened>, offset: u64, len: usize) {
        let file = Arc::clone(file);
        let reading = Reading { token, file, buffer: Vec::new(), offset, len };
        self.files.waiting.push_back(Want::Read(reading));
        self.start_reads();
    }

    fn start_reads(&mut self) {
        while self.files.under_way < self.files.most {
            match self.files.waiting.pop_front() {
                None => return,
                Some(Want::Chunk(slot)) => self.start_chunk(slot),
                Some(Want::Read(reading)) => self.start_read(reading),
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
                    let (file, ..) = outgoing.file_left().expect("invariant: it was read");
                    if let Err(error) = file.check() {
                        self.begin_close(slot, Some(error.kind()));
                        return self.start_reads();
                    }
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

    fn start_read(&mut self, mut reading: Reading) {
        if reading.buffer.capacity() == 0 {
            reading.buffer = self.chunks.take_for(reading.len);
        }
        let done = reading.buffer.len();
        let bytes = u32::try_from(reading.len - done).unwrap_or(u32::MAX >> 1);
        let file = types::Fd(reading.file.as_raw_fd());
        let place = reading.offset + done as u64;
        let room = reading.buffer.spare_capacity_mut().as_mut_ptr().cast();
        let number = self.files.keep(reading);
        let entry = opcode::Read::new(file, room, bytes).offset(place).build();
        let entry = entry.user_data(token::encode_place(Kind::Read, number));
        self.files.under_way += 1;
        // SAFETY: the buffer's spare room is at least `bytes` bytes, and it and the file stay in
        // `reads`, untouched, until this completes.
        unsafe { self.queue.push(&[entry]) };
    }

    pub(super) fn read_done(&mut self, number: usize, result: i32) {
        self.files.under_way -= 1;
        self.files.free.push(number);
        let mut reading = self.files.reads[number].take().expect("invariant: it was under way");
        let is_whole = match usize::try_from(result) {
            Ok(read) => {
                let done = reading.buffer.len() + read;
                // SAFETY: the kernel has written `read` bytes to the buffer's spare room.
                unsafe { reading.buffer.set_len(done) };
                Ok(read == 0 || done >= reading.len)
            }
            Err(_) if matches!(-result, libc::EINTR | libc::EAGAIN) => Ok(false),
            Err(_) => Err(io::Error::from_raw_os_error(-result)),
        };
        let Reading { token, .. } = reading;
        let result = match is_whole {
            // Only the file's end makes a read short.
            Ok(false) => {
                self.start_read(reading);
                return self.start_reads();
            }
            Ok(true) => Ok(Lease::pooled(self.chunks.lease(reading.buffer))),
            Err(error) => {
                self.chunks.give(reading.buffer);
                Err(error)
            }
        };
        self.events.push(Event::Read { token, result });
        self.start_reads();
    }
}
