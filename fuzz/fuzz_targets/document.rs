//! The fuzzer makes up documents of devices and configurations, and a check holds them.
#![no_main]

#[path = "../checks/document.rs"]
mod document;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    document::check(input);
});
