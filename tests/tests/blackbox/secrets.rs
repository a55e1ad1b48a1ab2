//! Secrets in the configuration are never printed, nor kept in a snapshot.

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

const SECRET_TEMPLATES: &str = r##"[
  {"templateId": "plain", "maxNumber": 1, "vmType": "m5.large"},
  {"templateId": "a", "maxNumber": 2, "vmType": "m5.large", "imageId": "ami-1",
   "userDataScript": "#!/bin/sh\nexport TOKEN=hunter2", "instanceTags": "team=x;db_password=hunter2",
   "registry": {"apiToken": "hunter2", "host": "shown"}, "bucket": "https://b/x?X-Amz-Signature=hunter2"}
]"##;

/// People are not shown what templates hold, Host Factory is; `--show-secrets` shows it to people too.
#[test]
fn templates_with_secrets() {
    let config = r#"{"provider": {"providers": [{"name": "s", "type": "sim", "template_defaults": {"keyName": "k", "pwd": "hunter2"}}]}}"#;
    let files = [("config.json", config), ("awsprov_templates.json", SECRET_TEMPLATES)];
    let mut sandbox = Sandbox::with_files(&files);
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
    sandbox.set("OHFP_STATE_DIR", sandbox.path.join("state"));
    sandbox.set("HF_PROVIDER_LOGDIR", sandbox.path.join("log"));
    sandbox.build();
    let mut faults = Vec::new();
    let lines: &[&[&str]] = &[
        &["templates", "list"],
        &["templates", "list", "--long"],
        &["templates", "list", "--filter", "templateId=a"],
        &["templates", "show", "a"],
        &["templates", "validate"],
        &["config", "show"],
        &["config", "get", "provider.providers"],
        &["doctor"],
    ];
    for line in lines {
        for format in ["json", "yaml", "table", "list"] {
            let line = [line, &["--format", format][..]].concat();
            let answers = ["ohfp", "ohfp-live"].map(|program| sandbox.run(program, &line));
            if answers.iter().any(|ended| format!("{}{}", ended.text(), ended.stderr).contains(SECRET)) {
                faults.push(format!("{line:?} --format {format}: {answers:?}"));
            }
            // What doctor says of the free space changes from one moment to the next.
            if answers[0] != answers[1] && line[0] != "doctor" {
                faults.push(format!("{line:?} --format {format} differ: {answers:?}"));
            }
        }
    }
    expect_none(&faults, lines.len() * 4);
    let shown = sandbox.run("ohfp", &["templates", "show", "a"]).text();
    for part in
        ["\"(30 bytes, xxh3 ", "team=x;db_password=(redacted)", "\"host\": \"shown\"", "\"keyName\": \"k\""]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    for line in [&["templates", "show", "a"][..], &["templates", "list"], &["config", "show"]] {
        let ended = sandbox.run("ohfp", &[line, &["--show-secrets"]].concat());
        assert!(ended.code == 0 && ended.text().contains(SECRET), "{ended:?}");
    }
    // What Host Factory needs stays whole, from the snapshot as from the files.
    let input = sandbox.input("in.json", "{}");
    let ask = ["getAvailableTemplates".as_ref(), "-f".as_ref(), input.as_os_str()];
    let (alone, live) = (sandbox.runtime_alone(&ask), sandbox.run("ohfp-live", &ask));
    assert!(alone == live && alone.code == 0, "{alone:?} {live:?}");
    assert!(alone.text().contains("TOKEN=hunter2") && alone.text().contains("db_password=hunter2"));
    // Also where a request is made from the snapshot.
    let wanted = sandbox.input("request.json", r#"{"template": {"templateId": "a", "machineCount": 1}}"#);
    let requested = sandbox.run("ohfp", &["requestMachines".as_ref(), "-f".as_ref(), wanted.as_os_str()]);
    assert_eq!(requested.code, 0, "{requested:?}");
    let machines = sandbox.run("ohfp", &["requests", "list"]).text();
    assert!(machines.contains("req-"), "{machines}");
    for entry in fs::read_dir(sandbox.path.join("log")).unwrap() {
        let log = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!log.contains(SECRET), "{log}");
    }
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
