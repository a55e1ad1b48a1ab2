//! Fields of templates, in every broker's spelling.
//!
//! It must not know which file a template is from, nor which provider it is for.

use ohfp_resolver::templates::fields::{WrittenName, named, tidied};
use serde_json::{Map, Value};

use crate::report::ImportReport;

/// The fields under Host Factory's names; `prefix` is put before the names in the report.
pub(crate) fn renamed(
    file: &str,
    prefix: (&str, &str),
    given: &Map<String, Value>,
    report: &mut ImportReport,
) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in given {
        let from = format!("{}{name}", prefix.0);
        let hf = match named(name) {
            WrittenName::Field(hf) => hf,
            WrittenName::PassedOn => name.as_str(),
            WrittenName::Misspelled(meant) => {
                report.dropped(file, &from, format!("there is no such field; did you mean `{meant}`?"));
                continue;
            }
        };
        let to = format!("{}{hf}", prefix.1);
        // Of two spellings, the last one counts, as where the file is read in place.
        let mut value = value.clone();
        if tidied(name, &mut value) {
            report.changed(file, &from, &to, "numbers are written without quotes, tags as text");
        } else {
            report.mapped(file, &from, &to);
        }
        fields.insert(hf.to_owned(), value);
    }
    fields
}

/// Adds the fields that a more specific template lacks; tags and attributes are merged by their keys.
pub(crate) fn add_below(specific: &mut Map<String, Value>, general: &Map<String, Value>) {
    for (name, value) in general {
        match (specific.get_mut(name), value) {
            (None, value) => {
                specific.insert(name.clone(), value.clone());
            }
            (Some(Value::Object(own)), Value::Object(below)) if name == "attributes" => {
                for (attribute, value) in below {
                    own.entry(attribute.clone()).or_insert_with(|| value.clone());
                }
            }
            (Some(Value::String(own)), Value::String(below)) if name == "instanceTags" => {
                let has = |own: &str, tag: &str| {
                    let key = |tag: &str| tag.split('=').next().unwrap_or_default().trim().to_owned();
                    own.split(';').any(|one| key(one) == key(tag))
                };
                for tag in below.split(';').filter(|tag| !tag.trim().is_empty()) {
                    if !has(own, tag) {
                        if !own.is_empty() {
                            own.push(';');
                        }
                        own.push_str(tag.trim());
                    }
                }
            }
            _ => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_become_host_factorys() {
        let given = json!({
            "template_id": "a", "max_instances": "5", "subnet_ids": ["s"], "tags": {"k": "v"}, "metadata": {}, "vmTypez": 1
        });
        let mut report = ImportReport::default();
        let fields = renamed("f", ("templates.", ""), given.as_object().unwrap(), &mut report);
        let expected = json!({
            "templateId": "a", "maxNumber": 5, "subnetId": ["s"], "instanceTags": "k=v", "metadata": {}
        });
        assert_eq!(Value::Object(fields), expected);
        assert_eq!(report.rows().len(), 6);
        assert!(report.rows().iter().any(|row| row.name == "templates.vmTypez" && row.to.is_none()));
    }

    #[test]
    fn a_general_template_completes_a_specific_one() {
        let mut own = json!({"maxNumber": 1, "instanceTags": "a=1;b=2", "attributes": {"ncpus": 1}});
        let below = json!({"maxNumber": 2, "keyName": "k", "instanceTags": "b=3;c=4", "attributes": {"ncpus": 9, "nram": 9}});
        add_below(own.as_object_mut().unwrap(), below.as_object().unwrap());
        let expected = json!({"maxNumber": 1, "instanceTags": "a=1;b=2;c=4", "attributes": {"ncpus": 1, "nram": 9}, "keyName": "k"});
        assert_eq!(own, expected);
    }
}
