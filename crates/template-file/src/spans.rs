//! Where the parts of a JSON text are: members of an object and elements of a list, as ranges of bytes.

use std::ops::Range;

use ohfp_broker::json::{self, Members};
use ohfp_broker::{Error, ErrorKind, Result};
use serde::Deserialize;
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
    let span = |member: json::Member<'_>| MemberSpan {
        name: member.name(),
        key: range(text, member.key.get()),
        value: range(text, member.value.get()),
    };
    Ok(members.into_iter().map(span).collect())
}

fn parsed<'t, T: Deserialize<'t>>(text: &'t str, part: Range<usize>) -> Result<T> {
    let before = text.get(..part.start).unwrap_or_default();
    let slice = text.get(part).unwrap_or_default();
    serde_json::from_str(slice).map_err(|error| {
        let lines = before.matches('\n').count();
        let message = json::message(&error);
        Error::new(ErrorKind::Input, format!("line {}: {message}", lines + error.line().max(1)))
    })
}

fn range(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + part.len()
}
