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
    /// A list of two numbers, such as the least and the greatest, or the number if both are the same.
    Range(u64, u64),
    /// The value that this function makes, of a constant of another type.
    Made(fn() -> Value),
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
            Self::Range(least, greatest) if least == greatest => Value::from(least),
            Self::Range(least, greatest) => Value::from(vec![least, greatest]),
            Self::Made(make) => make(),
            Self::Texts(texts) => Value::from(texts),
            Self::Object(members) => Value::Object(
                members.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect(),
            ),
            Self::EmptyObject => Value::Object(Map::new()),
            Self::EmptyList => Value::Array(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_as_json() {
        for (default, wanted) in [
            (DefaultValue::Unset, "null"),
            (DefaultValue::Text("a"), "\"a\""),
            (DefaultValue::Number(1), "1"),
            (DefaultValue::Flag(true), "true"),
            (DefaultValue::Range(5, 15), "[5,15]"),
            (DefaultValue::Range(60, 60), "60"),
            (DefaultValue::Made(|| Value::from("made")), "\"made\""),
            (DefaultValue::Texts(&["a", "b"]), "[\"a\",\"b\"]"),
            (DefaultValue::Object(&[("b", "1"), ("a", "2")]), "{\"b\":\"1\",\"a\":\"2\"}"),
            (DefaultValue::EmptyObject, "{}"),
            (DefaultValue::EmptyList, "[]"),
        ] {
            assert_eq!(default.value().to_string(), wanted);
        }
    }
}
