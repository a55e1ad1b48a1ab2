//! JSON Schemas of the files, made of the tables of keys and fields.
//!
//! They are for editors: strict where a person writes, with the help and the default of each key. What loads although a
//! schema refuses it (a number in quotes) is a warning of `validate`, too. It must not know how a file is read.

use ohfp_keys::{Key, Rule};
use serde_json::{Map, Value, json};

use crate::providers::configured::KINDS;
use crate::providers::members::MEMBERS;
use crate::settings::key_table::{KEYS, PROVIDERS};
use crate::settings::other_names::{ALIASES, DESCRIPTIVE, WITHOUT_EFFECT};
use crate::templates::fields::{self, FIELD_NAMES};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of `config.json`, `config.yaml` and `config.toml`.
pub fn configuration() -> Value {
    let mut root = section("Configuration of ohfp");
    for name in DESCRIPTIVE {
        insert(&mut root, name, json!({ "description": "describes the file itself" }));
    }
    for key in KEYS {
        let schema = if key.name == PROVIDERS.key.name { providers(key) } else { of_key(key) };
        insert(&mut root, key.name, schema);
    }
    for (alias, key) in ALIASES {
        let note = json!({ "description": format!("another name of {key}"), "deprecated": true });
        insert(&mut root, alias, note);
    }
    for name in WITHOUT_EFFECT {
        let note = json!({ "description": "has no effect in ohfp", "deprecated": true });
        // A section that some keys of have an effect stays a section.
        if !KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))) {
            insert(&mut root, name, note);
        }
    }
    let mut schema = Map::from_iter([("$schema".to_owned(), json!(DRAFT))]);
    schema.extend(root);
    Value::Object(schema)
}

/// The schema of template files: an object with `templates`, or the list alone.
pub fn templates() -> Value {
    let mut properties = Map::new();
    for (hf, plain) in FIELD_NAMES {
        for (name, other) in [(*hf, None), (*plain, Some(*hf))] {
            if properties.contains_key(name) {
                continue;
            }
            let mut schema = match *hf {
                "templateId" => json!({ "type": "string", "minLength": 1 }),
                "maxNumber" => json!({ "type": "integer", "minimum": -1 }),
                _ => fields::known(hf).map_or_else(|| json!({}), |field| of_rule(field.rule)),
            };
            if let (Some(hf), Value::Object(schema)) = (other, &mut schema) {
                schema.insert("description".to_owned(), json!(format!("Host Factory's {hf}")));
            }
            properties.insert(name.to_owned(), schema);
        }
    }
    properties.insert(
        "attributes".to_owned(),
        json!({ "type": "object", "description": "what Host Factory selects machines by: type, ncpus, ncores, nram" }),
    );
    let id = ["templateId", "template_id"].map(|name| json!({ "required": [name] }));
    let template = json!({ "type": "object", "anyOf": id, "properties": properties });
    json!({
        "$schema": DRAFT,
        "title": "Templates of ohfp",
        "$defs": { "template": template },
        "oneOf": [
            { "type": "array", "items": { "$ref": "#/$defs/template" } },
            {
                "type": "object",
                "required": ["templates"],
                "properties": { "templates": { "type": "array", "items": { "$ref": "#/$defs/template" } } },
            },
        ],
    })
}

fn section(title: &str) -> Map<String, Value> {
    Map::from_iter([
        ("title".to_owned(), json!(title)),
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), json!({})),
        ("additionalProperties".to_owned(), json!(false)),
    ])
}

/// Puts the schema of a dotted name into its section.
fn insert(section_of: &mut Map<String, Value>, name: &str, schema: Value) {
    let Some(Value::Object(properties)) = section_of.get_mut("properties") else { return };
    match name.split_once('.') {
        None => {
            properties.entry(name).or_insert(schema);
        }
        Some((first, rest)) => {
            let inner = properties.entry(first).or_insert_with(
                || json!({ "type": ["object", "null"], "properties": {}, "additionalProperties": false }),
            );
            if let Value::Object(inner) = inner {
                insert(inner, rest, schema);
            }
        }
    }
}

fn of_key(key: &Key) -> Value {
    let mut schema = Map::from_iter([("description".to_owned(), json!(key.help))]);
    let default = key.default.value();
    if !default.is_null() {
        schema.insert("default".to_owned(), default);
    }
    let rule = of_rule(key.rule);
    // A reference to a variable can stand for a value of any type.
    match rule.get("type").and_then(Value::as_str) {
        Some("integer" | "number" | "boolean") => {
            let reference = json!({ "type": "string", "pattern": "\\$" });
            schema.insert("anyOf".to_owned(), json!([rule, { "type": "null" }, reference]));
        }
        _ => schema.extend(rule.as_object().cloned().unwrap_or_default()),
    }
    Value::Object(schema)
}

fn providers(key: &Key) -> Value {
    let mut element = section("a provider");
    for member in MEMBERS {
        insert(&mut element, member.name, of_key(member));
    }
    for name in crate::providers::members::WITHOUT_EFFECT {
        insert(&mut element, name, json!({ "description": "has no effect in ohfp", "deprecated": true }));
    }
    element.insert("required".to_owned(), json!(["name", "type"]));
    if let Some(Value::Object(properties)) = element.get_mut("properties") {
        properties.insert("type".to_owned(), json!({ "type": "string", "examples": KINDS }));
        properties.insert("name".to_owned(), json!({ "type": "string", "pattern": "^[0-9A-Za-z_-]+$" }));
    }
    json!({ "type": "array", "description": key.help, "items": element, "default": key.default.value() })
}

/// The schema of what a rule allows.
fn of_rule(rule: Rule) -> Value {
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    match rule {
        Rule::Text => json!({ "type": "string" }),
        Rule::Name => json!({ "type": "string", "minLength": 1 }),
        Rule::Boolean | Rule::Flag => json!({ "type": "boolean" }),
        Rule::Whole(from, i64::MAX) => json!({ "type": "integer", "minimum": from }),
        Rule::Whole(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Rule::Number => json!({ "type": "number" }),
        Rule::NumberOrText => json!({ "type": ["number", "string"] }),
        Rule::Texts => texts(),
        Rule::TextOrTexts => json!({ "anyOf": [{ "type": "string" }, texts()] }),
        Rule::Word(words) => json!({ "enum": words }),
        Rule::Words(words) => json!({ "type": "array", "items": { "enum": words } }),
        Rule::Bytes => json!({ "type": ["integer", "string"], "minimum": 0 }),
        Rule::SpotStrategy | Rule::OnDemandStrategy => json!({ "type": "string", "examples": rule.words() }),
        Rule::Weights => {
            json!({ "type": "object", "additionalProperties": { "type": "integer", "minimum": 1 } })
        }
        Rule::Priorities => json!({ "type": "object", "additionalProperties": { "type": "number" } }),
        Rule::Tags => {
            json!({ "type": ["string", "object"], "additionalProperties": { "type": "string" } })
        }
        Rule::Object => json!({ "type": "object" }),
        Rule::List => json!({ "type": "array" }),
        Rule::Custom { allowed, .. } => json!({ "$comment": allowed }),
        _ => json!({}),
    }
}
