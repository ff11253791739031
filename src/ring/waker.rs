//! Another thread rings; the core's turn ends with `Event::Woken`.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// Rings one driver, from any thread. Rings that come before it looks are one.
#[derive(Clone, Debug)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    /// A bell of its own. `blocking` is what a ring needs that waits for it by itself.
    pub(super) fn new(blocking: bool) -> io::Result<Self> {
        let flags = libc::EFD_CLOEXEC | if blocking { 0 } else { libc::EFD_NONBLOCK };
        // SAFETY: no pointers are passed.
        let bell = unsafe { libc::eventfd(0, flags) };
        if bell < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and has no other owner.
        Ok(Self(Arc::new(unsafe { OwnedFd::from_raw_fd(bell) })))
    }

    /// Rings. It cannot fail: the count is far from full, since every look empties it.
    pub fn wake(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: eight readable bytes are passed, which is what an eventfd takes.
        let _ = unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Empties the count of a bell that does not block.
    pub(super) fn look(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: eight writable bytes are passed, which is what an eventfd gives.
        let _ = unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }

    /// The descriptor, for as long as `self` lives.
    pub(super) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
