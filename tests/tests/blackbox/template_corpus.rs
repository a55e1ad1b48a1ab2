//! The corpus of template files in `tests/corpus/templates`: each loads with every field as it was written, or is
//! refused for the reason that its sidecar names.
//!
//! A case is a file `NAME.json`, or a directory `NAME` with a whole configuration, and `NAME.expect`: `loads` has the
//! templates that come out under Host Factory's names, `warns` parts of warnings, `refused` a part of the error.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs;
use std::path::Path;

use ohfp_tests::{Ended, Sandbox, expect_none, repository};
use serde_json::Value;

/// A case: its name, its files, and what is expected.
struct Case {
    name: String,
    files: Vec<(String, Vec<u8>)>,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let directory = repository().join("tests/corpus/templates");
    let mut sidecars: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "expect"))
        .collect();
    sidecars.sort();
    let case = |sidecar: &std::path::PathBuf| {
        let beside = sidecar.with_extension("");
        let files = if beside.is_dir() {
            let named = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
            let all = fs::read_dir(&beside).unwrap().map(|entry| entry.unwrap().path());
            all.map(|path| (named(&path), fs::read(&path).unwrap())).collect()
        } else {
            let sim = br#"{"provider": {"type": "sim"}}"#.to_vec();
            let content = fs::read(sidecar.with_extension("json")).unwrap();
            vec![("awsprov_templates.json".to_owned(), content), ("config.json".to_owned(), sim)]
        };
        let expected = serde_json::from_slice(&fs::read(sidecar).unwrap()).unwrap();
        Case { name: beside.file_name().unwrap().to_str().unwrap().to_owned(), files, expected }
    };
    sidecars.iter().map(case).collect()
}

fn sandbox(files: &[(String, Vec<u8>)]) -> Sandbox {
    let sandbox = Sandbox::with_files(&[]);
    for (name, content) in files {
        sandbox.write(name, content);
    }
    sandbox
}

/// All templates with all fields, as Host Factory names them.
fn list(sandbox: &Sandbox) -> Ended {
    sandbox.run("ohfp-live", &["templates", "list", "--scheduler", "hostfactory", "--show-secrets"])
}

/// What is wrong with a case.
fn fault(Case { name, files, expected }: &Case) -> Option<String> {
    let sandbox = sandbox(files);
    let validated = sandbox.run("ohfp-live", &["templates", "validate", "--lenient"]);
    let report: Value = serde_json::from_slice(&validated.stdout).unwrap();
    let of = |severity: &str| -> Vec<String> {
        let findings = report["findings"].as_array().unwrap().iter();
        let those = findings.filter(|finding| finding["severity"] == severity);
        those.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
    };
    let (errors, warnings) = (of("error"), of("warning"));
    if let Some(reason) = expected["refused"].as_str() {
        let is_named = errors.iter().any(|error| error.contains(reason));
        return (validated.code != 1 || !is_named).then(|| format!("{name}: {reason} is not in {errors:?}"));
    }
    if validated.code != 0 {
        return Some(format!("{name}: {errors:?}"));
    }
    for part in expected["warns"].as_array().into_iter().flatten() {
        let part = part.as_str().unwrap();
        if !warnings.iter().any(|warning| warning.contains(part)) {
            return Some(format!("{name}: {part} is not in {warnings:?}"));
        }
    }
    let listed = list(&sandbox);
    let answer: Value = serde_json::from_slice(&listed.stdout).unwrap_or_default();
    let mut found = answer["templates"].as_array().cloned().unwrap_or_default();
    for (template, wanted) in found.iter_mut().zip(expected["loads"].as_array().unwrap()) {
        if wanted.get("attributes").is_none() {
            template.as_object_mut().unwrap().shift_remove("attributes");
        }
    }
    // Compared as text: order and digits are the file's.
    let (found, wanted) = (sorted(&found), sorted(expected["loads"].as_array().unwrap()));
    (found != wanted).then(|| format!("{name}:\n  {found}\n  {wanted}"))
}

/// The templates as text, with the fields of each in one order: a sidecar names them in any.
fn sorted(templates: &[Value]) -> String {
    let one = |template: &Value| {
        let mut fields: Vec<String> =
            template.as_object().unwrap().iter().map(|(name, value)| format!("{name}: {value}")).collect();
        fields.sort();
        fields.join(", ")
    };
    templates.iter().map(one).collect::<Vec<_>>().join("\n  ")
}

#[test]
fn every_file_loads_or_is_refused_for_its_reason() {
    let cases = cases();
    assert!(cases.len() >= 100, "{}", cases.len());
    let faults: Vec<String> = cases.iter().filter_map(fault).collect();
    expect_none(&faults, cases.len());
}

/// What is read out and given back is the same: `templates list` as a file of its own, field by field.
#[test]
fn what_is_listed_is_a_template_file() {
    let mut checked = 0;
    let is_of = |case: &&Case| {
        let has_templates = case.expected["loads"].as_array().is_some_and(|all| !all.is_empty());
        let kinds = ["field-", "chain-", "digits", "passed-all"];
        has_templates && kinds.iter().any(|kind| case.name.starts_with(kind))
    };
    for case in cases().iter().filter(is_of) {
        let sandbox = sandbox(&case.files);
        let first = list(&sandbox);
        for (name, _) in case.files.iter().filter(|(name, _)| name.ends_with("templates.json")) {
            fs::remove_file(sandbox.root().join(name)).unwrap();
        }
        sandbox.write("awsprov_templates.json", &first.stdout);
        let again = list(&sandbox);
        assert_eq!((again.code, again.text()), (0, first.text()), "{}", case.name);
        checked += 1;
    }
    assert!(checked > 35, "{checked}");
}
