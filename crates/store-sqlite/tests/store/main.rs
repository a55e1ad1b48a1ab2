//! Tests of the state store on real files, and by real processes where that matters.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must say so")]

mod behaviour;
mod checksums;
mod coherence;
mod common;
mod exchange;
mod files;
mod journals;
mod opening;
mod orb;
mod processes;
mod upkeep;
