//! Frames around lists.

use serde_json::Value;

/// An object with one more member, a list. Inside `json!` each of its values would be made a second time.
pub(crate) fn with(mut object: Value, name: &str, values: impl Iterator<Item = Value>) -> Value {
    if let Value::Object(members) = &mut object {
        members.insert(name.to_owned(), Value::Array(values.collect()));
    }
    object
}
