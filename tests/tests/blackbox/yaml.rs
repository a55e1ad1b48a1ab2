//! YAML answers hold what the JSON answers hold, read by a parser that is not ours.
//!
//! Texts that look like numbers, dates or syntax must come back as texts, and numbers as the same
//! numbers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use ohfp_tests::{Sandbox, expect_none};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::Value;

/// Where the two differ, if they do.
fn difference(yaml: &Yaml<'_>, json: &Value, at: &str) -> Option<String> {
    let same = match (yaml, json) {
        (Yaml::Sequence(left), Value::Array(right)) => {
            let mut inner = left.iter().zip(right).enumerate();
            let found =
                inner.find_map(|(index, (left, right))| difference(left, right, &format!("{at}/{index}")));
            if found.is_some() {
                return found;
            }
            left.len() == right.len()
        }
        // Order is part of the answer.
        (Yaml::Mapping(left), Value::Object(right)) => {
            for ((name, left), (expected, right)) in left.iter().zip(right) {
                let Some(name) = name.as_str().filter(|name| name == expected) else {
                    return Some(format!("{at}: the name {expected:?} is read as {name:?}"));
                };
                if let Some(found) = difference(left, right, &format!("{at}/{name}")) {
                    return Some(found);
                }
            }
            left.len() == right.len()
        }
        (Yaml::Value(Scalar::Null), Value::Null) => true,
        (Yaml::Value(Scalar::Boolean(left)), Value::Bool(right)) => left == right,
        (Yaml::Value(Scalar::String(left)), Value::String(right)) => left == right,
        (Yaml::Value(Scalar::Integer(left)), Value::Number(right)) => right.as_i64() == Some(*left),
        (Yaml::Value(Scalar::FloatingPoint(left)), Value::Number(right)) => {
            right.as_f64().is_some_and(|right| right.to_bits() == left.into_inner().to_bits())
        }
        _ => false,
    };
    (!same).then(|| format!("{at}: {json} is read as {yaml:?}"))
}

/// Characters that YAML allows to stand for themselves; strict readers refuse a text with any other.
fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

/// Compares the two forms of an answer.
fn fault(sandbox: &Sandbox, line: &[&str]) -> Option<String> {
    let answer = |format: &str| {
        let ended = sandbox.run("ohfp", &[line, &["--format", format]].concat());
        assert!(ended.code == 0, "{line:?}: {ended:?}");
        ended.text()
    };
    let mut json: Value = serde_json::from_str(&answer("json")).unwrap();
    // The frame of a list is for schedulers, and those speak JSON.
    if line.contains(&"list")
        && let Some(list) = json.as_object_mut()
    {
        list.retain(|name, _| !["message", "success", "total_count"].contains(&name.as_str()));
    }
    let text = answer("yaml");
    let found = match Yaml::load_from_str(&text) {
        Ok(documents) => match &documents[..] {
            [document] => difference(document, &json, ""),
            other => Some(format!("{} documents", other.len())),
        },
        Err(error) => Some(error.to_string()),
    };
    let strange = || text.chars().find(|character| !is_printable(*character));
    let found = found.or_else(|| strange().map(|strange| format!("{strange:?} stands unescaped")));
    found.map(|found| format!("{line:?}: {found}"))
}

fn check(sandbox: &Sandbox) {
    sandbox.build();
    let ended = sandbox.run("ohfp", &["templates", "list"]);
    let list: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let ids =
        list["templates"].as_array().unwrap().iter().filter_map(|template| template["templateId"].as_str());
    // An id that looks like an option could not be followed by one.
    let ids = ids.filter(|id| !id.starts_with('-'));
    let mut lines =
        vec![vec!["templates", "list"], vec!["templates", "list", "--limit", "2", "--offset", "1"]];
    for command in [
        "config show",
        "providers list",
        "providers show",
        "scheduler list",
        "scheduler show",
        "storage list",
    ] {
        lines.push(command.split(' ').collect());
    }
    lines.extend(ids.map(|id| vec!["templates", "show", id]));
    let faults: Vec<String> = lines.iter().filter_map(|line| fault(sandbox, line)).collect();
    expect_none(&faults, lines.len());
}

#[test]
fn golden_fixture() {
    check(&Sandbox::with_fixture("golden"));
}

#[test]
fn shipped_examples() {
    check(&Sandbox::with_examples());
}

#[test]
fn odd_texts() {
    check(&Sandbox::with_fixture("odd"));
}

/// YAML lets a key without a mark have 1,024 characters.
#[test]
fn long_keys() {
    let mut fields = Vec::new();
    for length in [900, 998, 999, 1_000, 1_001, 1_022, 1_023, 1_024, 1_025, 5_000] {
        for letter in ["k", "ä", "\u{1}", "k "] {
            let name = letter.repeat(length / letter.len());
            fields.push((name, serde_json::json!({ "in": fields.len(), "list": [1, "a"] })));
        }
    }
    let long = "x".repeat(2_000);
    let mut template = serde_json::json!({
        "templateId": "a", "maxNumber": 1, "vmType": "m5.large",
        "nested": { &long: { &long: { "a": 1 } } },
        "listed": [{ &long: [{ &long: 1 }], "b": 2 }, [{ &long: [[]] }]],
        &long: [{ "a": { "b": 1 } }, { "c": 2 }],
    });
    for (name, value) in fields {
        template[name] = value;
    }
    let templates = serde_json::json!([template]).to_string();
    check(&Sandbox::with_files(&[("awsprov_templates.json", &templates)]));
}

#[test]
fn no_templates() {
    check(&Sandbox::with_fixture("empty"));
}
