//! Changes of JSON, and of objects in YAML that are written in braces.

use serde_json::Value;

use super::splice::{inline, member, nested, spliced, walk};
use crate::source::node::{Node, NodeMember, NodeValue};

pub(super) fn set(text: &str, root: &Node, key: &[&str], value: &Value) -> Option<String> {
    if text.trim().is_empty() {
        return Some(format!("{{\n  {}\n}}\n", member(key.first()?, &nested(key.get(1..)?, value))));
    }
    let nodes = walk(root, key);
    let last = nodes.last()?;
    let missing = key.get(nodes.len() - 1..)?;
    match missing.split_first() {
        None => spliced(text, last.at..last.end, &inline(value)),
        Some((name, below)) => match &last.value {
            NodeValue::Object(_) => add(text, last, name, &nested(below, value)),
            _ if last.is_null() => spliced(text, last.at..last.end, &inline(&nested(missing, value))),
            _ => None,
        },
    }
}

/// Adds a member behind the last one, spaced as that one is.
pub(super) fn add(text: &str, object: &Node, name: &str, value: &Value) -> Option<String> {
    let member = member(name, value);
    let members = object.members();
    let Some(last) = members.last() else {
        // The spaces tell an object that was there from one that was made for its member.
        return spliced(text, object.at + 1..object.at + 1, &format!(" {member} "));
    };
    let before = match members.len().checked_sub(2).and_then(|at| members.get(at)) {
        Some(previous) => text.get(previous.node.end..last.at)?.split_once(',')?.1,
        None => text.get(object.at + 1..last.at)?,
    };
    let space = if before.is_empty() { " " } else { before };
    spliced(text, last.node.end..last.node.end, &format!(",{space}{member}"))
}

pub(super) fn append(text: &str, root: &Node, key: &[&str], value: &Value) -> Option<String> {
    let nodes = walk(root, key);
    match nodes.last().filter(|_| nodes.len() > key.len()).map(|holder| (holder, &holder.value)) {
        Some((holder, NodeValue::List(items))) => add_item(text, holder, items, value),
        _ => set(text, root, key, &Value::Array(vec![value.clone()])),
    }
}

/// Adds an element behind the last one, spaced as that one is.
pub(super) fn add_item(text: &str, holder: &Node, items: &[Node], value: &Value) -> Option<String> {
    let Some(last) = items.last() else {
        return spliced(text, holder.at..holder.end, &format!("[{}]", inline(value)));
    };
    let before = match items.len().checked_sub(2).and_then(|at| items.get(at)) {
        Some(previous) => text.get(previous.end..last.at)?.split_once(',')?.1,
        None => text.get(holder.at + 1..last.at)?,
    };
    let space = if before.is_empty() { " " } else { before };
    spliced(text, last.end..last.end, &format!(",{space}{}", inline(value)))
}

pub(super) fn unset(text: &str, root: &Node, key: &[&str]) -> Option<String> {
    let (name, above) = key.split_last()?;
    let nodes = walk(root, above);
    let holder = nodes.last().filter(|_| nodes.len() == key.len())?;
    match &holder.value {
        NodeValue::Object(members) => {
            let at = members.iter().position(|member| member.name == *name)?;
            if let ([only], false) = (members.as_slice(), above.is_empty()) {
                // An object that was made for its member goes with it.
                if !was_empty(text, holder, only) && !is_in_list(&nodes) {
                    return unset(text, root, above);
                }
            }
            remove(text, holder, members, at)
        }
        NodeValue::List(items) => {
            let at = position(holder, items, name)?;
            remove_item(text, items, at)
        }
        NodeValue::Scalar(_) => None,
    }
}

/// The index of the element that a step names.
pub(super) fn position(list: &Node, items: &[Node], step: &str) -> Option<usize> {
    let item = list.find(&[step])?;
    items.iter().position(|known| std::ptr::eq(known, item))
}

/// Removes an element with its comma.
pub(super) fn remove_item(text: &str, items: &[Node], at: usize) -> Option<String> {
    let item = items.get(at)?;
    let range = match (at.checked_sub(1).and_then(|at| items.get(at)), items.get(at + 1)) {
        (Some(previous), _) => previous.end..item.end,
        (None, Some(next)) => item.at..next.at,
        (None, None) => item.at..item.end,
    };
    spliced(text, range, "")
}

/// Whether an object was empty before it got its only member.
pub(super) fn was_empty(text: &str, object: &Node, only: &NodeMember) -> bool {
    let is = |range: std::ops::Range<usize>, wanted: &str| text.get(range) == Some(wanted);
    is(object.at..only.at, "{ ")
        && text.get(only.node.end..object.end).is_some_and(|rest| rest.starts_with(' '))
}

/// Whether the last of these nodes is an element of a list.
pub(super) fn is_in_list(nodes: &[&Node]) -> bool {
    let above = nodes.len().checked_sub(2).and_then(|at| nodes.get(at));
    above.is_some_and(|above| matches!(above.value, NodeValue::List(_)))
}

/// Removes a member with its comma.
pub(super) fn remove(text: &str, object: &Node, members: &[NodeMember], at: usize) -> Option<String> {
    let member = members.get(at)?;
    let range = match (at.checked_sub(1).and_then(|at| members.get(at)), members.get(at + 1)) {
        (Some(previous), None) => previous.node.end..member.node.end,
        (_, Some(next)) => member.at..next.at,
        (None, None) => {
            let start = if text.get(object.at..member.at) == Some("{ ") { object.at + 1 } else { member.at };
            let spaced = start < member.at && text.get(member.node.end..)?.starts_with(' ');
            start..member.node.end + usize::from(spaced)
        }
    };
    spliced(text, range, "")
}
