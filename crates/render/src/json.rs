//! JSON for people: a line per member on the upper levels, everything below on one line.

use serde_json::Value;

/// Appends `value`. Objects are spread over lines down to `spread` levels; what lies deeper, and
/// every array of plain values, stays on one line.
pub fn write(out: &mut Vec<u8>, value: &Value, indent: usize, spread: usize) {
    match value {
        Value::Object(members) if spread > 0 && !members.is_empty() => {
            out.push(b'{');
            for (number, (name, value)) in members.iter().enumerate() {
                member(out, number, name, value, indent, spread);
            }
            close(out, indent);
        }
        Value::Array(items) if spread > 0 && items.iter().any(Value::is_object) => {
            out.push(b'[');
            for (number, item) in items.iter().enumerate() {
                out.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
                pad(out, indent + 2);
                write(out, item, indent + 2, spread - 1);
            }
            out.push(b'\n');
            pad(out, indent);
            out.push(b']');
        }
        other => inline(out, other, &PLAIN),
    }
}

/// Appends an object, a line per member.
pub fn object<'a>(
    out: &mut Vec<u8>,
    members: impl Iterator<Item = (&'a str, &'a Value)>,
    indent: usize,
    spread: usize,
) {
    out.push(b'{');
    for (number, (name, value)) in members.enumerate() {
        member(out, number, name, value, indent, spread);
    }
    close(out, indent);
}

fn member(out: &mut Vec<u8>, number: usize, name: &str, value: &Value, indent: usize, spread: usize) {
    out.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
    pad(out, indent + 2);
    string(out, name);
    out.extend_from_slice(b": ");
    write(out, value, indent + 2, spread - 1);
}

fn close(out: &mut Vec<u8>, indent: usize) {
    out.push(b'\n');
    pad(out, indent);
    out.push(b'}');
}

/// Appends a document with a final line end.
pub fn document(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value, 0, 8);
    out.push(b'\n');
    out
}

/// How scalars are written; brackets, commas and colons are the same in JSON and in YAML's flow style.
pub(super) struct Plain {
    pub(super) string: fn(&mut Vec<u8>, &str),
    /// Writes a member's name and the separator before its value.
    pub(super) key: fn(&mut Vec<u8>, &str),
    pub(super) number: fn(&mut Vec<u8>, &str),
}

const PLAIN: Plain = Plain {
    string,
    key: |out, name| {
        string(out, name);
        out.extend_from_slice(b": ");
    },
    number: |out, digits| out.extend_from_slice(digits.as_bytes()),
};

/// Appends `value` on one line.
pub(super) fn inline(out: &mut Vec<u8>, value: &Value, plain: &Plain) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => (plain.number)(out, number.as_str()),
        Value::String(text) => (plain.string)(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.extend_from_slice(b", ");
                }
                inline(out, item, plain);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (number, (name, value)) in members.iter().enumerate() {
                if number > 0 {
                    out.extend_from_slice(b", ");
                }
                (plain.key)(out, name);
                inline(out, value, plain);
            }
            out.push(b'}');
        }
    }
}

/// Appends a quoted string. Escapes what JSON must, and what YAML must as well (control characters
/// above ASCII, line separators), so that a quoted string serves both.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    // Nearly all strings are printable ASCII without quotes, and checking bytes is several times faster.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\') {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.find(must_escape) {
        let (run, tail) = rest.split_at(at);
        out.extend_from_slice(run.as_bytes());
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            escape(out, character);
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

fn must_escape(character: char) -> bool {
    matches!(character, '"' | '\\' | '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn escape(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        other => out.extend_from_slice(format!("\\u{:04x}", u32::from(other)).as_bytes()),
    }
}

fn pad(out: &mut Vec<u8>, indent: usize) {
    out.resize(out.len() + indent, b' ');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_string_survives() {
        let all: String = (0..0x3000_u32).chain(0xfe00..0x1_0100).filter_map(char::from_u32).collect();
        let mut out = Vec::new();
        string(&mut out, &all);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), all);
    }

    #[test]
    fn shape() {
        let value: Value = serde_json::from_str(r#"{"a":{"b":{"c":[1,{"d":1.50}]}},"e":[],"f":{}}"#).unwrap();
        let mut out = Vec::new();
        write(&mut out, &value, 0, 2);
        let expected =
            "{\n  \"a\": {\n    \"b\": {\"c\": [1, {\"d\": 1.50}]}\n  },\n  \"e\": [],\n  \"f\": {}\n}";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn documents() {
        for (value, expected) in [
            (json!({}), "{}\n"),
            (json!([]), "[]\n"),
            (json!([1, [2, 3], null, false, "a"]), "[1, [2, 3], null, false, \"a\"]\n"),
            (json!([{ "a": 1 }, 2]), "[\n  {\n    \"a\": 1\n  },\n  2\n]\n"),
            (
                json!({ "a": [{ "b": 1 }, { "c": {} }] }),
                "{\n  \"a\": [\n    {\n      \"b\": 1\n    },\n    {\n      \"c\": {}\n    }\n  ]\n}\n",
            ),
        ] {
            assert_eq!(String::from_utf8(document(&value)).unwrap(), expected);
        }
        // Eight levels have lines of their own, and no more.
        let mut deep = json!(1);
        for _ in 0..10 {
            deep = json!({ "x": deep });
        }
        let text = String::from_utf8(document(&deep)).unwrap();
        assert_eq!(
            text.lines().nth(8),
            Some(format!("{}\"x\": {{\"x\": {{\"x\": 1}}}}", " ".repeat(16)).as_str())
        );
    }

    #[test]
    fn members_down_to_a_level() {
        let members = json!({ "a": { "b": 1 }, "c": [{ "d": 2 }] });
        let written = |spread| {
            let mut out = Vec::new();
            let members =
                members.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
            object(&mut out, members, 2, spread);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(1), "{\n    \"a\": {\"b\": 1},\n    \"c\": [{\"d\": 2}]\n  }");
        assert_eq!(
            written(2),
            "{\n    \"a\": {\n      \"b\": 1\n    },\n    \"c\": [\n      {\"d\": 2}\n    ]\n  }"
        );
    }

    /// What JSON must have escaped, and what YAML must as well.
    #[test]
    fn strings() {
        for (text, expected) in [
            ("", "\"\""),
            ("plain ~!", "\"plain ~!\""),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\"\"", r#""\"\"""#),
            ("\\\\", r#""\\\\""#),
            ("\n\r\t", r#""\n\r\t""#),
            ("\0\x1f\x7f\u{9f}", r#""\u0000\u001f\u007f\u009f""#),
            ("\u{2028}\u{2029}\u{feff}\u{ffff}", r#""\u2028\u2029\ufeff\uffff""#),
            ("ä漢😀", "\"ä漢😀\""),
        ] {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
