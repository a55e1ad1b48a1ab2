//! Trees of several texts as one: objects merge, anything else replaces, and null is "not set".
//!
//! The result is one JSON text whose parts know where they were written, so that everything behind it reads one text. It
//! must not know what a member means.

use std::sync::Arc;

use serde_json::Value;

use super::node::{Node, NodeMember, NodeValue};
use super::text::Text;

/// Puts `over` on top of `base`.
pub(crate) fn merge(base: &mut Node, over: Node) {
    if over.is_null() {
        return;
    }
    match (&mut base.value, over) {
        (NodeValue::Object(members), Node { value: NodeValue::Object(above), .. }) => {
            for member in above {
                match members.iter_mut().find(|known| known.name == member.name) {
                    Some(known) => {
                        if !member.node.is_null() {
                            (known.source, known.at) = (member.source, member.at);
                        }
                        merge(&mut known.node, member.node);
                    }
                    None => members.push(member),
                }
            }
        }
        (_, over) => *base = over,
    }
}

/// The tree as one text, with the origin of each name and value.
pub(crate) fn text(root: &Node, number: usize, texts: Vec<Arc<Text>>) -> Text {
    let mut printer = Printer { out: String::new(), parts: Vec::new() };
    printer.node(root);
    Text::merged(printer.out, number, texts, printer.parts)
}

struct Printer {
    out: String,
    parts: Vec<(usize, usize, usize)>,
}

impl Printer {
    fn node(&mut self, node: &Node) {
        self.parts.push((self.out.len(), node.source, node.at));
        match &node.value {
            NodeValue::Scalar(value) => self.out.push_str(&value.to_string()),
            NodeValue::List(items) => {
                self.out.push('[');
                for (number, item) in items.iter().enumerate() {
                    self.comma(number);
                    self.node(item);
                }
                self.out.push(']');
            }
            NodeValue::Object(members) => {
                self.out.push('{');
                for (number, member) in members.iter().enumerate() {
                    self.comma(number);
                    self.parts.push((self.out.len(), member.source, member.at));
                    self.out.push_str(&Value::from(member.name.as_str()).to_string());
                    self.out.push(':');
                    self.node(&member.node);
                }
                self.out.push('}');
            }
        }
    }

    fn comma(&mut self, number: usize) {
        if number > 0 {
            self.out.push(',');
        }
    }
}

/// Moves the value at the dotted path `from` to `to`, where nothing is set yet.
pub(crate) fn rename(root: &mut Node, from: &str, to: &str) {
    let steps = |path: &'_ str| path.split('.').map(str::to_owned).collect::<Vec<String>>();
    let (from, to) = (steps(from), steps(to));
    let is_set = |path: &[String]| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        root.find(&path).is_some_and(|node| !node.is_null())
    };
    if !is_set(&from) || is_set(&to) {
        return;
    }
    if let Some(member) = take(root, &from) {
        put(root, &to, member);
    }
}

fn take(node: &mut Node, path: &[String]) -> Option<NodeMember> {
    let (step, rest) = path.split_first()?;
    let NodeValue::Object(members) = &mut node.value else { return None };
    let at = members.iter().position(|member| member.name == *step)?;
    if rest.is_empty() { Some(members.remove(at)) } else { take(&mut members.get_mut(at)?.node, rest) }
}

