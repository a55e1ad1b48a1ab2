//! Tests of the state store on real files, and by real processes where that matters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must say so"
)]

mod behaviour;
mod checksums;
mod coherence;
mod common;
mod exchange;
mod journals;
mod opening;
mod orb;
mod processes;
mod upkeep;
