//! Foreign JSON, read exactly as it is written.
//!
//! Numbers keep their digits in `serde_json`, and travel through serde as an object with one private key. Its own
//! `Value` takes an object that *is written* with that key for such a number, and another private key makes it
//! read a string as JSON. Here, what is written as an object is an object.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Error, Map, Number, Value};

/// A value, to be read by any deserializer of `serde_json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(pub Value);

/// Reads one document.
///
/// # Errors
/// The error of `serde_json` if it is not JSON.
pub fn from_slice(bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map(|Json(value)| value)
}

/// Reads one document that is an object.
///
/// # Errors
/// The error of `serde_json` if it is not JSON, or not an object.
pub fn object(text: &str) -> Result<Map<String, Value>, Error> {
    match serde_json::from_str(text)? {
        Json(Value::Object(members)) => Ok(members),
        Json(_) => Err(Error::custom("expected an object")),
    }
}

/// The message of an error without its place, which is that in the text that was parsed.
pub fn message(error: &Error) -> String {
    let mut message = error.to_string();
    if let Some(end) = message.rfind(" at line ") {
        message.truncate(end);
    }
    message
}

/// One member of an object, as written.
#[derive(Clone, Copy, Debug)]
pub struct Member<'t> {
    /// The name, in its quotes.
    pub key: &'t RawValue,
    /// The value.
    pub value: &'t RawValue,
}

impl Member<'_> {
    /// The name, without escapes.
    pub fn name(&self) -> String {
        serde_json::from_str(self.key.get()).unwrap_or_default()
    }
}

/// The members of an object as slices of its text, in order, repeated ones included.
#[derive(Clone, Debug)]
pub struct Members<'t>(pub Vec<Member<'t>>);

impl<'t> Deserialize<'t> for Members<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'t> Visitor<'t> for Collect {
            type Value = Members<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry()? {
                    members.push(Member { key, value });
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The key of the object by which a number travels.
const NUMBER: &str = "$serde_json::private::Number";

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written).map(Self)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Json(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        match object.next_key()? {
            None => return Ok(Value::Object(members)),
            Some(Name::Number) => match object.next_value()? {
                Marked::Number(number) => return Ok(Value::Number(number)),
                Marked::Written(value) => members.insert(NUMBER.to_owned(), value),
            },
            Some(Name::Other(name)) => members.insert(name, object.next_value::<Json>()?.0),
        };
        while let Some((name, Json(value))) = object.next_entry::<String, Json>()? {
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

/// The first name of an object.
enum Name {
    Number,
    Other(String),
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl Visitor<'_> for Names {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(if name == NUMBER { Name::Number } else { Name::Other(name.to_owned()) })
            }
        }
        deserializer.deserialize_str(Names)
    }
}

/// What stands under the private key. A number's digits come as a string of their own; what is written in the
/// document is lent from it or from the reader's buffer. A test holds that.
enum Marked {
    Number(Number),
    Written(Value),
}

impl<'de> Deserialize<'de> for Marked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Marked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Written.expecting(f)
            }

            fn visit_unit<E>(self) -> Result<Marked, E> {
                Ok(Marked::Written(Value::Null))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Marked, E> {
                Ok(Marked::Written(Value::Bool(truth)))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Marked, E> {
                Ok(Marked::Written(Value::from(number)))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Marked, E> {
                Ok(Marked::Written(Value::from(number)))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Marked, E> {
                Ok(Marked::Written(Value::from(number)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Marked, E> {
                Ok(Marked::Written(Value::from(text)))
            }

            fn visit_string<E: serde::de::Error>(self, digits: String) -> Result<Marked, E> {
                digits.parse().map(Marked::Number).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Marked, A::Error> {
                Written.visit_seq(list).map(Marked::Written)
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Marked, A::Error> {
                Written.visit_map(object).map(Marked::Written)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back() {
        for text in [
            "null",
            "true",
            "-0.0",
            "12345678901234567890123",
            "1.50",
            r#""a""#,
            r#""tab\tand ä""#,
            "[]",
            "[1,[2.5],{}]",
            "{}",
            r#"{"b":1,"a":{"c":null}}"#,
            r#"{"$serde_json::private::Number":"12"}"#,
            r#"{"$serde_json::private::Number":"x"}"#,
            r#"{"$serde_json::private::Number":"a\nb"}"#,
            r#"{"$serde_json::private::Number":12}"#,
            r#"{"$serde_json::private::Number":null}"#,
            r#"{"$serde_json::private::Number":{"$serde_json::private::Number":"1"}}"#,
            r#"{"$serde_json::private::Number":["1"],"b":2}"#,
            r#"{"a":{"$serde_json::private::Number":"1","b":2.50}}"#,
            r#"{"b":1,"$serde_json::private::Number":"1"}"#,
            r#"{"$serde_json::private::RawValue":"[1]"}"#,
            r#"[{"$serde_json::private::RawValue":"{"}]"#,
        ] {
            let value = from_slice(text.as_bytes()).unwrap();
            assert_eq!(value.to_string(), text);
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            assert_eq!(from_slice(pretty.as_bytes()).unwrap().to_string(), text);
            // A reader lends from its buffer instead of the document.
            let Json(read) = serde_json::from_reader(text.as_bytes()).unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(value.is_object(), text.starts_with('{'), "{text}");
        }
        // Escaped, the name is the same.
        let escaped = r#"{"\u0024serde_json::private::Number": "1\u0032"}"#;
        assert_eq!(
            from_slice(escaped.as_bytes()).unwrap().to_string(),
            r#"{"$serde_json::private::Number":"12"}"#
        );
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in ["", "{", "[1,]", "{\"a\":1,}", "nul", "1 2", "01", "\"\\ud800\"", "{1:2}"] {
            assert!(from_slice(text.as_bytes()).is_err(), "{text}");
        }
        let deep = "[".repeat(200);
        assert!(from_slice(deep.as_bytes()).is_err());
        assert!(object("[]").is_err() && object("{}").is_ok());
    }

    /// Values that are no text: another deserializer of `serde_json` gives numbers as numbers.
    #[test]
    fn values_are_taken_as_they_are() {
        let value = serde_json::json!([null, true, 7, -7, 1.5, "x", [1], { "a": [-1, { "b": 0.25 }] }]);
        assert_eq!(Json::deserialize(&value).unwrap(), Json(value.clone()));
        assert_eq!(Json::deserialize(value.clone()).unwrap(), Json(value));
        for marked in
            [serde_json::json!(null), true.into(), 7.into(), (-7).into(), 1.5.into(), vec![-1, 1].into()]
        {
            let value = serde_json::json!({ "$serde_json::private::Number": marked, "b": 1 });
            assert_eq!(Json::deserialize(&value).unwrap(), Json(value));
        }
    }
}
