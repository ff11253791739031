//! TFTP without sockets, files or clocks: packets and a time come in, packets and a deadline out.
//!
//! ```text
//! datagram on the listening port ──▶ Transfers::on_listen ──▶ Request ──▶ Transfers::begin
//! datagram on a transfer port ─────▶ Transfers::on_transfer_datagram
//! a deadline has passed ───────────▶ Transfers::expire
//! then, until there is none: Transfers::next_transmit and Transfers::poll_finished
//! ```
//!
//! RFC 1350 (the protocol), 1123 section 4.2.3.1 (the Sorcerer's Apprentice), 2347 (options), 2348
//! (`blksize`), 2349 (`timeout`, `tsize`), 7440 (`windowsize`).

mod client;
mod lists;
mod name;
mod netascii;
mod options;
mod packet;
mod table;
mod transfer;

#[cfg(test)]
mod pair;

pub use client::{Destination, Failure, Fetch, Outcome};
pub use name::{BadName, path_of};
pub use netascii::to_netascii;
pub use options::{OptionList, Options};
pub use packet::{ErrorCode, Malformed, Mode, Packet, Request};
pub use table::{Finished, Flow, Key, ListenOutcome, Outgoing, Transfers};
pub use transfer::{End, Transfer, Transmit};
