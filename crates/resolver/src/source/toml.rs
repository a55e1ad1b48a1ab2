//! TOML, lowered into the common tree. It must not know what a value means.

use std::ops::Range;

use serde_json::{Number, Value};
use toml_edit::{Document, Item, Key, Table, TableLike};

use super::node::{Node, NodeMember, NodeValue};
use super::text::{Syntax, Text};

/// Reads a document.
pub(crate) fn read(text: &Text, source: usize) -> Result<Node, Syntax> {
    let document = Document::parse(text.as_str()).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        Syntax { offset: error.span().map_or(0, |span| span.start), message }
    })?;
    let reader = Reader { text, source };
    reader.table(document.as_table(), 0..text.as_str().len())
}

struct Reader<'t> {
    text: &'t Text,
    source: usize,
}

impl Reader<'_> {
    fn table(&self, table: &dyn TableLike, span: Range<usize>) -> Result<Node, Syntax> {
        let mut members = Vec::new();
        for (name, item) in table.iter() {
            let at = table.key(name).and_then(Key::span).unwrap_or_else(|| span.clone());
            if let Some(node) = self.item(item, &at)? {
                members.push(NodeMember { name: name.to_owned(), source: self.source, at: at.start, node });
            }
        }
        Ok(self.node(&span, NodeValue::Object(members)))
    }

    fn node(&self, span: &Range<usize>, value: NodeValue) -> Node {
        Node { source: self.source, at: span.start, end: span.end, value }
    }

    /// `name` is the span of the name, for what has none itself.
    fn item(&self, item: &Item, name: &Range<usize>) -> Result<Option<Node>, Syntax> {
        let span = item.span().unwrap_or_else(|| name.clone());
        Ok(Some(match item {
            Item::None => return Ok(None),
            Item::Value(value) => self.value(value, &span)?,
            Item::Table(table) => self.table(table, span)?,
            Item::ArrayOfTables(tables) => {
                let one = |table: &Table| self.table(table, table.span().unwrap_or_else(|| name.clone()));
                let items = tables.iter().map(one).collect::<Result<Vec<Node>, Syntax>>()?;
                self.node(&span, NodeValue::List(items))
            }
        }))
    }

    fn value(&self, value: &toml_edit::Value, name: &Range<usize>) -> Result<Node, Syntax> {
        use toml_edit::Value as Toml;
        let span = value.span().unwrap_or_else(|| name.clone());
        let wrong = |message: &str| Syntax { offset: span.start, message: message.to_owned() };
        // The digits as they are written, where JSON has the same.
        let digits = || {
            let written = self.text.as_str().get(span.clone()).unwrap_or_default().replace('_', "");
            written.strip_prefix('+').unwrap_or(&written).parse::<Number>().ok()
        };
        let scalar = match value {
            Toml::String(text) => Value::from(text.value().as_str()),
            Toml::Boolean(flag) => Value::Bool(*flag.value()),
            Toml::Integer(number) => Value::Number(digits().unwrap_or_else(|| Number::from(*number.value()))),
            Toml::Float(number) if !number.value().is_finite() => {
                return Err(wrong("`nan` and `inf` are no numbers that can be kept"));
            }
            Toml::Float(number) => {
                let number = digits().or_else(|| Number::from_f64(*number.value()));
                number.map(Value::Number).ok_or_else(|| wrong("this number cannot be kept"))?
            }
            Toml::Datetime(_) => {
                return Err(wrong("a date or time has no meaning here; put it in quotes if text is meant"));
            }
            Toml::Array(items) => {
                let items = items.iter().map(|item| self.value(item, &span));
                let items = items.collect::<Result<Vec<Node>, Syntax>>()?;
                return Ok(self.node(&span, NodeValue::List(items)));
            }
            Toml::InlineTable(table) => return self.table(table, span.clone()),
        };
        Ok(self.node(&span, NodeValue::Scalar(scalar)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn check(content: &str, wanted: &str) {
        let text = Text::new(Path::new("/c.toml"), 0, content.as_bytes().to_vec()).unwrap();
        let found = match read(&text, 0) {
            Ok(node) => node.to_value().to_string(),
            Err(syntax) => format!("{}: {}", text.place(syntax.offset), syntax.message),
        };
        assert!(found.starts_with(wanted), "{content}\n{found}\n{wanted}");
    }

    #[test]
    fn values() {
        check("", "{}");
        check("a = 1.50\nb = 1_000\nc = +5\nd = 0xff\n", r#"{"a":1.50,"b":1000,"c":5,"d":255}"#);
        check("a.b = true\n[c]\nd = \"x\"\n", r#"{"a":{"b":true},"c":{"d":"x"}}"#);
        check(
            "[[p.list]]\nname = 'a'\n[[p.list]]\nname = 'b'\n[p.list.config]\nx = {y = [1, 2]}\n",
            r#"{"p":{"list":[{"name":"a"},{"name":"b","config":{"x":{"y":[1,2]}}}]}}"#,
        );
    }

    #[test]
    fn what_is_refused_has_a_place() {
        check("a = 1\nb = nan\n", "/c.toml:2:5: `nan` and `inf`");
        check("ä = 1\n", "/c.toml:1:1: ");
        check("a = 2026-01-02\n", "/c.toml:1:5: a date or time");
        check("a = 1\na = 2\n", "/c.toml:2:1: duplicate key");
        check("a = 99999999999999999999\n", "/c.toml:1:5: ");
        check("a = \n", "/c.toml:1:");
    }

    #[test]
    fn positions() {
        let content =
            "# x\n[scheduler]\ntype = \"default\"\n[[provider.providers]]\nname = \"ü\"\nweight = 3\n";
        let text = Text::new(Path::new("/c.toml"), 0, content.as_bytes().to_vec()).unwrap();
        let node = read(&text, 0).map_err(|syntax| syntax.message).unwrap();
        for (path, place) in [
            (&["scheduler", "type"][..], (3, 8)),
            (&["provider", "providers", "ü", "weight"], (6, 10)),
            (&["provider", "providers", "0"], (4, 1)),
        ] {
            assert_eq!(text.place(node.find(path).unwrap().at).position, Some(place), "{path:?}");
        }
    }
}
