//! Changes of TOML.

use serde_json::Value;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike};

pub(super) fn set(text: &str, key: &[&str], value: &Value) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let new = converted(value)?;
    put(document.as_table_mut(), false, key, new)?;
    Some(with_end_of(text, document.to_string()))
}

pub(super) fn unset(text: &str, key: &[&str]) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    remove(document.as_table_mut(), key)?;
    Some(with_end_of(text, document.to_string()))
}

pub(super) fn append(text: &str, key: &[&str], value: &Value) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    push(document.as_table_mut(), key, value)?;
    Some(with_end_of(text, document.to_string()))
}

/// Adds an element to a list, as the others are written: with a header, or in braces.
fn push(table: &mut dyn TableLike, key: &[&str], value: &Value) -> Option<()> {
    let (name, below) = key.split_first()?;
    if !below.is_empty() {
        if table.get(name).is_none_or(Item::is_none) {
            let mut section = Table::new();
            section.set_implicit(true);
            table.insert(name, Item::Table(section));
        }
        return push(table.get_mut(name)?.as_table_like_mut()?, below, value);
    }
    if table.get(name).is_none_or(|item| item.is_none() || item.as_array().is_some_and(Array::is_empty)) {
        table.insert(name, Item::ArrayOfTables(ArrayOfTables::new()));
    }
    match table.get_mut(name)? {
        Item::ArrayOfTables(tables) => tables.push(with_headers(value)?),
        Item::Value(toml_edit::Value::Array(items)) => items.push(converted(value)?),
        _ => return None,
    }
    Some(())
}

/// A table whose objects have headers of their own.
fn with_headers(value: &Value) -> Option<Table> {
    let mut table = Table::new();
    for (name, member) in value.as_object()? {
        let item = match member {
            Value::Object(members) if !members.is_empty() => Item::Table(with_headers(member)?),
            other => Item::Value(converted(other)?),
        };
        table.insert(name, item);
    }
    Some(table)
}

/// The library ends each line; the last line of a file may have no end.
fn with_end_of(old: &str, mut new: String) -> String {
    if !old.is_empty() && !old.ends_with('\n') && new.ends_with('\n') {
        new.pop();
    }
    new
}

/// `inline`: the table is written in braces, which cannot hold a table with a header.
fn put(table: &mut dyn TableLike, inline: bool, key: &[&str], new: toml_edit::Value) -> Option<()> {
    let (name, below) = key.split_first()?;
    if below.is_empty() {
        match table.get_mut(name) {
            Some(Item::Value(old)) => {
                let decor = old.decor().clone();
                *old = new;
                *old.decor_mut() = decor;
            }
            _ => {
                table.insert(name, Item::Value(new));
            }
        }
        return Some(());
    }
    if table.get(name).is_none_or(Item::is_none) {
        let section = if inline {
            Item::Value(InlineTable::new().into())
        } else {
            let mut section = Table::new();
            section.set_implicit(below.len() > 1);
            Item::Table(section)
        };
        table.insert(name, section);
    }
    into(table.get_mut(name)?, below, |table, inline, below| put(table, inline, below, new))
}

/// Removes an element; returns whether no table with a header is left.
fn remove_element(list: &mut Item, step: &str) -> Option<bool> {
    let at = position(list, step)?;
    match list {
        Item::ArrayOfTables(tables) => {
            tables.remove(at);
            Some(tables.is_empty())
        }
        Item::Value(toml_edit::Value::Array(items)) => {
            items.remove(at);
            Some(false)
        }
        _ => None,
    }
}

fn is_named(table: &dyn TableLike, step: &str) -> bool {
    table.get("name").and_then(Item::as_str) == Some(step)
}

/// The index of the element of a list that a step names, by its name or by its number.
fn position(list: &Item, step: &str) -> Option<usize> {
    let (named, count) = match list {
        Item::ArrayOfTables(tables) => (tables.iter().position(|table| is_named(table, step)), tables.len()),
        Item::Value(toml_edit::Value::Array(items)) => {
            let is_it =
                |item: &toml_edit::Value| item.as_inline_table().is_some_and(|table| is_named(table, step));
            (items.iter().position(is_it), items.len())
        }
        _ => return None,
    };
    named.or_else(|| step.parse().ok().filter(|at| *at < count))
}

/// Goes on in a section, or in the element of a list that the next step names.
fn into<T>(
    item: &mut Item,
    key: &[&str],
    act: impl FnOnce(&mut dyn TableLike, bool, &[&str]) -> Option<T>,
) -> Option<T> {
    let element = key.split_first().and_then(|(step, rest)| Some((position(item, step)?, rest)));
    match item {
        Item::ArrayOfTables(tables) => {
            let (at, rest) = element?;
            act(tables.get_mut(at)?, false, rest)
        }
        Item::Value(toml_edit::Value::Array(items)) => {
            let (at, rest) = element?;
            act(items.get_mut(at)?.as_inline_table_mut()?, true, rest)
        }
        other => {
            let inline = other.is_inline_table();
            act(other.as_table_like_mut()?, inline, key)
        }
    }
}

/// Removes a value, and the sections that become empty; returns whether `table` is empty then.
fn remove(table: &mut dyn TableLike, key: &[&str]) -> Option<bool> {
    let (name, below) = key.split_first()?;
    if below.is_empty() {
        table.remove(name)?;
    } else {
        let item = table.get_mut(name)?;
        let is_list = item.is_array() || item.is_array_of_tables();
        if let ([step], true) = (below, is_list) {
            let is_empty = remove_element(item, step)?;
            // A list without headers would not be written at all.
            if is_empty {
                table.insert(name, Item::Value(Array::new().into()));
            }
            return Some(false);
        }
        let is_empty = into(item, below, |table, _, below| remove(table, below))?;
        if is_empty && !is_list {
            table.remove(name);
        }
    }
    Some(table.is_empty())
}

fn converted(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => (*flag).into(),
        Value::String(text) => text.as_str().into(),
        // Parsed as it is written, so that the digits stay.
        Value::Number(number) => number.to_string().parse().ok()?,
        Value::Array(items) => {
            let mut array = Array::new();
            for item in items {
                array.push(converted(item)?);
            }
            array.into()
        }
        Value::Object(members) => {
            let mut table = InlineTable::new();
            for (name, member) in members {
                table.insert(name, converted(member)?);
            }
            table.into()
        }
    })
}
