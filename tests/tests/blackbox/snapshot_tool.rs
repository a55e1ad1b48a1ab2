//! `ohfp-snapshot check`, `inspect` and `diff`: what they say and exit with.

use std::fs;

use ohfp_tests::{Sandbox, expect_none};
use serde_json::Value;

use crate::common::generations::{FILE, sandbox, snapshot, tool, write};

#[test]
fn check_names_what_differs() {
    type Change = fn(&mut Sandbox);
    let cases: &[(&str, Change)] = &[
        ("", |_| ()),
        ("awsprov_templates.json has changed", |sandbox| write(sandbox, &[("b", 1)])),
        ("awsprov_templates.json is gone", |sandbox| fs::remove_file(sandbox.root().join(FILE)).unwrap()),
        // Directories are inputs, too.
        ("awsprov_templates.json has changed", |sandbox| {
            fs::remove_file(sandbox.root().join(FILE)).unwrap();
            fs::create_dir(sandbox.root().join(FILE)).unwrap();
        }),
        ("config.json is new", |sandbox| sandbox.write("config.json", "{}")),
        ("awsprov_config.json is new", |sandbox| sandbox.write("awsprov_config.json", "{}")),
        ("$HF_PROVIDER_NAME was not set", |sandbox| sandbox.set("HF_PROVIDER_NAME", "x")),
        ("$WHERE is no longer set", |sandbox| sandbox.unset("WHERE")),
        ("$WHERE has another value", |sandbox| sandbox.set("WHERE", "there")),
        ("/conf is not the configuration root", |sandbox| {
            sandbox.set("OHFP_CONFIG_DIR", sandbox.path.join("home"));
        }),
    ];
    let mut faults = Vec::new();
    for (words, change) in cases {
        let mut sandbox = sandbox(&[("a", 1)]);
        if words.contains("WHERE") {
            sandbox.write(
                "config.json",
                r#"{"provider": {"providers": [{"name": "a", "type": "aws", "config": {"x": "$WHERE"}}]}}"#,
            );
            sandbox.set("WHERE", "here");
        }
        sandbox.build();
        change(&mut sandbox);
        let (text, json) = (tool(&sandbox, &["check"]), tool(&sandbox, &["check", "--json"]));
        let report: Value = serde_json::from_slice(&json.stdout).unwrap_or_default();
        let differences = report["differences"].as_array().map_or(usize::MAX, Vec::len);
        let fresh = words.is_empty();
        let said = if fresh { "fresh: " } else { "stale: " };
        let right = text.text().starts_with(said)
            && text.text().contains(words)
            && text.text().lines().count() == 1 + differences;
        let codes = [text.code, json.code] == [i32::from(!fresh); 2];
        if !right
            || !codes
            || report["fresh"] != fresh
            || differences != usize::from(!fresh)
            || !text.stderr.is_empty()
        {
            faults.push(format!("{words:?}: {text:?} {report}"));
        }
    }
    expect_none(&faults, cases.len());
}

#[test]
fn without_a_snapshot_there_is_a_hint() {
    let sandbox = sandbox(&[("a", 1)]);
    for line in
        [&["check"][..], &["verify"], &["inspect"], &["diff", "a", "b"], &["check", "--snapshot", "nowhere"]]
    {
        let ended = tool(&sandbox, line);
        let said = ended.stderr.starts_with("error: there is no snapshot at `")
            && ended.stderr.contains("hint: `ohfp-snapshot build` creates it");
        // As for diff, 1 is the answer that two files differ.
        let code = if line[0] == "diff" { 2 } else { 1 };
        assert!(ended.code == code && ended.stdout.is_empty() && said, "{line:?}: {ended:?}");
    }
}

#[test]
fn inspect_lists_sections_inputs_and_provenance() {
    let sandbox = sandbox(&[("a", 1), ("b", 2)]);
    sandbox.build();
    let report: Value = serde_json::from_slice(&tool(&sandbox, &["inspect", "--json"]).stdout).unwrap();
    let text = tool(&sandbox, &["inspect"]).text();
    let size = snapshot(&sandbox, "x.snapshot").unwrap().len();
    assert_eq!((report["templates"].as_u64(), report["bytes"].as_u64()), (Some(2), Some(size as u64)));
    assert_eq!(report["root"].as_str(), sandbox.root().to_str());
    let digest = report["payload_digest"].as_str().unwrap();
    assert!(digest.len() == 32 && text.contains(&format!("payload_digest: {digest}")), "{text}");
    // Sections lie one behind the other, inside the file; each is listed for people too.
    let sections = report["sections"].as_array().unwrap();
    let mut end = 0;
    for section in sections {
        let (name, start) = (section["name"].as_str().unwrap(), section["offset"].as_u64().unwrap());
        assert!(start >= end && text.contains(name), "{section}");
        end = start + section["bytes"].as_u64().unwrap();
    }
    assert!(sections.len() > 50 && end <= size as u64);
    assert!(sections.iter().any(|section| section["name"] == "templates list json"));
    let inputs: Vec<String> = report["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| format!("{} {}", input["path"], input["present"]))
        .collect();
    for (name, present) in
        [("awsprov_templates.json", true), ("awsprov_config.json", false), ("config.json", false)]
    {
        let input = format!("\"{}/{name}\" {present}", sandbox.root().display());
        assert!(inputs.contains(&input), "{input} in {inputs:?}");
    }
    assert!(
        report["variables"].as_array().unwrap().iter().any(|variable| variable["name"] == "HF_PROVIDER_NAME")
    );
}

#[test]
fn diff_compares_two_files() {
    let sandbox = sandbox(&[("a", 10), ("b", 1)]);
    sandbox.build();
    write(&sandbox, &[("a", 5), ("c", 1)]);
    assert_eq!(tool(&sandbox, &["build", "--allow-lower-max"]).code, 0);
    let [new, old] = ["snapshots/x.snapshot", "snapshots/x.snapshot.previous"];
    let cases = [
        ([old, old], 0, "templates: no change\n"),
        ([old, new], 1, "added 1: c\nremoved 1: b\nchanged 1: a\nmaxNumber lowered: a from 10 to 5\n"),
        ([new, old], 1, "added 1: b\nremoved 1: c\nchanged 1: a\n"),
    ];
    for ([a, b], code, text) in cases {
        let ended = tool(&sandbox, &["diff", a, b]);
        assert!(ended.code == code && ended.text() == text, "{a} {b}: {ended:?}");
        let report: Value =
            serde_json::from_slice(&tool(&sandbox, &["diff", "--json", a, b]).stdout).unwrap();
        assert_eq!(report["changed"].as_array().unwrap().is_empty(), code == 0, "{report}");
    }
    fs::write(sandbox.path.join("none"), "not a snapshot").unwrap();
    let ended = tool(&sandbox, &["diff", new, "none"]);
    assert!(ended.code == 2 && ended.stdout.is_empty() && ended.stderr.contains("`none` "), "{ended:?}");
}
