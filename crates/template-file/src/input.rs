//! Templates that are given to a command: JSON or YAML, one template, a list of them, or a template file.

use ohfp_broker::{Error, ErrorKind, Result, json};
use ohfp_resolver::template_id;
use serde_json::{Map, Value};

use crate::file::id_of;
use crate::yaml;

/// The templates of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateInput {
    /// Their fields as they are written, in order.
    pub templates: Vec<Map<String, Value>>,
    /// Whether it is a list, even of one template.
    pub is_list: bool,
}

impl TemplateInput {
    /// Reads a document. Its name decides between JSON and YAML, else its first letter.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] with the name and the place of what is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let wrong = |message: String| Error::new(ErrorKind::Input, format!("{name}: {message}"));
        let (found, is_list) = match value(name, text)? {
            Value::Array(list) => (list, true),
            Value::Object(mut members) => match members.remove("templates") {
                Some(Value::Array(list)) => (list, true),
                Some(_) => return Err(wrong("`templates` must be a list".to_owned())),
                None => (vec![Value::Object(members)], false),
            },
            _ => {
                return Err(wrong(
                    "expected a template, a list of templates, or {\"templates\": […]}".to_owned(),
                ));
            }
        };
        let mut templates: Vec<Map<String, Value>> = Vec::new();
        for (number, template) in found.into_iter().enumerate() {
            let numbered = |message: &str| wrong(format!("template {}: {message}", number + 1));
            let Value::Object(fields) = template else {
                return Err(numbered("it must be an object"));
            };
            let id = id_of(&fields).map_err(|error| numbered(&error.summary()))?;
            if templates.iter().any(|other| id_of(other) == Ok(id)) {
                return Err(numbered(&format!("the templateId `{id}` is there twice")));
            }
            templates.push(fields);
        }
        Ok(Self { templates, is_list })
    }

    /// A document as a template file in JSON, with as little checked as possible: what reads the file tells the rest,
    /// with its place. Values of YAML are on the lines that they have there.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] with the place of what is wrong in YAML.
    pub fn as_file(name: &str, text: &str) -> Result<String> {
        let json = json_of(name, text)?;
        let is_single = json::object(&json).is_ok_and(|members| !members.contains_key("templates"));
        Ok(if is_single { format!("[{json}]") } else { json })
    }

    /// Reads a document that is one object, which may lack an id: fields of a template.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn fields(name: &str, text: &str) -> Result<Map<String, Value>> {
        match value(name, text)? {
            Value::Object(members) if !members.contains_key("templates") => Ok(members),
            _ => {
                let message = format!("{name}: expected an object with fields of a template");
                Err(Error::new(ErrorKind::Input, message))
            }
        }
    }

    /// The id among fields, under any spelling of its name.
    pub fn id_in(fields: &Map<String, Value>) -> Option<&str> {
        template_id(fields)
    }

    /// The id of each template.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().filter_map(template_id)
    }
}

/// The document.
fn value(name: &str, text: &str) -> Result<Value> {
    let json = json_of(name, text)?;
    json::from_slice(json.as_bytes())
        .map_err(|error| Error::new(ErrorKind::Input, format!("{name}: {error}")))
}

/// The document as JSON, without a byte order mark.
fn json_of(name: &str, text: &str) -> Result<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_json = match extension {
        "json" => true,
        "yaml" | "yml" => false,
        _ => text.trim_start().starts_with(['{', '[']),
    };
    if is_json {
        return Ok(text.to_owned());
    }
    yaml::to_json(text).map_err(|fault| {
        let message = format!("{name}:{}:{}: {}", fault.line, fault.column, fault.message);
        Error::new(ErrorKind::Input, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_document() {
        let check = |name: &str, text: &str, expected: Result<(&str, bool), &str>| {
            let found = TemplateInput::parse(name, text)
                .map(|input| (input.ids().collect::<Vec<_>>().join(" "), input.is_list));
            let found = found.map_err(|error| error.summary());
            let expected = expected.map(|(ids, is_list)| (ids.to_owned(), is_list)).map_err(str::to_owned);
            assert_eq!(found, expected, "{name} {text}");
        };
        check("a.json", r#"{"templateId": "a"}"#, Ok(("a", false)));
        check("-", r#"[{"templateId": "a"}, {"template_id": "b"}]"#, Ok(("a b", true)));
        check("-", r#" {"message": "x", "templates": [{"templateId": "a"}]}"#, Ok(("a", true)));
        check("a.yaml", "\u{feff}templateId: a\n", Ok(("a", false)));
        check("a.yml", "templates:\n- templateId: a\n- templateId: b\n", Ok(("a b", true)));
        check("-", "- templateId: a\n", Ok(("a", true)));
        check("a.yaml", r#"{"templateId": "a"}"#, Ok(("a", false)));
        check("a", "x: [1", Err("a:2:1: while parsing a flow sequence, expected ',' or ']'"));
        check("a", "5", Err("a: expected a template, a list of templates, or {\"templates\": […]}"));
        check("a", "[5]", Err("a: template 1: it must be an object"));
        check("a", "[{}]", Err("a: template 1: this template has no `templateId`, which is a string"));
        check(
            "a",
            r#"[{"templateId": "a"}, {"templateId": "a"}]"#,
            Err("a: template 2: the templateId `a` is there twice"),
        );
        check("a", r#"{"templates": 5}"#, Err("a: `templates` must be a list"));
    }
}
