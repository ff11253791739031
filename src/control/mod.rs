//! What operators' programs ask of the server; nothing here knows what a connection is.

pub mod find;
