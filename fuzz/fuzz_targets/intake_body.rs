#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| testkit::fuzzed::intake_body(bytes));
