//! Templates as JSON text: a field on a line, values on one line, digits and order as they are.

use std::fmt::Write as _;

pub(crate) use ohfp_resolver::edit::{inline, member};
use serde_json::{Map, Value};

/// How a text is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Before an element of the list; `None` where all is on one line.
    pub(crate) element: Option<String>,
    /// What a level adds.
    pub(crate) step: String,
    pub(crate) newline: &'static str,
}

/// A document of templates.
pub fn document<'t>(templates: impl IntoIterator<Item = &'t Map<String, Value>>) -> String {
    let layout = Layout { element: Some("    ".to_owned()), step: "  ".to_owned(), newline: "\n" };
    let mut text = "{\n  \"templates\": [".to_owned();
    let mut separator = "";
    for template in templates {
        let _ = write!(text, "{separator}\n    {}", object(template, &layout));
        separator = ",";
    }
    text.push_str(if separator.is_empty() { "]\n}\n" } else { "\n  ]\n}\n" });
    text
}

/// A template in the layout of its file, from `{` to `}`.
pub(crate) fn object(template: &Map<String, Value>, layout: &Layout) -> String {
    let Some(outer) = layout.element.as_ref().filter(|_| !template.is_empty()) else {
        return inline(&Value::Object(template.clone()));
    };
    let Layout { step, newline, .. } = layout;
    let mut text = "{".to_owned();
    let mut separator = "";
    for (name, value) in template {
        let _ = write!(text, "{separator}{newline}{outer}{step}{}", member(name, value));
        separator = ",";
    }
    let _ = write!(text, "{newline}{outer}}}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_templates() {
        let templates =
            [r#"{"templateId":"a","attributes":{"ncpus":["Numeric","2"]},"x":1.50,"y":[],"z":{}}"#, "{}"]
                .map(|text| ohfp_broker::json::object(text).unwrap());
        assert_eq!(
            document(&templates),
            concat!(
                "{\n  \"templates\": [\n    {\n      \"templateId\": \"a\",\n",
                "      \"attributes\": {\"ncpus\": [\"Numeric\", \"2\"]},\n      \"x\": 1.50,\n      \"y\": [],\n",
                "      \"z\": {}\n    },\n    {}\n  ]\n}\n"
            )
        );
        assert_eq!(document([]), "{\n  \"templates\": []\n}\n");
    }
}
