//! The committed JSON Schemas are those of the tables. `UPDATE_GOLDEN=1` writes them anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::path::Path;
use std::{env, fs};

use ohfp_resolver::{KEYS, schema};
use serde_json::Value;

fn check(name: &str, schema: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/schemas").join(name);
    let made = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "docs/src/schemas/{name} is old; UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn the_committed_schemas_are_those_of_the_tables() {
    check("configuration.schema.json", &schema::configuration());
    check("templates.schema.json", &schema::templates());
}

/// Every key is in the schema, with its help and its default.
#[test]
fn every_key_is_in_the_schema() {
    let schema = schema::configuration();
    for key in KEYS {
        let path: String = key.name.split('.').map(|step| format!("/properties/{step}")).collect();
        let found = schema.pointer(&path).unwrap_or(&Value::Null);
        assert_eq!(found.get("description").and_then(Value::as_str), Some(key.help), "{}", key.name);
        let default = key.default.value();
        assert_eq!(found.get("default").unwrap_or(&Value::Null), &default, "{}", key.name);
    }
}
