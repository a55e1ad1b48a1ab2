//! YAML that readers of versions 1.1 and 1.2 understand the same way: block style for objects, flow style for
//! arrays of plain values, and quotes wherever a reader might see something else than a string.

use serde_json::{Map, Value};

use super::json::{self, Plain};

/// A document with a final line end.
pub fn document(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Value::Object(members) if !members.is_empty() => object(&mut out, members, 0),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0),
        other => {
            flow(&mut out, other);
            out.push(b'\n');
        }
    }
    out
}

/// Appends members, the first without its indent: the caller has written it, or a dash.
pub fn mapping<'a>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'a str, &'a Value)>, indent: usize) {
    for (number, (name, value)) in members.enumerate() {
        if number > 0 {
            pad(out, indent);
        }
        member(out, name, value, indent);
    }
}

fn object(out: &mut Vec<u8>, members: &Map<String, Value>, indent: usize) {
    for (number, (name, value)) in members.iter().enumerate() {
        if number > 0 {
            pad(out, indent);
        }
        member(out, name, value, indent);
    }
}

fn member(out: &mut Vec<u8>, name: &str, value: &Value, indent: usize) {
    if key(out, name) {
        out.push(b'\n');
        pad(out, indent);
    }
    out.push(b':');
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push(b'\n');
            pad(out, indent + 2);
            object(out, members, indent + 2);
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            out.push(b'\n');
            sequence(out, items, indent);
        }
        other => {
            out.push(b' ');
            flow(out, other);
            out.push(b'\n');
        }
    }
}

fn sequence(out: &mut Vec<u8>, items: &[Value], indent: usize) {
    for item in items {
        pad(out, indent);
        out.extend_from_slice(b"- ");
        match item {
            Value::Object(members) if !members.is_empty() => {
                object(out, members, indent + 2);
            }
            other => {
                flow(out, other);
                out.push(b'\n');
            }
        }
    }
}

/// A key without a mark may have 1,024 characters, quotes and escapes included; a reader need not look
/// further for its colon.
const LONGEST_KEY: usize = 1_000;

/// Appends a key and returns whether it is a long one, which has the indicator `?` before it and its colon on a
/// line of its own.
fn key(out: &mut Vec<u8>, name: &str) -> bool {
    let start = out.len();
    scalar(out, name);
    let is_long = out.len() - start > LONGEST_KEY;
    if is_long {
        out.splice(start..start, *b"? ");
    }
    is_long
}

/// The key of a member in flow style, with its colon.
fn flow_key(out: &mut Vec<u8>, name: &str) {
    let is_long = key(out, name);
    out.extend_from_slice(if is_long { b" : " } else { b": " });
}

const PLAIN: Plain = Plain { string: scalar, key: flow_key, number: number_text };

fn flow(out: &mut Vec<u8>, value: &Value) {
    json::inline(out, value, &PLAIN);
}

/// Appends a number. YAML 1.1 reads `1e5` as a string, so an exponent gets a decimal point and a sign.
fn number_text(out: &mut Vec<u8>, text: &str) {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        out.extend_from_slice(text.as_bytes());
        return;
    };
    out.extend_from_slice(mantissa.as_bytes());
    if !mantissa.contains('.') {
        out.extend_from_slice(b".0");
    }
    out.push(b'e');
    if !exponent.starts_with(['+', '-']) {
        out.push(b'+');
    }
    out.extend_from_slice(exponent.as_bytes());
}

fn scalar(out: &mut Vec<u8>, text: &str) {
    if is_plain(text) { out.extend_from_slice(text.as_bytes()) } else { json::string(out, text) }
}

/// Whether a string needs no quotes: no YAML version reads it as a number, date, boolean or syntax.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_' || *byte == b'/')
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-'))
        && !is_reserved(text)
}

fn is_reserved(text: &str) -> bool {
    // Longest reserved word: "false".
    text.len() <= 5
        && ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}

