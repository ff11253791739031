//! The modules of the server that read what others write, without its store: small to instrument.
//!
//! They are the server's own files, under the same names, so that a check says `ringboot::…` both
//! here and in the plain test that runs the same checks (`tests/fuzz.rs`).

#[path = "../src/device/mod.rs"]
pub mod device;
#[path = "../src/limits.rs"]
pub mod limits;
#[path = "../src/plugin/mod.rs"]
pub mod plugin;
#[path = "../src/query.rs"]
pub mod query;
#[path = "../src/time.rs"]
pub mod time;
#[path = "../src/wire/mod.rs"]
pub mod wire;
