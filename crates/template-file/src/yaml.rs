//! YAML 1.2 as JSON: each value on the line that it has in the YAML text, digits as they are written.
//!
//! What means different things to different readers is refused: numbers with leading zeros, keys that are there twice,
//! merge keys, and several documents. It must not know templates.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::Value;

/// Most bytes of JSON: aliases of aliases could make any number of them.
const MOST_BYTES: usize = 16 << 20;
/// Most levels of nesting, as in JSON.
const MOST_LEVELS: usize = 100;

/// What is wrong, and where, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YamlFault {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
}

/// The JSON text of the only document; `null` of an empty one.
pub(crate) fn to_json(text: &str) -> Result<String, YamlFault> {
    let mut writer = Writer::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| fault(error.marker(), error.info()))?;
        writer.take(event, &span.start)?;
    }
    Ok(if writer.documents == 0 { "null".to_owned() } else { writer.out })
}

fn fault(at: &Marker, message: &str) -> YamlFault {
    YamlFault { line: at.line().max(1), column: at.col() + 1, message: message.to_owned() }
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Line of the end of `out`, from 1 less.
    lines: usize,
    open: Vec<Level>,
    documents: usize,
    anchors: HashMap<usize, Range<usize>>,
    /// Anchors of collections that are not closed yet, with their starts.
    begun: Vec<(usize, usize)>,
}

enum Level {
    List {
        is_empty: bool,
    },
    /// `key` while a key is expected.
    Object {
        keys: HashSet<String>,
        expects_key: bool,
    },
}

impl Writer {
    fn take(&mut self, event: Event<'_>, at: &Marker) -> Result<(), YamlFault> {
        if self.out.len() > MOST_BYTES {
            return Err(fault(at, "this document becomes too large; are there aliases of aliases?"));
        }
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(fault(at, "there is a second document; one is expected"));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), at)?;
            }
            Event::SequenceStart(anchor, tag) => {
                untagged(tag.as_deref(), "seq", at)?;
                self.open(anchor, '[', Level::List { is_empty: true }, at)?;
            }
            Event::MappingStart(anchor, tag) => {
                untagged(tag.as_deref(), "map", at)?;
                self.open(anchor, '{', Level::Object { keys: HashSet::new(), expects_key: true }, at)?;
            }
            Event::SequenceEnd => self.close(']'),
            Event::MappingEnd => self.close('}'),
            Event::Alias(anchor) => {
                let copied = self.anchors.get(&anchor).cloned().and_then(|range| self.out.get(range));
                let Some(copied) = copied.map(|text| text.replace('\n', " ")) else {
                    return Err(fault(at, "this alias stands inside of what it names"));
                };
                if matches!(self.open.last(), Some(Level::Object { expects_key: true, .. })) {
                    return Err(fault(at, "an alias cannot be a key"));
                }
                self.value_begins(at);
                self.out.push_str(&copied);
                self.value_ends();
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: &Marker,
    ) -> Result<(), YamlFault> {
        if let Some(Level::Object { keys, expects_key: expects_key @ true }) = self.open.last_mut() {
            if text == "<<" && style == ScalarStyle::Plain {
                return Err(fault(at, "merge keys are not supported; write the fields"));
            }
            if !keys.insert(text.to_owned()) {
                return Err(fault(at, &format!("the key `{text}` is there twice")));
            }
            *expects_key = false;
            let is_first = keys.len() == 1;
            if !is_first {
                self.out.push(',');
            }
            self.move_to(at);
            self.out.push_str(&Value::from(text).to_string());
            self.out.push(':');
            return Ok(());
        }
        let is_text = match tag {
            None => style != ScalarStyle::Plain,
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => true,
            Some(tag)
                if tag.is_yaml_core_schema() && ["int", "float", "bool", "null"].contains(&&*tag.suffix) =>
            {
                false
            }
            Some(tag) => {
                return Err(fault(at, &format!("the tag `{}{}` is not supported", tag.handle, tag.suffix)));
            }
        };
        let written = if is_text {
            Value::from(text).to_string()
        } else {
            plain(text).map_err(|why| fault(at, &why))?
        };
        self.value_begins(at);
        let start = self.out.len();
        self.out.push_str(&written);
        self.remember(anchor, start);
        self.value_ends();
        Ok(())
    }

    fn open(&mut self, anchor: usize, bracket: char, level: Level, at: &Marker) -> Result<(), YamlFault> {
        if matches!(self.open.last(), Some(Level::Object { expects_key: true, .. })) {
            return Err(fault(at, "a list or an object cannot be a key"));
        }
        if self.open.len() >= MOST_LEVELS {
            return Err(fault(at, &format!("nested more than {MOST_LEVELS} levels deep")));
        }
        self.value_begins(at);
        self.begun.push((anchor, self.out.len()));
        self.out.push(bracket);
        self.open.push(level);
        Ok(())
    }

    fn close(&mut self, bracket: char) {
        self.open.pop();
        self.out.push(bracket);
        if let Some((anchor, start)) = self.begun.pop() {
            self.remember(anchor, start);
        }
        self.value_ends();
    }

    fn remember(&mut self, anchor: usize, start: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, start..self.out.len());
        }
    }

    fn value_begins(&mut self, at: &Marker) {
        if let Some(Level::List { is_empty }) = self.open.last_mut()
            && !std::mem::replace(is_empty, false)
        {
            self.out.push(',');
        }
        self.move_to(at);
    }

    fn value_ends(&mut self) {
        if let Some(Level::Object { expects_key, .. }) = self.open.last_mut() {
            *expects_key = true;
        }
    }

    /// Goes to the line of a token, and to its column as far as what is written leaves it free.
    fn move_to(&mut self, at: &Marker) {
        let line = at.line().saturating_sub(1);
        while self.lines < line {
            self.out.push('\n');
            self.lines += 1;
        }
        let start = self.out.rfind('\n').map_or(0, |newline| newline + 1);
        let column = self.out.get(start..).map_or(0, |text| text.chars().count());
        self.out.extend(std::iter::repeat_n(' ', at.col().saturating_sub(column)));
    }
}

