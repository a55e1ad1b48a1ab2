//! What ohfp asks of the operating system, for every program and crate of it.
//!
//! It must not know snapshots, configuration or requests. The runtime links it, so nothing on its path
//! allocates; [`files`] and [`disk`] are for the programs that write.

pub mod disk;
pub mod files;
pub mod locate;
mod replacement;
pub mod sys;
pub mod terminal;
