//! The shapes of rows: rule, default and type of each kind of value.

use std::time::Duration;

use ohfp_broker::Keyword;
use serde_json::Value;

use crate::bytes::bytes;
use crate::key::DefaultValue;
use crate::rule::Rule;
use crate::typed::{Items, Object, Shape, Word};

/// true or false.
pub const fn flag(default: bool) -> Shape<bool> {
    Shape { rule: Rule::Boolean, written: DefaultValue::Flag(default), default, read: Value::as_bool }
}

/// true or false, or unset.
pub const fn unset_flag() -> Shape<Option<bool>> {
    Shape {
        rule: Rule::Boolean,
        written: DefaultValue::Unset,
        default: None,
        read: |value| value.as_bool().map(Some),
    }
}

/// A whole number in a range.
pub const fn whole(from: u32, to: u32, default: u32) -> Shape<u64> {
    Shape {
        rule: Rule::Whole(from as i64, to as i64),
        written: DefaultValue::Number(default as u64),
        default: default as u64,
        read: Value::as_u64,
    }
}

/// A whole number that is not below `from`, which may be below 0.
pub const fn signed(from: i64, default: u32) -> Shape<i64> {
    Shape {
        rule: Rule::Whole(from, i64::MAX),
        written: DefaultValue::Number(default as u64),
        default: default as i64,
        read: Value::as_i64,
    }
}

/// The number of things that are held in memory, in a range.
pub const fn count(from: u32, to: u32, default: u32) -> Shape<usize> {
    Shape {
        rule: Rule::Whole(from as i64, to as i64),
        written: DefaultValue::Number(default as u64),
        default: default as usize,
        read: |value| value.as_u64().and_then(|number| usize::try_from(number).ok()),
    }
}

/// Whole seconds in a range.
pub const fn seconds(from: u32, to: u32, default: u32) -> Shape<Duration> {
    Shape {
        rule: Rule::Whole(from as i64, to as i64),
        written: DefaultValue::Number(default as u64),
        default: Duration::from_secs(default as u64),
        read: |value| value.as_u64().map(Duration::from_secs),
    }
}

/// A whole number that is not below `from`, or unset.
pub const fn unset_whole(from: u32) -> Shape<Option<u64>> {
    Shape {
        rule: Rule::Whole(from as i64, i64::MAX),
        written: DefaultValue::Unset,
        default: None,
        read: |value| value.as_u64().map(Some),
    }
}

/// The same where numbers below 0 have a meaning.
pub const fn unset_signed(from: i64) -> Shape<Option<i64>> {
    Shape {
        rule: Rule::Whole(from, i64::MAX),
        written: DefaultValue::Unset,
        default: None,
        read: |value| value.as_i64().map(Some),
    }
}

/// A number of bytes, whole or with a unit.
pub const fn size(default: u64) -> Shape<u64> {
    Shape { rule: Rule::Bytes, written: DefaultValue::Number(default), default, read: bytes }
}

/// A string that `rule` allows.
pub const fn text(rule: Rule, default: &'static str) -> Shape<&'static str> {
    Shape { rule, written: DefaultValue::Text(default), default, read: Value::as_str }
}

/// A string that `rule` allows, or unset.
pub const fn unset_text(rule: Rule) -> Shape<Option<&'static str>> {
    Shape { rule, written: DefaultValue::Unset, default: None, read: |value| value.as_str().map(Some) }
}

/// A word of an enum; written by [`word!`](crate::word), as no constant function can call a trait's.
pub const fn keyword<K: Keyword>(default: K, written: &'static str) -> Shape<Word<K>> {
    Shape {
        rule: Rule::Word(K::NAMES),
        written: DefaultValue::Text(written),
        default,
        read: |value| value.as_str().and_then(K::parse),
    }
}

/// The shape of a key whose values are the words of an enum, from its default.
#[macro_export]
macro_rules! word {
    ($default:expr) => {
        $crate::keyword($default, $default.name())
    };
}

