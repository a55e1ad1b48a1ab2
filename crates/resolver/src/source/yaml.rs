//! YAML 1.2 with the core schema, lowered into the common tree.
//!
//! Read strictly: what two readers of YAML take for two things (a leading zero, a merge key, a name twice) is an error
//! with a position. Digits of numbers are kept. It must not know what a value means.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Number, Value};

use super::node::{DEEPEST, Node, NodeMember, NodeValue};
use super::text::{Syntax, Text};

/// Most values that aliases may expand to: a few lines of aliases of aliases can stand for billions.
const LARGEST: usize = 100_000;

/// Reads a document. An empty one is an empty object.
pub(crate) fn read(text: &Text, source: usize) -> Result<Node, Syntax> {
    let mut builder = Builder::new(text, source);
    let mut parser = Parser::new_from_str(text.as_str());
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| builder.scan_error(&error))?;
        builder.event(event, span.start, span.end)?;
    }
    Ok(builder.root.filter(|root| !root.is_null()).unwrap_or_else(|| Node::empty(source)))
}

/// A list or an object that is still open.
struct Open {
    at: usize,
    anchor: usize,
    value: NodeValue,
    /// Where each name of an object stands.
    names: HashMap<String, usize>,
    /// The name whose value comes next.
    key: Option<(String, usize)>,
}

