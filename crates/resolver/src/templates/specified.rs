//! Machine types that specification files name: `specs/…`, where a template lacks attributes and its own fields name no
//! known type.
//!
//! It must not know what a specification means. Its expressions are filled in at a launch only, so the file need not be
//! JSON yet, and its text is searched.

use std::fs;
use std::path::{Component, Path};

use ohfp_broker::Result;
use serde_json::{Map, Value};

use crate::source::trail::Recorder;

/// Directory of the files, below the configuration's.
const DIRECTORY: &str = "specs";
/// Largest file that a launch uses, in bytes.
const LIMIT: usize = 256 * 1024;
/// Fields that name a file, each with the field that counts in its place.
const FIELDS: [(&str, &str); 2] =
    [("provider_api_spec_file", "provider_api_spec"), ("launch_template_spec_file", "launch_template_spec")];

/// The types that the specification files of a template name. Each file is recorded.
///
/// # Errors
/// Those of reading a file that is there, with the field that names it.
pub(super) fn types(
    root: &Path,
    fields: &Map<String, Value>,
    recorder: &mut Recorder<'_>,
) -> std::result::Result<Vec<String>, (&'static str, ohfp_broker::Error)> {
    let mut types = Vec::new();
    for (field, inline) in FIELDS {
        if fields.get(inline).is_some_and(|value| !value.is_null()) {
            continue;
        }
        if let Some(name) = fields.get(field).and_then(Value::as_str) {
            let text =
                read(&root.join(DIRECTORY), Path::new(name), recorder).map_err(|error| (field, error))?;
            types.extend(named_in(&text));
        }
    }
    Ok(types)
}

/// Whether a template has a specification file.
pub(super) fn has_file(fields: &Map<String, Value>) -> bool {
    FIELDS.iter().any(|(field, _)| fields.get(*field).is_some_and(Value::is_string))
}

/// The text of a file below `base`, wherever links lead; empty where it is elsewhere, too large or not there, which a check
/// of the provider says.
fn read(base: &Path, name: &Path, recorder: &mut Recorder<'_>) -> Result<String> {
    let is_below = name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_below {
        return Ok(String::new());
    }
    let path = base.join(name);
    let content = recorder.read(&path)?.filter(|content| content.len() <= LIMIT).unwrap_or_default();
    let places = fs::canonicalize(base).ok().zip(fs::canonicalize(&path).ok());
    let is_elsewhere = places.is_some_and(|(base, path)| !path.starts_with(base));
    Ok(if is_elsewhere { String::new() } else { String::from_utf8(content).unwrap_or_default() })
}

/// The values of `InstanceType` in a text, but for those that a launch fills in.
fn named_in(text: &str) -> impl Iterator<Item = String> {
    text.split("\"InstanceType\"").skip(1).filter_map(|rest| {
        let value = rest.trim_start().strip_prefix(':')?;
        let name = serde_json::Deserializer::from_str(value).into_iter::<String>().next()?.ok()?;
        (!name.contains("{{") && !name.contains("{%")).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_in_any_text() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(named_in(text).collect::<Vec<_>>(), expected, "{text}");
        };
        check(r#"{"InstanceType": "m5.large"}"#, &["m5.large"]);
        check(r#"{% if a %}{"InstanceType"  :"m5.large", "x": ["InstanceType"]}{% endif %}"#, &["m5.large"]);
        check(r#"[{"InstanceType": "{{ x }}"}, {"InstanceType": "c5.large"}]"#, &["c5.large"]);
        check(r#"{"InstanceType": 5, "InstanceTypes": "a", "InstanceType""#, &[]);
        check(r#"{"InstanceType": "m5.lar"#, &[]);
    }
}
