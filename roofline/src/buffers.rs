//! A ring of provided buffers that is never empty for long: each goes back as soon as it was read.

use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

/// Buffers of one size, all of them with the kernel but the one that is being looked at.
pub struct Buffers {
    entries: *mut BufRingEntry,
    memory: Vec<u8>,
    size: usize,
    tail: u16,
}

/// Pages are the unit in which the kernel wants the ring of buffers.
const PAGE: usize = 4096;
/// Buffers, a power of two.
const COUNT: u16 = 1024;

impl Buffers {
    /// Registers the buffers as group 0. They live as long as the process.
    pub fn new(ring: &IoUring, size: usize) -> io::Result<Self> {
        let bytes = usize::from(COUNT) * size_of::<BufRingEntry>();
        let layout = std::alloc::Layout::from_size_align(bytes, PAGE).map_err(io::Error::other)?;
        // SAFETY: the layout is not of size zero; it is never freed, as the loop never ends.
        let entries = unsafe { std::alloc::alloc_zeroed(layout) };
        if entries.is_null() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        // SAFETY: the memory is page-aligned, zeroed, as long as `COUNT` entries, and stays.
        unsafe { ring.submitter().register_buf_ring_with_flags(entries as u64, COUNT, 0, 0)? };
        let memory = vec![0; usize::from(COUNT) * size];
        let mut buffers = Self { entries: entries.cast(), memory, size, tail: 0 };
        for buffer in 0..COUNT {
            buffers.put(buffer);
        }
        buffers.publish();
        Ok(buffers)
    }

    /// The first bytes of a buffer that the kernel has filled.
    pub fn bytes(&self, buffer: u16, len: usize) -> &[u8] {
        let start = usize::from(buffer) * self.size;
        &self.memory[start..start + len]
    }

    /// Gives a buffer back; the kernel sees it with `publish`.
    pub fn put(&mut self, buffer: u16) {
        let place = usize::from(self.tail & (COUNT - 1));
        // SAFETY: `place` is below the count of entries, and the kernel does not read it yet.
        let entry = unsafe { &mut *self.entries.add(place) };
        entry.set_addr(self.memory[usize::from(buffer) * self.size..].as_ptr() as u64);
        entry.set_len(u32::try_from(self.size).expect("buffers are small"));
        entry.set_bid(buffer);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Shows the kernel what was given back.
    pub fn publish(&mut self) {
        // SAFETY: the tail lies in the first entry, two-byte aligned; only this thread writes it.
        let tail = unsafe { &*BufRingEntry::tail(self.entries).cast::<AtomicU16>() };
        tail.store(self.tail, Ordering::Release);
    }
}
