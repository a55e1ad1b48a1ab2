//! A row of a table of keys.

use serde_json::{Map, Value};

use crate::rule::Rule;

/// A key of a configuration file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted name.
    pub name: &'static str,
    /// The values that it may have.
    pub rule: Rule,
    /// Value of a key that no file and no variable sets.
    pub default: DefaultValue,
    /// Its meaning, in one line.
    pub help: &'static str,
}

/// A default value, as a constant.
#[derive(Clone, Copy, Debug)]
pub enum DefaultValue {
    /// null
    Unset,
    /// A string.
    Text(&'static str),
    /// A whole number.
    Number(u64),
    /// true or false.
    Flag(bool),
    /// A list of strings.
    Texts(&'static [&'static str]),
    /// An object of strings.
    Object(&'static [(&'static str, &'static str)]),
    /// `{}`
    EmptyObject,
    /// `[]`
    EmptyList,
}

impl DefaultValue {
    /// The value as JSON.
    pub fn value(self) -> Value {
        match self {
            Self::Unset => Value::Null,
            Self::Text(text) => Value::from(text),
            Self::Number(number) => Value::from(number),
            Self::Flag(flag) => Value::from(flag),
            Self::Texts(texts) => Value::from(texts),
            Self::Object(members) => Value::Object(
                members.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect(),
            ),
            Self::EmptyObject => Value::Object(Map::new()),
            Self::EmptyList => Value::Array(Vec::new()),
        }
    }
}

/// Creates a row.
pub const fn key(name: &'static str, rule: Rule, default: DefaultValue, help: &'static str) -> Key {
    Key { name, rule, default, help }
}
