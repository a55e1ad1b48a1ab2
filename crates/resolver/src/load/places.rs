//! Where templates and their fields are in the files: for messages about templates that are resolved already.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use ohfp_broker::Error;
use serde_json::{Map, Value};

use crate::source::findings::Findings;
use crate::source::text::{SourcePosition, Text, members};
use crate::templates::{fields, files};

/// The template files, with the part of each template.
#[derive(Debug)]
pub struct Places {
    texts: Vec<Text>,
    /// By id: the numbers of the texts, and the template's part of each.
    parts: HashMap<String, Vec<(usize, Range<usize>)>>,
}

impl Places {
    /// The templates of these texts, in the order of the files.
    pub(super) fn new(texts: Vec<Text>, findings: &mut Findings) -> Self {
        let mut parts: HashMap<String, Vec<(usize, Range<usize>)>> = HashMap::new();
        for (number, text) in texts.iter().enumerate() {
            for part in files::templates(text, findings) {
                let start = text.offset(part);
                if let Some(id) = files::id(text, part) {
                    parts.entry(id).or_default().push((number, start..start + part.len()));
                }
            }
        }
        Self { texts, parts }
    }

    /// The template files, in the order in which their templates are offered.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.texts.iter().map(Text::path)
    }

    /// The file that has most templates; of several that have as many, the most specific one.
    pub fn fullest(&self) -> Option<&Path> {
        let templates =
            |file: usize| self.parts.values().flatten().filter(|(number, _)| *number == file).count();
        let files = self.texts.iter().enumerate().rev();
        files.max_by_key(|(number, _)| templates(*number)).map(|(_, text)| text.path())
    }

    /// The files that have a template.
    pub fn files_of(&self, template: &str) -> impl Iterator<Item = &Path> {
        let parts = self.parts.get(template).into_iter().flatten();
        parts.filter_map(|(number, _)| self.texts.get(*number)).map(Text::path)
    }

    /// The ids in the files, in no order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// The fields of a template as the first of its files has them.
    pub fn fields(&self, template: &str) -> Option<Map<String, Value>> {
        let mut parts = self.parts.get(template)?.iter().filter_map(|(number, range)| {
            ohfp_broker::json::object(self.texts.get(*number)?.as_str().get(range.clone())?).ok()
        });
        parts.next()
    }

    /// The error of a field of a template with its place in the files; any other error as it is.
    #[must_use]
    pub fn placed(&self, error: Error) -> Error {
        match error.field().and_then(|at| self.of(&at.template, &at.field)) {
            Some(place) => {
                let message = format!("{place}: {}", error.summary());
                error.with_message(message)
            }
            None => error,
        }
    }

    /// The place of a template's field, by Host Factory's name of it; that of the template if it does not have the
    /// field. `None` for an id that is in no file.
    pub fn of(&self, template: &str, field: &str) -> Option<SourcePosition> {
        let mut parts = self.parts.get(template)?.iter().filter_map(|(number, range)| {
            let text = self.texts.get(*number)?;
            Some((text, text.as_str().get(range.clone())?))
        });
        let first = parts.next()?;
        let member = std::iter::once(first).chain(parts).find_map(|(text, part)| {
            let members = members(part);
            let member = members.iter().rfind(|member| fields::is_called(&member.name(), field))?;
            Some((text, text.offset(member.key.get())))
        });
        let (text, at) = member.unwrap_or_else(|| (first.0, first.0.offset(first.1)));
        Some(text.place(at))
    }
}
