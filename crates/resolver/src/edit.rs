//! Changes of one value in a configuration file that keep every other byte: comments, order, and the way it is written.
//!
//! A change is checked by reading its result: unless that is the old document with this one change, the file is left to
//! its owner's editor. It must not know which keys there are, and writes no file.

mod json;
mod splice;
mod toml;
mod yaml;

use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::source::formats::{TextFormat, tree};
use crate::source::node::{Node, NodeValue};
use crate::source::text::{Syntax, Text};

pub use splice::{inline, member};

/// The text of a file with `value` at a path. Sections that are missing are created; an element of a list is named by
/// its index or its `name`, and must exist.
///
/// # Errors
/// [`ErrorKind::Input`]: the text cannot be read, or has something else where a section would have to be;
/// [`ErrorKind::Refused`]: it cannot be changed without changing more.
pub fn set(path: &Path, text: &str, key: &[&str], value: &Value) -> Result<String> {
    let document = Document::read(path, text)?;
    let mut wanted = document.root.to_value();
    put(&mut wanted, key, value.clone()).ok_or_else(|| no_place(path, key))?;
    let changed = match document.format {
        TextFormat::Json => json::set(text, &document.root, key, value),
        TextFormat::Yaml => yaml::set(text, &document.root, key, value),
        TextFormat::Toml => toml::set(text, key, value),
    };
    checked(path, changed, &wanted)
}

/// The text of a file without the value at a path, and without sections that become empty; `None` if it has none.
///
/// # Errors
/// As [`set`].
pub fn unset(path: &Path, text: &str, key: &[&str]) -> Result<Option<String>> {
    let document = Document::read(path, text)?;
    if document.root.find(key).is_none() {
        return Ok(None);
    }
    let mut wanted = document.root.to_value();
    remove(&mut wanted, key);
    let changed = match document.format {
        TextFormat::Json => json::unset(text, &document.root, key),
        TextFormat::Yaml => yaml::unset(text, &document.root, key),
        TextFormat::Toml => toml::unset(text, key),
    };
    checked(path, changed, &wanted).map(Some)
}

/// The text of a file with `value` as the last element of the list at a path, which is created if it is missing.
///
/// # Errors
/// As [`set`].
pub fn append(path: &Path, text: &str, key: &[&str], value: &Value) -> Result<String> {
    let document = Document::read(path, text)?;
    let mut wanted = document.root.to_value();
    push(&mut wanted, key, value.clone()).ok_or_else(|| no_place(path, key))?;
    let changed = match document.format {
        TextFormat::Json => json::append(text, &document.root, key, value),
        TextFormat::Yaml => yaml::append(text, &document.root, key, value),
        TextFormat::Toml => toml::append(text, key, value),
    };
    checked(path, changed, &wanted)
}

/// Checks that a text can be read in the format of its file's name.
///
/// # Errors
/// [`ErrorKind::Input`], with line and column.
pub fn check(path: &Path, text: &str) -> Result<()> {
    Document::read(path, text).map(|_| ())
}

struct Document {
    format: TextFormat,
    root: Node,
}

impl Document {
    fn read(path: &Path, content: &str) -> Result<Self> {
        let text = Text::new(path, 0, content.as_bytes().to_vec())?;
        let wrong = |syntax: &Syntax| {
            Error::new(ErrorKind::Input, format!("{}: {}", text.place(syntax.offset), syntax.message))
        };
        if content.trim().is_empty() {
            return Ok(Self { format: TextFormat::of(path), root: Node::empty(0) });
        }
        let root = tree(&text, 0).map_err(|syntax| wrong(&syntax))?.node;
        if !matches!(root.value, NodeValue::Object(_)) {
            return Err(wrong(&Syntax {
                offset: root.at,
                message: "expected an object that holds settings".to_owned(),
            }));
        }
        Ok(Self { format: TextFormat::of(path), root })
    }
}

fn checked(path: &Path, changed: Option<String>, wanted: &Value) -> Result<String> {
    let read = |text: &String| {
        Document::read(path, text)
            .is_ok_and(|read| without_empty(read.root.to_value()) == without_empty(wanted.clone()))
    };
    changed.filter(read).ok_or_else(|| {
        Error::new(
            ErrorKind::Refused,
            format!("`{}` cannot be changed there without changing more of it", path.display()),
        )
        .hint("`ohfp config edit` opens it in your editor, and checks what you have written")
    })
}

fn no_place(path: &Path, key: &[&str]) -> Error {
    Error::new(ErrorKind::Input, format!("there is no place for `{}` in `{}`", key.join("."), path.display()))
        .hint("an element of a list must exist, and is named by its index or its `name`; what holds a key must be an object")
}

/// Empty sections say nothing; whether one is left behind does not matter.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| (name, without_empty(value)))
                .filter(|(_, value)| !value.as_object().is_some_and(Map::is_empty))
                .collect(),
        ),
        other => other,
    }
}

/// The element of a list that a step names.
fn element(items: &[Value], step: &str) -> Option<usize> {
    let named = |item: &Value| item.get("name").and_then(Value::as_str) == Some(step);
    items.iter().position(named).or_else(|| step.parse().ok().filter(|index| *index < items.len()))
}

fn put(value: &mut Value, key: &[&str], new: Value) -> Option<()> {
    let Some((step, rest)) = key.split_first() else {
        *value = new;
        return Some(());
    };
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(members) => put(members.entry(*step).or_insert(Value::Null), rest, new),
        Value::Array(items) => {
            let at = element(items, step)?;
            put(items.get_mut(at)?, rest, new)
        }
        _ => None,
    }
}

fn push(value: &mut Value, key: &[&str], new: Value) -> Option<()> {
    if value.is_null() {
        *value = if key.is_empty() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match (value, key.split_first()) {
        (Value::Array(items), None) => {
            items.push(new);
            Some(())
        }
        (Value::Object(members), Some((step, rest))) => {
            push(members.entry(*step).or_insert(Value::Null), rest, new)
        }
        _ => None,
    }
}

fn remove(value: &mut Value, key: &[&str]) {
    let Some((step, rest)) = key.split_first() else { return };
    match value {
        Value::Object(members) => {
            if rest.is_empty() {
                members.shift_remove(*step);
            } else if let Some(member) = members.get_mut(*step) {
                remove(member, rest);
            }
        }
        Value::Array(items) => {
            let Some(at) = element(items, step) else { return };
            if rest.is_empty() {
                items.remove(at);
            } else if let Some(item) = items.get_mut(at) {
                remove(item, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
