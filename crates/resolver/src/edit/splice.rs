//! What the changes of JSON and YAML share: the way to a value, values on one line, texts with a part replaced.
//!
//! It must not know how a file is written.

use std::fmt::Write as _;
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

/// `"name": value`, on one line.
pub fn member(name: &str, value: &Value) -> String {
    let mut text = String::new();
    write_member(name, value, &mut text);
    text
}

/// JSON on one line, as people write it: with spaces after commas and colons.
pub fn inline(value: &Value) -> String {
    let mut text = String::new();
    write_inline(value, &mut text);
    text
}

fn write_inline(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (number, item) in items.iter().enumerate() {
                text.push_str(if number > 0 { ", " } else { "" });
                write_inline(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (number, (name, value)) in members.iter().enumerate() {
                text.push_str(if number > 0 { ", " } else { "" });
                write_member(name, value, text);
            }
            text.push('}');
        }
        scalar => {
            let _ = write!(text, "{scalar}");
        }
    }
}

fn write_member(name: &str, value: &Value, text: &mut String) {
    let _ = write!(text, "{}: ", Value::from(name));
    write_inline(value, text);
}

/// The text with `range` replaced.
pub(super) fn spliced(text: &str, range: Range<usize>, new: &str) -> Option<String> {
    Some(format!("{}{new}{}", text.get(..range.start)?, text.get(range.end..)?))
}
