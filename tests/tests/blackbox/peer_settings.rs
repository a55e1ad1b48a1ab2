//! Settings of other brokers that have an effect: seen from outside.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs;
use std::net::TcpListener;

use ohfp_tests::aws::AwsSite;
use ohfp_tests::grid::wanted;
use ohfp_tests::{Sandbox, c_program, ended, program};
use serde_json::{Value, json};

const TEMPLATES: &str =
    r#"[{"templateId": "a", "maxNumber": 5, "vmType": "m5.large", "instanceTags": "cost=9"}]"#;

fn site(config: &Value) -> Sandbox {
    let mut config = config.clone();
    config["provider"] = json!({ "providers": [{ "name": "lab", "type": "sim" }] });
    Sandbox::with_files(&[("templates.json", TEMPLATES), ("config.json", &config.to_string())])
}

fn names(directory: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn request(sandbox: &Sandbox) {
    let done = sandbox.run("ohfp", &["machines", "request", "a", "1"]);
    assert_eq!(done.code, 0, "{done:?}");
}

#[test]
fn the_log_is_where_the_configuration_says() {
    let elsewhere = |sandbox: &Sandbox| sandbox.path.join("elsewhere");
    // Absolute; `ohfp logs` reads the same file.
    let mut sandbox = site(&json!({}));
    let file = elsewhere(&sandbox).join("app.log");
    sandbox.set("OHFP_LOGGING__FILE_PATH", &file);
    request(&sandbox);
    assert!(fs::read_to_string(&file).unwrap().contains("machines requested"));
    let shown = sandbox.run("ohfp", &["logs", "-n", "all"]);
    assert!(shown.text().contains("machines requested"), "{shown:?}");
    // Relative, below the directory that Host Factory names.
    let mut sandbox = site(&json!({ "logging": { "file_path": "logs/app.log" } }));
    sandbox.set("HF_PROVIDER_LOGDIR", elsewhere(&sandbox));
    request(&sandbox);
    assert_eq!(names(&elsewhere(&sandbox)), ["logs"]);
    assert_eq!(names(&elsewhere(&sandbox).join("logs")), ["app.log"]);
    // A directory alone; Host Factory's goes first.
    let mut sandbox = site(&json!({ "scheduler": { "log_dir": "../elsewhere" } }));
    request(&sandbox);
    let found = names(&elsewhere(&sandbox));
    assert!(matches!(found.as_slice(), [one] if one.starts_with("ohfp-provider.")), "{found:?}");
    sandbox.set("HF_PROVIDER_LOGDIR", sandbox.path.join("hf"));
    request(&sandbox);
    assert_eq!(names(&elsewhere(&sandbox)).len(), 1);
    assert_eq!(names(&sandbox.path.join("hf")).len(), 1);
}

#[test]
fn the_log_is_rotated_as_the_configuration_says() {
    for (kept, expected) in [(2, &["app.log", "app.log.1", "app.log.2"][..]), (0, &["app.log"])] {
        let logging = json!({ "file_path": "app.log", "max_size": 100, "backup_count": kept });
        let mut sandbox = site(&json!({ "logging": logging }));
        let directory = sandbox.path.join("log");
        sandbox.set("HF_PROVIDER_LOGDIR", &directory);
        (0..4).for_each(|_| request(&sandbox));
        assert_eq!(names(&directory), expected, "{kept}");
    }
}

#[test]
fn the_log_is_shown_on_a_terminal_where_the_configuration_says_so() {
    for (enabled, terminal, expected) in [(true, true, true), (true, false, false), (false, true, false)] {
        let sandbox = site(&json!({ "logging": { "console_enabled": enabled } }));
        let tool = c_program("terminal", &sandbox.path);
        let mut command = if terminal { sandbox.command(&tool) } else { sandbox.command(program("ohfp")) };
        if terminal {
            command.arg("2").arg(program("ohfp"));
        }
        let done = ended(command.args(["machines", "request", "a", "1"]));
        assert_eq!(done.code, 0, "{done:?}");
        // The terminal of the test gives back what either stream has.
        let is_shown =
            done.stderr.contains("machines requested") || done.text().contains("machines requested");
        assert_eq!(is_shown, expected, "{enabled} {terminal}: {done:?}");
    }
}

#[test]
fn tags_of_all_templates_are_below_their_own() {
    for key in ["tags", "default_instance_tags"] {
        let sandbox = site(&json!({ "template": { key: { "team": "hpc", "cost": "1" } } }));
        let shown = sandbox.run("ohfp", &["templates", "show", "a"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert!(shown.to_string().contains(r#""instanceTags":"cost=9;team=hpc""#), "{key}: {shown}");
    }
}

/// After two failures, and for longer than the default.
#[test]
fn the_circuit_breaker_of_the_aws_provider() {
    let breaker = json!({ "circuit_breaker": { "failure_threshold": 2, "recovery_timeout": 300 } });
    let Some(mut site) = AwsSite::with_settings(&[("run", json!({}))], &json!({}), &breaker) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    site.grid.sandbox.set("AWS_ENDPOINT_URL", format!("http://{address}"));
    site.grid.refusal("requestMachines", &wanted("run", 1));
    let refusal = site.grid.refusal("requestMachines", &wanted("run", 1));
    let (_, told) =
        refusal.split_once("could not be reached 2 times, and is not called for another ").unwrap();
    let seconds: u32 = told.split(' ').next().unwrap().parse().unwrap();
    assert!((240..=300).contains(&seconds), "{refusal}");
}

#[test]
fn specifications_count_as_the_configuration_says() {
    let spec = json!({ "launch_template_spec_file": "own.json" });
    let render = |native: &Value| {
        let settings = json!({ "native_spec": native });
        let site = AwsSite::with_settings(&[("run", spec.clone())], &json!({}), &settings)?;
        fs::create_dir_all(site.grid.sandbox.root().join("mine")).unwrap();
        site.grid.sandbox.write("mine/own.json", r#"{"EbsOptimized": true}"#);
        let shown = site.grid.command(&["templates", "render", "run"]);
        Some(shown["calls"].to_string())
    };
    let Some(merged) = render(&json!({ "spec_file_base_path": "mine" })) else { return };
    assert!(merged.contains("\"EbsOptimized\":true") && merged.contains("ImageId"), "{merged}");
    let replaced = render(&json!({ "spec_file_base_path": "mine", "merge_mode": "replace" })).unwrap();
    assert!(replaced.contains("\"EbsOptimized\":true") && !replaced.contains("ImageId"), "{replaced}");
    let off = render(&json!({ "enabled": false })).unwrap();
    assert!(!off.contains("EbsOptimized") && off.contains("ImageId"), "{off}");
}
