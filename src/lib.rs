//! ringboot: a provisioning server for desk phones. HTTP and TFTP straight out of io_uring.
//!
//! `ARCHITECTURE.md` draws the flow; a test holds the arrows between the modules.

#![deny(missing_docs, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]
#![deny(clippy::missing_safety_doc, clippy::allow_attributes)]

pub mod bus;
pub mod content;
pub mod control;
pub mod device;
pub mod dhcp;
pub mod directory;
pub mod export;
pub mod identify;
pub mod import;
pub mod limits;
pub mod log;
pub mod notify;
pub mod packages;
pub mod plugin;
pub mod query;
pub mod ring;
pub mod serve;
pub mod settings;
pub mod shadow;
pub mod store;
pub mod time;
pub mod tools;
pub mod url;
pub mod watch;
pub mod wazo;
pub mod wire;
pub mod worker;
pub mod world;
