//! `ohfp doctor`: what it says of provider and store, and that a first configuration is sound.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use ohfp_tests::aws::has_aws;
use ohfp_tests::{Ended, Sandbox};
use serde_json::Value;

const TEMPLATES: &str = r#"{"templates": [{"templateId": "t", "maxNumber": 2, "vmType": "m6i.large"}]}"#;
const SIM: &str = r#"{"provider": {"providers": [{"name": "s", "type": "sim"}]}}"#;

fn doctor(sandbox: &Sandbox) -> Ended {
    sandbox.run("ohfp", &["doctor"])
}

/// The checks of that name: status and detail.
fn found(answer: &Ended, what: &str) -> Vec<(String, String)> {
    let document: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = document["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["check"] == what)
        .map(|check| (text(check, "status"), text(check, "detail")))
        .collect()
}

/// Every check reports options that no provider accepts, with the provider's name and the position in the file.
#[test]
fn options_of_a_provider() {
    let config = r#"{"provider": {"providers": [
        {"name": "s", "type": "sim", "config": {"boot": {"secods": 1}}},
        {"name": "t", "type": "sim", "enabled": false, "config": {"seed": -1, "spot": 1}}
    ]}}"#;
    let says = "config.json:2: provider `s`: config of a `sim` provider: `boot.secods` is not a known key";
    check(config, 1, "provider", "failed", says);
    let sandbox = Sandbox::with_files(&[("awsprov_templates.json", TEMPLATES), ("config.json", config)]);
    let answer = sandbox.run("ohfp", &["config", "validate"]);
    let document: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!((answer.code, &document["valid"]), (1, &Value::Bool(false)), "{answer:?}");
    let findings = document["findings"].as_array().unwrap();
    assert_eq!(findings[0]["message"], says);
    assert_eq!(findings[0]["hint"], "did you mean `boot.seconds`?");
    for (finding, part) in findings[1..].iter().zip(["`seed` must be", "`spot` must be"]) {
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains("config.json:3: provider `t`") && message.contains(part), "{message}");
    }
    assert_eq!(findings.len(), 3);
}

/// A `config.json`, the exit code, and of one check the status and a part of the detail.
fn check(config: &str, code: i32, what: &str, status: &str, part: &str) {
    let sandbox = Sandbox::with_files(&[("awsprov_templates.json", TEMPLATES), ("config.json", config)]);
    let answer = doctor(&sandbox);
    let found = found(&answer, what);
    assert_eq!(answer.code, code, "{config}: {answer:?}");
    assert!(
        matches!(found.as_slice(), [(is, detail)] if is == status && detail.contains(part)),
        "{config}: {found:?}"
    );
}

#[test]
fn the_provider_that_requests_go_to() {
    let nothing = if has_aws() {
        ("{}", 0, "ok", "requests go to `aws`")
    } else {
        ("{}", 1, "failed", "requests go to `aws` of type `aws`, which is not compiled into this build")
    };
    for (config, code, status, part) in [
        (SIM, 0, "ok", "requests go to the simulated provider `s`"),
        nothing,
        (
            r#"{"provider": {"providers": [{"name": "s", "type": "sim", "enabled": false}]}}"#,
            1,
            "failed",
            "no provider is enabled",
        ),
        (
            r#"{"provider": {"providers": [{"name": "s", "type": "sim", "config": {"boot": {"secnds": 1}}}]}}"#,
            1,
            "failed",
            "`boot.secnds` is not a known key",
        ),
        (
            r#"{"provider": {"active_provider": "s", "providers": [
                {"name": "a", "type": "aws"}, {"name": "s", "type": "sim"}]}}"#,
            0,
            "ok",
            "requests go to the simulated provider `s`",
        ),
        (
            r#"{"template": {"default_provider_name": "t"}, "provider": {"providers": [
                {"name": "s", "type": "sim"}, {"name": "t", "type": "sim"}]}}"#,
            0,
            "ok",
            "requests go to the simulated provider `t`",
        ),
        (
            r#"{"template": {"default_provider_name": "t"}, "provider": {"providers": [
                {"name": "s", "type": "sim"}, {"name": "t", "type": "sim", "enabled": false}]}}"#,
            1,
            "failed",
            "requires provider `t`, which is not enabled",
        ),
    ] {
        check(config, code, "provider", status, part);
    }
}

