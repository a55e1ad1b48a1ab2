//! Answers, single templates and pages.

use ohfp_snapshot_format::view::Segments;
use ohfp_snapshot_format::{Refusal, View};
use rkyv::util::AlignedVec;

use crate::{BODY, file};

pub(crate) fn aligned(bytes: &[u8]) -> AlignedVec<64> {
    let mut aligned = AlignedVec::new();
    aligned.extend_from_slice(bytes);
    aligned
}

fn text(found: Result<Option<Segments<'_>>, Refusal>) -> Option<String> {
    found.unwrap().map(|parts| String::from_utf8(parts.concat()).unwrap())
}

/// How output looks, and whether the question of it may be asked at all.
#[derive(Clone, Copy)]
enum Terminal {
    Plain,
    Color,
    /// Both looks are equal, so to ask costs a system call for no reason.
    NotAsked,
}

impl Terminal {
    fn styled(self) -> bool {
        match self {
            Self::Plain => false,
            Self::Color => true,
            Self::NotAsked => panic!("the look was asked for where it makes no difference"),
        }
    }
}

#[test]
fn answers_by_key_and_look() {
    let bytes = aligned(&file(None));
    let contents = View::new(&bytes).unwrap().contents().unwrap();
    for (key, terminal, expected) in [
        ("same", Terminal::NotAsked, Some("plain")),
        ("body", Terminal::Plain, Some("head plain")),
        ("body", Terminal::Color, Some("head color")),
        ("head", Terminal::Plain, Some("head plain")),
        ("head", Terminal::Color, Some("color head plain")),
        ("", Terminal::NotAsked, None),
        ("sam", Terminal::NotAsked, None),
        ("same2", Terminal::NotAsked, None),
        ("list", Terminal::NotAsked, None),
    ] {
        assert_eq!(text(contents.answer(key.as_bytes(), || terminal.styled())).as_deref(), expected, "{key}");
    }
}

#[test]
fn templates_by_id_and_format() {
    let bytes = aligned(&file(None));
    let contents = View::new(&bytes).unwrap().contents().unwrap();
    for (id, format, terminal, expected) in [
        ("1", "yaml", Terminal::Plain, Some("head one tail")),
        ("2", "yaml", Terminal::Color, Some("color head two tail")),
        ("3", "json", Terminal::NotAsked, Some(" tailthree")),
        ("4", "json", Terminal::NotAsked, Some(" tailfour")),
        ("5", "json", Terminal::NotAsked, None),
        ("1", "list", Terminal::NotAsked, None),
    ] {
        let mut buffer = [0; 16];
        let found = contents.show(id.as_bytes(), format.as_bytes(), || terminal.styled(), &mut buffer);
        assert_eq!(text(found).as_deref(), expected, "{id} {format}");
    }
}

#[test]
fn pages_of_lists() {
    let bytes = aligned(&file(None));
    let contents = View::new(&bytes).unwrap().contents().unwrap();
    for (key, offset, limit, terminal, expected) in [
        ("list", 0, None, Terminal::Plain, Some("head one,two,three,four tail")),
        ("list", 0, Some(4), Terminal::Color, Some("color head one,two,three,four tail")),
        ("list", 0, Some(1), Terminal::Plain, Some("head one tail")),
        ("list", 1, Some(2), Terminal::Plain, Some("head two,three tail")),
        ("list", 3, Some(u64::MAX), Terminal::Plain, Some("head four tail")),
        ("list of one look", 2, None, Terminal::NotAsked, Some("three,four tail")),
        ("list", 4, None, Terminal::NotAsked, None),
        ("list", 5, Some(1), Terminal::NotAsked, None),
        ("list", 1, Some(0), Terminal::NotAsked, None),
        ("same", 0, None, Terminal::NotAsked, None),
    ] {
        let found = contents.page(key.as_bytes(), offset, limit, || terminal.styled());
        assert_eq!(text(found).as_deref(), expected, "{key} {offset} {limit:?}");
    }
}

#[test]
fn sections_and_their_names() {
    let bytes = aligned(&file(None));
    let contents = View::new(&bytes).unwrap().contents().unwrap();
    let names: Vec<&[u8]> = contents.names().unwrap().collect();
    assert_eq!(names.join(&b' '), b"plain color head  color head  tail body order records names");
    assert_eq!(contents.section(u32::MAX), Ok(b"".as_slice()));
    assert_eq!(contents.section(5), Ok(BODY));
    assert_eq!(contents.section(9), Err(Refusal::Index));
}

/// Only the section that an answer stands in is damaged, so the header, the index and the others are sound.
#[test]
fn a_damaged_section_is_refused_where_it_is_used() {
    let whole = file(None);
    let at = whole.windows(BODY.len()).position(|part| part == BODY).unwrap();
    let mut bytes = aligned(&whole);
    // The `o` of `one`.
    if let Some(byte) = bytes.get_mut(at) {
        *byte = b'O';
    }
    let contents = View::new(&bytes).unwrap().contents().unwrap();
    let mut buffers = [[0; 16]; 2];
    let [first, second] = &mut buffers;
    assert_eq!(contents.show(b"1", b"json", || false, first), Err(Refusal::Section));
    assert_eq!(text(contents.show(b"2", b"json", || false, second)).as_deref(), Some(" tailtwo"));
    assert_eq!(contents.page(b"list", 1, None, || false), Err(Refusal::Section));
    assert_eq!(text(contents.answer(b"same", || false)).as_deref(), Some("plain"));
}
