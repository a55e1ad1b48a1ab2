//! The commands of the group `config`: where a value comes from, and changes of the files that keep all else.

#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use ohfp_tests::{Ended, Sandbox, ended, program};
use serde_json::{Value, json};

const TEMPLATES: (&str, &str) = (
    "awsprov_templates.json",
    r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large", "imageId": "ami-1"}]"#,
);

const YAML: &str = "# ours\nlogging:\n  level: WARNING # loud enough\nprovider:\n  providers:\n  - name: aws-east\n    type: aws\n    config:\n      region: us-east-1\n";

fn answer(sandbox: &Sandbox, line: &str) -> Value {
    let ended = sandbox.line(line);
    assert_eq!(ended.code, 0, "{line}: {ended:?}");
    ended.document()
}

fn refused(sandbox: &Sandbox, line: &str, parts: &[&str]) -> Ended {
    let ended = sandbox.line(line);
    assert_ne!(ended.code, 0, "{line}: {ended:?}");
    for part in parts {
        assert!(ended.stderr.contains(part), "{line}: {part}: {}", ended.stderr);
    }
    ended
}

#[test]
fn a_value_inside_a_list_by_name_or_index() {
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    let root = sandbox.root();
    let place = |at: &str| json!(format!("{}/config.yaml:{at}", root.display()));
    for (key, value, at) in [
        ("provider.providers.aws-east.config.region", json!("us-east-1"), "9:15"),
        ("provider.providers.0.name", json!("aws-east"), "6:11"),
        ("provider.providers.aws-east.config", json!({ "region": "us-east-1" }), "9:7"),
    ] {
        let expected = json!({ "key": key, "value": value, "source": place(at) });
        assert_eq!(answer(&sandbox, &format!("config get {key}")), expected, "{key}");
    }
    refused(&sandbox, "config get provider.providers.aws-west.config.region", &["is not set"]);
    refused(&sandbox, "config get providr.providers", &["there is no configuration key", "did you mean"]);
}

#[test]
fn explain_shows_every_layer() {
    let mut sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    fs::create_dir(sandbox.root().join("config.d")).unwrap();
    sandbox.write("config.d/10.toml", "logging.level = \"ERROR\"\n");
    let decides = |found: &Value| {
        (found["value"].clone(), found["layer"].clone(), found["layers"].as_array().unwrap().len())
    };
    let found = answer(&sandbox, "config explain logging.level");
    assert_eq!(decides(&found), (json!("ERROR"), json!("config.d"), 3));
    let place = found["source"].as_str().unwrap();
    assert!(place.ends_with("config.d/10.toml:1:17"), "{place}");
    assert!(found["allowed"].as_str().unwrap().contains("`DEBUG`"), "{found}");
    assert_eq!(found["default"], "INFO");
    sandbox.set("OHFP_LOGGING__LEVEL", "debug");
    let found = answer(&sandbox, "config explain logging.level");
    assert_eq!(decides(&found), (json!("DEBUG"), json!("environment"), 4));
    assert_eq!(found["source"], "$OHFP_LOGGING__LEVEL");
    let shown = sandbox.run("ohfp", &["config", "explain", "logging.level", "--format", "list"]).text();
    assert!(shown.contains("* $OHFP_LOGGING__LEVEL: \"debug\""), "{shown}");
}

#[test]
fn show_with_origins() {
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    assert_eq!(answer(&sandbox, "config show --changed")["logging"], json!({ "level": "WARNING" }));
    let rows = answer(&sandbox, "config show --changed --origin");
    let rows = rows["settings"].as_array().unwrap();
    let keys: Vec<&str> = rows.iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["provider.providers", "logging.level"]);
    assert_eq!(rows[1]["layer"], "directory");
    let all = answer(&sandbox, "config show --origin");
    assert!(all["settings"].as_array().unwrap().len() > 60);
}

/// Comments, order and spacing of the rest stay; `unset` takes back what `set` did.
#[test]
fn set_and_unset_keep_the_rest_of_the_file() {
    for (name, content) in [
        ("config.yaml", YAML),
        ("config.json", "{\n    \"logging\": {\"level\": \"WARNING\"},\n    \"_comment\": \"ours\"\n}"),
        ("config.toml", "# ours\n[logging]\nlevel = \"WARNING\" # loud enough\n"),
    ] {
        let sandbox = Sandbox::with_files(&[TEMPLATES, (name, content)]);
        let file = sandbox.root().join(name);
        let read = || fs::read_to_string(&file).unwrap();
        let changed = answer(&sandbox, "config set logging.level ERROR");
        assert_eq!(changed["file"], json!(file), "{name}");
        assert_eq!(read(), content.replace("WARNING", "ERROR"), "{name}");
        answer(&sandbox, "config set logging.level WARNING");
        answer(&sandbox, "config set request.max_machines_per_request 500");
        assert_eq!(answer(&sandbox, "config get request.max_machines_per_request")["value"], 500, "{name}");
        answer(&sandbox, "config unset request.max_machines_per_request");
        assert_eq!(read(), content, "{name}");
        let again = answer(&sandbox, "config unset request.max_machines_per_request");
        assert_eq!(again["changed"], false, "{name}");
    }
}

