//! `attributes`, by which Host Factory sizes its demand: plain values become typed lists.
//!
//! It must not know files; errors are returned to the caller by attribute.

use serde_json::{Map, Value};

use crate::nearest::nearest;
use crate::settings::rule::shown;

/// The attributes that are derived, in the order they are appended.
pub(super) const DERIVED: [&str; 4] = ["type", "ncpus", "nram", "ncores"];

/// Attributes that must be whole numbers above zero.
const COUNTS: &[&str] = &["ncpus", "nram", "ncores", "mem"];

/// Attributes that are numbers, even when written as strings.
const NUMBERS: &[&str] = &["ncpus", "nram", "ncores", "mem", "rank", "nthreads", "maxmem"];

/// Attributes that are strings, even if they look like numbers.
const STRINGS: &[&str] = &["type", "priceInfo"];

/// Attributes in common use that resemble a known name and have another meaning.
const COMMON: &[&str] = &["ngpus", "maxmem"];

const TYPES: [&str; 3] = ["String", "Numeric", "Boolean"];

/// Makes `value` of attribute `name` a typed list like `["Numeric", "2"]`. A typed list stays as it is. The
/// error describes the allowed values.
pub(crate) fn make_typed(name: &str, value: &mut Value) -> Result<(), String> {
    let refuse = |value: &Value| Err(format!("must be {}, not {}", allowed(name), shown(value)));
    if let Value::Array(list) = value {
        return match list.as_mut_slice() {
            [Value::String(kind), Value::String(text)] if TYPES.contains(&kind.as_str()) => {
                if agrees(name, kind, text) { Ok(()) } else { refuse(value) }
            }
            // A scalar in place of its text: Host Factory requires strings there.
            [Value::String(kind), plain] if TYPES.contains(&kind.as_str()) => match typed(name, plain) {
                Some((inferred, text)) if may_stand_as(inferred, kind) && agrees(name, kind, &text) => {
                    *plain = Value::String(text);
                    Ok(())
                }
                _ => refuse(value),
            },
            [single] => match typed(name, single) {
                Some((kind, text)) if agrees(name, kind, &text) => {
                    *value = pair(kind, text);
                    Ok(())
                }
                _ => refuse(value),
            },
            _ => refuse(value),
        };
    }
    match typed(name, value) {
        Some((kind, text)) if agrees(name, kind, &text) => {
            *value = pair(kind, text);
            Ok(())
        }
        _ => refuse(value),
    }
}

fn allowed(name: &str) -> &'static str {
    if COUNTS.contains(&name) {
        "a number above 0, plain or like [\"Numeric\", \"4\"]"
    } else if NUMBERS.contains(&name) {
        "a number, plain or like [\"Numeric\", \"4\"]"
    } else if STRINGS.contains(&name) {
        "a string that is not empty, plain or like [\"String\", \"X86_64\"]"
    } else {
        "a string, a number or a boolean, plain or like [\"String\", \"x\"], [\"Numeric\", \"4\"], [\"Boolean\", \"1\"]"
    }
}

/// Type and text of a scalar.
fn typed(name: &str, value: &Value) -> Option<(&'static str, String)> {
    Some(match value {
        Value::String(text) if NUMBERS.contains(&name) => ("Numeric", text.trim().to_owned()),
        Value::String(text) => ("String", text.clone()),
        Value::Number(number) if STRINGS.contains(&name) => ("String", number.to_string()),
        Value::Number(number) => ("Numeric", number.to_string()),
        Value::Bool(flag) => ("Boolean", u8::from(*flag).to_string()),
        _ => return None,
    })
}

/// The sizing attribute that `name` is probably a misspelling of, unless that is given as well. Other names are
/// passed on to Host Factory.
pub(crate) fn typo_of(name: &str, given: &Map<String, Value>) -> Option<&'static str> {
    if DERIVED.contains(&name) || COMMON.contains(&name) || NUMBERS.contains(&name) || STRINGS.contains(&name)
    {
        return None;
    }
    nearest(name, DERIVED.into_iter().filter(|own| !given.contains_key(*own)))
}

/// Whether a scalar of one type can be the text of another: `["Boolean", 0]`, `["String", 7]`.
fn may_stand_as(inferred: &str, kind: &str) -> bool {
    inferred == kind || kind == "String" || (kind == "Boolean" && inferred == "Numeric")
}

