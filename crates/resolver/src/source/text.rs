//! A text file with positions, and a JSON reader that keeps the position of every part.
//!
//! Line and column are computed only when a message needs them. It must not know the meaning of any file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ohfp_broker::json::Json;
use ohfp_broker::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
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
        Ok(Self { path: path.to_owned(), number, content, index: OnceLock::new() })
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

/// One member of an object, as written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'t> {
    pub(crate) key: &'t RawValue,
    pub(crate) value: &'t RawValue,
}

impl Member<'_> {
    pub(crate) fn name(&self) -> String {
        serde_json::from_str(self.key.get()).unwrap_or_default()
    }
}

struct Members<'t>(Vec<Member<'t>>);

impl<'t> Deserialize<'t> for Members<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'t> Visitor<'t> for Collect {
            type Value = Members<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry()? {
                    members.push(Member { key, value });
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
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
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        // If the parser expects a value and finds the end of a list, the comma before it is the error.
        let (before, after) = part.split_at_checked(inside).unwrap_or((part, ""));
        let comma_too_many =
            message == "expected value" && after.starts_with(']') && before.trim_end().ends_with(',');
        let message = if comma_too_many { "trailing comma" } else { message };
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
mod tests {
    use super::*;

    fn text(content: &str) -> Text {
        Text::new(Path::new("/x.json"), 0, content.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn places_count_characters() {
        let text = text("{\n  \"ä\": 1,\n\"b\": 2}");
        let check = |wanted: &str, position| {
            let offset = text.as_str().find(wanted).unwrap();
            assert_eq!(text.place(offset).position, Some(position), "{wanted}");
        };
        check("{", (1, 1));
        check("1", (2, 8));
        check("2", (3, 6));
        assert_eq!(text.place(text.as_str().len()).position, Some((3, 8)));
    }

    #[test]
    fn places_in_long_lines() {
        let content = format!("[\"{}\",\n\"{}\"]", "ä".repeat(3000), "x".repeat(8192 - 6005 - 3));
        let text = text(&content);
        for (offset, position) in
            [(0, (1, 1)), (2, (1, 3)), (2 + 1024, (1, 3 + 512)), (6002, (1, 3003)), (6005, (2, 1))]
        {
            assert_eq!(text.place(offset).position, Some(position), "{offset}");
        }
        assert_eq!(text.place(usize::MAX).position, text.place(content.len()).position);
    }

    #[test]
    fn broken_json_has_a_place_and_plain_words() {
        let check = |content: &str, place: &str, words: &str| {
            let text = text(content);
            let Err(syntax) = text.parse::<serde_json::Value>(text.as_str()) else {
                panic!("{content} is JSON")
            };
            assert_eq!(text.place(syntax.offset).to_string(), place, "{content}");
            assert!(syntax.message.contains(words), "{content}: {}", syntax.message);
        };
        check("{\"a\" 1}", "/x.json:1:6", "expected `:`");
        check("[1,\n 2,]", "/x.json:2:4", "remove the comma");
        check("{a: 1}", "/x.json:1:2", "double quotes");
        check("[1", "/x.json:1:2", "ends inside a list");
        check("", "/x.json:1:1", "where a value is expected");
        check("[nul]", "/x.json:1:5", "expected a value");
        check("{} x", "/x.json:1:4", "nothing more");
        check("[\"a\nb\"]", "/x.json:2:1", "line break");
        check(&"[".repeat(200), "/x.json:1:128", "128 levels");
    }

    #[test]
    fn finds_parts_by_path_and_the_last_of_repeated_keys() {
        let text = text(r#"{"a": [1, {"b": 2}], "a": [3, {"b": 4}]}"#);
        let found = find(text.as_str(), &[Step::Key("a"), Step::Index(1), Step::Key("b")]).unwrap();
        assert_eq!((found, text.offset(found)), ("4", 36));
        assert!(find(text.as_str(), &[Step::Key("c")]).is_none());
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_located() {
        let error = Text::new(Path::new("/x.json"), 0, b"{\n\"a\": \"\xff\"}".to_vec()).unwrap_err();
        assert_eq!(error.summary(), "/x.json:2: byte 8 is not UTF-8");
        assert_eq!(Text::new(Path::new("/x.json"), 0, b"\xef\xbb\xbf{}".to_vec()).unwrap().as_str(), "{}");
    }
}
