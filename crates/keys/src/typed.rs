//! Rows whose values have a type: what reads a key can name neither another type nor another default.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::time::Duration;

use ohfp_broker::Keyword;
use serde_json::{Map, Value};

use crate::bytes::bytes;
use crate::key::{DefaultValue, Key};
use crate::rule::Rule;

/// The type that a row names. `&'static str` and [`Object`] are read as references into the value.
pub trait KeyType: 'static {
    /// What is read.
    type Read<'v>: Copy + PartialEq + Debug;

    /// The same with the lifetime of a value.
    fn shorten<'v>(read: Self::Read<'static>) -> Self::Read<'v>;
}

/// Makes types that hold no reference types of rows.
#[macro_export]
macro_rules! key_types {
    ($($name:ty),+ $(,)?) => {
        $(impl $crate::KeyType for $name {
            type Read<'v> = Self;

            fn shorten<'v>(read: Self) -> Self::Read<'v> {
                read
            }
        })+
    };
}

key_types!(bool, f64, i64, u64, usize, Duration);

/// A word, read as the value of the enum that it stands for.
pub struct Word<K: Keyword>(PhantomData<K>);

impl<K: Keyword> KeyType for Word<K> {
    type Read<'v> = K;

    fn shorten<'v>(read: K) -> Self::Read<'v> {
        read
    }
}

impl KeyType for &'static str {
    type Read<'v> = &'v str;

    fn shorten<'v>(read: &'static str) -> Self::Read<'v> {
        read
    }
}

/// An object, read as a map.
pub struct Object;

impl KeyType for Object {
    type Read<'v> = &'v Map<String, Value>;

    fn shorten<'v>(read: &'static Map<String, Value>) -> Self::Read<'v> {
        read
    }
}

/// A list, read as a slice.
pub struct Items;

impl KeyType for Items {
    type Read<'v> = &'v [Value];

    fn shorten<'v>(read: &'static [Value]) -> Self::Read<'v> {
        read
    }
}

/// A key that may have no value. Objects and lists are of this kind whatever their default, as no constant can hold
/// one: their default is that of the [`Key`].
impl<T: KeyType> KeyType for Option<T> {
    type Read<'v> = Option<T::Read<'v>>;

    fn shorten<'v>(read: Option<T::Read<'static>>) -> Self::Read<'v> {
        read.map(T::shorten)
    }
}

/// Reads a value that the rule allows.
pub type Reader<T> = for<'v> fn(&'v Value) -> Option<<T as KeyType>::Read<'v>>;

/// A row without its name and help: rule, default and type.
pub struct Shape<T: KeyType> {
    /// The values that are allowed.
    pub rule: Rule,
    /// The default as JSON.
    pub written: DefaultValue,
    /// The same, as it is read.
    pub default: T::Read<'static>,
    /// Reads a value.
    pub read: Reader<T>,
}

/// A row whose values have a type.
pub struct Typed<T: KeyType> {
    /// The row.
    pub key: Key,
    default: T::Read<'static>,
    read: Reader<T>,
}

impl<T: KeyType> Typed<T> {
    /// Creates a row.
    pub const fn new(name: &'static str, shape: &Shape<T>, help: &'static str) -> Self {
        let key = Key { name, rule: shape.rule, default: shape.written, help };
        Self { key, default: shape.default, read: shape.read }
    }

    /// Reads a value that the row's rule allows; any other gives the default.
    pub fn read<'v>(&self, value: &'v Value) -> T::Read<'v> {
        (self.read)(value).unwrap_or(T::shorten(self.default))
    }

    /// The default.
    pub fn default(&self) -> T::Read<'static> {
        self.default
    }

    /// What is wrong with the row itself; for the test that [`table!`](crate::table) makes.
    pub fn fault(&self) -> Option<String> {
        let (name, written) = (self.key.name, self.key.default.value());
        if self.key.help.is_empty() {
            return Some(format!("`{name}` has no help"));
        }
        if written.is_null() {
            return (format!("{:?}", self.default) != "None")
                .then(|| format!("`{name}` has a default that is not written"));
        }
        if let Some(fault) = self.key.rule.fault(&written) {
            return Some(format!("the default of `{name}` must be {}", fault.allowed));
        }
        let read = (self.read)(&written);
        let is_same = match self.key.default {
            DefaultValue::Texts(_)
            | DefaultValue::Object(_)
            | DefaultValue::EmptyObject
            | DefaultValue::EmptyList => read.is_some(),
            _ => read == Some(T::shorten(self.default)),
        };
        (!is_same).then(|| format!("the default of `{name}` is read as {read:?}, not as {:?}", self.default))
    }
}

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

/// Declares typed rows and the list of them, so that no row is left out of the list.
///
/// ```
/// use ohfp_keys::{Rule, flag, text, whole};
///
/// ohfp_keys::table! {
///     /// What can be set.
///     pub KEYS;
///     TIMEOUT: u64 = "timeout", whole(1, 3_600, 30), "seconds until a call is abandoned";
///     DEBUG: bool = "log.debug", flag(false), "whether calls are logged";
///     REGION: &'static str = "region", text(Rule::Name, "eu"), "where machines are launched";
/// }
///
/// assert_eq!(KEYS.iter().map(|key| key.name).collect::<Vec<_>>(), ["timeout", "log.debug", "region"]);
/// assert_eq!(TIMEOUT.read(&60.into()) + TIMEOUT.default(), 90);
/// ```
#[macro_export]
macro_rules! table {
    ($(#[$meta:meta])* $vis:vis $list:ident; $($row:ident: $kind:ty = $name:literal, $shape:expr, $help:expr;)+) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help, ".")]
            $vis const $row: $crate::Typed<$kind> = $crate::Typed::new($name, &$shape, $help);
        )+

        $(#[$meta])*
        $vis const $list: &[$crate::Key] = &[$($row.key),+];

        #[cfg(test)]
        mod rows {
            #[test]
            fn defaults_are_allowed_and_read_as_they_are_written() {
                let faults = [$(super::$row.fault()),+];
                let faults: Vec<String> = faults.into_iter().flatten().collect();
                assert!(faults.is_empty(), "{faults:#?}");
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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

    #[test]
    fn faults_of_rows_are_found() {
        let shape = |written, default, rule| Shape::<u64> { rule, written, default, read: Value::as_u64 };
        let check = |shape: Shape<u64>, help, wanted: Option<&str>| {
            assert_eq!(Typed::new("k", &shape, help).fault().as_deref(), wanted);
        };
        let number = DefaultValue::Number(1);
        check(shape(number, 1, Rule::Any), "a", None);
        check(shape(number, 1, Rule::Any), "", Some("`k` has no help"));
        check(shape(number, 2, Rule::Any), "a", Some("the default of `k` is read as Some(1), not as 2"));
        check(shape(number, 1, Rule::Text), "a", Some("the default of `k` must be a string"));
        check(shape(DefaultValue::Unset, 1, Rule::Any), "a", Some("`k` has a default that is not written"));
        let list = Typed::new("k", &Shape { read: |_| None, ..list() }, "a");
        assert_eq!(list.fault().as_deref(), Some("the default of `k` is read as None, not as None"));
    }
}
