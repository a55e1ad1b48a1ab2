//! Rows whose values have a type: what reads a key can name neither another type nor another default.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::time::Duration;

use ohfp_broker::Keyword;
use serde_json::{Map, Value};

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
    use super::*;
    use crate::shapes::list;

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
