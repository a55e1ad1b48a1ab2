//! Positions, parts and syntax errors of texts.

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
        let Err(syntax) = text.parse::<serde_json::Value>(text.as_str()) else { panic!("{content} is JSON") };
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
