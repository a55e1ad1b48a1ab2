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
use serde_json::{Map, Value};

pub(crate) use ohfp_keys::rule;

/// A value as messages show it, with secrets redacted.
pub fn rule_text(key: &str, value: &Value) -> String {
    shown(&redact::redact(key, value))
}

/// Inserts a value at a dotted key, with the sections that it is in.
pub fn insert(tree: &mut Map<String, Value>, key: &str, value: Value) {
    let Some((section, rest)) = key.split_once('.') else {
        tree.insert(key.to_owned(), value);
        return;
    };
    if let Value::Object(inner) = tree.entry(section).or_insert_with(|| Value::Object(Map::new())) {
        insert(inner, rest, value);
    }
}

/// The word of ours that a word of other brokers' files stands for.
pub fn other_word(key: &str, word: &str) -> Option<&'static str> {
    other_names::translated(key, word).map(|(ours, _)| ours)
}
