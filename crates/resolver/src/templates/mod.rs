//! Templates: the files they are in, what their fields mean, what they take over, and what is derived.

pub(crate) mod attributes;
pub(crate) mod checks;
pub(crate) mod defaults;
pub mod fields;
pub(crate) mod files;
pub mod instance_types;
mod requirements;
pub(crate) mod resolver;
