//! `ohfp`: answers static invocations from a snapshot, hands everything else to `ohfp-live`.
//!
//! Invariant: it prints, byte for byte, what `ohfp-live` would print, or it becomes `ohfp-live`.
//! It knows neither configuration nor templates nor clap; it knows keys and bytes. It uses no heap:
//! on the musl target the allocator refuses, so this cannot rot.
#![cfg_attr(bare_entry, no_main)]

mod counted;
mod entry;
mod question;
mod respond;
#[cfg(bare_entry)]
mod unwind;

#[cfg(not(bare_entry))]
fn main() {
    std::process::exit(respond::run(&entry::hosted()));
}
