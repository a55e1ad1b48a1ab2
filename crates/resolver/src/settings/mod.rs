//! `config.json`: its keys, the rules of their values, and the effective value of each.

pub(crate) mod config_file;
pub(crate) mod effective;
pub(crate) mod expand;
pub mod key_table;
pub mod keys;
pub(crate) mod log_settings;
mod other_names;
pub mod performance;
pub mod redact;
mod secret_names;
mod secret_texts;
pub mod words;

pub(crate) use ohfp_keys::rule;