/// A template of a provider that no request can go to: what a request is told, the validation tells before, and
/// nothing of what that provider would say of the fields.
#[test]
fn templates_of_a_provider_that_is_not_enabled() {
    let config = r#"{"provider": {"active_provider": "s", "providers": [
        {"name": "s", "type": "sim"}, {"name": "a", "type": "aws", "enabled": false}]}}"#;
    for (named, says) in [
        (r#""providerName": "a""#, "requires provider `a`, which is not enabled"),
        (r#""providerName": "b""#, "requires provider `b`, which is not configured"),
        (r#""providerType": "aws""#, "requires a provider of type `aws`, and none is enabled"),
    ] {
        let templates = format!(r#"[{{"templateId": "t", "maxNumber": 1, "vmType": "m5.large", {named}}}]"#);
        let sandbox = Sandbox::with_files(&[("templates.json", &templates), ("config.json", config)]);
        let validated = sandbox.run("ohfp", &["templates", "validate"]);
        assert_eq!(validated.code, 0, "{named}: {validated:?}");
        for part in ["templates.json:1:60: template `t` ", says] {
            assert!(validated.text().contains(part), "{part}: {validated:?}");
        }
        let asked = sandbox.run("ohfp", &["machines", "request", "t", "1"]);
        assert!(asked.code == 1 && asked.stderr.contains(says), "{named}: {asked:?}");
    }
}

/// What is advised has not been done already.
#[test]
fn advice_for_an_active_provider_that_is_disabled() {
    let config = r#"{"provider": {"active_provider": "aws", "providers": [
        {"name": "sim", "type": "sim"}, {"name": "aws", "type": "aws", "enabled": false}]}}"#;
    let sandbox = Sandbox::with_files(&[("awsprov_templates.json", TEMPLATES), ("config.json", config)]);
    let answer = doctor(&sandbox);
    let found = found(&answer, "provider");
    assert!(
        answer.code == 1 && found.len() == 1 && found[0].1.contains("`aws`, which is not enabled"),
        "{found:?}"
    );
    assert!(
        answer.text().contains("set its `enabled` to true, or name another one, such as `sim`"),
        "{answer:?}"
    );
    for line in [&["machines", "request", "t", "1"][..], &["machines", "request", "t", "1", "--dry-run"]] {
        let asked = sandbox.run("ohfp", line);
        assert!(asked.code == 1 && asked.stderr.contains("which is not enabled"), "{asked:?}");
    }
    assert_eq!(sandbox.run("ohfp", &["config", "validate"]).code, 1);
    assert_eq!(sandbox.run("ohfp", &["templates", "list"]).code, 0);
}

/// A file that looks like configuration and is not read is told wherever the configuration is looked at.
#[test]
fn files_that_are_not_read() {
    let other = r#"[{"templateId": "other", "maxNumber": 1, "vmType": "m5.large"}]"#;
    let files = [("awsprov_templates.json", TEMPLATES), ("config.json", SIM), ("templates.json", other)];
    let mut sandbox = Sandbox::with_files(&files);
    sandbox.set("HF_PROVIDER_LOGDIR", sandbox.path.join("log"));
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
    let says = "templates.json: this is not read: `awsprov_templates.json` is; its templates `other` are not offered";
    for line in [&["doctor"][..], &["config", "validate"], &["templates", "validate"]] {
        let ended = sandbox.run("ohfp", line);
        assert!(ended.code == 0 && ended.text().contains(says), "{line:?}: {ended:?}");
    }
    assert!(sandbox.build().stderr.contains(says));
    // The log says it when a snapshot is made of such files.
    sandbox.write("config.json", format!("{SIM}\n"));
    assert_eq!(sandbox.run("ohfp", &["templates", "list"]).code, 0);
    let logs = std::fs::read_dir(sandbox.path.join("log")).unwrap();
    let text: String = logs.map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap()).collect();
    assert!(text.contains(says), "{text}");
}

