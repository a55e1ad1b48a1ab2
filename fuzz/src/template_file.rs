//! Template files and the templates that are put into them.
//!
//! The promises: no panic; what an edit has written is a template file again, with its template; nothing else of it is
//! lost, byte order mark included; YAML becomes valid JSON.

use ohfp_broker::json;
use ohfp_template_file::{TemplateFile, TemplateInput};
use serde_json::{Map, Value};

/// A file and a document of templates, with a NUL between them. The document is JSON or YAML by its first letter.
pub fn check(bytes: &[u8]) {
    let (content, input) = match bytes.iter().position(|byte| *byte == 0) {
        Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default()),
        None => (bytes, bytes),
    };
    let mut templates: Vec<Map<String, Value>> = Vec::new();
    if let Ok(text) = std::str::from_utf8(input) {
        for name in ["input", "input.yaml"] {
            if let Ok(read) = TemplateInput::parse(name, text) {
                templates.extend(read.templates);
            }
        }
        if let Ok(json) = TemplateInput::as_file("input.yaml", text) {
            assert!(serde_json::from_str::<&serde_json::value::RawValue>(&json).is_ok(), "{json}");
        }
        templates.extend(TemplateInput::fields("input", text));
    }
    let Ok(file) = TemplateFile::parse(content) else { return };
    assert_eq!(file.clone().into_bytes(), content);
    let known = TemplateInput::parse("file.json", file.as_str());
    let ids: Vec<String> =
        known.iter().flat_map(|known| known.ids().map(str::to_owned).collect::<Vec<_>>()).collect();
    for template in &templates {
        edit(&file, |file| file.add(template), TemplateInput::id_in(template).map(|id| (id, template)));
        edit(&file, |file| file.replace(template), TemplateInput::id_in(template).map(|id| (id, template)));
        for id in &ids {
            edit(&file, |file| file.merge(id, template), None);
        }
    }
    for id in &ids {
        edit(&file, |file| file.remove(id), None);
    }
}

/// Makes an edit. Afterwards the file can be read, and has what was put into it.
fn edit(
    file: &TemplateFile,
    change: impl FnOnce(&mut TemplateFile) -> ohfp_broker::Result<()>,
    put: Option<(&str, &Map<String, Value>)>,
) {
    let mut edited = file.clone();
    if change(&mut edited).is_err() {
        return;
    }
    let read = match TemplateFile::parse(&edited.clone().into_bytes()) {
        Ok(read) => read,
        Err(error) => panic!("{error}: {} of {}", edited.as_str(), file.as_str()),
    };
    assert_eq!(read, edited);
    if let Some((id, fields)) = put {
        let written = Value::Object(fields.clone()).to_string();
        assert_eq!(read.template(id), json::object(&written).ok(), "{}", edited.as_str());
    }
}
