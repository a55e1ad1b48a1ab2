//! `ohfp init`: what it asks, what it writes, and that a second run changes nothing.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ohfp_tests::{Ended, HF_OPERATIONS, Sandbox, c_program, ended, files_below, program};
use serde_json::{Value, json};

/// Runs `init` on a terminal and types these lines.
fn typed(sandbox: &Sandbox, options: &[&str], lines: &str) -> Ended {
    let tool = c_program("typist", &sandbox.path);
    let answers = sandbox.input("answers", lines);
    let mut command = sandbox.command(tool);
    command.arg(program("ohfp")).arg("init").args(options);
    ended(command.stdin(Stdio::from(fs::File::open(answers).unwrap())))
}

fn config(sandbox: &Sandbox) -> PathBuf {
    sandbox.path.join("home/.config/ohfp")
}

/// Whether the configuration in a directory is valid without a warning, and its scripts answer.
fn works(sandbox: &Sandbox, directory: &Path) {
    let valid =
        sandbox.run("ohfp", &["config", "validate", "--config", directory.to_str().unwrap()]).answer();
    assert!(valid["valid"] == true && valid["findings"] == json!([]), "{valid}");
    let input = sandbox.input("in.json", "{}");
    for operation in ["getAvailableTemplates", "getReturnRequests"] {
        let script = directory.join("scripts").join(format!("{operation}.sh"));
        let run = ended(sandbox.command(script).env("OHFP_CONFIG_DIR", directory).arg("-f").arg(&input));
        assert_eq!(run.code, 0, "{run:?}");
    }
}

#[test]
fn everything_is_written_once() {
    let sandbox = Sandbox::empty();
    let first = sandbox.run("ohfp", &["init", "--non-interactive"]).answer();
    let written = first["written"].as_array().unwrap();
    // Three files of the configuration, the scripts, the entries for Host Factory.
    assert_eq!(written.len(), 3 + HF_OPERATIONS.len() + 2, "{first}");
    assert_eq!(first["next"].as_array().unwrap().len(), 3, "{first}");
    let snapshot = PathBuf::from(first["snapshot"].as_str().unwrap());
    works(&sandbox, &config(&sandbox));
    let alone = sandbox.runtime_alone(&["templates", "list"]);
    assert_eq!(alone.code, 0, "the snapshot is not used: {alone:?}");

    let before = files_below(&config(&sandbox));
    let second = sandbox.run("ohfp", &["init", "--non-interactive"]).answer();
    assert_eq!(second["written"], json!([]), "{second}");
    assert_eq!(second["unchanged"].as_array().unwrap().len(), written.len(), "{second}");
    assert_eq!(files_below(&config(&sandbox)), before);
    assert!(snapshot.is_file());
}

#[test]
fn files_that_differ_are_kept_and_named() {
    let sandbox = Sandbox::empty();
    sandbox.run("ohfp", &["init", "--non-interactive"]).answer();
    let edited = config(&sandbox).join("awsprov_templates.json");
    let script = config(&sandbox).join("scripts/requestMachines.sh");
    let mine = fs::read_to_string(&edited).unwrap().replace("small-spot", "mine");
    fs::write(&edited, &mine).unwrap();
    fs::write(&script, "#!/bin/sh\n").unwrap();
    let again = sandbox.run("ohfp", &["init", "--non-interactive"]);
    let answer = again.answer();
    let kept: Vec<&str> =
        answer["kept"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    assert_eq!(kept, [edited.to_str().unwrap(), script.to_str().unwrap()], "{answer}");
    assert!(again.stderr.contains("awsprov_templates.json") && again.stderr.contains("--force"), "{again:?}");
    assert_eq!(fs::read_to_string(&edited).unwrap(), mine);
    let forced = sandbox.run("ohfp", &["init", "--non-interactive", "--force"]).answer();
    assert_eq!(forced["written"].as_array().unwrap().len(), 2, "{forced}");
    assert!(!fs::read_to_string(&edited).unwrap().contains("mine"));
}

/// Half a configuration beside another one would change what that one means.
#[test]
fn another_configuration_is_left_alone() {
    let sandbox = Sandbox::empty();
    let root = config(&sandbox);
    fs::create_dir_all(&root).unwrap();
    let template = r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}]"#;
    fs::write(root.join("templates.json"), template).unwrap();
    let answer = sandbox.run("ohfp", &["init", "--non-interactive"]).answer();
    assert_eq!(answer["kept"], json!([root.join("templates.json")]), "{answer}");
    assert!(!root.join("awsprov_templates.json").exists() && !root.join("config.json").exists());
    let listed = sandbox.run("ohfp", &["templates", "list"]).answer();
    assert_eq!(listed["templates"][0]["templateId"], "a");
}

