//! A record of Open Resource Broker: fields by name, with where they are for messages.

use std::cell::RefCell;
use std::collections::HashSet;

use ohfp_broker::{Error, ErrorKind, Result, Timestamp};
use serde_json::{Map, Value};

/// A JSON object and how to get to it.
pub(super) struct Entry<'v> {
    fields: &'v Map<String, Value>,
    /// Fields that were read.
    read: RefCell<HashSet<String>>,
    /// For example ``requests.`req-1` ``.
    pub(super) at: String,
}

impl<'v> Entry<'v> {
    /// An object; anything else is an error.
    pub(super) fn new(value: &'v Value, at: String) -> Result<Self> {
        match value.as_object() {
            Some(fields) => Ok(Self { fields, read: RefCell::default(), at }),
            None => Err(wrong(&at, &format!("must be an object, not {}", kind(value)))),
        }
    }

    /// Whether there is a field of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Fields that say something and were not read.
    pub(super) fn unread(&self) -> impl Iterator<Item = &'v str> {
        let fields = self.fields.iter().filter(|(name, value)| {
            let known = TOLD_ELSEWHERE.contains(&name.as_str()) || self.read.borrow().contains(*name);
            !known && says_something(value)
        });
        fields.map(|(name, _)| name.as_str())
    }

    /// A field that is there and not null.
    fn field(&self, name: &str) -> Option<&'v Value> {
        self.read.borrow_mut().insert(name.to_owned());
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// The first of these fields that is set. Some versions wrap texts as `{"value": …}`.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<String>> {
        for name in names {
            let Some(value) = self.field(name) else { continue };
            let plain = value.as_object().and_then(|object| object.get("value")).unwrap_or(value);
            match plain {
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => return Ok(Some(text.clone())),
                other => return Err(self.wrong(name, &format!("must be text, not {}", kind(other)))),
            }
        }
        Ok(None)
    }

    /// The first of these fields that is set; one must be.
    pub(super) fn required(&self, names: &[&str]) -> Result<String> {
        let name = names.first().copied().unwrap_or_default();
        self.text(names)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A number of machines.
    pub(super) fn count(&self, names: &[&str]) -> Result<Option<u32>> {
        for name in names {
            let Some(value) = self.field(name) else { continue };
            let count = value.as_u64().and_then(|number| u32::try_from(number).ok());
            return match count {
                Some(count) => Ok(Some(count)),
                None => Err(self.wrong(name, "must be a number of machines")),
            };
        }
        Ok(None)
    }

    /// The first of these times that is set. ISO 8601; without a zone it is UTC, as the product writes it.
    pub(super) fn time(&self, names: &[&str]) -> Result<Option<Timestamp>> {
        for name in names {
            let Some(text) = self.text(&[name])? else { continue };
            let time = text.parse::<jiff::Timestamp>().or_else(|_| {
                let local: jiff::civil::DateTime = text.parse()?;
                local.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
            });
            return match time {
                Ok(time) => Ok(Some(Timestamp::from_millis(time.as_millisecond()))),
                Err(_) => {
                    Err(self
                        .wrong(name, &format!("must be a time such as 2026-01-31T12:00:00Z, not `{text}`")))
                }
            };
        }
        Ok(None)
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let Some(value) = self.field(name) else { return Ok(Vec::new()) };
        let Some(items) = value.as_array() else {
            return Err(self.wrong(name, &format!("must be a list, not {}", kind(value))));
        };
        let mut texts = Vec::new();
        for item in items.iter().filter(|item| !item.is_null()) {
            let plain = item.as_object().and_then(|object| object.get("value")).unwrap_or(item);
            match plain.as_str() {
                Some(text) => texts.push(text.to_owned()),
                None => return Err(self.wrong(name, &format!("must hold texts, not {}", kind(plain)))),
            }
        }
        Ok(texts)
    }

    /// `k=v;k=v` from an object of tags, which some versions wrap in another one.
    pub(super) fn tags(&self, name: &str) -> Option<String> {
        let tags = self.field(name)?.as_object()?;
        let tags = tags.get("tags").and_then(Value::as_object).unwrap_or(tags);
        let pairs = tags.iter().map(|(key, value)| match value {
            Value::String(text) => format!("{key}={text}"),
            other => format!("{key}={other}"),
        });
        Some(pairs.collect::<Vec<_>>().join(";")).filter(|text| !text.is_empty())
    }

    /// An error about a field.
    pub(super) fn wrong(&self, name: &str, what: &str) -> Error {
        wrong(&format!("{}.{name}", self.at), what)
    }
}

/// Bookkeeping of theirs, and what another field of the same record says better.
const TOLD_ELSEWHERE: [&str; 5] =
    ["version", "schema_version", "provider_type", "machine_count", "template_id"];

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// An error at a place in the document.
pub(super) fn wrong(at: &str, what: &str) -> Error {
    Error::new(ErrorKind::Input, format!("{at} {what}"))
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
