//! Values for people: no quotes, no brackets, no control characters for the terminal.

use std::fmt::Write;

use serde_json::Value;

/// Whether a character moves the cursor, changes the text direction, or is invisible, so that the reader would
/// not see the actual text.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Appends text with hidden characters made visible, so that data cannot move the cursor or look like other
/// data.
pub fn visible(out: &mut String, text: &str) {
    // Nearly all text is printable ASCII, and checking bytes is several times faster.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || !text.contains(is_hidden) {
        out.push_str(text);
        return;
    }
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(control));
            }
            hidden if is_hidden(hidden) => out.extend(hidden.escape_unicode()),
            other => out.push(other),
        }
    }
}

/// A value on one line: `a=1 b=2` for objects, `a, b` for arrays, the value alone of a typed pair
/// such as `["Numeric", "2"]`.
pub fn value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push('-'),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(number.as_str()),
        Value::String(text) => visible(out, text),
        Value::Array(items) => match items.as_slice() {
            [Value::String(kind), inner @ Value::String(_)] if is_attribute_type(kind) => {
                self::value(out, inner);
            }
            items => {
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        out.push_str(", ");
                    }
                    nested(out, item);
                }
            }
        },
        Value::Object(members) => {
            for (number, (name, item)) in members.iter().enumerate() {
                if number > 0 {
                    out.push(' ');
                }
                visible(out, name);
                out.push('=');
                nested(out, item);
            }
        }
    }
}

/// Containers inside containers get braces, so that the line stays readable.
fn nested(out: &mut String, item: &Value) {
    let braces = match item {
        Value::Object(_) => true,
        Value::Array(items) => {
            !matches!(items.as_slice(), [Value::String(kind), Value::String(_)] if is_attribute_type(kind))
        }
        _ => false,
    };
    if braces {
        out.push('{');
    }
    value(out, item);
    if braces {
        out.push('}');
    }
}

/// Whether a word is a type of Host Factory's attributes (`String`, `Numeric`, `Boolean`).
pub fn is_attribute_type(kind: &str) -> bool {
    matches!(kind, "String" | "Numeric" | "Boolean")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_hidden_is_made_visible() {
        for (text, wanted) in [
            ("plain äöü 漢字 😀 ne\u{301}e", "plain äöü 漢字 😀 ne\u{301}e"),
            ("a\nb\tc\x1b[2J", "a\\nb\\tc\\x1b[2J"),
            ("evil\u{202e}txt.exe", "evil\\u{202e}txt.exe"),
            ("a\u{200b}b\u{feff}c\u{2066}d\u{2069}", "a\\u{200b}b\\u{feff}c\\u{2066}d\\u{2069}"),
            ("\u{e0041}\u{3164}\u{ad}", "\\u{e0041}\\u{3164}\\u{ad}"),
        ] {
            let mut out = String::new();
            visible(&mut out, text);
            assert_eq!(out, wanted);
        }
    }

    #[test]
    fn values_on_one_line() {
        for (value, wanted) in [
            (json!(null), "-"),
            (json!(true), "true"),
            (json!(false), "false"),
            (json!(1.50), "1.5"),
            (json!("a\nb"), "a\\nb"),
            (json!([]), ""),
            (json!([1, "b", null]), "1, b, -"),
            (json!({ "a": 1, "b\t": "c" }), "a=1 b\\t=c"),
            // A typed pair is its value, wherever it stands.
            (json!(["Numeric", "2"]), "2"),
            (json!(["String", "x"]), "x"),
            (json!(["Boolean", "1"]), "1"),
            (json!(["Other", "2"]), "Other, 2"),
            (json!(["Numeric", 2]), "Numeric, 2"),
            (json!(["Numeric", "2", "3"]), "Numeric, 2, 3"),
            (
                json!({ "ncpus": ["Numeric", "2"], "list": [1, 2], "map": { "a": {} } }),
                "ncpus=2 list={1, 2} map={a={}}",
            ),
            (json!([{ "a": 1 }, [2, 3], ["Numeric", "4"], ["x", "y"]]), "{a=1}, {2, 3}, 4, {x, y}"),
        ] {
            let mut out = String::new();
            super::value(&mut out, &value);
            assert_eq!(out, wanted, "{value}");
        }
    }
}
