//! The domain of ohfp. It knows what a template, a request and a machine are; it performs no I/O.

pub mod error;
pub mod template;

pub use error::{Error, ErrorKind, Result};
