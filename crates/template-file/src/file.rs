//! A template file that is edited: only what changes is written anew, the rest stays byte for byte.

use std::ops::Range;

use ohfp_broker::{Error, ErrorKind, Result, json};
use ohfp_resolver::{hf_name, template_id};
use serde_json::{Map, Value};

use crate::print::{self, Layout};
use crate::spans::{self, MemberSpan};

/// The text of a template file: `{"templates": […]}`, or the list alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFile {
    text: String,
    /// Whether a byte order mark stands before the text.
    has_mark: bool,
}

const MARK: &[u8] = b"\xef\xbb\xbf";

impl TemplateFile {
    /// A file without templates.
    pub fn new() -> Self {
        Self { text: print::document([]), has_mark: false }
    }

    /// The content of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] with the line where it is no template file.
    pub fn parse(content: &[u8]) -> Result<Self> {
        let has_mark = content.starts_with(MARK);
        let content = content.strip_prefix(MARK).unwrap_or(content);
        let text = std::str::from_utf8(content)
            .map_err(|error| Error::new(ErrorKind::Input, "it is not UTF-8").cause(error))?;
        let file = Self { text: text.to_owned(), has_mark };
        file.templates()?;
        Ok(file)
    }

    /// The text, without the byte order mark.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The content to write.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = if self.has_mark { MARK.to_vec() } else { Vec::new() };
        bytes.extend_from_slice(self.text.as_bytes());
        bytes
    }

    /// The fields of a template as they are written; `None` if the file has no such template.
    pub fn template(&self, id: &str) -> Option<Map<String, Value>> {
        let span = self.find(id).ok()?;
        json::object(self.text.get(span)?).ok()
    }

    /// Adds a template at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] without a `templateId`, [`ErrorKind::Refused`] where the file has it already.
    pub fn add(&mut self, template: &Map<String, Value>) -> Result<()> {
        let id = id_of(template)?;
        if self.find(id).is_ok() {
            return Err(Error::new(ErrorKind::Refused, format!("there is a template `{id}` already"))
                .hint("`templates update` changes fields of it, `templates replace` all of it"));
        }
        let list = self.list()?;
        let elements = spans::elements(&self.text, list.clone())?;
        let layout = self.layout(&list, &elements);
        let text = print::object(template, &layout);
        self.insert(&list, &elements, &text, &layout);
        Ok(())
    }

    /// Puts a template in the place of the one with its id.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] without a `templateId`, [`ErrorKind::NotFound`] where the file does not have it.
    pub fn replace(&mut self, template: &Map<String, Value>) -> Result<()> {
        let span = self.find(id_of(template)?)?;
        let list = self.list()?;
        let elements = spans::elements(&self.text, list.clone())?;
        let text = print::object(template, &self.layout(&list, &elements));
        self.text.replace_range(span, &text);
        Ok(())
    }

    /// Changes fields of a template: a value takes the place of the one under any spelling of its name, null removes the
    /// field. Attributes are changed one by one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the file does not have the template.
    pub fn merge(&mut self, id: &str, changes: &Map<String, Value>) -> Result<()> {
        for (name, value) in changes.iter().filter(|(name, _)| hf_name(name) != "templateId") {
            let object = self.find(id)?;
            match (hf_name(name), value) {
                ("attributes", Value::Object(attributes)) => {
                    for (attribute, value) in attributes {
                        let object = self.find(id)?;
                        let members = spans::members(&self.text, object.clone())?;
                        let whole = members.iter().rfind(|member| hf_name(&member.name) == "attributes");
                        match whole.map(|member| member.value.clone()) {
                            Some(inner)
                                if self.text.get(inner.clone()).is_some_and(|text| text.starts_with('{')) =>
                            {
                                self.set(inner, attribute, value, |name| name)?;
                            }
                            _ => {
                                let one = Map::from_iter([(attribute.clone(), value.clone())]);
                                self.set(object, name, &Value::Object(one), hf_name)?;
                            }
                        }
                    }
                }
                _ => self.set(object, name, value, hf_name)?,
            }
        }
        Ok(())
    }

    /// Removes a template.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the file does not have it.
    pub fn remove(&mut self, id: &str) -> Result<()> {
        let span = self.find(id)?;
        let list = self.list()?;
        let elements = spans::elements(&self.text, list.clone())?;
        self.cut(&list, &elements, &span);
        Ok(())
    }

    /// Sets a member of the object at `object`; null removes it. Names are the same where `meant` gives the same.
    fn set(
        &mut self,
        object: Range<usize>,
        name: &str,
        value: &Value,
        meant: impl Fn(&str) -> &str,
    ) -> Result<()> {
        let members = spans::members(&self.text, object.clone())?;
        let known: Vec<&MemberSpan> =
            members.iter().filter(|member| meant(&member.name) == meant(name)).collect();
        let wholes: Vec<Range<usize>> = members.iter().map(MemberSpan::whole).collect();
        match (known.as_slice(), value) {
            ([], Value::Null) => {}
            ([], value) => {
                let layout = self.layout(&object, &wholes);
                let text = print::member(name, value);
                self.insert(&object, &wholes, &text, &layout);
            }
            // Of a repeated member the last one counts; one that is removed is removed everywhere.
            (known, Value::Null) => {
                let spans: Vec<Range<usize>> = known.iter().rev().map(|member| member.whole()).collect();
                for span in spans {
                    let members = spans::members(&self.text, self.object_at(object.start)?)?;
                    let wholes: Vec<Range<usize>> = members.iter().map(MemberSpan::whole).collect();
                    self.cut(&self.object_at(object.start)?, &wholes, &span);
                }
            }
            ([.., last], value) => {
                let same =
                    self.text.get(last.value.clone()).and_then(|text| json::from_slice(text.as_bytes()).ok());
                if same.as_ref() != Some(value) {
                    self.text.replace_range(last.value.clone(), &print::inline(value));
                }
            }
        }
        Ok(())
    }

    /// The object that begins at an offset.
    fn object_at(&self, start: usize) -> Result<Range<usize>> {
        let rest = self.text.get(start..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<&serde_json::value::RawValue>();
        let object = stream.next().and_then(std::result::Result::ok).map_or(0, |object| object.get().len());
        if object == 0 {
            Err(Error::new(ErrorKind::Input, "it is no template file"))
        } else {
            Ok(start..start + object)
        }
    }

    /// Adds an item behind the others of a list or an object.
    fn insert(&mut self, container: &Range<usize>, items: &[Range<usize>], item: &str, layout: &Layout) {
        let Layout { element, newline, .. } = layout;
        match (items.last(), element) {
            (Some(last), Some(indent)) => {
                self.text.insert_str(last.end, &format!(",{newline}{indent}{item}"));
            }
            (Some(last), None) => self.text.insert_str(last.end, &format!(", {item}")),
            (None, indent) => {
                let inside = container.start + 1..container.end.saturating_sub(1);
                let text = match indent {
                    Some(indent) => {
                        format!("{newline}{indent}{item}{newline}{}", self.indent_of_line(container.start))
                    }
                    None => item.to_owned(),
                };
                self.text.replace_range(inside, &text);
            }
        }
    }

    /// Cuts an item out of a list or an object, with one of the commas beside it.
    fn cut(&mut self, container: &Range<usize>, items: &[Range<usize>], item: &Range<usize>) {
        let Some(index) = items.iter().position(|known| known == item) else { return };
        let (before, after) = (index.checked_sub(1).and_then(|index| items.get(index)), items.get(index + 1));
        let range = match (before, after) {
            (_, Some(after)) => item.start..after.start,
            (Some(before), None) => before.end..item.end,
            (None, None) => container.start + 1..container.end.saturating_sub(1),
        };
        self.text.replace_range(range, "");
    }

    /// How the items of a container are laid out; those of an empty one as the text is.
    fn layout(&self, container: &Range<usize>, items: &[Range<usize>]) -> Layout {
        let newline = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let outer = self.indent_of_line(container.start);
        let first = items.first();
        let begins_line = |at: usize| {
            let before = self.text.get(..at).unwrap_or_default();
            let start = before.rfind('\n').map(|newline| newline + 1);
            start.and_then(|start| before.get(start..)).filter(|indent| indent.trim().is_empty())
        };
        let element = match first {
            Some(first) => begins_line(first.start).map(str::to_owned),
            None if self.text.trim_end().contains('\n') => Some(format!("{outer}  ")),
            None => None,
        };
        // The step of the first element's own members, or that of the element itself.
        let inner = first.and_then(|first| {
            let members = spans::members(&self.text, first.clone()).ok()?;
            begins_line(members.first()?.key.start)
        });
        let step = match (&element, inner) {
            (Some(element), Some(inner)) => inner.strip_prefix(element.as_str()),
            (Some(element), None) => element.strip_prefix(outer),
            (None, _) => None,
        };
        let step = step.filter(|step| !step.is_empty()).unwrap_or("  ").to_owned();
        Layout { element, step, newline }
    }

    /// The space that the line of an offset begins with.
    fn indent_of_line(&self, at: usize) -> &str {
        let before = self.text.get(..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text.get(start..).unwrap_or_default();
        let end = line.find(|letter: char| !matches!(letter, ' ' | '\t')).unwrap_or(0);
        line.get(..end).unwrap_or_default()
    }

    fn list(&self) -> Result<Range<usize>> {
        let whole = spans::document(&self.text)?;
        if self.text.get(whole.clone()).is_some_and(|text| text.starts_with('[')) {
            return Ok(whole);
        }
        let wrong = |message: &str| Error::new(ErrorKind::Input, message.to_owned());
        let members = spans::members(&self.text, whole)?;
        let mut named = members.into_iter().filter(|member| member.name == "templates");
        match (named.next(), named.next()) {
            (Some(only), None) => Ok(only.value),
            (Some(_), Some(_)) => Err(wrong("`templates` is given twice; only one list can count")),
            (None, _) => Err(wrong("there is no `templates` in this file; it must be a list")),
        }
    }

    fn templates(&self) -> Result<Vec<(String, Range<usize>)>> {
        let mut templates = Vec::new();
        for element in spans::elements(&self.text, self.list()?)? {
            let members = spans::members(&self.text, element.clone()).unwrap_or_default();
            let id = members.iter().rfind(|member| hf_name(&member.name) == "templateId");
            let id = id.and_then(|id| serde_json::from_str(self.text.get(id.value.clone())?).ok());
            templates.push((id.unwrap_or_default(), element));
        }
        Ok(templates)
    }

    fn find(&self, id: &str) -> Result<Range<usize>> {
        let found = self.templates()?.into_iter().find(|(known, _)| known == id);
        found.map(|(_, span)| span).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there is no template `{id}` in this file"))
        })
    }
}

impl Default for TemplateFile {
    fn default() -> Self {
        Self::new()
    }
}

/// The id of a template, under any spelling of its name.
pub(crate) fn id_of(template: &Map<String, Value>) -> Result<&str> {
    template_id(template)
        .ok_or_else(|| Error::new(ErrorKind::Input, "this template has no `templateId`, which is a string"))
}

#[cfg(test)]
mod tests;