#[test]
fn the_store() {
    check(SIM, 0, "store", "ok", "/ohfp.db does not exist yet; the first request creates it");
    let off = r#"{"features": {"database_support": false}, "provider": {"providers": [{"name": "s", "type": "sim"}]}}"#;
    check(off, 0, "store", "warning", "disabled: only");

    let mut sandbox = Sandbox::with_files(&[("awsprov_templates.json", TEMPLATES), ("config.json", SIM)]);
    let state = sandbox.path.join("state");
    sandbox.set("OHFP_STATE_DIR", &state);
    assert_eq!(found(&doctor(&sandbox), "store").len(), 1);
    assert!(!state.exists(), "a look creates nothing");

    assert_eq!(sandbox.run("ohfp", &["machines", "request", "t", "1"]).code, 0);
    let [(status, detail)] = &found(&doctor(&sandbox), "store")[..] else { panic!("one check") };
    assert!(status == "ok" && detail.contains("schema version"), "{detail}");

    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(state.join(format!("ohfp.db{suffix}"))).ok();
    }
    std::fs::write(state.join("ohfp.db"), "no database ".repeat(100)).unwrap();
    let answer = doctor(&sandbox);
    let [(status, detail)] = &found(&answer, "store")[..] else { panic!("one check") };
    assert!(answer.code == 1 && status == "failed", "{answer:?}");
    assert!(detail.contains("is not a state store"), "{detail}");
}

#[test]
fn a_first_configuration_is_sound() {
    let mut sandbox = Sandbox::empty();
    sandbox.set("OHFP_CONFIG_DIR", sandbox.root());
    let root = sandbox.root();
    let written = sandbox.run("ohfp", &["init", "--config-dir", root.to_str().unwrap()]);
    assert_eq!(written.code, 0, "{written:?}");

    let valid = sandbox.run("ohfp", &["config", "validate"]);
    let document: Value = serde_json::from_slice(&valid.stdout).unwrap();
    assert!(document["valid"] == true && document["findings"] == Value::Array(Vec::new()), "{document}");
    assert_eq!(doctor(&sandbox).code, 0);

    let rehearsed = sandbox.run("ohfp", &["machines", "request", "small-on-demand", "2", "--dry-run"]);
    assert!(rehearsed.code == 0 && rehearsed.text().contains("simulated"), "{rehearsed:?}");
    // Also when Host Factory names the instance.
    sandbox.set("HF_PROVIDER_NAME", "awsinst");
    let requested = sandbox.run("ohfp", &["machines", "request", "small-spot", "2"]);
    assert!(requested.code == 0 && requested.text().contains("req-"), "{requested:?}");
}

#[test]
fn every_command_tells_what_its_parts_cost() {
    let mut sandbox = Sandbox::with_files(&[("awsprov_templates.json", TEMPLATES), ("config.json", SIM)]);
    sandbox.set("PERFORMANCE_DEBUG", "true");
    let line = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    for command in [
        "machines list",
        "requests list",
        "requests show missing",
        "machines request t 1 --dry-run",
        "requests status missing",
        "storage metrics",
        "sim live",
        "getReturnRequests -d {}",
    ] {
        let answer = sandbox.run("ohfp", &line(command));
        let told = &answer.stderr;
        assert!(told.contains("LOAD_MS") && told.contains("StoragePort"), "{command}: {answer:?}");
        assert!(!answer.text().contains("LOAD_MS"), "{command}: {answer:?}");
    }
}
