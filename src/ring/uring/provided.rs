//! A provided-buffer ring: each buffer has one holder, the kernel, a lease, or the returned ones.

use io_uring::types::BufRingEntry;
use io_uring::{IoUring, cqueue};
use std::cell::{Cell, RefCell};
use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicU16, Ordering};

/// A group of buffers of one size. INVARIANT: `kernel + leased + returned == count`.
#[derive(Debug)]
pub(super) struct Group {
    ring: Mapping,
    memory: Rc<Memory>,
    id: u16,
    tail: u16,
    kernel: u16,
}

/// The buffers themselves, alive until the group and the last lease are gone.
#[derive(Debug)]
struct Memory {
    bytes: NonNull<[u8]>,
    count: u16,
    size: usize,
    returned: RefCell<Vec<u16>>,
    leased: Cell<u16>,
}

/// Bytes in a buffer that the kernel chose; dropping it returns the buffer.
#[derive(Debug)]
pub(in crate::ring) struct Provided {
    memory: Rc<Memory>,
    buffer: u16,
    start: usize,
    end: usize,
}

impl Group {
    /// Registers group `id` of `count` buffers (a power of two) of `size` bytes, all of them with
    /// the kernel.
    ///
    /// # Errors
    /// What `io_uring_register(2)` says; out of memory.
    pub fn new(ring: &IoUring, id: u16, count: u16, size: usize) -> io::Result<Self> {
        assert!(count.is_power_of_two());
        let mapping = Mapping::new(usize::from(count) * size_of::<BufRingEntry>())?;
        let address = mapping.address.as_ptr() as u64;
        // SAFETY: the mapping is as long as `count` entries, page-aligned and zeroed, and `Uring`
        // keeps it until the ring is idle.
        unsafe { ring.submitter().register_buf_ring_with_flags(address, count, id, 0)? };
        let memory = Rc::new(Memory::new(count, size));
        memory.returned.borrow_mut().extend(0..count);
        let mut group = Self { ring: mapping, memory, id, tail: 0, kernel: 0 };
        group.refill();
        Ok(group)
    }

    /// The number that receives name the group by.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// Gives the returned buffers to the kernel. Returns how many it has now.
    pub fn refill(&mut self) -> u16 {
        let mut returned = self.memory.returned.borrow_mut();
        if returned.is_empty() {
            return self.kernel;
        }
        let entries = self.ring.address.as_ptr().cast::<BufRingEntry>();
        for &buffer in returned.iter() {
            let place = usize::from(self.tail & (self.memory.count - 1));
            // SAFETY: `place` is below the count of entries, and the kernel reads an entry only
            // once the tail is past it. The reference ends before the tail is touched.
            let entry = unsafe { &mut *entries.add(place) };
            entry.set_addr(self.memory.at(buffer) as u64);
            entry.set_len(u32::try_from(self.memory.size).expect("invariant: small"));
            entry.set_bid(buffer);
            self.tail = self.tail.wrapping_add(1);
        }
        self.kernel += u16::try_from(returned.len()).expect("invariant: at most the count");
        returned.clear();
        // SAFETY: the tail lies in the first entry's last two bytes, two-byte aligned; only we
        // write it and the kernel reads it, both atomically.
        let tail = unsafe { &*BufRingEntry::tail(entries).cast::<AtomicU16>() };
        tail.store(self.tail, Ordering::Release);
        self.kernel
    }

    /// Takes over the buffer that a completion names, with `len` bytes in it.
    pub fn take(&mut self, flags: u32, len: usize) -> Option<Provided> {
        let buffer = cqueue::buffer_select(flags)?;
        assert!(buffer < self.memory.count, "the kernel gives what it was given");
        assert!(len <= self.memory.size);
        self.kernel -= 1;
        self.memory.leased.set(self.memory.leased.get() + 1);
        Some(Provided { memory: Rc::clone(&self.memory), buffer, start: 0, end: len })
    }

    /// Buffers that the kernel has.
    pub fn kernel(&self) -> u16 {
        self.kernel
    }

    /// Buffers that leases hold.
    pub fn leased(&self) -> u16 {
        self.memory.leased.get()
    }

    /// Buffers that wait to go back to the kernel.
    #[cfg(test)]
    pub fn returned(&self) -> usize {
        self.memory.returned.borrow().len()
    }

    /// Gives the memory up for good, for when the kernel may still have it.
    pub fn leak(&mut self) {
        std::mem::forget(Rc::clone(&self.memory));
        self.ring.len = 0;
    }
}

impl Memory {
    fn new(count: u16, size: usize) -> Self {
        let bytes = vec![0_u8; usize::from(count) * size].into_boxed_slice();
        let returned = RefCell::new(Vec::with_capacity(usize::from(count)));
        let bytes = NonNull::from(Box::leak(bytes));
        Self { bytes, count, size, returned, leased: Cell::new(0) }
    }

    fn at(&self, buffer: u16) -> *mut u8 {
        assert!(buffer < self.count);
        let start = usize::from(buffer) * self.size;
        // SAFETY: the offset is inside the allocation, as `buffer` is below the count.
        unsafe { self.bytes.as_ptr().cast::<u8>().add(start) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `Box::leak`, and the last of its holders is gone: leases
        // each hold an `Rc`, and `Uring` keeps its own until the ring is idle or leaks it.
        drop(unsafe { Box::from_raw(self.bytes.as_ptr()) });
    }
}

impl Provided {
    /// Takes the first `bytes` off: a header that the kernel wrote.
    pub fn skip(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }
}

impl Deref for Provided {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let start = self.memory.at(self.buffer);
        // SAFETY: `end` is at most the buffer's size, the memory was initialised when it was made
        // and lives as long as `memory`, and the kernel does not write before the drop below has
        // returned the buffer.
        let bytes = unsafe { std::slice::from_raw_parts(start, self.end) };
        &bytes[self.start..]
    }
}

impl Drop for Provided {
    fn drop(&mut self) {
        self.memory.leased.set(self.memory.leased.get() - 1);
        self.memory.returned.borrow_mut().push(self.buffer);
    }
}

/// Anonymous pages.
#[derive(Debug)]
struct Mapping {
    address: NonNull<libc::c_void>,
    len: usize,
}

impl Mapping {
    fn new(len: usize) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing of ours.
        let address = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, -1, 0) };
        match NonNull::new(address) {
            Some(address) if address.as_ptr() != libc::MAP_FAILED => Ok(Self { address, len }),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: the pages are ours and nobody points at them any more.
            unsafe { libc::munmap(self.address.as_ptr(), self.len) };
        }
    }
}
