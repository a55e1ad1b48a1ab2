//! What differs between two states of a template, field by field.

use ohfp_resolver::hf_name;
use serde_json::{Map, Value};

/// A field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Id of the template.
    pub template: String,
    /// Host Factory's name of the field; `attributes.ncpus` for an attribute.
    pub field: String,
    /// The value before; `None` if there was none.
    pub before: Option<Value>,
    /// The value afterwards; `None` if there is none.
    pub after: Option<Value>,
}

impl FieldChange {
    /// The fields that differ, those of the earlier state first. A template that is not there has no fields.
    pub fn between(
        template: &str,
        before: Option<&Map<String, Value>>,
        after: Option<&Map<String, Value>>,
    ) -> Vec<Self> {
        let (before, after) = (flat(before), flat(after));
        let value = |fields: &[(String, Value)], name: &str| {
            fields.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let mut names: Vec<&String> = Vec::new();
        for (name, _) in before.iter().chain(&after) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let changes = names.into_iter().map(|name| Self {
            template: template.to_owned(),
            field: name.clone(),
            before: value(&before, name),
            after: value(&after, name),
        });
        changes.filter(|change| change.before != change.after).collect()
    }
}

/// Fields under Host Factory's names, with each attribute by itself.
fn flat(fields: Option<&Map<String, Value>>) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (name, value) in fields.into_iter().flatten() {
        match (hf_name(name), value) {
            ("attributes", Value::Object(attributes)) => {
                let members = attributes.iter();
                flat.extend(members.map(|(name, value)| (format!("attributes.{name}"), value.clone())));
            }
            (name, value) => flat.push((name.to_owned(), value.clone())),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_differ() {
        let check = |before: &str, after: &str, expected: &[&str]| {
            let object = |text: &str| (!text.is_empty()).then(|| ohfp_broker::json::object(text).unwrap());
            let (before, after) = (object(before), object(after));
            let shown = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), ToString::to_string);
            let found: Vec<String> = FieldChange::between("a", before.as_ref(), after.as_ref())
                .iter()
                .map(|change| format!("{} {} {}", change.field, shown(&change.before), shown(&change.after)))
                .collect();
            assert_eq!(found, expected, "{before:?} {after:?}");
        };
        check(r#"{"maxNumber": 1}"#, r#"{"max_instances": 1}"#, &[]);
        check(
            r#"{"maxNumber": 1, "x": 1.0}"#,
            r#"{"x": 1.00, "y": null}"#,
            &["maxNumber 1 -", "x 1.0 1.00", "y - null"],
        );
        check(
            r#"{"attributes": {"ncpus": 1, "rank": 2}}"#,
            r#"{"attributes": {"ncpus": 3, "rank": 2}}"#,
            &["attributes.ncpus 1 3"],
        );
        check("", r#"{"templateId": "a"}"#, &[r#"templateId - "a""#]);
        check(r#"{"templateId": "a"}"#, "", &[r#"templateId "a" -"#]);
    }
}
