//! Buffers are used again: a pool keeps a bounded number of free ones and counts those in use.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::Rc;

/// Free buffers of one size. INVARIANT: `free.len() <= kept`.
#[derive(Debug)]
pub(super) struct Pool {
    free: RefCell<Vec<Vec<u8>>>,
    bytes: usize,
    kept: usize,
    leased: Cell<u64>,
}

impl Pool {
    /// A pool of buffers of `bytes` bytes that keeps at most `kept` free ones.
    pub fn new(bytes: usize, kept: usize) -> Rc<Self> {
        let free = RefCell::new(Vec::with_capacity(kept));
        Rc::new(Self { free, bytes, kept, leased: Cell::new(0) })
    }

    /// An empty buffer with room for the pool's size.
    pub fn take(&self) -> Vec<u8> {
        let free = self.free.borrow_mut().pop();
        free.unwrap_or_else(|| Vec::with_capacity(self.bytes))
    }

    /// An empty buffer with room for `len` bytes. A small one is made to measure: many may hold
    /// theirs for long.
    pub fn take_for(&self, len: usize) -> Vec<u8> {
        if 2 * len <= self.bytes {
            return Vec::with_capacity(len);
        }
        let mut buffer = self.take();
        buffer.reserve(len);
        buffer
    }

    /// Gives a buffer back. One that has grown far, or is one too many, goes to the heap.
    pub fn give(&self, mut bytes: Vec<u8>) {
        let mut free = self.free.borrow_mut();
        let fits = bytes.capacity() >= self.bytes && bytes.capacity() <= 2 * self.bytes;
        if fits && free.len() < self.kept {
            bytes.clear();
            free.push(bytes);
        }
    }

    /// A buffer with its content, which finds its way back by itself.
    pub fn lease(self: &Rc<Self>, bytes: Vec<u8>) -> Pooled {
        self.leased.set(self.leased.get() + 1);
        Pooled { bytes, pool: Rc::clone(self) }
    }

    /// Buffers that leases hold.
    pub fn leased(&self) -> u64 {
        self.leased.get()
    }

    /// Size of a buffer, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// A buffer that goes back to its pool when it is dropped.
#[derive(Debug)]
pub(super) struct Pooled {
    bytes: Vec<u8>,
    pool: Rc<Pool>,
}

impl Deref for Pooled {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.pool.leased.set(self.pool.leased.get() - 1);
        self.pool.give(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_lease_is_taken_again() {
        let pool = Pool::new(64, 2);
        let mut bytes = pool.take();
        bytes.extend_from_slice(b"RRQ");
        let place = bytes.as_ptr();
        let lease = pool.lease(bytes);
        assert_eq!((&*lease, pool.leased()), (&b"RRQ"[..], 1));
        drop(lease);
        let again = pool.take();
        assert_eq!((again.as_ptr(), again.len(), pool.leased()), (place, 0, 0));
    }

    #[test]
    fn a_pool_keeps_no_more_than_it_may_and_no_giants() {
        let pool = Pool::new(64, 2);
        pool.give(Vec::with_capacity(64 * 1024));
        assert!(pool.free.borrow().is_empty());
        assert_eq!((pool.take_for(10).capacity(), pool.take_for(80).capacity() >= 80), (10, true));
        for _ in 0..3 {
            pool.give(Vec::with_capacity(64));
        }
        assert_eq!(pool.free.borrow().len(), 2);
    }
}
