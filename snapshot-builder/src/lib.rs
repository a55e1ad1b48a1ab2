//! From configuration files to a snapshot: load, resolve, render, lower, publish.
//!
//! The live program uses the same pipeline up to `render`, so there is one resolver and one truth.

pub mod answer;
pub mod audience;
pub mod inspect;
pub mod load;
pub mod lower;
pub mod place;
pub mod publish;
pub mod render;
pub mod resolve;
pub mod stamp;
pub mod standing;
pub mod tool;
