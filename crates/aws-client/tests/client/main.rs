//! The client against a server on this host: what is on the wire, what a fault means, and how many calls it costs.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

mod ending;
mod faults;
mod fleets;
mod making;
mod parameters;
mod process;
mod server;
