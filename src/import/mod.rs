//! Many documents at once into a data folder: all of them or nothing, and what is wrong is named.

mod fleet;
pub mod provd;
mod sorted;

pub use fleet::{Check, ImportError, Imported, fleet};