fn pad(out: &mut Vec<u8>, indent: usize) {
    out.resize(out.len() + indent, b' ');
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{document, mapping};

    fn text(value: &Value) -> String {
        String::from_utf8(document(value)).unwrap()
    }

    #[test]
    fn documents() {
        for (value, expected) in [
            (json!({}), "{}\n"),
            (json!([]), "[]\n"),
            (json!(null), "null\n"),
            (json!(true), "true\n"),
            (json!("a b"), "\"a b\"\n"),
            (json!([1, "a"]), "- 1\n- a\n"),
            (json!([[1, 2], {}, { "a": 1, "b": 2 }]), "- [1, 2]\n- {}\n- a: 1\n  b: 2\n"),
            (json!({ "a": {}, "b": [], "c": [1, [2, 3]] }), "a: {}\nb: []\nc: [1, [2, 3]]\n"),
            (json!({ "a": { "b": { "c": 1, "d": 2 } }, "e": 3 }), "a:\n  b:\n    c: 1\n    d: 2\ne: 3\n"),
            (json!({ "a": [{ "b": [{ "c": 1 }], "d": 2 }] }), "a:\n- b:\n  - c: 1\n  d: 2\n"),
            (json!({ "a": { "b": [{ "c": 1 }, 2] } }), "a:\n  b:\n  - c: 1\n  - 2\n"),
            (json!({ "a": [[{ "b c": 1 }, {}]] }), "a: [[{\"b c\": 1}, {}]]\n"),
        ] {
            assert_eq!(text(&value), expected, "{value}");
        }
    }

    #[test]
    fn members_stand_behind_what_the_caller_has_written() {
        let members = [("a", json!(1)), ("b", json!({ "c": [{ "d": 2 }] }))];
        let mut out = b"- ".to_vec();
        mapping(&mut out, members.iter().map(|(name, value)| (*name, value)), 2);
        assert_eq!(String::from_utf8(out).unwrap(), "- a: 1\n  b:\n    c:\n    - d: 2\n");
    }

    /// YAML 1.1 and 1.2 both take the right side for the string on the left.
    #[test]
    fn strings_are_quoted_where_a_reader_might_see_something_else() {
        for plain in ["a", "Z9", "_x", "/etc/x-1.json", "truely", "nulls", "a-b_c.d/e", "none", "e1"] {
            let expected = format!("{plain}\n");
            assert_eq!(text(&json!(plain)), expected);
        }
        for quoted in [
            "true",
            "False",
            "NULL",
            "yes",
            "No",
            "on",
            "OFF",
            "y",
            "N",
            "1",
            "1e5",
            "-",
            "-a",
            ".5",
            "~",
            "a b",
            "a:",
            "a#",
            "#a",
            "[a",
            "a,",
            "2024-01-01",
            "ä",
            "a@b",
            "=",
        ] {
            assert_eq!(text(&json!(quoted)), format!("\"{quoted}\"\n"));
        }
    }

    /// YAML 1.1 wants a point in the mantissa and a sign in the exponent.
    #[test]
    fn numbers() {
        for (number, expected) in [
            ("0", "0"),
            ("-12", "-12"),
            ("1.50", "1.50"),
            ("1e5", "1.0e+5"),
            ("1E5", "1.0e+5"),
            ("1.5e5", "1.5e+5"),
            ("1e-5", "1.0e-5"),
            ("2.0E+5", "2.0e+5"),
        ] {
            let value: Value = serde_json::from_str(number).unwrap();
            let found = text(&value);
            assert!(found == format!("{expected}\n"), "{number}: {found}");
        }
    }

    /// A reader need not look further than 1,024 characters for the colon of a key without a mark.
    #[test]
    fn long_keys_have_a_mark() {
        let (longest, longer) = ("k".repeat(1_000), "k".repeat(1_001));
        for (value, expected) in [
            (json!({ (longest.as_str()): 1 }), format!("{longest}: 1\n")),
            (json!({ (longer.as_str()): 1 }), format!("? {longer}\n: 1\n")),
            (json!({ "a": { (longer.as_str()): [1] } }), format!("a:\n  ? {longer}\n  : [1]\n")),
            (json!([[{ (longest.as_str()): 1 }]]), format!("- [{{{longest}: 1}}]\n")),
            (json!([[{ (longer.as_str()): 1 }]]), format!("- [{{? {longer} : 1}}]\n")),
        ] {
            assert!(text(&value) == expected, "{}", text(&value));
        }
    }
}
