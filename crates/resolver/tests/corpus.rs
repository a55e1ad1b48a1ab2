//! A corpus of configurations: each loads, or is refused for the reason that stands beside it; in three formats alike.
//!
//! `corpus/fields.tsv` has the published fields of other brokers at their default and away from it, both spellings,
//! quoted numbers, partial objects, and what is wrong. From the table of keys come a default, another value and a wrong
//! one of each key.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ohfp_resolver::load::Inputs;
use ohfp_resolver::{Environment, KEYS, Key};
use serde_json::{Map, Value, json};

const FORMATS: [&str; 3] = ["json", "yaml", "toml"];

/// A document with one dotted key.
fn document(key: &str, value: &Value) -> Value {
    key.rsplit('.')
        .fold(value.clone(), |inner, step| Value::Object(Map::from_iter([(step.to_owned(), inner)])))
}

/// A document in a format, a line for each name. `None` where the format has no such value.
fn written(document: &Value, format: &str) -> Option<String> {
    let mut out = String::new();
    match format {
        "json" => out = serde_json::to_string_pretty(document).unwrap(),
        "yaml" => block(document, 0, &mut out),
        _ => tables(document, &mut Vec::new(), &mut out)?,
    }
    Some(out)
}

fn block(value: &Value, indent: usize, out: &mut String) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let space = " ".repeat(indent);
        match value {
            Value::Object(members) if !members.is_empty() => {
                writeln!(out, "{space}{}:", json!(name)).unwrap();
                block(value, indent + 2, out);
            }
            other => writeln!(out, "{space}{}: {other}", json!(name)).unwrap(),
        }
    }
}

fn tables(value: &Value, path: &mut Vec<String>, out: &mut String) -> Option<()> {
    for (name, value) in value.as_object().into_iter().flatten() {
        path.push(json!(name).to_string());
        match value {
            Value::Object(members) if !members.is_empty() => tables(value, path, out)?,
            other => writeln!(out, "{} = {}", path.join("."), inline(other)?).unwrap(),
        }
        path.pop();
    }
    Some(())
}

fn inline(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Option<Vec<String>>>()?.join(", "))
        }
        Value::Object(members) => {
            let members =
                members.iter().map(|(name, value)| Some(format!("{} = {}", json!(name), inline(value)?)));
            format!("{{{}}}", members.collect::<Option<Vec<String>>>()?.join(", "))
        }
        other => other.to_string(),
    })
}

/// What comes of a document that is about `key`.
fn outcome(content: &str, format: &str, key: &str) -> String {
    let env = Environment::from_iter([("HOME", "/nonexistent")]);
    let name = PathBuf::from(format!("c.{format}"));
    let inputs = Inputs::alone(&name, content.as_bytes().to_vec()).unwrap();
    let words = |text: &str| text.split_once(": ").map_or(text, |(_, message)| message).to_owned();
    let configuration = match inputs.configuration(&env) {
        Ok(configuration) => configuration,
        Err(errors) => return format!("refused: {}", words(&errors[0].summary())),
    };
    if let Some(problem) = configuration.problems.first() {
        return format!("refused: {}", words(&problem.error.summary()));
    }
    let told: Vec<String> =
        configuration.warnings.iter().map(|warning| words(&warning.to_string())).collect();
    let is_set = configuration.settings.entries().any(|setting| setting.source.to_string() != "default");
    match told.as_slice() {
        [] if is_set => "set".to_owned(),
        [] => "nothing".to_owned(),
        [only] if only.contains("no effect") && !is_set => "no effect".to_owned(),
        all => format!("{}: {}", if is_set { "set" } else { "ignored" }, all.join("; ").replace(key, "KEY")),
    }
}

#[test]
fn published_fields() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/fields.tsv");
    let text = fs::read_to_string(&path).unwrap();
    let (mut again, mut count) = (String::new(), 0);
    for line in text.lines() {
        if line.starts_with('#') {
            writeln!(again, "{line}").unwrap();
            continue;
        }
        let [key, value, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let document = document(key, &serde_json::from_str(value).unwrap());
        let found: Vec<String> = FORMATS
            .iter()
            .filter_map(|format| Some(outcome(&written(&document, format)?, format, key)))
            .collect();
        count += found.len();
        assert!(found.iter().all(|one| *one == found[0]), "{line}\n{found:#?}");
        writeln!(again, "{key}\t{value}\t{}", found[0]).unwrap();
        if env::var_os("UPDATE_GOLDEN").is_none() {
            assert_eq!(found[0], expected, "{key} {value}");
        }
    }
    assert!(count > 1_000, "{count} configurations");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, again).unwrap();
    }
}

