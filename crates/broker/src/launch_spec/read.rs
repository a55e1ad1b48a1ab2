//! Readers of single JSON values. Quoted numbers count as numbers, as IBM's readers take them.
//!
//! They must not know fields: a reader says what is allowed, and its caller names the field.

use serde_json::Value;

use super::error::{FieldError, Lenient};

/// Why a value is not allowed.
#[derive(Debug)]
pub(super) struct Fault {
    /// The member at fault; `None` if it is the value as a whole.
    member: Option<Box<str>>,
    /// "must be …, not …".
    why: String,
}

pub(super) type Read<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn new(value: &Value, allowed: &str) -> Self {
        Self { member: None, why: format!("must be {allowed}, not {}", shown(value)) }
    }

    pub(super) fn in_member(self, name: &str) -> Self {
        Self { member: Some(name.into()), ..self }
    }

    pub(super) fn of(self, field: &str) -> FieldError {
        let field = self.member.map_or_else(|| field.into(), |member| format!("{field}.{member}").into());
        FieldError { field, why: self.why.into() }
    }
}

/// A value of `field` that is judged when it is needed.
pub(super) fn lenient<T>(field: &str, read: Read<Option<T>>) -> Lenient<T> {
    match read {
        Ok(None) => Lenient::Unset,
        Ok(Some(value)) => Lenient::Set(value),
        Err(fault) => Lenient::Invalid(Box::new(fault.of(field))),
    }
}

/// A string; `None` if it is empty.
pub(super) fn text(value: &Value) -> Read<Option<Box<str>>> {
    let text = value.as_str().ok_or_else(|| Fault::new(value, "a string"))?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(Box::from))
}

/// A string or a number, as text; `None` if it is empty.
pub(super) fn number_or_text(value: &Value) -> Read<Option<Box<str>>> {
    match value {
        Value::Number(number) => Ok(Some(number.to_string().into())),
        Value::String(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(Box::from)),
        _ => Err(Fault::new(value, "a number or a string")),
    }
}

/// Strings as a list, or as one string with commas.
pub(super) fn texts(value: &Value) -> Read<Box<[Box<str>]>> {
    let fault = || Fault::new(value, "a string or a list of strings");
    match value {
        Value::String(text) => Ok(split(text).map(Box::from).collect()),
        Value::Array(items) => {
            let mut texts = Vec::with_capacity(items.len());
            for item in items {
                texts.extend(split(item.as_str().ok_or_else(fault)?).map(Box::from));
            }
            Ok(texts.into())
        }
        _ => Err(fault()),
    }
}

/// The parts between commas that are not blank.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// A whole number, in quotes or not.
pub(super) fn unsigned(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}

/// A whole number in a range.
pub(super) fn whole<T: TryFrom<u64>>(value: &Value, from: u64, to: u64) -> Read<Option<T>> {
    let number = unsigned(value).filter(|number| (from..=to).contains(number));
    let allowed = || {
        if to == u64::MAX {
            format!("a whole number from {from}")
        } else {
            format!("a whole number from {from} to {to}")
        }
    };
    let number = number.and_then(|number| T::try_from(number).ok());
    number.map(Some).ok_or_else(|| Fault::new(value, &allowed()))
}

/// A decimal number, in quotes or not.
pub(super) fn decimal(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// `true` or `false`, in quotes or not, or 1 or 0.
pub(super) fn flag(value: &Value) -> Read<Option<bool>> {
    let is = |word: &str| value.as_str().is_some_and(|text| text.trim().eq_ignore_ascii_case(word));
    match value {
        Value::Bool(flag) => Ok(Some(*flag)),
        _ if is("") => Ok(None),
        _ if is("true") || unsigned(value) == Some(1) => Ok(Some(true)),
        _ if is("false") || unsigned(value) == Some(0) => Ok(Some(false)),
        _ => Err(Fault::new(value, "true or false")),
    }
}

/// A word of a set.
pub(super) fn word<T>(value: &Value, names: &[&str], parse: impl Fn(&str) -> Option<T>) -> Read<Option<T>> {
    match value.as_str().and_then(parse) {
        Some(word) => Ok(Some(word)),
        None => Err(Fault::new(value, &format!("one of `{}`", names.join("`, `")))),
    }
}

/// Formats a value for a message: short ones as written, others by their type.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) if text.chars().nth(40).is_some() => "a longer string".to_owned(),
        other => other.to_string(),
    }
}
