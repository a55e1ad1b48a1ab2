//! Changes of YAML: lines of blocks, and objects in braces as JSON has them.

use std::path::Path;

use serde_json::Value;

use super::json;
use super::splice::{inline, nested, spliced, walk};
use crate::source::node::{Node, NodeValue};
use crate::source::text::Text;
use crate::source::yaml;

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

pub(super) fn append(text: &str, root: &Node, key: &[&str], value: &Value) -> Option<String> {
    let nodes = walk(root, key);
    let holder = nodes.last().filter(|_| nodes.len() > key.len());
    match holder.map(|holder| (holder, &holder.value)) {
        Some((holder, NodeValue::List(items))) if !items.is_empty() && is_flow(text, holder) => {
            json::add_item(text, holder, items, value)
        }
        Some((_, NodeValue::List(items))) if !items.is_empty() => {
            let last = items.last()?;
            let indent = dash(text, last)?.1;
            let end = line_end(text, end(text, last)?.max(last.at));
            let lines = block(&[("", value)], indent);
            spliced(text, end..end, &format!("\n{lines}"))
        }
        Some((holder, NodeValue::List(_))) => {
            let name = nodes.get(nodes.len().checked_sub(2)?)?.member(key.last()?)?;
            // In braces there are no blocks.
            match column(text, name.at).filter(|column| is_blank(text, name.at - column, name.at)) {
                Some(indent) => {
                    let lines = block(&[("", value)], indent + 2);
                    let start = text.get(..holder.at)?.trim_end().len();
                    spliced(text, start..holder.end, &format!("\n{lines}"))
                }
                None => json::add_item(text, holder, &[], value),
            }
        }
        _ => {
            let empty = set(text, root, key, &Value::Array(Vec::new()))?;
            let read = Text::new(Path::new("a.yaml"), 0, empty.clone().into_bytes()).ok()?;
            let root = yaml::read(&read, 0).ok()?;
            root.find(key)?;
            append(&empty, &root, key, value)
        }
    }
}

/// Removes an element of a list whose elements have a line each, or several.
fn remove_item(text: &str, items: &[Node], at: usize) -> Option<String> {
    let item = items.get(at)?;
    let (start, indent) = dash(text, item)?;
    let end = line_end(text, end(text, item)?.max(item.at));
    if items.len() == 1 {
        let before = text.get(..start)?.trim_end();
        // A comment stands between the name and the list, whose brackets are further in than the name.
        return if before.ends_with(':') {
            spliced(text, before.len()..end, " []")
        } else {
            spliced(text, start..end, &format!("{}[]", " ".repeat(indent + 2)))
        };
    }
    if end < text.len() {
        spliced(text, start..end + 1, "")
    } else {
        spliced(text, start.saturating_sub(1)..end, "")
    }
}

/// Where the line of an element begins, and the column of its dash.
fn dash(text: &str, item: &Node) -> Option<(usize, usize)> {
    let start = item.at - column(text, item.at)?;
    let before = text.get(start..item.at)?;
    let indent = before.find('-').filter(|_| before.trim() == "-")?;
    Some((start, indent))
}

fn is_blank(text: &str, from: usize, to: usize) -> bool {
    text.get(from..to).is_some_and(|part| part.trim().is_empty())
}

/// Members in lines below each other; a member without a name is an element of a list.
fn block(members: &[(&str, &Value)], indent: usize) -> String {
    let mut lines = Vec::new();
    for (name, value) in members {
        let space = " ".repeat(indent);
        let head = if name.is_empty() { "-".to_owned() } else { format!("{}:", scalar(&Value::from(*name))) };
        lines.push(match value {
            Value::Object(inner) if !inner.is_empty() => {
                let inner: Vec<(&str, &Value)> =
                    inner.iter().map(|(name, value)| (name.as_str(), value)).collect();
                let below = block(&inner, indent + 2);
                // The first member of an element is beside the dash.
                let below =
                    if name.is_empty() { format!(" {}", below.trim_start()) } else { format!("\n{below}") };
                format!("{space}{head}{below}")
            }
            _ => format!("{space}{head} {}", written(value)),
        });
    }
    lines.join("\n")
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
    let members = match &holder.value {
        NodeValue::Object(members) => members,
        NodeValue::List(items) if is_flow(text, holder) => {
            return json::remove_item(text, items, json::position(holder, items, name)?);
        }
        NodeValue::List(items) => return remove_item(text, items, json::position(holder, items, name)?),
        NodeValue::Scalar(_) => return None,
    };
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
