//! Provider instances: those that files name, those that files imply, and the one that is meant.

pub(crate) mod aws_config;
pub(crate) mod choice;
pub(crate) mod configured;
pub(crate) mod instance;
