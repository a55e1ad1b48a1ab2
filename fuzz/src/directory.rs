//! A configuration directory in memory, and what must hold for whatever is loaded from one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{Error, Errors};
use ohfp_render::Format;
use ohfp_render::templates::TemplateList;
use ohfp_resolver::{Environment, Origin, Resolved, load};
use ohfp_snapshot_builder::lower;
use ohfp_snapshot_format::View;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::reader::Aligned;

/// The directory of this process, on a file system in memory where there is one.
pub(crate) fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let path = base.join(format!("ohfp-fuzz-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory to load from");
        path
    })
}

/// Loads a directory with these files and nothing else.
pub(crate) fn load(files: &[(&str, &[u8])], variables: &[(&str, &str)]) -> Result<Resolved, Errors> {
    for entry in fs::read_dir(path()).expect("our directory").flatten() {
        if !files.iter().any(|(name, _)| entry.file_name() == *name) {
            fs::remove_file(entry.path()).expect("our file");
        }
    }
    for (name, content) in files {
        fs::write(path().join(name), content).expect("a file of ours");
    }
    let origin = Origin { root: path().to_owned(), config_file: None };
    load::load(&origin, &variables.iter().copied().collect::<Environment>())
}

/// Findings are for people: each says something, on one line, and drives no terminal.
pub(crate) fn check_errors(errors: &[Error]) {
    assert!(!errors.is_empty(), "a failure without an error");
    for error in errors {
        let summary = error.summary();
        assert!(!summary.trim().is_empty(), "an error without words");
        assert!(!summary.contains(char::is_control), "a control character in {summary:?}");
        assert!(!error.hint_text().is_some_and(|hint| hint.contains(char::is_control)), "{error:?}");
    }
}

/// What is made of a sound configuration: the same twice, well-formed, whole.
pub(crate) fn check_resolved(resolved: &Resolved, files: &[(&str, &[u8])], variables: &[(&str, &str)]) {
    for warning in &resolved.warnings {
        let text = warning.to_string();
        assert!(!text.trim().is_empty() && !text.contains(char::is_control), "{text:?}");
    }
    let catalog = TemplateList {
        templates: &resolved.templates,
        scheduler: resolved.settings.scheduler().unwrap_or(SchedulerKind::HostFactory),
    };
    for &format in Format::ALL {
        for long in [false, true] {
            let list = catalog.list(format, long);
            assert_eq!(list.places.len(), resolved.templates.len(), "{format}");
            let whole = [&list.head[..], &list.records, &list.tail].concat();
            assert!(std::str::from_utf8(&whole).is_ok(), "{format} is not UTF-8");
            // What a file says must not drive a terminal.
            let drives = |byte: &u8| *byte < b' ' && *byte != b'\n' || *byte == 0x7f;
            assert!(!whole.iter().any(drives), "a control character in {format}");
            if format == Format::Json {
                let document: Value = serde_json::from_slice(&whole).expect("the list is JSON");
                let listed =
                    document.get("templates").and_then(Value::as_array).expect("a list of templates");
                assert_eq!(listed.len(), resolved.templates.len());
                for (template, (start, len)) in resolved.templates.iter().zip(&list.places) {
                    let record: Value =
                        serde_json::from_slice(&list.records[*start..start + len]).expect("a record is JSON");
                    let id = record.get("templateId").or_else(|| record.get("template_id"));
                    assert_eq!(id.and_then(Value::as_str), Some(template.id()));
                }
            }
        }
        for template in &resolved.templates {
            let mut alone = Vec::new();
            catalog.show(template, format, &mut alone);
            assert!(std::str::from_utf8(&alone).is_ok());
        }
    }
    // A whole snapshot takes milliseconds, so only some inputs get one.
    let picked = files.iter().fold(0, |sum, (_, content)| sum ^ xxh3_64(content));
    if picked % 32 == 0 {
        check_snapshot(resolved, files, variables);
    }
}

fn check_snapshot(resolved: &Resolved, files: &[(&str, &[u8])], variables: &[(&str, &str)]) {
    let payload = lower::lower(resolved, &mut |_| ()).expect("a sound configuration has a snapshot");
    let again = load(files, variables).expect("it was sound a moment ago");
    let again = lower::lower(&again, &mut |_| ()).expect("it was lowered a moment ago");
    assert_eq!(payload.digest(), again.digest(), "the same files give two payloads");
    let mut bytes = Vec::new();
    payload.write_to(&mut bytes, None, lower::maker()).expect("memory takes everything");
    let bytes = Aligned::new(&bytes);
    let view = View::new(bytes.as_slice()).expect("what we write has a sound header");
    ohfp_snapshot_format::verify::every_byte(&view).expect("what we write is sound");
    let contents = view.contents().expect("what we write has a sound index");
    let list = contents.answer(b"templates list\tjson", || false).expect("it is sound").expect("it is filed");
    assert!(serde_json::from_slice::<Value>(&list.concat()).is_ok());
    for template in &resolved.templates {
        let mut buffer = [0; 256];
        let shown = contents.show(template.id().as_bytes(), b"json", || false, &mut buffer).expect("sound");
        let shown: Value = serde_json::from_slice(&shown.expect("it is filed").concat()).expect("JSON");
        let id = shown.get("templateId").or_else(|| shown.get("template_id"));
        assert_eq!(id.and_then(Value::as_str), Some(template.id()));
    }
}
