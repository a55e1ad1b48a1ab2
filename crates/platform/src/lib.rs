//! The operating system, for every program and crate of ohfp: system calls, files, terminals, locations.
//!
//! It must not know snapshots, configuration or requests. The runtime links it, so no code on the runtime's
//! path allocates; [`files`] and [`disk`] are for the programs that write.

pub mod disk;
pub mod files;
pub mod locate;
mod replacement;
pub mod sys;
pub mod terminal;
