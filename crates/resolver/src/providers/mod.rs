//! Provider instances: those that files name, those that files imply, and the default one.

pub(crate) mod aws_config;
pub(crate) mod choice;
pub(crate) mod configured;
pub(crate) mod instance;
pub(crate) mod members;
