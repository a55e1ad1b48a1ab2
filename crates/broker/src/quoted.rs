//! Values that are written in another type than they are meant: numbers and booleans in quotes, whole numbers
//! with a decimal point. IBM's readers and other brokers' take them, so files in use have them.
//!
//! It must not know the use of a value; the caller decides whether a reading is valid.

use serde_json::{Map, Number, Value};

/// The values that `value` may stand for, apart from itself. Lists and objects are read element by element.
///
/// ```
/// use ohfp_broker::quoted::readings;
/// use serde_json::json;
///
/// assert_eq!(readings(&json!("8080")), [json!(8080)]);
/// assert_eq!(readings(&json!("True")), [json!(true)]);
/// assert_eq!(readings(&json!(["1", 2])), [json!([1, 2])]);
/// assert_eq!(readings(&json!("eighty")), Vec::<serde_json::Value>::new());
/// ```
pub fn readings(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => text_readings(text.trim()),
        Value::Number(number) => number_readings(number),
        Value::Array(items) => {
            let read: Vec<Value> = items.iter().map(first).collect();
            if read == *items { Vec::new() } else { vec![Value::Array(read)] }
        }
        Value::Object(members) => {
            let read: Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), first(value))).collect();
            if read == *members { Vec::new() } else { vec![Value::Object(read)] }
        }
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}

/// An element; 0 and 1 stay numbers beside other numbers.
fn first(value: &Value) -> Value {
    if value.is_i64() || value.is_u64() {
        return value.clone();
    }
    readings(value).into_iter().next().unwrap_or_else(|| value.clone())
}

fn text_readings(text: &str) -> Vec<Value> {
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return vec![Value::Bool(text.eq_ignore_ascii_case("true"))];
    }
    // What JSON takes for a number; no word such as `inf`, and no `0x10`.
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let number = if is_number { serde_json::from_str::<Number>(text).ok() } else { None };
    match number {
        Some(number) => number_readings(&number).into_iter().chain([Value::Number(number)]).rev().collect(),
        None => Vec::new(),
    }
}

/// `5.0` is 5; 0 and 1 are what other files have for false and true.
fn number_readings(number: &Number) -> Vec<Value> {
    if let Some(truth @ (0 | 1)) = number.as_u64() {
        return vec![Value::Bool(truth == 1)];
    }
    let whole = number.as_f64().filter(|float| !number.is_i64() && !number.is_u64() && float.fract() == 0.0);
    // As text, so that what no integer holds becomes none.
    let whole = whole.and_then(|float| format!("{float:.0}").parse::<i64>().ok());
    whole.map(Value::from).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_as_they_are_meant() {
        let check = |value: Value, wanted: Value| {
            assert_eq!(Value::Array(readings(&value)), wanted, "{value}");
        };
        check(json!("5"), json!([5]));
        check(json!(" -5 "), json!([-5]));
        check(json!("0.5"), json!([0.5]));
        check(json!("5.0"), json!([5.0, 5]));
        check(json!("1"), json!([1, true]));
        check(json!("FALSE"), json!([false]));
        check(json!(5.0), json!([5]));
        check(json!(1), json!([true]));
        check(json!({ "a": "2", "b": "x" }), json!([{ "a": 2, "b": "x" }]));
        for none in [
            json!("five"),
            json!(""),
            json!("0x10"),
            json!("inf"),
            json!("007"),
            json!("5 apples"),
            json!(5),
            json!(0.5),
            json!(1e300),
            json!(null),
            json!(true),
            json!([2, "x"]),
        ] {
            check(none, json!([]));
        }
    }
}
