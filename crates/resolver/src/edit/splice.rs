//! What the changes of JSON and YAML share: the way to a value, values on one line, texts with a part replaced.
//!
//! It must not know how a file is written.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::source::node::Node;

/// The nodes that a path leads through, from the root to the last that exists, and the number of steps taken.
pub(super) fn walk<'n>(root: &'n Node, key: &[&str]) -> Vec<&'n Node> {
    let mut nodes = vec![root];
    for step in key {
        match nodes.last().and_then(|last| last.find(&[step])) {
            Some(next) => nodes.push(next),
            None => break,
        }
    }
    nodes
}

/// `value` in objects of these names, the first of them outermost.
pub(super) fn nested(names: &[&str], value: &Value) -> Value {
    names
        .iter()
        .rev()
        .fold(value.clone(), |inner, name| Value::Object(Map::from_iter([((*name).to_owned(), inner)])))
}

/// JSON on one line, as people write it.
pub(super) fn inline(value: &Value) -> String {
    let listed = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", listed(items.iter().map(inline).collect())),
        Value::Object(members) => format!(
            "{{{}}}",
            listed(
                members
                    .iter()
                    .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), inline(value)))
                    .collect()
            )
        ),
        scalar => scalar.to_string(),
    }
}

/// The text with `range` replaced.
pub(super) fn spliced(text: &str, range: Range<usize>, new: &str) -> Option<String> {
    Some(format!("{}{new}{}", text.get(..range.start)?, text.get(range.end..)?))
}
