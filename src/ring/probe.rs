//! Whether a ring can be had is found out at start, and a refusal is one line with cause and cure.

use io_uring::{opcode, register};
use std::io;

use super::uring;
use crate::limits;

/// A kernel that has all that the io_uring driver asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Probe {
    /// The kernel's release, as `uname` tells it.
    pub kernel: String,
}

/// Why io_uring cannot be used, each with what to do about it. The epoll driver needs none of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unavailable {
    /// `kernel.io_uring_disabled` is 1 (needs a group or CAP_SYS_ADMIN) or 2 (nobody).
    #[error(
        "io_uring is switched off by kernel.io_uring_disabled={0}; \
         set it to 0, or run with --driver epoll"
    )]
    Disabled(u8),
    /// EPERM without the switch: a filter of system calls.
    #[error(
        "io_uring is forbidden (EPERM) by a seccomp filter, as container runtimes have by default; \
         allow io_uring_setup, io_uring_enter and io_uring_register, or run with --driver epoll"
    )]
    Forbidden,
    /// ENOSYS: a kernel built without it, or a sandbox.
    #[error(
        "io_uring is not in this kernel (ENOSYS); \
         use a kernel of 6.1 or later with CONFIG_IO_URING, or run with --driver epoll"
    )]
    Missing,
    /// The ring's features came with 6.1.
    #[error(
        "io_uring of kernel {0} is too old; \
         use a kernel of 6.1 or later, or run with --driver epoll"
    )]
    TooOld(String),
    /// An operation that a later kernel dropped or a filter hides.
    #[error(
        "io_uring of kernel {kernel} lacks {operation}; \
         use a kernel of 6.1 or later without restrictions, or run with --driver epoll"
    )]
    Lacks {
        /// The kernel's release.
        kernel: String,
        /// The operation's name in the kernel's header.
        operation: &'static str,
    },
    /// ENOMEM: memory that a ring locks.
    #[error(
        "io_uring got no memory (ENOMEM); \
         raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=), or run with --driver epoll"
    )]
    NoMemory,
    /// Anything else.
    #[error("io_uring failed: {0}; run with --driver epoll")]
    Failed(String),
}

/// Each operation that the driver uses, with its name.
const OPERATIONS: [(u8, &str); 10] = [
    (opcode::Accept::CODE, "IORING_OP_ACCEPT"),
    (opcode::Recv::CODE, "IORING_OP_RECV"),
    (opcode::Send::CODE, "IORING_OP_SEND"),
    (opcode::SendMsg::CODE, "IORING_OP_SENDMSG"),
    (opcode::RecvMsg::CODE, "IORING_OP_RECVMSG"),
    (opcode::Read::CODE, "IORING_OP_READ"),
    (opcode::Close::CODE, "IORING_OP_CLOSE"),
    (opcode::Shutdown::CODE, "IORING_OP_SHUTDOWN"),
    (opcode::AsyncCancel::CODE, "IORING_OP_ASYNC_CANCEL"),
    // Not used itself: it came with the multishot receives, which no probe can see, in 6.0.
    (opcode::SendZc::CODE, "IORING_OP_SEND_ZC"),
];

/// Makes a small ring as the driver does and asks it for each operation; leaves nothing behind.
///
/// # Errors
/// Why the driver cannot work here.
pub fn probe() -> Result<Probe, Unavailable> {
    let kernel = kernel_release();
    let switch = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    let switch = switch.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let explain = |error: io::Error| explain(&error, switch, &kernel);
    let ring = uring::build(8, 32).map_err(explain)?;
    let mut operations = register::Probe::new();
    ring.submitter().register_probe(&mut operations).map_err(explain)?;
    for (code, operation) in OPERATIONS {
        if !operations.is_supported(code) {
            return Err(Unavailable::Lacks { kernel, operation });
        }
    }
    ring.submitter().register_files_sparse(limits::ACCEPTS_ARMED as u32).map_err(explain)?;
    uring::try_buffers(&ring).map_err(explain)?;
    Ok(Probe { kernel })
}

fn explain(error: &io::Error, switch: u8, kernel: &str) -> Unavailable {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) if switch > 0 => Unavailable::Disabled(switch),
        Some(libc::EPERM | libc::EACCES) => Unavailable::Forbidden,
        Some(libc::ENOSYS | libc::EOPNOTSUPP) => Unavailable::Missing,
        Some(libc::EINVAL) => Unavailable::TooOld(kernel.to_owned()),
        Some(libc::ENOMEM) => Unavailable::NoMemory,
        _ => Unavailable::Failed(error.to_string()),
    }
}

fn kernel_release() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease");
    release.map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_is_one_line_with_cause_and_cure() {
        let of = |errno| io::Error::from_raw_os_error(errno);
        let cases = [
            (libc::EPERM, 2, "kernel.io_uring_disabled=2"),
            (libc::EPERM, 0, "seccomp"),
            (libc::ENOSYS, 0, "CONFIG_IO_URING"),
            (libc::EOPNOTSUPP, 0, "CONFIG_IO_URING"),
            (libc::EINVAL, 0, "5.15.0-91-generic is too old"),
            (libc::ENOMEM, 0, "RLIMIT_MEMLOCK"),
            (libc::EMFILE, 0, "Too many open files"),
        ];
        for (errno, switch, cause) in cases {
            let line = explain(&of(errno), switch, "5.15.0-91-generic").to_string();
            assert!(line.contains(cause), "{line}");
            assert!(line.ends_with("--driver epoll"), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }

    /// A filter as container runtimes install it: io_uring_setup fails with `errno`.
    fn forbid_rings(errno: i32) {
        let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
        let jump = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        let verdict = (libc::BPF_RET | libc::BPF_K) as u16;
        let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
        let refuse = libc::SECCOMP_RET_ERRNO | errno.unsigned_abs();
        let mut steps = [
            step(load, 0, 0, 0),
            step(jump, 0, 1, libc::SYS_io_uring_setup as u32),
            step(verdict, 0, 0, refuse),
            step(verdict, 0, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog { len: 4, filter: steps.as_mut_ptr() };
        // SAFETY: both calls change the calling thread only; `program` and its steps outlive them.
        unsafe {
            assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
            let mode = libc::SECCOMP_MODE_FILTER;
            assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program, 0, 0), 0);
        }
    }

    #[test]
    fn a_real_filter_is_told_from_a_missing_call() {
        if probe().is_err() {
            return;
        }
        for (errno, expected) in
            [(libc::EPERM, Unavailable::Forbidden), (libc::ENOSYS, Unavailable::Missing)]
        {
            let filtered = std::thread::spawn(move || {
                forbid_rings(errno);
                probe()
            });
            assert_eq!(filtered.join().expect("no panic"), Err(expected));
        }
    }
}
