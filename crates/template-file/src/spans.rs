//! Where the parts of a JSON text are: members of an object and elements of a list, as ranges of bytes.

use std::fmt;
use std::ops::Range;

use ohfp_broker::{Error, ErrorKind, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberSpan {
    pub(crate) name: String,
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
}

impl MemberSpan {
    /// From the key to the end of the value.
    pub(crate) fn whole(&self) -> Range<usize> {
        self.key.start..self.value.end
    }
}

/// The whole document, without the space around it.
pub(crate) fn document(text: &str) -> Result<Range<usize>> {
    parsed::<&RawValue>(text, 0..text.len()).map(|whole| range(text, whole.get()))
}

/// The elements of the list at `list`.
pub(crate) fn elements(text: &str, list: Range<usize>) -> Result<Vec<Range<usize>>> {
    let elements: Vec<&RawValue> = parsed(text, list)?;
    Ok(elements.into_iter().map(|element| range(text, element.get())).collect())
}

/// The members of the object at `object`, in order, repeated ones included.
pub(crate) fn members(text: &str, object: Range<usize>) -> Result<Vec<MemberSpan>> {
    let Members(members) = parsed(text, object)?;
    let span = |(key, value): (&RawValue, &RawValue)| MemberSpan {
        name: serde_json::from_str(key.get()).unwrap_or_default(),
        key: range(text, key.get()),
        value: range(text, value.get()),
    };
    Ok(members.into_iter().map(span).collect())
}

fn parsed<'t, T: Deserialize<'t>>(text: &'t str, part: Range<usize>) -> Result<T> {
    let before = text.get(..part.start).unwrap_or_default();
    let slice = text.get(part).unwrap_or_default();
    serde_json::from_str(slice).map_err(|error| {
        let lines = before.matches('\n').count();
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        Error::new(ErrorKind::Input, format!("line {}: {message}", lines + error.line().max(1)))
    })
}

fn range(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + part.len()
}

struct Members<'t>(Vec<(&'t RawValue, &'t RawValue)>);

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
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
