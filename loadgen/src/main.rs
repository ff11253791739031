//! The load generator's process: flags in, figures and an exit code out.

#![deny(clippy::unwrap_used)]

use clap::Parser;
use ringboot_loadgen::commands;
use ringboot_loadgen::flags::Flags;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run(&Flags::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("ringboot-loadgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}