/// A list of these words.
pub const fn words(
    allowed: &'static [&'static str],
    default: &'static [&'static str],
) -> Shape<Option<Items>> {
    Shape {
        rule: Rule::Words(allowed),
        written: DefaultValue::Texts(default),
        default: None,
        read: |value| value.as_array().map(|list| Some(list.as_slice())),
    }
}

/// A list, empty by default.
pub const fn list() -> Shape<Option<Items>> {
    Shape {
        rule: Rule::List,
        written: DefaultValue::EmptyList,
        default: None,
        read: |value| value.as_array().map(|list| Some(list.as_slice())),
    }
}

/// An object that `rule` allows.
pub const fn object(rule: Rule, written: DefaultValue) -> Shape<Option<Object>> {
    Shape { rule, written, default: None, read: |value| value.as_object().map(Some) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::typed::{KeyType, Typed};

    crate::table! {
        /// Keys of this test.
        KEYS;
        FLAG: bool = "flag", flag(true), "a";
        UNSET_FLAG: Option<bool> = "unset_flag", unset_flag(), "a";
        WHOLE: u64 = "whole", whole(1, 9, 5), "a";
        SIGNED: i64 = "signed", signed(-9, 2), "a";
        COUNT: usize = "count", count(0, 9, 4), "a";
        SECONDS: Duration = "seconds", seconds(1, 9, 3), "a";
        UNSET_WHOLE: Option<u64> = "unset_whole", unset_whole(1), "a";
        UNSET_SIGNED: Option<i64> = "unset_signed", unset_signed(-1), "a";
        SIZE: u64 = "size", size(1 << 20), "a";
        TEXT: &'static str = "text", text(Rule::Name, "x"), "a";
        UNSET_TEXT: Option<&'static str> = "unset_text", unset_text(Rule::Name), "a";
        WORDS: Option<Items> = "words", words(&["a", "b"], &["a"]), "a";
        LIST: Option<Items> = "list", list(), "a";
        OBJECT: Option<Object> = "object", object(Rule::Object, DefaultValue::EmptyObject), "a";
    }

    fn check<T: KeyType>(row: &Typed<T>, value: &Value, wanted: T::Read<'static>) {
        assert_eq!(row.read(value), T::shorten(wanted), "{} {value}", row.key.name);
    }

    #[test]
    fn rows_read_values_of_their_type_and_else_their_default() {
        check(&FLAG, &json!(false), false);
        check(&FLAG, &json!("false"), true);
        check(&UNSET_FLAG, &json!(false), Some(false));
        check(&UNSET_FLAG, &Value::Null, None);
        check(&WHOLE, &json!(7), 7);
        check(&WHOLE, &json!(-7), 5);
        check(&SIGNED, &json!(-7), -7);
        check(&SIGNED, &json!(0.5), 2);
        check(&COUNT, &json!(7), 7);
        check(&COUNT, &Value::Null, 4);
        check(&SECONDS, &json!(7), Duration::from_secs(7));
        check(&SECONDS, &json!("7"), Duration::from_secs(3));
        check(&UNSET_WHOLE, &json!(1), Some(1));
        check(&UNSET_WHOLE, &json!("1"), None);
        check(&UNSET_SIGNED, &json!(-1), Some(-1));
        check(&UNSET_SIGNED, &json!("1"), None);
        check(&SIZE, &json!("1KiB"), 1_024);
        check(&SIZE, &json!([]), 1 << 20);
        check(&TEXT, &json!("y"), "y");
        check(&TEXT, &json!(1), "x");
        check(&UNSET_TEXT, &json!("y"), Some("y"));
        check(&UNSET_TEXT, &json!(1), None);
        assert_eq!(WORDS.read(&json!(["b"])), Some(&[json!("b")][..]));
        assert_eq!(LIST.read(&json!([])), Some(&[][..]));
        assert_eq!((LIST.read(&Value::Null), OBJECT.read(&json!([]))), (None, None));
        assert_eq!(OBJECT.read(&json!({"a": 1})).map(Map::len), Some(1));
        assert_eq!((KEYS.len(), WORDS.key.rule.words()), (14, &["a", "b"][..]));
    }
}
