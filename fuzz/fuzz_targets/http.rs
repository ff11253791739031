//! The fuzzer makes up heads and conversations of HTTP, and a check holds them.
#![no_main]

#[path = "../checks/http.rs"]
mod http;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    http::check(input);
});
