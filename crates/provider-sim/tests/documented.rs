//! The keys that the book shows are those of the table, with their defaults and their help.

use std::fs;
use std::path::Path;

use ohfp_provider_sim::KEYS;
use serde_json::Value;

#[test]
fn the_book_has_the_table_of_keys() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/simulator.md");
    let book = fs::read_to_string(book).unwrap();
    let table = book.split_once("| key | default | meaning |\n|---|---|---|\n").unwrap().1;
    let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    let wanted: Vec<String> = KEYS
        .iter()
        .map(|key| {
            let default = match key.default.value() {
                Value::Null => "–".to_owned(),
                Value::String(text) => format!("`{text}`"),
                Value::Array(both) => format!("`[{}, {}]`", both[0], both[1]),
                other => format!("`{other}`"),
            };
            format!("| `{}` | {default} | {} |", key.name, key.help)
        })
        .collect();
    assert_eq!(rows, wanted);
}
