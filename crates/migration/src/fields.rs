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
}