/// Whether a collection has no tag but the one that it would have anyway.
fn untagged(tag: Option<&Tag>, allowed: &str, at: &Marker) -> Result<(), YamlFault> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == allowed) => {
            Err(fault(at, &format!("the tag `{}{}` is not supported", tag.handle, tag.suffix)))
        }
        _ => Ok(()),
    }
}

/// A plain scalar by the core schema.
fn plain(text: &str) -> Result<String, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok("null".to_owned()),
        "true" | "True" | "TRUE" => return Ok("true".to_owned()),
        "false" | "False" | "FALSE" => return Ok("false".to_owned()),
        _ => (),
    }
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() - unsigned.len() > 1 {
        return Ok(Value::from(text).to_string());
    }
    if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&unsigned) {
        return Err(format!("`{text}` is no number that JSON has"));
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|digits| !digits.is_empty())
            && digits.chars().all(|digit| digit.is_digit(radix))
        {
            let number = u128::from_str_radix(digits, radix);
            return number.map(|number| number.to_string()).map_err(|_| format!("`{text}` is too large"));
        }
    }
    if !is_decimal(unsigned) {
        return Ok(Value::from(text).to_string());
    }
    let digits = unsigned.len() - unsigned.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
    if digits > 1 && unsigned.starts_with('0') {
        return Err(format!(
            "`{text}` begins with 0, which readers of YAML understand differently; write it in quotes"
        ));
    }
    // What JSON requires and YAML does not: digits on both sides of the point.
    let (whole, rest) = unsigned.split_at(digits);
    let whole = if whole.is_empty() { "0" } else { whole };
    let rest = match rest.strip_prefix('.') {
        Some(fraction) if !fraction.starts_with(|digit: char| digit.is_ascii_digit()) => {
            format!(".0{fraction}")
        }
        _ => rest.to_owned(),
    };
    Ok(format!("{}{whole}{rest}", if text.starts_with('-') { "-" } else { "" }))
}

