//! The command line's questions, answered without a server.

pub mod cases;
pub mod check;
pub mod explain;
pub mod overrides;
pub mod phones;
pub mod render;
pub mod skeleton;
