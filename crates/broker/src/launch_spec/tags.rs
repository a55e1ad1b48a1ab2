//! Tags of the machines: `k=v;k=v`, or an object of strings.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::error::FieldError;
use super::read::{Fault, Read};

/// `instanceTags`, in order. A text of another form loads, and is an error for the launch that needs the tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags(Box<str>);

impl Tags {
    /// As one text: `k=v;k=v` as written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Keys and values; none is an empty key.
    ///
    /// # Errors
    /// The text is not of the form `k=v;k=v`.
    pub fn pairs(&self) -> Result<Vec<(&str, &str)>, FieldError> {
        let pairs: Option<Vec<_>> = parts(&self.0).map(pair).collect();
        pairs.ok_or_else(|| {
            Fault::new(&Value::from(&*self.0), "like `key=value;key=value`").of("instanceTags")
        })
    }

    /// Whether `text` has the form of tags.
    pub fn is_form_of(text: &str) -> bool {
        parts(text).all(|part| pair(part).is_some())
    }

    /// `own` with those tags of `below` whose keys it lacks; `None` where nothing is added, or one of them has not the
    /// form of tags.
    pub fn over(own: &str, below: &str) -> Option<String> {
        let pairs = |text| parts(text).map(pair).collect::<Option<Vec<(&str, &str)>>>();
        let (keys, others) = (pairs(own)?, pairs(below)?);
        let mut joined = own.strip_suffix(';').unwrap_or(own).to_owned();
        for (key, value) in others {
            if !keys.iter().any(|(known, _)| *known == key) {
                let separator = if joined.is_empty() { "" } else { ";" };
                joined.push_str(&format!("{separator}{key}={value}"));
            }
        }
        (joined.len() > own.len()).then_some(joined)
    }

    /// Tags of an object in the form `k=v;k=v`.
    pub fn join(tags: &Map<String, Value>) -> String {
        let pairs: Vec<String> =
            tags.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        pairs.join(";")
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_suffix(';').unwrap_or(text);
    text.split(';').filter(move |_| !text.is_empty())
}

fn pair(part: &str) -> Option<(&str, &str)> {
    part.split_once('=').filter(|(key, _)| !key.is_empty())
}

pub(super) fn tags(value: &Value) -> Read<Option<Tags>> {
    let text = match value {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Object(tags) => match tags.iter().find(|(_, value)| !value.is_string()) {
            Some((key, value)) => return Err(Fault::new(value, "a string").in_member(key)),
            None => Cow::Owned(Tags::join(tags)),
        },
        _ => return Err(Fault::new(value, "a string like \"k=v;k=v\", or an object of strings")),
    };
    Ok(Some(Tags(text.into())))
}