struct Builder<'t> {
    text: &'t Text,
    source: usize,
    /// Byte offsets by character; `None` for ASCII, where they are the same.
    bytes: Option<Vec<usize>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    /// Values that aliases stand for so far.
    expanded: usize,
    documents: usize,
    root: Option<Node>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t Text, source: usize) -> Self {
        let content = text.as_str();
        let bytes = (!content.is_ascii()).then(|| content.char_indices().map(|(at, _)| at).collect());
        Self {
            text,
            source,
            bytes,
            open: Vec::new(),
            anchors: HashMap::new(),
            expanded: 0,
            documents: 0,
            root: None,
        }
    }

    fn offset(&self, marker: Marker) -> usize {
        let end = self.text.as_str().len();
        match &self.bytes {
            Some(bytes) => bytes.get(marker.index()).copied().unwrap_or(end),
            None => marker.index().min(end),
        }
    }

    fn wrong(&self, at: usize, message: impl Into<String>) -> Syntax {
        Syntax { offset: at.min(self.text.as_str().len()), message: message.into() }
    }

    fn scan_error(&self, error: &ScanError) -> Syntax {
        let at = self.offset(*error.marker());
        let rest = self.text.as_str().get(at..).unwrap_or_default();
        if rest.starts_with('\t') {
            return self.wrong(at, "a tab cannot indent YAML; use spaces");
        }
        self.wrong(at, error.info())
    }

    fn event(&mut self, event: Event<'_>, start: Marker, end: Marker) -> Result<(), Syntax> {
        let (at, end) = (self.offset(start), self.offset(end));
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.wrong(at, "a second document begins here; a file is one document"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, (anchor, tag.as_deref()), at, end)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "seq", at)?;
                self.begin(at, anchor, NodeValue::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "map", at)?;
                self.begin(at, anchor, NodeValue::Object(Vec::new()))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let end = end.max(open.at);
                let node = Node { source: self.source, at: open.at, end, value: open.value };
                self.complete(node, open.anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, at, end),
        }
    }

    /// Whether a name is expected, not a value.
    fn expects_name(&self) -> bool {
        self.open.last().is_some_and(|open| matches!(open.value, NodeValue::Object(_)) && open.key.is_none())
    }

    fn begin(&mut self, at: usize, anchor: usize, value: NodeValue) -> Result<(), Syntax> {
        if self.expects_name() {
            return Err(self.wrong(at, "a name must be a string, not a list or an object"));
        }
        if self.open.len() >= DEEPEST {
            return Err(self.wrong(at, format!("nested more than {DEEPEST} levels deep")));
        }
        self.open.push(Open { at, anchor, value, names: HashMap::new(), key: None });
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        (anchor, tag): (usize, Option<&Tag>),
        at: usize,
        end: usize,
    ) -> Result<(), Syntax> {
        if self.expects_name() {
            if text == "<<" && style == ScalarStyle::Plain {
                let message =
                    "a merge key `<<` is no part of YAML 1.2; write the members, or use an alias as a value";
                return Err(self.wrong(at, message));
            }
            let first = self.open.last_mut().and_then(|open| {
                let first = open.names.insert(text.to_owned(), at);
                open.key = Some((text.to_owned(), at));
                first
            });
            return match first {
                Some(first) => {
                    let line = self.text.place(first).position.map_or(1, |(line, _)| line);
                    Err(self.wrong(at, format!("`{text}` appears twice; the first one is in line {line}")))
                }
                None => Ok(()),
            };
        }
        let is_text = match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => true,
            Some(tag) if !is_core(tag, &["null", "bool", "int", "float"]) => {
                return Err(self.wrong(at, format!("the tag `{tag}` has no meaning here")));
            }
            _ => style != ScalarStyle::Plain,
        };
        let value = if is_text {
            Value::from(text)
        } else {
            plain(text).map_err(|message| self.wrong(at, message))?
        };
        let node = Node { source: self.source, at, end, value: NodeValue::Scalar(value) };
        self.complete(node, anchor)
    }

    fn refuse_tag(&self, tag: Option<&Tag>, allowed: &str, at: usize) -> Result<(), Syntax> {
        match tag {
            Some(tag) if !is_core(tag, &[allowed]) => {
                Err(self.wrong(at, format!("the tag `{tag}` has no meaning here")))
            }
            _ => Ok(()),
        }
    }

    fn alias(&mut self, anchor: usize, at: usize, end: usize) -> Result<(), Syntax> {
        if self.expects_name() {
            return Err(self.wrong(at, "a name must be a string, not an alias"));
        }
        let Some(known) = self.anchors.get(&anchor) else {
            return Err(self.wrong(at, "this alias stands inside what it refers to"));
        };
        self.expanded = self.expanded.saturating_add(known.size());
        if self.expanded > LARGEST {
            return Err(self.wrong(at, format!("the aliases stand for more than {LARGEST} values")));
        }
        if depth(known) + self.open.len() > DEEPEST {
            return Err(self.wrong(at, format!("nested more than {DEEPEST} levels deep")));
        }
        let node = Node { at, end, ..known.clone() };
        self.complete(node, 0)
    }

    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Syntax> {
        if anchor > 0 {
            self.expanded = self.expanded.saturating_add(node.size());
            if self.expanded > LARGEST {
                let message = format!("the anchors stand for more than {LARGEST} values");
                return Err(self.wrong(node.at, message));
            }
            self.anchors.insert(anchor, node.clone());
        }
        let source = self.source;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { value: NodeValue::List(items), .. }) => items.push(node),
            Some(Open { value: NodeValue::Object(members), key, .. }) => {
                if let Some((name, at)) = key.take() {
                    members.push(NodeMember { name, source, at, node });
                }
            }
            Some(Open { value: NodeValue::Scalar(_), .. }) => {}
        }
        Ok(())
    }
}

fn is_core(tag: &Tag, allowed: &[&str]) -> bool {
    tag.is_yaml_core_schema() && allowed.contains(&tag.suffix.as_str())
}

fn depth(node: &Node) -> usize {
    let below = match &node.value {
        NodeValue::Scalar(_) => return 0,
        NodeValue::List(items) => items.iter().map(depth).max(),
        NodeValue::Object(members) => members.iter().map(|member| depth(&member.node)).max(),
    };
    1 + below.unwrap_or(0)
}

