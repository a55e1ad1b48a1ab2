//! A document as one tree of values with positions, whatever format it is written in.
//!
//! Each format is lowered into this tree, and trees of several files are merged into one text (`layers`). It must not
//! know what a value means.

use serde_json::Value;

/// Levels of objects and lists that a document may have, as `serde_json` has it for JSON.
pub(crate) const DEEPEST: usize = 128;

/// A value with its position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Number of its text among those that are merged.
    pub(crate) source: usize,
    /// Offset in bytes in that text.
    pub(crate) at: usize,
    /// Offset of the first byte behind it; that of its start where the format does not tell.
    pub(crate) end: usize,
    pub(crate) value: NodeValue,
}

/// The value itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeValue {
    /// Null, a boolean, a number with its digits, or a string.
    Scalar(Value),
    List(Vec<Node>),
    /// Members in their order, each name once.
    Object(Vec<NodeMember>),
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NodeMember {
    pub(crate) name: String,
    /// Number of the text that the name is in.
    pub(crate) source: usize,
    /// Offset of the name in bytes.
    pub(crate) at: usize,
    pub(crate) node: Node,
}

impl Node {
    /// An object without members, at the start of its text.
    pub(crate) fn empty(source: usize) -> Self {
        Self { source, at: 0, end: 0, value: NodeValue::Object(Vec::new()) }
    }

    /// The value without positions.
    pub(crate) fn to_value(&self) -> Value {
        match &self.value {
            NodeValue::Scalar(value) => value.clone(),
            NodeValue::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            NodeValue::Object(members) => Value::Object(
                members.iter().map(|member| (member.name.clone(), member.node.to_value())).collect(),
            ),
        }
    }

    /// A value without a position of its own: all of it is at `at`.
    pub(crate) fn from_value(value: &Value, source: usize, at: usize) -> Self {
        let node = |value: &Value| Self::from_value(value, source, at);
        let value = match value {
            Value::Array(items) => NodeValue::List(items.iter().map(node).collect()),
            Value::Object(fields) => NodeValue::Object(
                fields
                    .iter()
                    .map(|(name, value)| NodeMember { name: name.clone(), source, at, node: node(value) })
                    .collect(),
            ),
            scalar => NodeValue::Scalar(scalar.clone()),
        };
        Self { source, at, end: at, value }
    }

    /// Whether it is null, which files of other brokers have for "not set".
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, NodeValue::Scalar(Value::Null))
    }

    /// The members, if it is an object.
    pub(crate) fn members(&self) -> &[NodeMember] {
        match &self.value {
            NodeValue::Object(members) => members,
            _ => &[],
        }
    }

    /// The member of that name.
    pub(crate) fn member(&self, name: &str) -> Option<&NodeMember> {
        self.members().iter().find(|member| member.name == name)
    }

    /// Number of values in it, itself included.
    pub(crate) fn size(&self) -> usize {
        match &self.value {
            NodeValue::Scalar(_) => 1,
            NodeValue::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            NodeValue::Object(members) => 1 + members.iter().map(|member| member.node.size()).sum::<usize>(),
        }
    }

    /// What a path leads to: each step is the name of a member, the index of an element, or the `name` of an element
    /// that is an object. A name may have dots itself.
    pub(crate) fn find(&self, path: &[&str]) -> Option<&Self> {
        if path.is_empty() {
            return Some(self);
        }
        match &self.value {
            NodeValue::Scalar(_) => None,
            NodeValue::List(items) => (1..=path.len()).find_map(|taken| {
                let (step, rest) = path.split_at_checked(taken)?;
                let step = step.join(".");
                let named = |item: &&Self| {
                    let name = item.member("name").map(|name| &name.node.value);
                    matches!(name, Some(NodeValue::Scalar(Value::String(name))) if *name == step)
                };
                let index = step.parse::<usize>().ok().and_then(|index| items.get(index));
                items.iter().find(named).or(index)?.find(rest)
            }),
            NodeValue::Object(_) => (1..=path.len()).find_map(|taken| {
                let (step, rest) = path.split_at_checked(taken)?;
                self.member(&step.join("."))?.node.find(rest)
            }),
        }
    }
}
