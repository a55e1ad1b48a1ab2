//! Keys: the canonical text of a query, under which its answer is filed.
//!
//! | query | key |
//! |---|---|
//! | `ohfp PATH --help`, `ohfp help PATH` | `--help PATH` |
//! | `ohfp PATH -h` | `-h PATH` |
//! | `ohfp --version`, `-V` | `--version` |
//! | any other command | its words joined by a space, a tab, the format |
//! | the same with `--long` | … a tab, `long` |
//! | none: notes for people beside `templates list`, which the live program writes | `templates list`, a tab, `notes` |
//!
//! A word contains no white space or control characters, so no two queries share a key.

/// Longest key in bytes; longer queries go to the live program.
pub const MAX_LEN: usize = 128;

/// A key in a fixed buffer, built without a heap.
#[derive(Clone, Debug)]
pub struct AnswerKey {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl Default for AnswerKey {
    fn default() -> Self {
        Self { bytes: [0; MAX_LEN], len: 0 }
    }
}

impl AnswerKey {
    /// Appends text; `None` when the key would be too long.
    #[must_use]
    pub fn push(mut self, text: &[u8]) -> Option<Self> {
        let end = self.len.checked_add(text.len())?;
        self.bytes.get_mut(self.len..end)?.copy_from_slice(text);
        self.len = end;
        Some(self)
    }

    /// Appends a word, with a space where it is not the first.
    #[must_use]
    pub fn word(self, word: &[u8]) -> Option<Self> {
        if word.is_empty() || word.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
            return None;
        }
        let separated = if self.len == 0 { Some(self) } else { self.push(b" ") };
        separated?.push(word)
    }

    /// The key so far.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The format's part of a key.
pub const FORMAT_SEPARATOR: &[u8] = b"\t";
/// Key of the notes that a person sees beside a list of templates at a terminal. No command line has this key.
pub const LIST_NOTES: &[u8] = b"templates list\tnotes";
/// The suffix of long variants.
pub const LONG_SUFFIX: &[u8] = b"\tlong";

#[cfg(test)]
mod tests {
    use super::{AnswerKey, MAX_LEN};

    #[test]
    fn words_are_joined_by_a_space() {
        let check = |words: &[&[u8]], expected: Option<&[u8]>| {
            let key = words.iter().try_fold(AnswerKey::default(), |key, word| key.word(word));
            assert_eq!(key.as_ref().map(AnswerKey::as_bytes), expected, "{words:?}");
        };
        check(&[], Some(b""));
        check(&[b"--help"], Some(b"--help"));
        check(&[b"templates", b"list", b"x"], Some(b"templates list x"));
        check(&[b"!~\x80"], Some(b"!~\x80"));
        for refused in [&b""[..], b" ", b"a b", b"a\t", b"\0", b"\x7f", b"\n"] {
            check(&[b"templates", refused], None);
        }
        check(&[&[b'x'; MAX_LEN]], Some(&[b'x'; MAX_LEN]));
        check(&[&[b'x'; MAX_LEN + 1]], None);
        check(&[&[b'x'; MAX_LEN - 1], b"y"], None);
    }

    #[test]
    fn text_is_appended_as_it_is() {
        let key = AnswerKey::default()
            .push(b"list")
            .and_then(|key| key.push(b"\t"))
            .and_then(|key| key.push(b"json"));
        assert_eq!(key.as_ref().map(AnswerKey::as_bytes), Some(&b"list\tjson"[..]));
        assert!(key.and_then(|key| key.push(&[b'x'; MAX_LEN])).is_none());
    }
}