#[test]
fn what_would_be_wrong_is_not_written() {
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    for (line, part) in [
        ("config set scheduler.type hostfactry", "must be one of `hostfactory`"),
        ("config set request.max_machines_per_request 0", "must be a whole number from 1"),
        ("config set provider.active_provider nosuch", "which is not configured"),
        ("config set nosuch.key 1", "there is no configuration key"),
        ("config set storage.sql_strategy.name $NOPE", "which is not set"),
        ("config set provider.providers.west.config.region x", "there is no place"),
        ("config set logging.level.x 1", "there is no configuration key"),
    ] {
        refused(&sandbox, line, &[part]);
        assert_eq!(fs::read_to_string(sandbox.root().join("config.yaml")).unwrap(), YAML, "{line}");
    }
}

#[test]
fn set_changes_the_file_that_decides_and_says_what_is_above() {
    let mut sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    fs::create_dir(sandbox.root().join("config.d")).unwrap();
    sandbox.write("config.d/10.json", "{\"logging\": {\"level\": \"ERROR\"}}");
    let changed = answer(&sandbox, "config set logging.level INFO");
    assert_eq!(changed["file"], json!(sandbox.root().join("config.d/10.json")));
    sandbox.set("OHFP_LOGGING__LEVEL", "debug");
    assert_eq!(answer(&sandbox, "config set logging.level ERROR")["overriddenBy"], "$OHFP_LOGGING__LEVEL");
    // Without any file, there is one then.
    let sandbox = Sandbox::with_files(&[TEMPLATES]);
    answer(&sandbox, "config set template.max_number 5");
    let made: Value = serde_json::from_slice(&fs::read(sandbox.root().join("config.json")).unwrap()).unwrap();
    assert_eq!(made, json!({ "template": { "max_number": 5 } }));
}

