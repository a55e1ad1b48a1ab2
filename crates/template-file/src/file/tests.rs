//! Edits of a file: what changes, and that nothing else does.

use ohfp_broker::{ErrorKind, json};
use proptest::prelude::*;

use super::*;
use crate::print::document;

fn object(text: &str) -> Map<String, Value> {
    json::object(text).unwrap()
}

/// Edits by `edit`; gives the text, or the error.
fn edited(text: &str, edit: impl FnOnce(&mut TemplateFile) -> Result<()>) -> Result<String, String> {
    let mut file = TemplateFile::parse(text.as_bytes()).unwrap();
    edit(&mut file).map_err(|error| error.summary())?;
    Ok(file.as_str().to_owned())
}

const PRETTY: &str = r#"{
  "message" : "kept",   "templates": [
    {
      "templateId": "a",
      "maxNumber": 1.0,
      "instance_type" : "m5.large",
      "attributes": { "ncpus": [ "Numeric", "2" ] }
    },
    { "templateId": "b", "maxNumber": 2 }
  ]
}
"#;

#[test]
fn templates_are_added_in_the_layout_of_the_file() {
    let new = object(r#"{"templateId":"c","maxNumber":1.50,"x":[1,{}]}"#);
    let check = |text: &str, expected: &str| {
        assert_eq!(edited(text, |file| file.add(&new)).as_deref(), Ok(expected), "{text}");
    };
    let pretty = "{\n      \"templateId\": \"c\",\n      \"maxNumber\": 1.50,\n      \"x\": [1, {}]\n    }";
    check(PRETTY, &PRETTY.replace("2 }\n", &format!("2 }},\n    {pretty}\n")));
    check(
        r#"[{"templateId": "a"}]"#,
        r#"[{"templateId": "a"}, {"templateId": "c", "maxNumber": 1.50, "x": [1, {}]}]"#,
    );
    check("[]", r#"[{"templateId": "c", "maxNumber": 1.50, "x": [1, {}]}]"#);
    check("{\n  \"templates\": []\n}\n", &format!("{{\n  \"templates\": [\n    {pretty}\n  ]\n}}\n"));
    check(
        "[\r\n\t{\r\n\t\t\"templateId\": \"a\"\r\n\t}\r\n]",
        "[\r\n\t{\r\n\t\t\"templateId\": \"a\"\r\n\t},\r\n\t{\r\n\t\t\"templateId\": \"c\",\r\n\t\t\"maxNumber\": 1.50,\r\n\t\t\"x\": [1, {}]\r\n\t}\r\n]",
    );
    let taken = edited(PRETTY, |file| file.add(&object(r#"{"template_id": "a"}"#)));
    assert_eq!(taken, Err("there is a template `a` already".to_owned()));
}

#[test]
fn fields_are_merged() {
    let check = |changes: &str, from: &str, to: &str| {
        let found = edited(PRETTY, |file| file.merge("a", &object(changes)));
        assert_eq!(found, Ok(PRETTY.replacen(from, to, 1)), "{changes}");
    };
    check(r#"{"maxNumber": 5}"#, "1.0", "5");
    check(r#"{"maxNumber": 1.0}"#, "1.0", "1.0");
    check(r#"{"vmType": "c5.large"}"#, "m5.large", "c5.large");
    check(r#"{"templateId": "z"}"#, "", "");
    check(r#"{"vmType": null}"#, "\"instance_type\" : \"m5.large\",\n      ", "");
    check(r#"{"attributes": null}"#, ",\n      \"attributes\": { \"ncpus\": [ \"Numeric\", \"2\" ] }", "");
    check(r#"{"nothing": null}"#, "", "");
    check(r#"{"iops": 500}"#, "\"2\" ] }\n", "\"2\" ] },\n      \"iops\": 500\n");
    check(r#"{"attributes": {"ncpus": 4}}"#, "[ \"Numeric\", \"2\" ]", "4");
    check(r#"{"attributes": {"rank": 1}}"#, "\"2\" ] }", "\"2\" ], \"rank\": 1 }");
    check(r#"{"attributes": {"ncpus": null}}"#, " \"ncpus\": [ \"Numeric\", \"2\" ] ", "");
    let inline = edited(PRETTY, |file| file.merge("b", &object(r#"{"attributes": {"rank": 1}, "x": 2}"#)));
    let expected =
        PRETTY.replace("\"maxNumber\": 2 }", "\"maxNumber\": 2, \"attributes\": {\"rank\": 1}, \"x\": 2 }");
    assert_eq!(inline, Ok(expected));
    let twice = r#"[{"templateId": "a", "x": 1, "y": 2, "x": 3}]"#;
    let merge = |changes: &str| edited(twice, |file| file.merge("a", &object(changes)));
    assert_eq!(merge(r#"{"x": 5}"#).as_deref(), Ok(r#"[{"templateId": "a", "x": 1, "y": 2, "x": 5}]"#));
    assert_eq!(merge(r#"{"x": null}"#).as_deref(), Ok(r#"[{"templateId": "a", "y": 2}]"#));
    assert_eq!(
        edited(PRETTY, |file| file.merge("c", &object(r#"{"x": 1}"#))),
        Err("there is no template `c` in this file".to_owned())
    );
}

#[test]
fn templates_are_replaced_and_removed() {
    let b = "{ \"templateId\": \"b\", \"maxNumber\": 2 }";
    let replaced = edited(PRETTY, |file| file.replace(&object(r#"{"templateId":"b","x":1}"#)));
    let expected = PRETTY.replace(b, "{\n      \"templateId\": \"b\",\n      \"x\": 1\n    }");
    assert_eq!(replaced, Ok(expected));
    let removed = edited(PRETTY, |file| file.remove("b"));
    assert_eq!(removed, Ok(PRETTY.replace(&format!(",\n    {b}"), "")));
    let start = PRETTY.find("{\n      \"templateId\": \"a\"").unwrap();
    let end = PRETTY.find(b).unwrap();
    let removed = edited(PRETTY, |file| file.remove("a"));
    assert_eq!(removed, Ok(format!("{}{}", &PRETTY[..start], &PRETTY[end..])));
    assert_eq!(edited(r#"[ {"templateId": "a"} ]"#, |file| file.remove("a")).as_deref(), Ok("[]"));
    let unknown = edited(PRETTY, |file| file.remove("z"));
    assert_eq!(unknown, Err("there is no template `z` in this file".to_owned()));
}

#[test]
fn what_is_no_template_file_says_so() {
    for (content, message) in [
        ("", "line 1: EOF while parsing a value"),
        ("{\n\"templates\": [}", "line 2: expected value"),
        ("{}", "there is no `templates` in this file; it must be a list"),
        (r#"{"templates": [], "templates": []}"#, "`templates` is given twice; only one list can count"),
        (r#"{"templates": 5}"#, "line 1: invalid type: integer `5`, expected a sequence"),
    ] {
        let error = TemplateFile::parse(content.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.summary().as_str()), (ErrorKind::Input, message), "{content}");
    }
    assert!(TemplateFile::parse(b"[\"\xff\"]").is_err());
    let marked = TemplateFile::parse(b"\xef\xbb\xbf[]").unwrap();
    assert_eq!(marked.into_bytes(), b"\xef\xbb\xbf[]");
}

/// Any JSON value, numbers as text with their digits.
fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,5})?(e[+-]?[0-9]{1,2})?",
        ".{0,8}".prop_map(|text| Value::from(text).to_string()),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::btree_map("[a-c]{1,2}", inner, 0..3).prop_map(|members| {
                let members: Vec<String> =
                    members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn template() -> impl Strategy<Value = Map<String, Value>> {
    let name = "[a-zA-Z_]{1,8}".prop_filter("an id of its own", |name| hf_name(name) != "templateId");
    ("[a-zA-Z0-9-]{1,8}", proptest::collection::vec((name, value()), 0..6)).prop_map(|(id, fields)| {
        let mut map = object(&format!(r#"{{"templateId": "{id}"}}"#));
        for (name, value) in fields {
            map.insert(name, json::from_slice(value.as_bytes()).unwrap());
        }
        map
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Parse, print, parse is identity, digits and order included; adding and removing a template restores the file.
    #[test]
    fn a_round_trip_loses_nothing(templates in proptest::collection::vec(template(), 0..4), added in template()) {
        let mut file = TemplateFile::new();
        let mut kept: Vec<Map<String, Value>> = Vec::new();
        for template in templates {
            if file.add(&template).is_ok() {
                kept.push(template);
            }
        }
        let input = crate::TemplateInput::parse("x.json", file.as_str()).unwrap();
        let shown = |templates: &[Map<String, Value>]| document(templates);
        prop_assert_eq!(shown(&input.templates), shown(&kept));
        let again = crate::TemplateInput::parse("x.json", &document(&input.templates)).unwrap();
        prop_assert_eq!(shown(&again.templates), shown(&kept));

        let before = file.clone();
        if file.add(&added).is_ok() {
            let id = id_of(&added).unwrap().to_owned();
            prop_assert_eq!(file.template(&id).map(|one| shown(&[one])), Some(shown(&[added])));
            file.remove(&id).unwrap();
            if !kept.is_empty() {
                prop_assert_eq!(file, before);
            }
        }
    }

    /// No text makes it panic.
    #[test]
    fn any_text_is_answered(text in "[\\[\\]{}\",:a-c0-9\\\\ \n-]{0,60}") {
        let _ = crate::TemplateInput::parse("x", &text);
        let _ = crate::TemplateInput::parse("x.yaml", &text);
        if let Ok(mut file) = TemplateFile::parse(text.as_bytes()) {
            let _ = file.add(&object(r#"{"templateId": "a"}"#));
            prop_assert!(TemplateFile::parse(file.as_str().as_bytes()).is_ok());
        }
    }
}
