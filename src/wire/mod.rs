//! Protocols without I/O: bytes and a time come in, bytes and a deadline go out.

pub mod http;
pub mod tftp;