fn editor(sandbox: &mut Sandbox, script: &str) {
    let path = sandbox.input("editor.sh", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.set("EDITOR", path.into_os_string());
}

#[test]
fn edit_replaces_the_file_only_by_what_is_right() {
    let mut sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    let file = sandbox.root().join("config.yaml");
    refused(&sandbox, "config edit", &["neither VISUAL nor EDITOR"]);
    editor(&mut sandbox, "sed -i s/WARNING/ERROR/ \"$1\"");
    assert_eq!(answer(&sandbox, "config edit")["changed"], true);
    assert_eq!(fs::read_to_string(&file).unwrap(), YAML.replace("WARNING", "ERROR"));
    assert_eq!(answer(&sandbox, "config edit")["changed"], false);
    editor(&mut sandbox, "sed -i s/ERROR/LOUD/ \"$1\"");
    refused(&sandbox, "config edit", &["`logging.level` must be one of", "is unchanged"]);
    editor(&mut sandbox, "echo '{' >> \"$1\"");
    refused(&sandbox, "config edit", &["config.yaml:", "is unchanged"]);
    editor(&mut sandbox, "exit 3");
    refused(&sandbox, "config edit", &["nothing was changed"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), YAML.replace("WARNING", "ERROR"));
}

/// What could not be read is not replaced by what was made of nothing.
#[test]
fn edit_opens_no_file_that_cannot_be_read() {
    for (name, content, line, part) in [
        ("config.json", &b"{\"logging\": \"\xff\"}"[..], "config edit", "is not UTF-8"),
        ("config.yaml", b"logging: \xff\n", "config edit", "is not UTF-8"),
        ("other.toml", b"a = \"\xff\"\n", "--config OTHER config edit", "is not UTF-8"),
        ("unused.toml", b"", "--config OTHER config edit", "does not exist"),
    ] {
        let mut sandbox = Sandbox::with_files(&[TEMPLATES]);
        let file = sandbox.root().join(name);
        fs::write(&file, content).unwrap();
        editor(&mut sandbox, "echo '{}' > \"$1\"");
        let other = sandbox.root().join("other.toml");
        let line = line.replace("OTHER", other.to_str().unwrap());
        refused(&sandbox, &line, &[part]);
        assert_eq!(fs::read(&file).unwrap(), content, "{name}");
        let made = ["config.json", "other.toml"].into_iter().filter(|other| *other != name);
        made.for_each(|made| assert!(!sandbox.root().join(made).exists(), "{name}: {made}"));
    }
    // One whose syntax is wrong can be mended.
    let mut sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", "logging: {level: ERROR\n")]);
    editor(&mut sandbox, "sed -i 's/ERROR/ERROR}/' \"$1\"");
    assert_eq!(answer(&sandbox, "config edit")["changed"], true);
    assert_eq!(answer(&sandbox, "config get logging.level")["value"], "ERROR");
}

/// Another process has changed the file while a person was editing its copy.
#[test]
fn edit_loses_no_change_of_another_process() {
    let mut sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    let file = sandbox.root().join("config.yaml");
    editor(&mut sandbox, &format!("echo '# theirs' >> {}; echo '# ours' >> \"$1\"", file.display()));
    refused(&sandbox, "config edit", &["has changed meanwhile", "what you wrote is in"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{YAML}# theirs\n"));
    let left = fs::read_dir(sandbox.root()).unwrap().flatten().map(|entry| entry.file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().ends_with(".lock")));
}

/// The mark that some editors put at the start of a file is none of its text, and stays.
#[test]
fn a_byte_order_mark_stays() {
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", "\u{feff}logging:\n  level: WARNING\n")]);
    answer(&sandbox, "config set logging.level ERROR");
    let now = fs::read_to_string(sandbox.root().join("config.yaml")).unwrap();
    assert_eq!(now, "\u{feff}logging:\n  level: ERROR\n");
}

#[test]
fn validate_a_file_or_standard_input() {
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    let file = sandbox.input("new.toml", "[scheduler]\ntype = \"x\"\n");
    let found = sandbox.run("ohfp", &["config", "validate", "--file", file.to_str().unwrap()]);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(found.text().contains("new.toml:2:8: `scheduler.type` must be one of"), "{found:?}");
    for (text, code) in [
        ("scheduler: {type: hf}", 0),
        ("{\"scheduler\": {\"type\": 5}}", 1),
        ("[scheduler]\ntype = \"hf\"", 0),
    ] {
        let input = sandbox.input("in", text);
        let mut command = sandbox.command(program("ohfp"));
        command
            .args(["config", "validate", "--file", "-"])
            .stdin(Stdio::from(fs::File::open(input).unwrap()));
        let found = ended(&mut command);
        assert_eq!(found.code, code, "{text}: {found:?}");
    }
}

#[test]
fn path_names_the_rule_and_the_files() {
    let mut sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    let found = answer(&sandbox, "config path");
    assert_eq!(
        (found["rule"].as_str(), &found["directory"]),
        (Some("from OHFP_CONFIG_DIR"), &json!(sandbox.root()))
    );
    let file = found["files"].as_array().unwrap().iter().find(|file| file["exists"] == true).unwrap();
    assert_eq!(file["path"], json!(sandbox.root().join("config.yaml")));
    // Another broker's places, where there is none of ours.
    sandbox.unset("OHFP_CONFIG_DIR");
    refused(&sandbox, "config path", &["no configuration found", "ORB_CONFIG_DIR"]);
    for (name, value) in [
        ("ORB_CONFIG_DIR", sandbox.root()),
        ("ORB_CONFIG_FILE", sandbox.root().join("config.yaml")),
        ("ORB_ROOT_DIR", sandbox.path.clone()),
    ] {
        if name == "ORB_ROOT_DIR" {
            fs::rename(sandbox.root(), sandbox.path.join("config")).unwrap();
        }
        sandbox.set(name, value);
        let found = answer(&sandbox, "config path");
        assert_eq!(found["rule"], format!("from {name}"));
        sandbox.set("ORB_LOG_LEVEL", "debug");
        assert_eq!(answer(&sandbox, "config get logging.level")["value"], "WARNING", "{name}");
        let shown = sandbox.run("ohfp", &["doctor", "--format", "list"]).text();
        assert!(shown.contains(&format!("from {name}")), "{shown}");
        sandbox.unset(name);
    }
}

#[test]
fn the_state_of_another_brokers_site_is_in_its_work_directory() {
    let mut sandbox = Sandbox::with_files(&[TEMPLATES, ("config.json", r#"{"provider": {"type": "sim"}}"#)]);
    sandbox.unset("OHFP_CONFIG_DIR");
    sandbox.set("ORB_CONFIG_DIR", sandbox.root());
    let work = sandbox.path.join("work");
    sandbox.set("ORB_WORK_DIR", work.clone());
    let ended = sandbox
        .run("ohfp", &["requestMachines", "-d", r#"{"template": {"templateId": "a", "machineCount": 1}}"#]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(work.join("ohfp.db").is_file());
}

#[test]
fn schemas_have_every_key() {
    let sandbox = Sandbox::with_files(&[TEMPLATES]);
    let schema = answer(&sandbox, "config schema");
    assert_eq!(schema["properties"]["logging"]["properties"]["level"]["default"], "INFO");
    let schema = answer(&sandbox, "config schema templates");
    assert!(schema["$defs"]["template"]["properties"]["vmTypes"].is_object());
}

#[test]
fn reload_rebuilds_the_snapshot() {
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", "snapshot: {refresh: never}\n")]);
    assert_eq!(answer(&sandbox, "config reload")["state"], "rebuilt");
    assert_eq!(answer(&sandbox, "config reload")["state"], "up to date");
    assert_eq!(sandbox.runtime_alone(&["config", "show"]).code, 0);
    refused(&sandbox, "config reload --config conf", &["does without a snapshot"]);
}

/// A snapshot of another configuration stays as it is, as it does when a question meets it.
#[test]
fn reload_leaves_the_snapshot_of_another_configuration() {
    let mut sandbox = Sandbox::with_files(&[TEMPLATES]);
    let shared = sandbox.path.join("shared.snapshot");
    sandbox.set("OHFP_SNAPSHOT", shared.clone());
    sandbox.build();
    let published = fs::read(&shared).unwrap();
    let other = sandbox.path.join("other");
    fs::create_dir(&other).unwrap();
    fs::copy(sandbox.root().join(TEMPLATES.0), other.join(TEMPLATES.0)).unwrap();
    sandbox.set("OHFP_CONFIG_DIR", other);
    refused(&sandbox, "config reload", &["cannot rebuild `", "shared.snapshot", "OHFP_SNAPSHOT"]);
    assert_eq!(fs::read(&shared).unwrap(), published);
}

/// A file that appears in `config.d`, and a variable that overrides a key: the runtime notices both.
#[test]
fn the_runtime_notices_what_it_has_not_read() {
    let mut sandbox =
        Sandbox::with_files(&[TEMPLATES, ("config.json", "{\"snapshot\": {\"refresh\": \"never\"}}")]);
    sandbox.build();
    let level = |sandbox: &Sandbox| answer(sandbox, "config show")["logging"]["level"].clone();
    assert_eq!(sandbox.runtime_alone(&["config", "show"]).code, 0);
    fs::create_dir(sandbox.root().join("config.d")).unwrap();
    assert_ne!(sandbox.runtime_alone(&["config", "show"]).code, 0, "the directory is new");
    sandbox.write("config.d/a.toml", "logging.level = \"ERROR\"\n");
    assert_eq!(level(&sandbox), "ERROR");
    sandbox.build();
    assert_eq!(sandbox.runtime_alone(&["config", "show"]).code, 0, "the directory is an input");
    sandbox.write("config.d/b.json", "{\"logging\": {\"level\": \"DEBUG\"}}");
    assert_ne!(sandbox.runtime_alone(&["config", "show"]).code, 0, "a file is new");
    assert_eq!(level(&sandbox), "DEBUG");
    sandbox.build();
    sandbox.set("OHFP_LOGGING__LEVEL", "info");
    assert_ne!(sandbox.runtime_alone(&["config", "show"]).code, 0, "a variable overrides a key");
    assert_eq!(level(&sandbox), "INFO");
    // A snapshot is for every process, so the variable is not in it.
    sandbox.build();
    sandbox.unset("OHFP_LOGGING__LEVEL");
    assert_eq!(sandbox.runtime_alone(&["config", "show"]).code, 0);
    assert_eq!(level(&sandbox), "DEBUG");
}

#[test]
fn secrets_are_hidden() {
    let config = r#"{"provider": {"providers": [{"name": "a", "type": "aws", "config": {"secret_access_key": "hush"}}]}}"#;
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.json", config)]);
    for line in [
        "config get provider.providers.a.config.secret_access_key",
        "config get provider.providers.a.config",
        "config explain provider.providers.a.config.secret_access_key",
        "config explain provider.providers",
        "config show --origin",
        "config show --changed",
    ] {
        let shown = answer(&sandbox, line).to_string();
        assert!(!shown.contains("hush") && shown.contains("(redacted)"), "{line}: {shown}");
        let shown = answer(&sandbox, &format!("{line} --show-secrets")).to_string();
        assert!(shown.contains("hush"), "{line}: {shown}");
    }
}