/// Digits with at most one point, and at least one digit beside it, and an exponent.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, None), |(left, right)| (left, Some(right)));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_exponent = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        !digits.is_empty() && is_digits(digits)
    };
    is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(is_exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let found =
            to_json(text).map_err(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.message));
        let found = found.map(|json| ohfp_broker::json::from_slice(json.as_bytes()).unwrap().to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn values() {
        for (text, json) in [
            ("a", r#""a""#),
            ("5", "5"),
            ("+5", "5"),
            ("-0.50", "-0.50"),
            (".5", "0.5"),
            ("1.", "1.0"),
            ("-.5e+3", "-0.5e+3"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("0", "0"),
            ("'05'", r#""05""#),
            ("\"5\"", r#""5""#),
            ("!!str 5", r#""5""#),
            ("~", "null"),
            ("", "null"),
            ("True", "true"),
            ("yes", r#""yes""#),
            ("2024-01-01", r#""2024-01-01""#),
            ("1.2.3", r#""1.2.3""#),
            ("e5", r#""e5""#),
            ("--5", r#""--5""#),
            (".", r#"".""#),
            ("[a, {b: [], c: {}}, ]", r#"["a",{"b":[],"c":{}}]"#),
            ("a: |\n  #!/bin/sh\n  x\nb: >-\n  y\n  z\n", r##"{"a":"#!/bin/sh\nx\n","b":"y z"}"##),
            ("a: &x [1, 2]\nb: *x\n", r#"{"a":[1,2],"b":[1,2]}"#),
            ("a: &x\n  - 1\n  - 2\nb: *x\nc: 3\n", r#"{"a":[1,2],"b":[1,2],"c":3}"#),
            ("1: x\nnull: y\n", r#"{"1":"x","null":"y"}"#),
            ("a: \"\u{e4}\\n\"\n", "{\"a\":\"\u{e4}\\n\"}"),
        ] {
            check(text, Ok(json));
        }
    }

    #[test]
    fn what_is_refused_says_where() {
        for (text, message) in [
            ("a: 1\na: 2\n", "2:1: the key `a` is there twice"),
            (
                "a: 012\n",
                "1:4: `012` begins with 0, which readers of YAML understand differently; write it in quotes",
            ),
            ("a: .inf\n", "1:4: `.inf` is no number that JSON has"),
            ("a: 1\n---\nb: 2\n", "2:1: there is a second document; one is expected"),
            ("<<: {a: 1}\n", "1:1: merge keys are not supported; write the fields"),
            ("? [a]\n: b\n", "1:3: a list or an object cannot be a key"),
            ("a: !x 5\n", "1:4: the tag `!x` is not supported"),
        ] {
            check(text, Err(message));
        }
        let bomb = (0..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
            let alias = vec![format!("*a{level}"); 10].join(", ");
            format!("{text}a{}: &a{} [{alias}]\n", level + 1, level + 1)
        });
        assert!(to_json(&bomb).unwrap_err().message.contains("too large"));
        assert!(to_json(&"[".repeat(5_000)).is_err());
    }

    #[test]
    fn values_stay_on_their_lines() {
        let yaml = "# a comment\ntemplates:\n\n  - templateId: a\n    maxNumber: 5   # five\n    attributes:\n      ncpus: 2\n";
        let json = to_json(yaml).unwrap();
        for (text, line) in [("\"templateId\"", 4), ("\"maxNumber\"", 5), ("5", 5), ("\"ncpus\"", 7)] {
            let at = json.find(text).unwrap();
            assert_eq!(json[..at].matches('\n').count() + 1, line, "{text} in {json}");
        }
        let at = json.find("\"maxNumber\"").unwrap();
        assert_eq!(at - json[..at].rfind('\n').unwrap(), 5, "{json}");
    }
}
