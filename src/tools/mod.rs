//! The command line's questions, answered without a server.

pub mod explain;
pub mod render;
