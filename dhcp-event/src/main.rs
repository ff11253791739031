//! `ringboot dhcp-event` as a program of its own: DHCP servers call a path alone, and of the whole
//! server nothing is loaded.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = env::args_os().skip(1).collect();
    ringboot_dhcp_event::main(&words)
}
