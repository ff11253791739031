//! The fuzzer makes up datagrams and whole transfers of TFTP, and a check holds them.
#![no_main]

#[path = "../checks/tftp.rs"]
mod tftp;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    tftp::check(input);
});
