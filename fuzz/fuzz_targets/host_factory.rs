#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ohfp_fuzz::host_factory::check(bytes));
