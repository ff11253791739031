//! What measuring needs, whatever is measured: processes, their processor time, a client, papers.

pub mod asking;
pub mod client;
pub mod figures;
pub mod group;
pub mod machine;
pub mod paper;
pub mod plot;
pub mod process;
pub mod spent;
