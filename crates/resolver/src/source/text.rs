//! A text file with positions, and a JSON reader that keeps the position of every part. A text that was merged from
//! several knows where each of its parts was written.
//!
//! Line and column are computed only when a message needs them. It must not know the meaning of any file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub(crate) use ohfp_broker::json::Member;
use ohfp_broker::json::{self, Json, Members};
use ohfp_broker::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A position in a file, or the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePosition {
    /// The file.
    pub path: PathBuf,
    /// Line and column, from 1, columns in characters.
    pub position: Option<(usize, usize)>,
}

impl fmt::Display for SourcePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match self.position {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// A file's content as text, without a byte order mark.
#[derive(Debug)]
pub(crate) struct Text {
    path: PathBuf,
    /// Position among the files of one load, to keep findings in order.
    pub(crate) number: usize,
    content: String,
    index: OnceLock<Index>,
    /// What it was merged from, if it is not a file.
    written: Option<Written>,
    /// Whether it is the value of an environment variable, whose name is its path.
    is_variable: bool,
}

/// Where the parts of a merged text were written.
#[derive(Debug)]
struct Written {
    texts: Vec<Arc<Text>>,
    /// Offset in the merged text, number of the text, and offset there; sorted by the first.
    parts: Vec<(usize, usize, usize)>,
}

impl Text {
    pub(crate) fn new(path: &Path, number: usize, mut content: Vec<u8>) -> Result<Self> {
        if content.starts_with(b"\xef\xbb\xbf") {
            content.drain(..3);
        }
        let content = String::from_utf8(content).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let before = error.as_bytes().get(..at).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            Error::new(ErrorKind::Input, format!("{}:{line}: byte {at} is not UTF-8", path.display()))
                .hint("save the file as UTF-8")
        })?;
        Ok(Self {
            path: path.to_owned(),
            number,
            content,
            index: OnceLock::new(),
            written: None,
            is_variable: false,
        })
    }

    /// JSON that was merged from `texts`. `parts` are the offset of each part in `content`, in order, the number of its
    /// text, and its offset there.
    pub(crate) fn merged(
        content: String,
        number: usize,
        texts: Vec<Arc<Text>>,
        parts: Vec<(usize, usize, usize)>,
    ) -> Self {
        let path = texts.first().map(|text| text.path.clone()).unwrap_or_default();
        let written = Some(Written { texts, parts });
        Self { path, number, content, index: OnceLock::new(), written, is_variable: false }
    }

    /// The value of an environment variable, as a text without lines.
    pub(crate) fn of_variable(name: &str, number: usize) -> Self {
        Self {
            path: PathBuf::from(format!("${name}")),
            number,
            content: String::new(),
            index: OnceLock::new(),
            written: None,
            is_variable: true,
        }
    }

    /// The text that a part was written in, and its offset there.
    pub(crate) fn origin(&self, offset: usize) -> (&Self, usize) {
        let Some(written) = &self.written else { return (self, offset) };
        let behind = written.parts.partition_point(|(start, ..)| *start <= offset);
        let part = behind.checked_sub(1).and_then(|at| written.parts.get(at));
        match part.and_then(|(_, text, at)| written.texts.get(*text).map(|text| (text, *at))) {
            Some((text, at)) => text.origin(at),
            None => (self, offset),
        }
    }

    /// Whether it is the value of an environment variable.
    pub(crate) fn is_variable(&self) -> bool {
        self.is_variable
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.content
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Offset in bytes of `part`, a slice of this text.
    pub(crate) fn offset(&self, part: &str) -> usize {
        part.as_ptr().addr().saturating_sub(self.content.as_ptr().addr())
    }

    pub(crate) fn place(&self, offset: usize) -> SourcePosition {
        let (text, offset) = self.origin(offset);
        if text.is_variable {
            return SourcePosition { path: text.path.clone(), position: None };
        }
        text.own_place(offset)
    }

    fn own_place(&self, offset: usize) -> SourcePosition {
        let offset = offset.min(self.content.len());
        let index = self.index.get_or_init(|| Index::new(self.content.as_bytes()));
        let line = index.line_starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| index.line_starts.get(line)).copied().unwrap_or(0);
        let characters = |offset| index.characters(self.content.as_bytes(), offset);
        let column = characters(offset).saturating_sub(characters(start)) + 1;
        SourcePosition { path: self.path.clone(), position: Some((line, column)) }
    }

    /// The members of the object in `part`, a slice of this text that may not be JSON.
    pub(crate) fn object<'t>(&'t self, part: &'t str) -> Result<Vec<Member<'t>>, Syntax> {
        self.parse(part).map(|Members(members)| members)
    }

    /// Reads `part`, a slice of this text, as any JSON value.
    pub(crate) fn value(&self, part: &str) -> Result<Value, Syntax> {
        self.parse(part).map(|Json(value)| value)
    }

    /// Reads `part`, a slice of this text, as JSON.
    pub(crate) fn parse<'t, T: Deserialize<'t>>(&'t self, part: &'t str) -> Result<T, Syntax> {
        serde_json::from_str(part).map_err(|error| Syntax::new(self, part, &error))
    }
}

