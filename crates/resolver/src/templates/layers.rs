//! Fields of one layer over those of another: a field that is written counts, a missing one comes from the layer
//! below; tags and attributes are joined by their keys.
//!
//! Layers are the files of an override chain, and the defaults of a provider, of its type, and of all templates. It must
//! not know which layer it is given.

use ohfp_broker::launch_spec::Tags;
use serde_json::{Map, Value};

/// Fields that say which machines are meant. A template has them from one layer: a type beside the requirements of
/// another layer would contradict them.
const MACHINES: [&str; 3] = ["vmType", "vmTypes", "abisInstanceRequirements"];

/// Adds to `fields` what they lack and the layer below has. Both have Host Factory's names.
pub fn add_below<'b>(
    fields: &mut Map<String, Value>,
    below: impl IntoIterator<Item = (&'b String, &'b Value)>,
) {
    let says_machines = MACHINES.iter().any(|name| fields.contains_key(*name));
    for (name, value) in below {
        match fields.get_mut(name) {
            Some(own) => join(name, own, value),
            None if says_machines && MACHINES.contains(&name.as_str()) => (),
            None => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Joins the values of fields that are made of keys.
fn join(name: &str, own: &mut Value, below: &Value) {
    match (name, &mut *own, below) {
        ("attributes", Value::Object(own), Value::Object(below)) => {
            for (key, value) in below {
                if !own.contains_key(key) {
                    own.insert(key.clone(), value.clone());
                }
            }
        }
        ("instanceTags", Value::String(text), Value::String(below)) => {
            if let Some(joined) = Tags::over(text, below) {
                *text = joined;
            }
        }
        _ => (),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_layer_above_count() {
        let check = |above: &str, below: &str, expected: &str| {
            let mut fields: Map<String, Value> = serde_json::from_str(above).unwrap();
            let below: Map<String, Value> = serde_json::from_str(below).unwrap();
            add_below(&mut fields, &below);
            assert_eq!(Value::Object(fields).to_string(), expected, "{above} over {below:?}");
        };
        check(r#"{"a":1}"#, r#"{"b":2,"a":3}"#, r#"{"a":1,"b":2}"#);
        check(r#"{"a":null}"#, r#"{"a":3}"#, r#"{"a":null}"#);
        check(r#"{"a":{"x":1}}"#, r#"{"a":{"y":2}}"#, r#"{"a":{"x":1}}"#);
        check(
            r#"{"attributes":{"ncpus":1}}"#,
            r#"{"attributes":{"ncpus":9,"rank":2}}"#,
            r#"{"attributes":{"ncpus":1,"rank":2}}"#,
        );
        check(r#"{"attributes":5}"#, r#"{"attributes":{"ncpus":9}}"#, r#"{"attributes":5}"#);
        for (own, below, joined) in [
            ("a=1", "b=2;a=3", "a=1;b=2"),
            ("a=1;", "b=2;", "a=1;b=2"),
            ("", "b=2", "b=2"),
            ("a=1", "", "a=1"),
            ("a=1", "a=2", "a=1"),
            ("no tags", "b=2", "no tags"),
            ("a=1", "no tags", "a=1"),
            ("a=1;b=2", "b=3;c=4", "a=1;b=2;c=4"),
        ] {
            check(
                &format!(r#"{{"instanceTags":"{own}"}}"#),
                &format!(r#"{{"instanceTags":"{below}"}}"#),
                &format!(r#"{{"instanceTags":"{joined}"}}"#),
            );
        }
        check(
            r#"{"vmTypes":{"m5.large":1}}"#,
            r#"{"vmType":"c5.large","iops":1}"#,
            r#"{"vmTypes":{"m5.large":1},"iops":1}"#,
        );
        check(r#"{"vmType":"c5.large"}"#, r#"{"abisInstanceRequirements":{}}"#, r#"{"vmType":"c5.large"}"#);
        check(
            "{}",
            r#"{"vmType":"c5.large","vmTypes":{"m5.large":1}}"#,
            r#"{"vmType":"c5.large","vmTypes":{"m5.large":1}}"#,
        );
    }
}
