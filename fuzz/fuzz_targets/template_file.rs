#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ohfp_fuzz::template_file::check(bytes));