#[test]
fn options_describe_a_site_on_aws() {
    let sandbox = Sandbox::empty();
    let role = "arn:aws:iam::123456789012:role/fleet";
    let options = [
        "init",
        "--non-interactive",
        "--config-dir",
        "site",
        "--scripts-dir",
        "site/scripts",
        "--aws-region",
        "eu-west-1",
        "--aws-profile",
        "grid",
        "--subnet-ids",
        "subnet-01234567,subnet-89abcdef",
        "--security-group-ids",
        "sg-01234567",
        "--fleet-role",
        role,
    ];
    sandbox.run("ohfp", &options).answer();
    let site = sandbox.path.join("site");
    works(&sandbox, &site);
    let shown = sandbox.run("ohfp", &["providers", "show", "aws", "--config", "site"]).answer();
    assert_eq!(shown["config"], json!({ "region": "eu-west-1", "profile": "grid" }), "{shown}");
    let template = sandbox.run("ohfp", &["templates", "show", "small-spot", "--config", "site"]).answer();
    assert_eq!(template["subnetId"], json!(["subnet-01234567", "subnet-89abcdef"]), "{template}");
    assert_eq!(
        (&template["fleetRole"], &template["securityGroupIds"]),
        (&json!(role), &json!(["sg-01234567"]))
    );

    for (option, value) in [
        ("--region", "nowhere"),
        ("--subnet-ids", "subnet-01234567,sg-01234567"),
        ("--security-group-ids", "x"),
        ("--fleet-role", "role"),
    ] {
        let refused =
            sandbox.run("ohfp", &["init", "--non-interactive", "--config-dir", "other", option, value]);
        assert!(refused.code == 2 && refused.stderr.contains(option), "{option}: {refused:?}");
        assert!(!sandbox.path.join("other").exists(), "{option}");
    }
}

#[test]
fn a_person_is_asked_on_a_terminal() {
    let sandbox = Sandbox::empty();
    let lines = format!("{}\ncloud\nsim\n\n\n", sandbox.path.join("mine").display());
    let asked = typed(&sandbox, &[], &lines);
    let answer = asked.answer();
    assert!(asked.stderr.contains("[sim]: ") && asked.stderr.contains("must be sim or aws"), "{asked:?}");
    assert!(asked.stderr.contains("next: ohfp"), "{asked:?}");
    assert_eq!(answer["written"].as_array().unwrap().len(), 3 + HF_OPERATIONS.len() + 2, "{answer}");
    works(&sandbox, &sandbox.path.join("mine"));
}

#[test]
fn a_person_who_leaves_changes_nothing() {
    for (lines, code) in [("^C\n", 130), ("\n^C\n", 130), ("^D\n", 1), ("\n\n\n^D\n", 1), ("\n\n\nno\n", 1)] {
        let sandbox = Sandbox::empty();
        let left = typed(&sandbox, &[], lines);
        assert_eq!(left.code, code, "{lines:?}: {left:?}");
        assert!(left.stdout.is_empty(), "{lines:?}: {left:?}");
        assert!(files_below(&sandbox.path.join("home/.config")).is_empty(), "{lines:?}");
    }
    let sandbox = Sandbox::empty();
    let piped = sandbox.run("ohfp", &["init"]);
    assert!(piped.code == 2 && piped.stderr.contains("--non-interactive"), "{piped:?}");
}

/// The entries name this site, and no file of the scheduler is touched.
#[test]
fn the_entries_are_those_of_the_scheduler() {
    let mut sandbox = Sandbox::empty();
    let root = sandbox.path.join("hf");
    fs::create_dir_all(root.join("providers")).unwrap();
    fs::write(root.join("providers/hostProviders.json"), r#"{"version": 2, "providers": []}"#).unwrap();
    sandbox.set("HF_CONFDIR", &root);
    sandbox.set("HF_WORKDIR", sandbox.path.join("work"));
    sandbox.set("HF_PROVIDER_NAME", "east");
    let conf = root.join("providers/east");
    let answer = sandbox.run("ohfp", &["init", "--non-interactive"]).answer();
    assert!(answer["written"].to_string().contains("providers/east/config.json"), "{answer}");
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(conf.join("wiring").join(name)).unwrap()).unwrap()
    };
    let provider = &read("hostProviders.json")["providers"][0];
    assert_eq!((&provider["name"], &provider["plugin"]), (&json!("east"), &json!("ohfp")));
    assert_eq!(provider["confPath"], json!(format!("{}/", conf.display())));
    let scripts = read("hostProviderPlugins.json")["providerplugins"][0]["scriptPath"].clone();
    assert_eq!(scripts, json!(format!("{}/", conf.join("scripts").display())));
    let theirs = fs::read_to_string(root.join("providers/hostProviders.json")).unwrap();
    assert_eq!(theirs, r#"{"version": 2, "providers": []}"#);
    // With those entries in place, the instance is known by its name.
    fs::copy(conf.join("wiring/hostProviders.json"), root.join("providers/hostProviders.json")).unwrap();
    for variable in ["HF_PROVIDER_NAME", "HF_LOGDIR"] {
        sandbox.unset(variable);
    }
    let listed = sandbox.run("ohfp", &["--instance", "east", "templates", "list"]).answer();
    assert_eq!(listed["templates"].as_array().unwrap().len(), 2);

    let mut sandbox = Sandbox::empty();
    sandbox.set("PRO_CONF_DIR", sandbox.path.join("lsf/aws"));
    sandbox.set("PRO_DATA_DIR", sandbox.path.join("data"));
    sandbox.set("PROVIDER_NAME", "aws");
    sandbox.run("ohfp", &["init", "--non-interactive"]).answer();
    let wiring = sandbox.path.join("lsf/aws/wiring");
    let entry: Value = serde_json::from_slice(&fs::read(wiring.join("hostProviders.json")).unwrap()).unwrap();
    assert_eq!(entry["providers"][0]["type"], "awsProv");
    assert!(!wiring.join("hostProviderPlugins.json").exists());
}