/// A value that the key may have besides its default.
fn other(key: &Key) -> Value {
    let default = key.default.value();
    let candidates = [
        json!(!default.as_bool().unwrap_or(true)),
        json!("x.y"),
        json!(default.as_u64().unwrap_or(0) + 1),
        json!([1, 2]),
        json!([2, 1]),
        json!(1),
        json!([]),
        json!({ "x86_64": "x" }),
    ];
    let words = key.rule.words().iter().map(|word| json!(word));
    let lists = key.rule.words().iter().map(|word| json!([word]));
    let fits = |value: &Value| key.rule.allows(value) && *value != default;
    // A key of one word has no other.
    words.chain(lists).chain(candidates).find(fits).unwrap_or_else(|| default.clone())
}

/// A value that the key may not have, in any reading.
fn wrong(key: &Key) -> Option<Value> {
    let candidates = [json!([[1]]), json!({ "a": 1 }), json!(""), json!("\u{2603} no"), json!(-5)];
    candidates.into_iter().find(|value| !key.rule.allows(value) && key.rule.meant(value).is_none())
}

/// Keys whose value has to fit to others: a provider that must exist, a form that excludes another.
const FITTING: [&str; 8] = [
    "provider.active_provider",
    "provider.default_provider_instance",
    "provider.default_provider_type",
    "provider.type",
    "provider.aws",
    "provider.sim",
    "provider.providers",
    "provider.provider_defaults",
];

#[test]
fn every_key_at_its_default_away_from_it_and_wrong() {
    let mut count = 0;
    for key in KEYS {
        for format in FORMATS {
            for value in [key.default.value(), other(key)] {
                let Some(text) = written(&document(key.name, &value), format) else { continue };
                let found = outcome(&text, format, key.name);
                let expected = if value.is_null() { "nothing" } else { "set" };
                assert!(
                    found == expected || FITTING.contains(&key.name),
                    "{} {value} {format}: {found}",
                    key.name
                );
                count += 1;
            }
            if let Some(value) = wrong(key)
                && let Some(text) = written(&document(key.name, &value), format)
            {
                let found = outcome(&text, format, key.name);
                let expected = format!("refused: `{}` must be {}", key.name, key.rule.allowed());
                assert!(found.starts_with(&expected), "{} {value} {format}: {found}", key.name);
                count += 1;
            }
        }
    }
    assert!(count > 400, "{count} configurations");
}

/// `config explain` of every key names the line that sets it, in each format.
#[test]
fn explain_names_the_right_line() {
    for format in FORMATS {
        let mut whole = Value::Object(Map::new());
        let keys: Vec<&Key> = KEYS.iter().filter(|key| !FITTING.contains(&key.name)).collect();
        for key in &keys {
            merge(&mut whole, document(key.name, &other(key)));
        }
        let text = written(&whole, format).unwrap();
        let env = Environment::from_iter([("HOME", "/nonexistent")]);
        let inputs = Inputs::alone(Path::new(&format!("c.{format}")), text.clone().into_bytes()).unwrap();
        let configuration = inputs.configuration(&env).unwrap();
        for key in keys {
            let values = inputs.layer_values(&configuration, key.name);
            let decides = values.iter().find(|value| value.decides).unwrap();
            assert_eq!(decides.value, other(key), "{} {format}", key.name);
            let place = decides.place.clone().unwrap();
            let line: usize = place.split(':').nth(1).unwrap().parse().unwrap();
            // A value that is an object begins at its first member.
            let found = key_at(&text, line, format);
            let is_meant = found == key.name || found.starts_with(&format!("{}.", key.name));
            assert!(is_meant, "{} {format} {place}: {found}", key.name);
        }
    }
}

/// The dotted key that a line of [`written`] sets: by its name, and those of the less indented lines above it.
fn key_at(text: &str, line: usize, format: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    if format == "toml" {
        return lines[line - 1].split(" = ").next().unwrap().replace('"', "");
    }
    let indent = |line: &str| line.len() - line.trim_start().len();
    let name = |line: &str| line.trim_start().split('"').nth(1).unwrap_or_default().to_owned();
    let mut at = line - 1;
    let mut names = vec![name(lines[at])];
    for above in (0..at).rev() {
        if indent(lines[above]) < indent(lines[at]) && lines[above].contains(':') {
            names.push(name(lines[above]));
            at = above;
        }
    }
    names.reverse();
    names.join(".")
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}
