//! From resolved configuration to a snapshot: lower, stamp, publish; and whether a published one is still fresh.
//!
//! `ohfp-resolver` interprets the files and `ohfp-render` renders the answers. The live program uses the same
//! two crates, so both give the same answers.

pub mod audience;
pub mod freshness;
pub mod inspect;
pub mod lower;
pub mod publish;
pub mod stamp;
pub mod tool;
