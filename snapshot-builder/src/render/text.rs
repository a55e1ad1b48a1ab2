//! Values as people read them: no quotes, no brackets, nothing that could drive a terminal.

use std::fmt::Write;

use serde_json::Value;

/// Appends text with control characters made visible, so that data cannot move the cursor.
pub fn visible(out: &mut String, text: &str) {
    // Nearly all text is printable ASCII, and looking at bytes is several times faster.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || !text.contains(char::is_control) {
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

/// The types of Host Factory's attributes.
pub fn is_attribute_type(kind: &str) -> bool {
    matches!(kind, "String" | "Numeric" | "Boolean")
}
