//! Received bytes have one holder: a lease gives its buffer back when it is dropped, and only then.

use std::ops::Deref;

use super::pool::Pooled;
use super::uring::Provided;

/// Bytes that came in, in the buffer they came into. Dropping it gives the buffer back.
#[derive(Debug)]
pub struct Lease(Inner);

#[derive(Debug)]
enum Inner {
    Owned(Vec<u8>),
    Pooled(Pooled),
    Provided(Provided),
}

impl Lease {
    /// A lease on plain memory; for drivers without a buffer ring, and for tests.
    pub fn owned(bytes: Vec<u8>) -> Self {
        Self(Inner::Owned(bytes))
    }

    /// A lease on a buffer of a pool.
    pub(super) fn pooled(bytes: Pooled) -> Self {
        Self(Inner::Pooled(bytes))
    }

    /// A lease on a buffer that the kernel chose from a ring.
    pub(super) fn provided(bytes: Provided) -> Self {
        Self(Inner::Provided(bytes))
    }
}

impl Deref for Lease {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Owned(bytes) => bytes,
            Inner::Pooled(bytes) => bytes,
            Inner::Provided(bytes) => bytes,
        }
    }
}