fn put(node: &mut Node, path: &[String], mut member: NodeMember) {
    let Some((step, rest)) = path.split_first() else { return };
    let NodeValue::Object(members) = &mut node.value else { return };
    if rest.is_empty() {
        members.retain(|known| known.name != *step);
        member.name.clone_from(step);
        members.push(member);
        return;
    }
    if !members.iter().any(|known| known.name == *step) {
        let (source, at) = (member.source, member.at);
        let node = Node { source, at, end: at, value: NodeValue::Object(Vec::new()) };
        members.push(NodeMember { name: step.clone(), source, at, node });
    }
    if let Some(section) = members.iter_mut().find(|known| known.name == *step) {
        put(&mut section.node, rest, member);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::super::formats::tree;
    use super::super::text::{Step, find};
    use super::*;

    fn texts(contents: &[&str]) -> Vec<Arc<Text>> {
        let text = |(number, content): (usize, &&str)| {
            let path = format!("/{number}.json");
            Arc::new(Text::new(Path::new(&path), 0, content.as_bytes().to_vec()).unwrap())
        };
        contents.iter().enumerate().map(text).collect()
    }

    fn merged(contents: &[&str]) -> Text {
        let texts = texts(contents);
        let mut root = Node::empty(0);
        for (number, text) in texts.iter().enumerate() {
            merge(&mut root, tree(text, number).map_err(|syntax| syntax.message).unwrap().node);
        }
        super::text(&root, 0, texts)
    }

    #[test]
    fn objects_merge_and_the_rest_replaces() {
        for (contents, wanted) in [
            (
                &[r#"{"a": {"b": 1, "c": [1, 2]}}"#, r#"{"a": {"c": [3]}, "d": 1}"#][..],
                r#"{"a":{"b":1,"c":[3]},"d":1}"#,
            ),
            (&[r#"{"a": 1}"#, r#"{"a": null, "b": null}"#], r#"{"a":1,"b":null}"#),
            (&[r#"{"a": {"b": 1}}"#, r#"{"a": 5}"#], r#"{"a":5}"#),
            (&[r#"{"a": 1.50}"#, "{}"], r#"{"a":1.50}"#),
        ] {
            assert_eq!(merged(contents).as_str(), wanted, "{contents:?}");
        }
    }

    #[test]
    fn each_part_knows_where_it_was_written() {
        let text = merged(&["{\"a\": {\"b\": 1,\n \"c\": 2}}", "{\n\"a\": {\"c\": 3}, \"d\": [4,\n 5]}"]);
        for (path, place) in [
            (&[Step::Key("a"), Step::Key("b")][..], "/0.json:1:13"),
            (&[Step::Key("a"), Step::Key("c")], "/1.json:2:12"),
            (&[Step::Key("d"), Step::Index(1)], "/1.json:3:2"),
        ] {
            let part = find(text.as_str(), path).unwrap();
            assert_eq!(text.place(text.offset(part)).to_string(), place, "{path:?}");
        }
    }

    #[test]
    fn a_name_moves_where_nothing_is_set() {
        for (content, wanted) in [
            (r#"{"a": {"b": 1}}"#, r#"{"a":{},"c":{"d":1}}"#),
            (r#"{"a": {"b": 1}, "c": {"d": 2}}"#, r#"{"a":{"b":1},"c":{"d":2}}"#),
            (r#"{"a": {"b": 1}, "c": {"e": 2}}"#, r#"{"a":{},"c":{"e":2,"d":1}}"#),
            (r#"{"a": {"b": null}}"#, r#"{"a":{"b":null}}"#),
        ] {
            let texts = texts(&[content]);
            let mut node = tree(&texts[0], 0).map_err(|syntax| syntax.message).unwrap().node;
            rename(&mut node, "a.b", "c.d");
            assert_eq!(node.to_value().to_string(), wanted, "{content}");
        }
    }

    /// Settings as layers have them: sections hold sections or keys, the same in every layer.
    fn layer() -> impl Strategy<Value = Value> {
        let key = prop_oneof![
            Just(Value::Null),
            any::<i8>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from)
        ];
        let section = prop::collection::btree_map("[a-c]", key, 0..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()));
        prop::collection::btree_map("[s-u]", section, 0..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    }

    proptest! {
        /// Layers associate, the later one wins, and each value is at the place that its origin names.
        #[test]
        fn layers_associate(layers in prop::collection::vec(layer(), 3)) {
            let node = |number: usize| Node::from_value(&layers[number], number, 0);
            let (mut left, mut inner) = (node(0), node(1));
            merge(&mut left, node(1));
            merge(&mut left, node(2));
            merge(&mut inner, node(2));
            let mut right = node(0);
            merge(&mut right, inner);
            prop_assert_eq!(left.to_value(), right.to_value());
            for section in left.members() {
                for member in section.node.members().iter().filter(|member| !member.node.is_null()) {
                    let own = |layer: &Value| layer[&section.name][&member.name].clone();
                    let last = layers.iter().rposition(|layer| !own(layer).is_null()).unwrap();
                    prop_assert_eq!(member.node.source, last);
                    prop_assert_eq!(member.node.to_value(), own(&layers[last]));
                }
            }
        }
    }
}
