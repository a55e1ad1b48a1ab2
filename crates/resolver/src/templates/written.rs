//! A template as it is written: its part of each file that has it, and the positions of its fields there.
//!
//! It must not know what a field means.

use crate::source::text::{SourcePosition, Step, Text, find, members};
use crate::templates::fields;

/// A position: a text, and an offset in bytes.
pub(super) type At<'t> = (&'t Text, usize);

/// The object of a template in one file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'t> {
    pub(super) text: &'t Text,
    /// A slice of the text.
    pub(super) object: &'t str,
}

/// The parts of a template, the one whose fields count first.
#[derive(Debug)]
pub(super) struct Written<'t> {
    first: Part<'t>,
    others: Vec<Part<'t>>,
}

impl<'t> Written<'t> {
    pub(super) fn new(text: &'t Text, object: &'t str) -> Self {
        Self { first: Part { text, object }, others: Vec::new() }
    }

    /// The part whose fields count.
    pub(super) fn first(&self) -> Part<'t> {
        self.first
    }

    fn parts(&self) -> impl Iterator<Item = Part<'t>> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// Whether this file has a part of the template.
    pub(super) fn is_in(&self, text: &Text) -> bool {
        self.parts().any(|part| part.text.number == text.number)
    }

    /// Adds a part below all others.
    pub(super) fn add_below(&mut self, part: Part<'t>) {
        self.others.push(part);
    }

    /// Adds a part above all others.
    pub(super) fn add_above(&mut self, part: Part<'t>) {
        self.others.insert(0, std::mem::replace(&mut self.first, part));
    }

    /// Where the template begins.
    pub(super) fn start(&self) -> At<'t> {
        self.first.start()
    }

    /// The value of a field, in any spelling of its name; the template if the field is absent.
    pub(super) fn field(&self, hf: &str) -> At<'t> {
        self.parts().find_map(|part| part.field(hf)).unwrap_or_else(|| self.start())
    }

    /// The value of a member of a field; that of the field if it is absent.
    pub(super) fn member(&self, hf: &str, member: &str) -> At<'t> {
        self.parts().find_map(|part| part.member(hf, member)).unwrap_or_else(|| self.field(hf))
    }

    /// The name of a field, in exactly this spelling.
    pub(super) fn name(&self, name: &str) -> At<'t> {
        self.parts().find_map(|part| part.name(name)).unwrap_or_else(|| self.start())
    }
}

impl<'t> Part<'t> {
    pub(super) fn start(self) -> At<'t> {
        (self.text, self.text.offset(self.object))
    }

    /// Where it begins, for messages.
    pub(super) fn place(self) -> SourcePosition {
        let (text, at) = self.start();
        text.place(at)
    }

    fn at(self, part: &str) -> At<'t> {
        (self.text, self.text.offset(part))
    }

    fn value(self, hf: &str) -> Option<&'t str> {
        let members = members(self.object);
        members.iter().rfind(|member| fields::hf_name(&member.name()) == hf).map(|member| member.value.get())
    }

    fn field(self, hf: &str) -> Option<At<'t>> {
        self.value(hf).map(|value| self.at(value))
    }

    fn member(self, hf: &str, member: &str) -> Option<At<'t>> {
        find(self.value(hf)?, &[Step::Key(member)]).map(|part| self.at(part))
    }

    fn name(self, name: &str) -> Option<At<'t>> {
        let members = members(self.object);
        members.iter().rfind(|member| member.name() == name).map(|member| self.at(member.key.get()))
    }
}
