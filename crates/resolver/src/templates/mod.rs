//! Templates: their files, the meaning of their fields, inherited defaults, and derived attributes.

pub(crate) mod attributes;
pub(crate) mod checks;
pub(crate) mod defaults;
pub mod fields;
pub(crate) mod files;
pub mod instance_types;
pub mod layers;
mod overlaps;
mod passed_on;
mod requirements;
pub(crate) mod resolver;
pub(crate) mod site_types;
pub(crate) mod sizing;
mod specified;
mod written;