/// The slice at `path` in `part`; of a repeated key the last one, which counts.
pub(crate) fn find<'t>(part: &'t str, path: &[Step<'_>]) -> Option<&'t str> {
    let Some((step, rest)) = path.split_first() else { return Some(part) };
    let next = match step {
        Step::Key(key) => {
            let is_named = |member: &&Member<'_>| member.name() == *key;
            members(part).iter().rfind(is_named)?.value.get()
        }
        Step::Index(index) => {
            let elements: Vec<&RawValue> = serde_json::from_str(part).ok()?;
            elements.get(*index)?.get()
        }
    };
    find(next, rest)
}

/// The members of the object in `part`, in order, repeated ones included. Empty if it is not an object.
pub(crate) fn members(part: &str) -> Vec<Member<'_>> {
    serde_json::from_str(part).map(|Members(members)| members).unwrap_or_default()
}

/// Index of lines and characters. Files of one long line with thousands of findings exist, so counting from the
/// start of the line each time would be quadratic.
#[derive(Debug)]
struct Index {
    line_starts: Vec<usize>,
    /// Characters before every `STRIDE`th byte.
    characters: Vec<usize>,
}

impl Index {
    const STRIDE: usize = 1024;

    fn new(content: &[u8]) -> Self {
        let newlines = content.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let characters = content.chunks(Self::STRIDE).map(|chunk| {
            let here = before;
            before += begun(chunk);
            here
        });
        Self { characters: characters.collect(), line_starts }
    }

    /// Number of characters that begin before `offset`.
    fn characters(&self, content: &[u8], offset: usize) -> usize {
        // The end of the text may have no further stride.
        let stride = (offset / Self::STRIDE).min(self.characters.len().saturating_sub(1));
        let before = self.characters.get(stride).copied().unwrap_or(0);
        before + begun(content.get(stride * Self::STRIDE..offset).unwrap_or_default())
    }
}

/// Number of characters: bytes that are not UTF-8 continuation bytes.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// One step into a JSON value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'k> {
    Key(&'k str),
    Index(usize),
}

/// A [`Step`] that outlives its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnedStep {
    Key(String),
    Index(usize),
}

impl OwnedStep {
    pub(crate) fn borrowed(&self) -> Step<'_> {
        match self {
            Self::Key(key) => Step::Key(key),
            Self::Index(index) => Step::Index(*index),
        }
    }
}

impl fmt::Display for OwnedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// A syntax error: its offset, and what was expected.
#[derive(Debug)]
pub(crate) struct Syntax {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

impl Syntax {
    fn new(text: &Text, part: &str, error: &serde_json::Error) -> Self {
        // serde_json counts lines and bytes from the start of what it was given.
        let line_start = match error.line() {
            0 | 1 => 0,
            line => part.match_indices('\n').nth(line - 2).map_or(0, |(at, _)| at + 1),
        };
        let inside = (line_start + error.column().saturating_sub(1)).min(part.len());
        let message = json::message(error);
        // If the parser expects a value and finds the end of a list, the comma before it is the error.
        let (before, after) = part.split_at_checked(inside).unwrap_or((part, ""));
        let comma_too_many =
            message == "expected value" && after.starts_with(']') && before.trim_end().ends_with(',');
        let message = if comma_too_many { "trailing comma" } else { &message };
        Self { offset: text.offset(part) + inside, message: reworded(message) }
    }
}

/// Rewords the parser's message as one clear line.
fn reworded(message: &str) -> String {
    let end = |inside: &str| format!("the file ends inside {inside}");
    match message {
        "EOF while parsing a list" => end("a list; expected `,` or `]`"),
        "EOF while parsing an object" => end("an object; expected `,` or `}`"),
        "EOF while parsing a string" => end("a string; expected a closing double quote"),
        "EOF while parsing a value" => "the file ends where a value is expected".to_owned(),
        "expected value" | "expected ident" => {
            "expected a value: an object, a list, a string in double quotes, a number, true, false or null"
                .to_owned()
        }
        "trailing comma" => "this closing bracket follows a comma; remove the comma".to_owned(),
        "trailing characters" => "expected nothing more after the end of the document".to_owned(),
        "key must be a string" => "expected a field name in double quotes".to_owned(),
        "recursion limit exceeded" => "nested more than 128 levels deep".to_owned(),
        "control character (\\u0000-\\u001F) found while parsing a string" => {
            "a line break or control character inside a string; write \\n, or close the string".to_owned()
        }
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests;
