//! Where templates and their fields are in the files: for messages about templates that are resolved already.

use std::collections::HashMap;
use std::ops::Range;

use crate::source::findings::Findings;
use crate::source::text::{Member, SourcePosition, Text, members};
use crate::templates::{fields, files};

/// The template files, with the part of each template.
#[derive(Debug)]
pub struct Places {
    texts: Vec<Text>,
    /// By id: the number of the text, and the template's part of it.
    parts: HashMap<String, (usize, Range<usize>)>,
}

impl Places {
    /// The templates of these texts. If an id is there twice, the first one counts.
    pub(super) fn new(texts: Vec<Text>, findings: &mut Findings) -> Self {
        let mut parts = HashMap::new();
        for (number, text) in texts.iter().enumerate() {
            for part in files::templates(text, findings) {
                let start = text.offset(part);
                if let Some(id) = id(text, part) {
                    parts.entry(id).or_insert((number, start..start + part.len()));
                }
            }
        }
        Self { texts, parts }
    }

    /// The place of a template's field, by Host Factory's name of it; that of the template if it does not have the
    /// field. `None` for an id that is in no file.
    pub fn of(&self, template: &str, field: &str) -> Option<SourcePosition> {
        let (number, range) = self.parts.get(template)?;
        let text = self.texts.get(*number)?;
        let part = text.as_str().get(range.clone())?;
        let members = members(part);
        let member = members.iter().rfind(|member| fields::is_called(&member.name(), field));
        Some(text.place(text.offset(member.map_or(part, |member| member.key.get()))))
    }
}

fn id(text: &Text, part: &str) -> Option<String> {
    let members = members(part);
    let is_id = |member: &&Member<'_>| fields::is_called(&member.name(), "templateId");
    let value = members.iter().rfind(is_id).and_then(|id| text.value(id.value.get()).ok())?;
    value.as_str().map(str::to_owned)
}
