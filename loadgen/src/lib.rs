//! Phones that boot as their vendors' do, by the thousand, and see whether each got its own.
//!
//! A pace says when ([`pace`]), a phone what ([`phone`]), a report how it went ([`report`]); they
//! meet in one loop ([`driver`]). Phones know no sockets and no clocks, so that the server's tests
//! boot the same ones on a simulated network.

#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod chance;
pub mod commands;
pub mod compare;
pub mod cpu;
pub mod driver;
pub mod flags;
pub mod fleet;
pub mod hammer;
pub mod http;
pub mod inspect;
pub mod lab;
pub mod limits;
pub mod mix;
pub mod pace;
pub mod phone;
pub mod profile;
pub mod progress;
pub mod provd;
pub mod report;
pub mod scale;
pub mod template;
pub mod token;
