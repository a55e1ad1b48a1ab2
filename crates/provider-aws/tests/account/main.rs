//! The provider on a small EC2 in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

mod contract;
mod keys;
mod partial;
mod small_ec2;
