//! What measuring needs, whatever is measured: processes, their processor time, a client, papers.

pub mod asking;
pub mod client;
pub mod figures;
mod flags;
pub mod group;
pub mod machine;
pub mod paper;
pub mod plot;
pub mod process;
pub mod spent;

pub use flags::{LabFlags, Told, this_program, whole};
