//! Secrets in the configuration are never printed, nor kept in a snapshot.
#![allow(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs;

use ohfp_tests::{Sandbox, expect_none};

/// Every secret holds this word.
const SECRET: &str = "hunter2";

const CONFIG: &str = r#"{
  "provider": {"providers": [{"name": "aws", "type": "aws", "config": {
    "region": "us-east-1",
    "aws_access_key_id": "AKIAhunter2",
    "secret_access_key": "hunter2/x",
    "SessionToken": "hunter2",
    "session-token": "hunter2",
    "password": ["hunter2", "more hunter2"],
    "proxy": "http://user:hunter2@proxy.example:3128/",
    "endpoint_url": "https://hunter2@host.example",
    "from_environment": {"api_key": "$API_KEY", "authorization": "Bearer ${API_KEY}"},
    "nested": [{"deep": {"privateKey": "hunter2", "plain": "shown"}}]
  }}]},
  "storage": {"sql_strategy": {"name": "x.db", "password": "hunter2"}}
}"#;
const IBM_CONFIG: &str = r#"{"AWS_REGION": "us-east-1", "AWS_PROXY_HOST": "http://u:hunter2@p", "AWS_PROXY_PORT": 1, "AWS_SECRET_ACCESS_KEY": "hunter2"}"#;
const TEMPLATES: &str = r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}]"#;

fn sandbox() -> Sandbox {
    let files =
        [("config.json", CONFIG), ("awsprov_config.json", IBM_CONFIG), ("awsprov_templates.json", TEMPLATES)];
    let mut sandbox = Sandbox::with_files(&files);
    sandbox.set("API_KEY", SECRET);
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
    sandbox.build();
    sandbox
}

#[test]
fn what_is_printed() {
    let sandbox = sandbox();
    let lines: &[&[&str]] = &[
        &["providers", "show"],
        &["providers", "show", "aws"],
        &["providers", "list"],
        &["config", "show"],
        &["config", "get", "provider.providers"],
        &["config", "get", "provider"],
        &["config", "validate"],
        &["templates", "validate"],
        &["storage", "show"],
    ];
    let mut faults = Vec::new();
    for line in lines {
        for format in ["json", "yaml", "table", "list"] {
            for program in ["ohfp", "ohfp-live"] {
                let ended = sandbox.run(program, &[line, &["--format", format][..]].concat());
                if format!("{}{}", ended.text(), ended.stderr).contains(SECRET) {
                    faults.push(format!("{program} {line:?} --format {format}: {ended:?}"));
                }
            }
        }
    }
    for line in [&["build"][..], &["inspect"], &["inspect", "--json"], &["check"], &["verify"]] {
        let ended = sandbox.run("ohfp-snapshot", line);
        assert_eq!(ended.code, 0, "{line:?}: {ended:?}");
        if format!("{}{}", ended.text(), ended.stderr).contains(SECRET) {
            faults.push(format!("ohfp-snapshot {line:?}: {ended:?}"));
        }
    }
    expect_none(&faults, lines.len() * 8);
    // What is no secret is there all the same.
    let shown = sandbox.run("ohfp", &["providers", "show"]).text();
    for part in ["us-east-1", "(redacted)", "@proxy.example:3128/", "@host.example", "\"plain\": \"shown\""] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn what_is_kept() {
    let sandbox = sandbox();
    let snapshot = fs::read(sandbox.path.join("x.snapshot")).unwrap();
    assert!(!snapshot.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
}

/// An error shows what is wrong, but not when that is a secret.
#[test]
fn what_errors_quote() {
    let cases = [
        ("config.json", r#"{"scheduler": {"type": "https://u:hunter2@h"}}"#),
        (
            "awsprov_config.json",
            r#"{"AWS_REGION": "r", "AWS_REQUEST_RETRY_ATTEMPTS": "https://u:hunter2@h"}"#,
        ),
        (
            "config.json",
            r#"{"provider": {"providers": [{"name": "a", "type": "aws", "config": {"password": "hunter2",}}]}}"#,
        ),
    ];
    let faults = cases.iter().filter_map(|(file, content)| {
        let sandbox = sandbox();
        sandbox.write(file, content);
        let built = sandbox.run("ohfp-snapshot", &["build"]);
        assert_eq!(built.code, 1, "{built:?}");
        built.stderr.contains(SECRET).then(|| format!("{content}: {built:?}"))
    });
    expect_none(&faults.collect::<Vec<_>>(), cases.len());
}