/// What text without quotes is by the core schema.
fn plain(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err(format!("`{text}` is no number that can be kept; put it in quotes if text is meant"));
    }
    if let Ok(number) = text.parse::<Number>() {
        return Ok(Value::Number(number));
    }
    let radix = |prefix: &str, radix: u32| {
        let digits = text.strip_prefix(prefix)?;
        u128::from_str_radix(digits, radix)
            .ok()
            .filter(|_| digits.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        let number = number.to_string().parse::<Number>();
        return number.map(Value::Number).map_err(|error| error.to_string());
    }
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_digits(unsigned) && unsigned.len() > 1 && unsigned.starts_with('0') {
        return Err(format!(
            "`{text}` has a leading zero, which some readers take for base 8: put it in quotes, or leave the zero out"
        ));
    }
    // `+5`, `.5` and `5.` are numbers of YAML, but not of JSON.
    let (mantissa, exponent) = unsigned.find(['e', 'E']).map_or((unsigned, ""), |at| unsigned.split_at(at));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = (is_digits(whole) || whole.is_empty())
        && (is_digits(fraction) || fraction.is_empty())
        && !(whole.is_empty() && fraction.is_empty());
    if is_number {
        let sign = if text.starts_with('-') { "-" } else { "" };
        let whole = if whole.is_empty() { "0" } else { whole };
        let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
        if let Ok(number) = format!("{sign}{whole}{fraction}{exponent}").parse::<Number>() {
            return Ok(Value::Number(number));
        }
    }
    Ok(Value::from(text))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    fn check(content: &str, wanted: &str) {
        let text = Text::new(Path::new("/c.yaml"), 0, content.as_bytes().to_vec()).unwrap();
        let found = match read(&text, 0) {
            Ok(node) => node.to_value().to_string(),
            Err(syntax) => format!("{}: {}", text.place(syntax.offset), syntax.message),
        };
        assert!(found.starts_with(wanted), "{content}\n{found}\n{wanted}");
    }

    #[test]
    fn values_of_the_core_schema() {
        for (text, wanted) in [
            ("1.50", "1.50"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("+5", "5"),
            (".5", "0.5"),
            ("-.5e3", "-0.5e+3"),
            ("5.", "5"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("~", "null"),
            ("True", "true"),
            ("yes", "\"yes\""),
            ("2026-01-02", "\"2026-01-02\""),
            ("10:30", "\"10:30\""),
            ("1_000", "\"1_000\""),
            ("'5'", "\"5\""),
            ("!!str 5", "\"5\""),
            ("m5.large", "\"m5.large\""),
            ("e5", "\"e5\""),
        ] {
            check(&format!("a: {text}"), &format!("{{\"a\":{wanted}}}"));
        }
        check("", "{}");
        check("# nothing\n", "{}");
        check("a: |\n  x\n  y\nb: >-\n  x\n  y\n", r#"{"a":"x\ny\n","b":"x y"}"#);
        check("a: &x {b: 1}\nc: *x\n", r#"{"a":{"b":1},"c":{"b":1}}"#);
        check("5: a\ntrue: b\n", r#"{"5":"a","true":"b"}"#);
    }

    #[test]
    fn what_is_refused_has_a_place() {
        check("a: 1\nb:\n  c: 1\n  c: 2\n", "/c.yaml:4:3: `c` appears twice; the first one is in line 3");
        check("a: 1\n---\nb: 2\n", "/c.yaml:2:1: a second document");
        check("ä: .nan\n", "/c.yaml:1:4: `.nan` is no number");
        check("a: -.inf\n", "/c.yaml:1:4: `-.inf`");
        check("a: 007\n", "/c.yaml:1:4: `007` has a leading zero");
        check("a:\n\tb: 1\n", "/c.yaml:2:");
        check("a: !!python/object x\n", "/c.yaml:1:4: the tag");
        check("a: &x {b: 1}\nc:\n  <<: *x\n", "/c.yaml:3:3: a merge key");
        check("[a]: 1\n", "/c.yaml:1:1: a name must be a string");
        check("a: [1\n", "/c.yaml:");
        check("a: *x\n", "/c.yaml:1:4");
    }

    /// A few lines of aliases would make billions of values; nesting would end the stack.
    #[test]
    fn what_grows_is_bounded() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let previous = vec![format!("*a{}", level - 1); 9].join(", ");
            writeln!(bomb, "a{level}: &a{level} [{previous}]").unwrap();
        }
        let text = Text::new(Path::new("/c.yaml"), 0, bomb.into_bytes()).unwrap();
        let message = read(&text, 0).unwrap_err().message;
        assert!(message.contains("more than 100000 values"), "{message}");
        let mut deep = String::new();
        for level in 0..200 {
            writeln!(deep, "{}a:", " ".repeat(level)).unwrap();
        }
        let text = Text::new(Path::new("/c.yaml"), 0, deep.into_bytes()).unwrap();
        let message = read(&text, 0).unwrap_err().message;
        assert!(message.contains("128 levels"), "{message}");
    }
}
