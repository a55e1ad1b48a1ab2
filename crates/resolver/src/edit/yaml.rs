//! Changes of YAML: lines of blocks, and objects in braces as JSON has them.

use serde_json::Value;

use super::json;
use super::splice::{inline, nested, spliced, walk};
use crate::source::node::{Node, NodeValue};

pub(super) fn set(text: &str, root: &Node, key: &[&str], value: &Value) -> Option<String> {
    let nodes = walk(root, key);
    let last = nodes.last()?;
    let missing = key.get(nodes.len() - 1..)?;
    match missing.split_first() {
        None => replace(text, last, &written(value)),
        Some((name, below)) => match &last.value {
            NodeValue::Object(_) if is_flow(text, last) => json::add(text, last, name, &nested(below, value)),
            NodeValue::Object(members) if members.is_empty() => {
                let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                let lines = lines(missing, value, 0);
                Some(format!("{text}{newline}{lines}\n"))
            }
            NodeValue::Object(members) => {
                let indent = column(text, members.first()?.at)?;
                let end = line_end(text, end(text, last)?);
                spliced(text, end..end, &format!("\n{}", lines(missing, value, indent)))
            }
            _ if last.is_null() => replace(text, last, &inline(&nested(missing, value))),
            _ => None,
        },
    }
}

fn replace(text: &str, node: &Node, new: &str) -> Option<String> {
    let end = end(text, node)?.max(node.at);
    let written = text.get(node.at..end)?.trim_end();
    let written = if node.is_null() && written.starts_with(':') { "" } else { written };
    // What is not written is at the colon, or where the next token begins, for the parser.
    let at = match text.get(node.at..)? {
        _ if !written.is_empty() => node.at,
        rest if rest.starts_with(':') => node.at + 1,
        _ => text.get(..node.at)?.trim_end().len(),
    };
    let space = if text.get(..at)?.ends_with(':') { " " } else { "" };
    spliced(text, at..at + written.len(), &format!("{space}{new}"))
}

pub(super) fn unset(text: &str, root: &Node, key: &[&str]) -> Option<String> {
    let (name, above) = key.split_last()?;
    let nodes = walk(root, above);
    let holder = nodes.last().filter(|_| nodes.len() == key.len())?;
    let NodeValue::Object(members) = &holder.value else { return None };
    if let ([only], false) = (members.as_slice(), above.is_empty())
        && !json::was_empty(text, holder, only)
        && !json::is_in_list(&nodes)
    {
        return unset(text, root, above);
    }
    let at = members.iter().position(|member| member.name == *name)?;
    if is_flow(text, holder) {
        return json::remove(text, holder, members, at);
    }
    let member = members.get(at)?;
    let start = member.at - column(text, member.at)?;
    // A first member behind the dash of a list element has the dash in its line.
    if !text.get(start..member.at)?.trim().is_empty() {
        return None;
    }
    let end = line_end(text, end(text, &member.node)?.max(member.at));
    if end < text.len() {
        spliced(text, start..end + 1, "")
    } else {
        spliced(text, start.saturating_sub(1)..end, "")
    }
}

/// Whether an object or list is written in brackets.
fn is_flow(text: &str, node: &Node) -> bool {
    text.get(node.at..).is_some_and(|rest| rest.starts_with(['{', '[']))
}

/// The offset behind the last character of a value: the parser ends a block where the next one begins.
fn end(text: &str, node: &Node) -> Option<usize> {
    let below = |nodes: Option<&Node>| nodes.map_or(Some(node.at), |last| end(text, last));
    match &node.value {
        NodeValue::Scalar(_) => {
            let written = text.get(node.at..node.end)?;
            Some(node.at + written.trim_end().len())
        }
        _ if is_flow(text, node) => Some(node.end),
        NodeValue::List(items) => below(items.last()),
        NodeValue::Object(members) => {
            let last = members.last()?;
            // A member without a value ends with its name.
            Some(below(Some(&last.node))?.max(last.at + last.name.len()))
        }
    }
}

fn line_end(text: &str, offset: usize) -> usize {
    text.get(offset..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| offset + at)
}

/// Bytes between the start of the line and `offset`.
fn column(text: &str, offset: usize) -> Option<usize> {
    let before = text.get(..offset)?;
    Some(offset - before.rfind('\n').map_or(0, |at| at + 1))
}

/// A value in lines below each other, one for each name.
fn lines(names: &[&str], value: &Value, indent: usize) -> String {
    let mut lines = Vec::new();
    for (depth, name) in names.iter().enumerate() {
        let space = " ".repeat(indent + 2 * depth);
        let value = if depth + 1 == names.len() { format!(" {}", written(value)) } else { String::new() };
        lines.push(format!("{space}{}:{value}", scalar(&Value::from(*name))));
    }
    lines.join("\n")
}

/// A value on one line.
fn written(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => inline(value),
        other => scalar(other),
    }
}

/// Text without quotes where every reader takes it for text.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf"];
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}
