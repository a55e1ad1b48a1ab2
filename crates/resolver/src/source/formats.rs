//! The formats of a configuration file: each is lowered into the one tree of [`super::node`].
//!
//! It must not know what a value means.

use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result};
use serde_json::Value;
use serde_json::value::RawValue;

use super::node::{Node, NodeMember, NodeValue};
use super::text::{Syntax, Text, members};
use super::{toml, yaml};

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextFormat {
    Json,
    Yaml,
    Toml,
}

impl TextFormat {
    /// By the ending of the file's name: `.yaml`, `.yml`, `.toml`; anything else is JSON.
    pub(crate) fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("toml") => Self::Toml,
            _ => Self::Json,
        }
    }
}

/// A document, and the names that stand in one object twice where its format allows that.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) node: Node,
    /// Dotted name and offset of each further one.
    pub(crate) repeated: Vec<(String, usize)>,
}

/// Reads a text by the format that its name says.
pub(crate) fn tree(text: &Text, source: usize) -> std::result::Result<Tree, Syntax> {
    match TextFormat::of(text.path()) {
        TextFormat::Json => json(text, source),
        TextFormat::Yaml => yaml::read(text, source).map(|node| Tree { node, repeated: Vec::new() }),
        TextFormat::Toml => toml::read(text, source).map(|node| Tree { node, repeated: Vec::new() }),
    }
}

/// The document in a file, by the format that the file's name says.
///
/// # Errors
/// [`ErrorKind::Input`] with line and column.
pub fn document(path: &Path, content: &[u8]) -> Result<Value> {
    let text = Text::new(path, 0, content.to_vec())?;
    let read = tree(&text, 0).map_err(|syntax| {
        Error::new(ErrorKind::Input, format!("{}: {}", text.place(syntax.offset), syntax.message))
    })?;
    Ok(read.node.to_value())
}

fn json(text: &Text, source: usize) -> std::result::Result<Tree, Syntax> {
    let whole = text.as_str().trim();
    text.value(text.as_str())?;
    let mut repeated = Vec::new();
    let node = json_part(text, source, whole, "", &mut repeated);
    Ok(Tree { node, repeated })
}

fn json_part(
    text: &Text,
    source: usize,
    part: &str,
    prefix: &str,
    repeated: &mut Vec<(String, usize)>,
) -> Node {
    let at = text.offset(part);
    let value = match part.as_bytes().first() {
        Some(b'{') => {
            let mut kept: Vec<NodeMember> = Vec::new();
            for member in members(part) {
                let name = member.name();
                let dotted = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                let at = text.offset(member.key.get());
                let node = json_part(text, source, member.value.get(), &dotted, repeated);
                let new = NodeMember { name, source, at, node };
                match kept.iter_mut().find(|old| old.name == new.name) {
                    Some(old) => {
                        repeated.push((dotted, at));
                        *old = new;
                    }
                    None => kept.push(new),
                }
            }
            NodeValue::Object(kept)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(part).unwrap_or_default();
            NodeValue::List(
                items.into_iter().map(|item| json_part(text, source, item.get(), prefix, repeated)).collect(),
            )
        }
        _ => NodeValue::Scalar(serde_json::from_str(part).unwrap_or_default()),
    };
    Node { source, at, end: at + part.len(), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same document in three formats: the same values, digits and order, each at its own line and column.
    #[test]
    fn three_formats_are_one_tree() {
        let check = |path: &str, content: &str, places: &[(&str, (usize, usize))]| {
            let text = Text::new(Path::new(path), 0, content.as_bytes().to_vec()).unwrap();
            let tree = tree(&text, 0).map_err(|syntax| syntax.message).unwrap();
            assert_eq!(
                tree.node.to_value().to_string(),
                r#"{"b":{"n":1.50,"ü":[true,"x",12345678901234567890123]},"a":{"s":"5"}}"#,
                "{path}"
            );
            for (key, place) in places {
                let path_of: Vec<&str> = key.split('.').collect();
                let node = tree.node.find(&path_of).unwrap();
                assert_eq!(text.place(node.at).position, Some(*place), "{path} {key}");
            }
        };
        check(
            "/c.json",
            "{\"b\": {\"n\": 1.50,\n \"ü\": [true, \"x\", 12345678901234567890123]}, \"a\": {\"s\": \"5\"}}",
            &[("b.n", (1, 13)), ("b.ü", (2, 7)), ("b.ü.1", (2, 14)), ("a.s", (2, 57))],
        );
        check(
            "/c.yaml",
            "# ä\nb:\n  n: 1.50\n  ü: [true, x, 12345678901234567890123]\na:\n  s: \"5\"\n",
            &[("b.n", (3, 6)), ("b.ü", (4, 6)), ("b.ü.1", (4, 13)), ("a.s", (6, 6))],
        );
    }

    #[test]
    fn elements_are_found_by_name_or_index() {
        let content = r#"{"p": [{"name": "aws-east", "config": {"m5.large": 1}}, {"name": "b.c"}], "5": 6}"#;
        let text = Text::new(Path::new("/c.json"), 0, content.as_bytes().to_vec()).unwrap();
        let node = tree(&text, 0).map_err(|syntax| syntax.message).unwrap().node;
        for (path, wanted) in [
            ("p.aws-east.config.m5.large", Some("1")),
            ("p.0.config.m5.large", Some("1")),
            ("p.b.c.name", Some("\"b.c\"")),
            ("p.1.name", Some("\"b.c\"")),
            ("5", Some("6")),
            ("p.2", None),
            ("p.nosuch", None),
            ("5.x", None),
        ] {
            let steps: Vec<&str> = path.split('.').collect();
            let found = node.find(&steps).map(|found| found.to_value().to_string());
            assert_eq!(found.as_deref(), wanted, "{path}");
        }
    }

    #[test]
    fn the_last_of_repeated_members_counts() {
        let text = Text::new(Path::new("/c.json"), 0, br#"{"a": {"b": 1, "b": 2}}"#.to_vec()).unwrap();
        let tree = tree(&text, 0).map_err(|syntax| syntax.message).unwrap();
        assert_eq!(tree.node.to_value().to_string(), r#"{"a":{"b":2}}"#);
        assert_eq!(tree.repeated, [("a.b".to_owned(), 15)]);
    }
}
