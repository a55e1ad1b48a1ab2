//! Keys of other brokers' files that have an effect here.

use serde_json::{Value, json};

use super::{Directory, GIVEN, one};

/// The options of the provider `a` by this configuration, and the findings.
fn check(config: &Value, options: &Value, findings: &[&str]) {
    let directory =
        Directory::new(&[("awsprov_templates.json", &one(GIVEN)), ("config.json", &config.to_string())]);
    let resolved = directory.resolve(&[]).unwrap();
    let instance = resolved.providers.iter().find(|instance| instance.name == "a").unwrap();
    assert_eq!(Value::Object(instance.config.clone()), *options, "{config}");
    let lines = directory.lines(&[]);
    assert_eq!(lines.len(), findings.len(), "{lines:?}");
    for (line, part) in lines.iter().zip(findings) {
        assert!(line.contains(part), "{line}: {part}");
    }
}

fn with_options(more: &Value, options: &Value) -> Value {
    let mut config = more.clone();
    config["provider"]["providers"] = json!([{ "name": "a", "type": "aws", "config": options }]);
    config
}

#[test]
fn options_of_all_aws_providers() {
    let of = |more: Value, expected: Value| check(&with_options(&more, &json!({})), &expected, &[]);
    of(json!({}), json!({}));
    of(
        json!({ "native_spec": { "enabled": true, "merge_mode": "replace" } }),
        json!({ "native_spec_mode": "replace" }),
    );
    of(
        json!({ "native_spec": { "enabled": false, "merge_mode": "merge" } }),
        json!({ "native_spec_mode": "off" }),
    );
    of(
        json!({ "native_spec": { "spec_file_base_path": "specs/aws" } }),
        json!({ "native_spec_directory": "specs/aws" }),
    );
    of(
        json!({ "circuit_breaker": { "enabled": true, "failure_threshold": 3, "recovery_timeout": 60 } }),
        json!({ "pause_after_failures": 3, "pause_seconds": 60 }),
    );
    of(
        json!({ "circuit_breaker": { "enabled": false, "failure_threshold": 3 } }),
        json!({ "pause_after_failures": 0 }),
    );
    of(
        json!({ "provider": { "circuit_breaker": { "failure_threshold": 4 } } }),
        json!({ "pause_after_failures": 4 }),
    );
    of(json!({ "circuit_breaker": { "recovery_timeout": 10_000_000 } }), json!({ "pause_seconds": 604_800 }));
    // What a provider says itself counts.
    let own = json!({ "native_spec_mode": "merge", "pause_seconds": 5 });
    let config =
        json!({ "native_spec": { "enabled": false }, "circuit_breaker": { "recovery_timeout": 60 } });
    check(&with_options(&config, &own), &own, &[]);
}

#[test]
fn names_of_options() {
    let of = |options: Value, expected: Value, findings: &[&str]| {
        check(&with_options(&json!({}), &options), &expected, findings);
    };
    // The options that ohfp documents are known.
    let own = json!({
        "external_id": "x", "allow_insecure_endpoint": true, "concurrent_calls": 3, "image_cache_seconds": 9,
        "native_spec_mode": "off", "native_spec_directory": "d", "pause_after_failures": 0, "pause_seconds": 1
    });
    of(own.clone(), own, &[]);
    of(
        json!({ "proxy_host": "p", "proxy_port": "80", "key_file": "/k", "connection_timeout_ms": 5 }),
        json!({ "AWS_PROXY_HOST": "p", "AWS_PROXY_PORT": 80, "AWS_KEY_FILE": "/k", "AWS_CONNECTION_TIMEOUT_MS": 5 }),
        &["`proxy_port` is written as \"80\""],
    );
    // Zeros stand for the other brokers' default; IBM's name counts.
    of(
        json!({ "request_retry_attempts": 0, "describe_request_interval": 7, "proxy_host": "p", "AWS_PROXY_HOST": "q" }),
        json!({ "AWS_DESCRIBE_REQUEST_INTERVAL": 7, "AWS_PROXY_HOST": "q" }),
        &[],
    );
    of(
        json!({ "timeout": 30, "handlers": {}, "launch_template": { "create_per_request": true }, "tagging": null }),
        json!({ "timeout": 30, "handlers": {}, "launch_template": { "create_per_request": true }, "tagging": null }),
        &["`timeout`, `handlers`, `launch_template` of provider `a` have no effect in ohfp"],
    );
}

#[test]
fn tags_of_all_templates() {
    let tags = |config: Value, template: &str| -> Value {
        let fields = format!("{GIVEN}{template}");
        let config = config.to_string();
        let directory =
            Directory::new(&[("awsprov_templates.json", &one(&fields)), ("config.json", &config)]);
        let template = directory.load(&[]).unwrap().templates.remove(0);
        template.fields().get("instanceTags").cloned().unwrap_or_default()
    };
    let config = json!({ "template": { "tags": { "team": "hpc", "cost": 7 } } });
    assert_eq!(tags(json!({}), ""), Value::Null);
    assert_eq!(tags(config.clone(), ""), "team=hpc;cost=7");
    assert_eq!(tags(config.clone(), r#", "instanceTags": "cost=9""#), "cost=9;team=hpc");
    let mut config = config;
    config["provider"] = json!({ "providers": [
        { "name": "a", "type": "aws", "template_defaults": { "instanceTags": "team=a;own=1" } }
    ] });
    assert_eq!(tags(config, r#", "instanceTags": "cost=9""#), "cost=9;team=a;own=1");
    assert_eq!(tags(json!({ "template": { "default_instance_tags": { "a": true } } }), ""), "a=true");
    let wrong = Directory::new(&[
        ("awsprov_templates.json", &one(GIVEN)),
        ("config.json", "{\"template\": {\"tags\": {\n \"a\": \"x;y\"}}}"),
    ]);
    let lines = wrong.lines(&[]);
    assert!(
        lines[0]
            .starts_with("error: config.json:2:7: `template.tags.a` must be a string without a semicolon"),
        "{lines:?}"
    );
}

#[test]
fn keys_that_still_have_none_say_why() {
    let config = json!({
        "scheduler": { "work_dir": "w" }, "request": { "default_grace_period": 300 },
        "circuit_breaker": { "half_open_max_calls": 3 }
    });
    let directory =
        Directory::new(&[("awsprov_templates.json", &one(GIVEN)), ("config.json", &config.to_string())]);
    let resolved = directory.resolve(&[]).unwrap();
    let hints: Vec<&str> = resolved.warnings.iter().filter_map(|warning| warning.hint.as_deref()).collect();
    assert_eq!(hints.len(), 3, "{hints:?}");
    for part in ["one call at a time", "the time that the provider leaves", "--state-dir"] {
        assert!(hints.iter().any(|hint| hint.contains(part)), "{part}: {hints:?}");
    }
}
