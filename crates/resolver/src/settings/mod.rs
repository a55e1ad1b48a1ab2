//! `config.json`: its keys, the rules of their values, and the effective value of each.

pub(crate) mod config_file;
pub(crate) mod effective;
pub(crate) mod expand;
pub mod key_table;
pub mod keys;
pub(crate) mod log_settings;
pub(crate) mod other_names;
pub mod performance;
pub mod redact;
mod secret_names;
mod secret_texts;
pub mod words;

use ohfp_keys::shown;
use serde_json::Value;

pub(crate) use ohfp_keys::rule;

/// A value as messages show it, with secrets redacted.
pub fn rule_text(key: &str, value: &Value) -> String {
    shown(&redact::redact(key, value))
}

/// The word of ours that a word of other brokers' files stands for.
pub fn other_word(key: &str, word: &str) -> Option<&'static str> {
    let known = other_names::OTHER_WORDS.iter().find(|other| other.key == key && other.theirs == word);
    let level = || (key == key_table::LOG_LEVEL.key.name).then(|| words::LogLevel::lenient(word)).flatten();
    known.map(|other| other.ours).or_else(|| level().map(words::LogLevel::name))
}
