//! `providers add`, `update`, `remove` and `set-default`: the file that lists the providers changes, and nothing else in it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs;

use ohfp_tests::Sandbox;
use serde_json::{Value, json};

const TEMPLATES: (&str, &str) = (
    "templates.json",
    r#"[{"templateId": "a", "maxNumber": 5, "vmType": "m5.large", "imageId": "ami-0a1b2c3d4e5f60718",
        "subnetId": "subnet-0a1b2c3d4e5f60718", "securityGroupIds": ["sg-0a1b2c3d4e5f60718"]}]"#,
);

const YAML: &str = "# ours\nprovider:\n  providers:\n  # the one\n  - name: lab # simulated\n    type: sim\nlogging: {level: ERROR}\n";

fn answer(sandbox: &Sandbox, line: &str) -> Value {
    let ended = sandbox.line(line);
    assert_eq!(ended.code, 0, "{line}: {ended:?}");
    ended.document()
}

fn refused(sandbox: &Sandbox, line: &str, parts: &[&str]) {
    let ended = sandbox.line(line);
    assert_ne!(ended.code, 0, "{line}: {ended:?}");
    for part in parts {
        assert!(ended.stderr.contains(part), "{line}: {part}: {}", ended.stderr);
    }
}

fn names(sandbox: &Sandbox) -> Vec<String> {
    let list = answer(sandbox, "providers list");
    let providers = list["providers"].as_array().unwrap();
    providers.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_provider_comes_and_goes() {
    for (name, content, added) in [
        (
            "config.yaml",
            YAML,
            YAML.replace(
                "    type: sim\n",
                "    type: sim\n  - name: west\n    type: aws\n    config:\n      region: us-west-2\n      profile: batch\n    priority: 5\n",
            ),
        ),
        (
            "config.json",
            "{\n  \"provider\": {\"providers\": [\n    {\"name\": \"lab\", \"type\": \"sim\"}\n  ]}\n}\n",
            "{\n  \"provider\": {\"providers\": [\n    {\"name\": \"lab\", \"type\": \"sim\"},\n    {\"name\": \"west\", \"type\": \"aws\", \"config\": {\"region\": \"us-west-2\", \"profile\": \"batch\"}, \"priority\": 5}\n  ]}\n}\n"
                .to_owned(),
        ),
        (
            "config.toml",
            "# ours\n[[provider.providers]]\nname = \"lab\"\ntype = \"sim\"\n",
            "# ours\n[[provider.providers]]\nname = \"lab\"\ntype = \"sim\"\n\n[[provider.providers]]\nname = \"west\"\ntype = \"aws\"\npriority = 5\n\n[provider.providers.config]\nregion = \"us-west-2\"\nprofile = \"batch\"\n"
                .to_owned(),
        ),
    ] {
        let sandbox = Sandbox::with_files(&[TEMPLATES, (name, content)]);
        let file = sandbox.root().join(name);
        let read = || fs::read_to_string(&file).unwrap();
        let line = "providers add west --aws-region us-west-2 --profile batch priority=5";
        let planned = answer(&sandbox, &format!("{line} --dry-run"));
        assert_eq!((&planned["status"], &planned["dryRun"]), (&json!("added"), &json!(true)), "{name}");
        assert_eq!(read(), content, "{name}");
        let done = answer(&sandbox, line);
        assert_eq!((&done["status"], &done["file"]), (&json!("added"), &json!(file)), "{name}");
        assert_eq!(done["defaultProvider"], "lab", "{name}");
        assert_eq!(read(), added, "{name}");
        assert_eq!(names(&sandbox), ["lab", "west"], "{name}");
        let shown = answer(&sandbox, "providers show west");
        assert_eq!(shown["config"], json!({ "region": "us-west-2", "profile": "batch" }), "{name}: {shown}");

        let key = "provider.providers.west.config.region";
        answer(&sandbox, "providers update west region=eu-west-1 profile= enabled=false");
        assert_eq!(answer(&sandbox, &format!("config get {key}"))["value"], "eu-west-1", "{name}");
        let shown = answer(&sandbox, "providers show west");
        assert_eq!((&shown["config"], &shown["enabled"]), (&json!({ "region": "eu-west-1" }), &json!(false)), "{name}");
        let same = answer(&sandbox, "providers update west enabled=false");
        assert_eq!(same["status"], "unchanged", "{name}");

        answer(&sandbox, "providers remove west --yes");
        assert_eq!(names(&sandbox), ["lab"], "{name}");
        assert_eq!(read().trim_end(), content.trim_end(), "{name}");
    }
}

/// Without a file there is one then; in a peer's spelling, too.
#[test]
fn the_first_provider_and_the_default() {
    let sandbox = Sandbox::with_files(&[TEMPLATES]);
    let done = answer(&sandbox, "providers add --name east --aws-profile p --aws-region us-east-1 --default");
    assert_eq!(done["defaultProvider"], "east");
    let made: Value = serde_json::from_slice(&fs::read(sandbox.root().join("config.json")).unwrap()).unwrap();
    let config = json!({ "region": "us-east-1", "profile": "p" });
    assert_eq!(
        made["provider"],
        json!({ "providers": [{ "name": "east", "type": "aws", "config": config }], "active_provider": "east" })
    );
    answer(&sandbox, "providers add lab --type sim seed=7");
    assert_eq!(answer(&sandbox, "providers get-default")["name"], "east");
    answer(&sandbox, "providers set-default lab");
    assert_eq!(answer(&sandbox, "providers get-default")["name"], "lab");
    assert_eq!(answer(&sandbox, "providers set-default lab")["status"], "unchanged");
    // What names a provider goes with it.
    let done = answer(&sandbox, "providers rm lab --yes");
    assert_eq!((&done["status"], &done["defaultProvider"]), (&json!("removed"), &json!("east")));
    assert_eq!(answer(&sandbox, "config get provider.active_provider")["value"], Value::Null);
    assert_eq!(answer(&sandbox, "config validate")["findings"], json!([]));
}

#[test]
fn what_would_be_wrong_is_not_written() {
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    for (line, parts) in [
        ("providers add lab --type sim", &["there is a provider `lab` already", "providers update lab"][..]),
        ("providers add x --type asw", &["no provider of type `asw`", "did you mean `aws`?"]),
        ("providers add x concurrent_calls=900", &["`provider.providers.x.config.concurrent_calls` must be"]),
        ("providers add x --region", &["a value is required"]),
        ("providers add x.y --region r", &["must consist of 0-9"]),
        ("providers add x nonsense", &["KEY=VALUE is expected"]),
        ("providers add", &["required"]),
        ("providers update lab", &["required"]),
        ("providers update labb seed=1", &["there is no provider `labb`", "did you mean `lab`?"]),
        ("providers update lab name=other", &["`name` of a provider cannot be changed"]),
        ("providers update lab priority=x", &["`provider.providers.lab.priority` must be"]),
        ("providers set-default nosuch", &["there is no provider `nosuch`"]),
        ("providers remove nosuch --yes", &["there is no provider `nosuch`"]),
        ("providers remove lab", &["confirmation required"]),
    ] {
        refused(&sandbox, line, parts);
        assert_eq!(fs::read_to_string(sandbox.root().join("config.yaml")).unwrap(), YAML, "{line}");
    }
    // A list would take the place of the form for one provider.
    let only = r#"{"provider": {"type": "aws", "aws": {"region": "r"}}}"#;
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.json", only)]);
    refused(&sandbox, "providers add west --region w", &["provider `aws` is not in `provider.providers`"]);
    assert_eq!(fs::read_to_string(sandbox.root().join("config.json")).unwrap(), only);
    answer(&sandbox, "providers update aws --profile night");
    assert_eq!(answer(&sandbox, "config get provider.aws.profile")["value"], "night");
}

/// Machines and open requests keep their provider.
#[test]
fn a_provider_in_use_stays() {
    let sandbox = Sandbox::with_files(&[TEMPLATES, ("config.yaml", YAML)]);
    answer(&sandbox, "providers add other --type sim");
    let requested = sandbox.line("machines request a 2 --wait");
    assert_eq!(requested.code, 0, "{requested:?}");
    let before = fs::read_to_string(sandbox.root().join("config.yaml")).unwrap();
    for line in ["providers remove lab --yes", "providers remove lab --dry-run"] {
        refused(
            &sandbox,
            line,
            &["provider `lab` has 2 machines", "watches or terminates them", "enabled=false"],
        );
    }
    assert_eq!(fs::read_to_string(sandbox.root().join("config.yaml")).unwrap(), before);
    answer(&sandbox, "providers remove other --yes");
    answer(&sandbox, "providers add third --type sim");
    answer(&sandbox, "providers remove lab --force");
    assert_eq!(names(&sandbox), ["third"]);
}