/// Whether attribute `name` can have this type and text.
fn agrees(name: &str, kind: &str, text: &str) -> bool {
    if COUNTS.contains(&name) {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let above_zero = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        return kind == "Numeric" && digits(whole) && digits(fraction) && above_zero;
    }
    if STRINGS.contains(&name) {
        return kind == "String" && !text.is_empty();
    }
    match kind {
        "Numeric" => text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => !NUMBERS.contains(&name),
    }
}

pub(super) fn pair(kind: &str, text: String) -> Value {
    Value::Array(vec![Value::String(kind.to_owned()), Value::String(text)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_become_typed_and_typed_ones_stay() {
        let check = |name: &str, value: &str, wanted: Option<&str>| {
            let mut value: Value = serde_json::from_str(value).unwrap();
            let before = value.to_string();
            let result = make_typed(name, &mut value);
            match wanted {
                Some(wanted) => {
                    assert_eq!(result, Ok(()), "{name} {before}");
                    assert_eq!(value.to_string(), wanted, "{name} {before}");
                }
                None => assert!(result.unwrap_err().contains(allowed(name)), "{name} {before}"),
            }
        };
        check("ncpus", "2", Some(r#"["Numeric","2"]"#));
        check("ncpus", "\"2\"", Some(r#"["Numeric","2"]"#));
        check("ncpus", "[\"2\"]", Some(r#"["Numeric","2"]"#));
        check("nram", "[\"4096\"]", Some(r#"["Numeric","4096"]"#));
        check("nram", "[4096]", Some(r#"["Numeric","4096"]"#));
        check("nram", "4096.5", Some(r#"["Numeric","4096.5"]"#));
        check("nram", r#"["Numeric", 4096]"#, Some(r#"["Numeric","4096"]"#));
        check("ncpus", r#"["Numeric","02"]"#, Some(r#"["Numeric","02"]"#));
        check("type", "\"X86_64\"", Some(r#"["String","X86_64"]"#));
        check("type", "[\"X86_64\"]", Some(r#"["String","X86_64"]"#));
        check("awshost", "true", Some(r#"["Boolean","1"]"#));
        check("awshost", "false", Some(r#"["Boolean","0"]"#));
        check("awshost", r#"["Boolean","1"]"#, Some(r#"["Boolean","1"]"#));
        check("lowprio", r#"["Boolean", 0]"#, Some(r#"["Boolean","0"]"#));
        check("lowprio", r#"["Boolean", true]"#, Some(r#"["Boolean","1"]"#));
        check("zone", r#"["String", 7]"#, Some(r#"["String","7"]"#));
        check("zone", r#"["String", true]"#, Some(r#"["String","1"]"#));
        check("zone", "\"7\"", Some(r#"["String","7"]"#));
        check("rank", "-1.5", Some(r#"["Numeric","-1.5"]"#));
        check("cost", "0.10", Some(r#"["Numeric","0.10"]"#));
        for (name, value) in [
            ("ncpus", "0"),
            ("ncpus", "-1"),
            ("ncpus", "\"two\""),
            ("ncpus", "true"),
            ("ncpus", "null"),
            ("ncpus", r#"["String","2"]"#),
            ("ncpus", r#"["Numeric","x"]"#),
            ("ncpus", "[]"),
            ("ncpus", "{}"),
            ("ncpus", "1e3"),
            ("type", "\"\""),
            ("type", r#"["Numeric","1"]"#),
            ("rank", "\"high\""),
            ("lowprio", r#"["Boolean", null]"#),
            ("lowprio", r#"["Boolean", [0]]"#),
            ("cost", r#"["Numeric", true]"#),
            ("type", r#"["Boolean", 1]"#),
            ("ncpus", r#"["Boolean", 2]"#),
            ("zone", "null"),
            ("zone", r#"["a","b"]"#),
            ("zone", r#"["String","a","b"]"#),
        ] {
            check(name, value, None);
        }
    }

    /// A number may stand for a truth, and anything for a text; no text for a number or a truth.
    #[test]
    fn plain_values_under_a_type() {
        for (inferred, kind, may) in [
            ("Numeric", "Numeric", true),
            ("Numeric", "String", true),
            ("Boolean", "String", true),
            ("Numeric", "Boolean", true),
            ("String", "Boolean", false),
            ("String", "Numeric", false),
            ("Boolean", "Numeric", false),
        ] {
            assert_eq!(may_stand_as(inferred, kind), may, "{inferred} as {kind}");
        }
    }
}
