//! Every key of `config.json` is read by something: a key that is accepted and has no effect is a lie.
//!
//! Looks at the sources. A key is read where its row is; where that is an accessor of `Settings` or a field of
//! `Performance`, other code has to use the accessor or the field.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs;
use std::path::{Path, PathBuf};

use ohfp_resolver::KEYS;

/// Where values are given names; reading a key here is not yet a use.
const DEFINITIONS: [&str; 2] = ["settings/effective.rs", "settings/performance.rs"];

/// A source file without comments and tests.
struct SettingSource {
    path: PathBuf,
    text: String,
}

fn sources() -> Vec<SettingSource> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut directories: Vec<PathBuf> = ["crates", "snapshot-builder"].map(|name| root.join(name)).into();
    let mut sources = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["tests", "target", "examples", "benches"].contains(&name.as_str()) {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !["tests.rs", "key_table.rs", "build.rs"].contains(&name.as_str())
            {
                sources.push(SettingSource { text: production(&fs::read_to_string(&path).unwrap()), path });
            }
        }
    }
    sources
}

/// What is compiled into the programs: no comments, and nothing from the tests at the end on.
fn production(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The name that a value read at `before` gets: of the field on this line, or of the function.
fn accessor(before: &str) -> &str {
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    if let Some((field, _)) = line.split_once(": ")
        && field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    {
        return field;
    }
    let function = before.rsplit("fn ").next().unwrap_or_default();
    function.split('(').next().unwrap_or_default()
}

/// Whether `name` is called, or read as a field; being assigned to is no use.
fn uses(text: &str, name: &str) -> bool {
    text.match_indices(&format!(".{name}")).any(|(at, found)| {
        let rest = &text[at + found.len()..];
        let is_whole = !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
        let rest = rest.trim_start();
        is_whole && (!rest.starts_with('=') || rest.starts_with("=="))
    })
}

/// Whether the row of that name in the table of keys is read.
fn is_read(row: &str, sources: &[SettingSource]) -> bool {
    sources.iter().any(|source| {
        source.text.match_indices(row).any(|(at, _)| {
            let before = source.text[..at].strip_suffix("key_table::").unwrap_or(&source.text[..at]);
            let behind = &source.text[at + row.len()..];
            let is_whole = !behind.starts_with(|next: char| next.is_alphanumeric() || next == '_');
            // `&ROW.key` is its name, which messages have.
            if !is_whole || !before.ends_with('&') || behind.starts_with(".key") {
                return false;
            }
            if !DEFINITIONS.iter().any(|definition| source.path.ends_with(definition)) {
                return true;
            }
            let name = accessor(before);
            sources.iter().any(|user| user.path != source.path && uses(&user.text, name))
        })
    })
}

/// The rows of the table, each with its key.
fn rows(table: &str) -> Vec<(&str, &str)> {
    table.lines().filter_map(row_of).collect()
}

/// `ROW: type = "key", …`
fn row_of(line: &str) -> Option<(&str, &str)> {
    let (row, rest) = line.trim_start().split_once(": ")?;
    let key = rest.split_once(" = \"")?.1.split_once('"')?.0;
    row.bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        .then_some((row, key))
}

#[test]
fn every_key_is_read() {
    let sources = sources();
    let rows = rows(include_str!("../src/settings/key_table.rs"));
    assert_eq!(
        rows.iter().map(|(_, key)| *key).collect::<Vec<_>>(),
        KEYS.iter().map(|key| key.name).collect::<Vec<_>>()
    );
    let unread: Vec<&str> =
        rows.into_iter().filter(|(row, _)| !is_read(row, &sources)).map(|(_, key)| key).collect();
    assert!(unread.is_empty(), "give these keys an effect, or remove them from KEYS: {unread:#?}");
}

#[test]
fn what_counts_as_reading() {
    let source = |path: &str, text: &str| SettingSource { path: PathBuf::from(path), text: production(text) };
    let settings = || source("settings/effective.rs", "fn port(&self) {\n    self.of(&key_table::PORT)\n}\n");
    let fields =
        || source("settings/performance.rs", "Self {\n    slow: settings.of(&key_table::SLOW),\n}\n");
    let check = |key: &str, others: &[&str], wanted: bool| {
        let mut all = vec![settings(), fields()];
        all.extend(others.iter().map(|text| source("crates/live/src/x.rs", text)));
        assert_eq!(is_read(key, &all), wanted, "{key} {others:?}");
    };
    check("PORT", &[], false);
    check("PORT", &["settings.port()"], true);
    check("PORT", &["settings.ports()"], false);
    check("PORT", &["// settings.port()"], false);
    check("PORT", &["#[cfg(test)]\nmod tests {\n settings.port() }"], false);
    check("SLOW", &["performance.slow = true;"], false);
    check("SLOW", &["if performance.slow {"], true);
    check("SLOW", &["performance.slow == true"], true);
    check("OTHER", &["settings.of(&OTHER)"], true);
    check("OTHER", &["settings.of(&key_table::OTHER)"], true);
    check("OTHER", &["settings.of(&OTHER_ONE)"], false);
    check("OTHER", &["message(OTHER.key.name)"], false);
    check("OTHER", &["message(&OTHER.key)"], false);
}
