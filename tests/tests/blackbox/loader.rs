//! Which files are read, and in which order: IBM's names, other brokers' names, and the variables and
//! options that name the directory. Live program and builder must find the same.

use std::fs;

use ohfp_tests::{Ended, Sandbox, expect_none};
use serde_json::Value;

/// What is there, how it is named, and which template files count. `@` is the sandbox's directory.
struct Case {
    files: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
    found: &'static [&'static str],
}

const fn case(
    files: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    found: &'static [&'static str],
) -> Case {
    Case { files, variables, arguments: &[], found }
}

/// A template whose id tells which file it is in, or a configuration with one enabled provider.
fn content(file: &str) -> String {
    if file.ends_with("_templates.json") || file.ends_with("/templates.json") {
        return format!(r#"[{{"templateId": "{}", "maxNumber": 1, "vmType": "m5.large"}}]"#, id(file));
    }
    r#"{"provider": {"providers": [{"name": "east", "type": "aws"}, {"name": "off", "type": "sim", "enabled": false}]}}"#.to_owned()
}

fn id(file: &str) -> String {
    file.trim_end_matches(".json").replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

fn ids(ended: &Ended) -> Vec<String> {
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
    let templates = answer.get("templates").and_then(Value::as_array).into_iter().flatten();
    templates.filter_map(|template| Some(template.get("templateId")?.as_str()?.to_owned())).collect()
}

fn fault(case: &Case) -> Option<String> {
    let mut sandbox = Sandbox::empty();
    let here = sandbox.path.display().to_string();
    for file in case.files {
        let path = sandbox.path.join(file);
        fs::create_dir_all(path.parent()?).ok()?;
        fs::write(path, content(file)).ok()?;
    }
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
    for (name, value) in case.variables {
        sandbox.set(name, value.replace('@', &here));
    }
    let arguments: Vec<String> = case.arguments.iter().map(|argument| argument.replace('@', &here)).collect();
    let list = ["templates", "list"].map(str::to_owned).to_vec();
    let live = sandbox.run("ohfp-live", &[arguments.clone(), list.clone()].concat());
    let expected: Vec<String> = case.found.iter().map(|file| id(file)).collect();
    if ids(&live) != expected || live.code != i32::from(expected.is_empty()) {
        return Some(format!("found {:?}: {live:?}", ids(&live)));
    }
    let built = sandbox.run("ohfp-snapshot", &[vec!["build".to_owned()], arguments.clone()].concat());
    if built.code != live.code {
        return Some(format!("build ends otherwise than templates list: {built:?}"));
    }
    // The runtime leaves `--config` to the live program.
    let same = || sandbox.runtime_alone(&list) == live;
    (live.code == 0 && arguments.is_empty() && !same())
        .then(|| format!("the snapshot differs: {:?}", sandbox.runtime_alone(&list)))
}

fn check(cases: &[Case]) {
    let shown =
        |case: &Case| format!("{:?} {:?} {:?} {:?}", case.files, case.variables, case.arguments, case.found);
    let faults =
        cases.iter().filter_map(|case| fault(case).map(|fault| format!("{}\n  {fault}", shown(case))));
    expect_none(&faults.collect::<Vec<_>>(), cases.len());
}

const ROOT: (&str, &str) = ("OHFP_CONFIG_DIR", "@/c");

#[test]
fn names_of_template_files() {
    const BOTH: &[&str] = &["c/awsinstprov_templates.json", "c/awsprov_templates.json"];
    const CHAIN: &[&str] =
        &["c/config.json", "c/templates.json", "c/aws_templates.json", "c/east_templates.json"];
    check(&[
        case(BOTH, &[ROOT, ("HF_PROVIDER_NAME", "awsinst")], &["c/awsinstprov_templates.json"]),
        case(BOTH, &[ROOT, ("PROVIDER_NAME", "awsinst")], &["c/awsinstprov_templates.json"]),
        case(BOTH, &[ROOT], &["c/awsprov_templates.json"]),
        case(BOTH, &[ROOT, ("HF_PROVIDER_NAME", "")], &["c/awsprov_templates.json"]),
        case(BOTH, &[ROOT, ("HF_PROVIDER_NAME", "other")], &["c/awsprov_templates.json"]),
        case(BOTH, &[ROOT, ("HF_PROVIDER_NAME", "aws")], &["c/awsprov_templates.json"]),
        case(
            &["c/aprov_templates.json", "c/bprov_templates.json"],
            &[ROOT, ("HF_PROVIDER_NAME", "a"), ("PROVIDER_NAME", "b")],
            &["c/aprov_templates.json"],
        ),
        case(
            &["c/aws inst 1prov_templates.json"],
            &[ROOT, ("HF_PROVIDER_NAME", "aws inst 1")],
            &["c/aws inst 1prov_templates.json"],
        ),
        // Another instance's file is not ours.
        case(&["c/bprov_templates.json"], &[ROOT, ("HF_PROVIDER_NAME", "a")], &[]),
        // Other brokers' files add up, in the order of their providers; IBM's stands alone.
        case(CHAIN, &[ROOT], &["c/east_templates.json", "c/aws_templates.json", "c/templates.json"]),
        case(&["c/config.json", "c/off_templates.json", "c/templates.json"], &[ROOT], &["c/templates.json"]),
        case(&["c/templates.json"], &[ROOT], &["c/templates.json"]),
        case(&["c/templates.json", "c/awsprov_templates.json"], &[ROOT], &["c/awsprov_templates.json"]),
    ]);
}

const PLACES: &[&str] = &[
    "a/awsprov_templates.json",
    "b/awsprov_templates.json",
    "c/providers/inst/awsprov_templates.json",
    "d/conf/awsprov_templates.json",
    "x/ohfp/awsprov_templates.json",
    "home/.config/ohfp/awsprov_templates.json",
];
const A: (&str, &str) = ("OHFP_CONFIG_DIR", "@/a");
const B: (&str, &str) = ("HF_PROVIDER_CONFDIR", "@/b");
const C: (&str, &str) = ("HF_CONFDIR", "@/c");
const D: (&str, &str) = ("PRO_CONF_DIR", "@/d");
const X: (&str, &str) = ("XDG_CONFIG_HOME", "@/x");
const NAME: (&str, &str) = ("HF_PROVIDER_NAME", "inst");

#[test]
fn directories_in_their_order() {
    check(&[
        case(PLACES, &[A, B, C, D, X, NAME], &["a/awsprov_templates.json"]),
        case(PLACES, &[B, C, D, X, NAME], &["b/awsprov_templates.json"]),
        case(PLACES, &[C, D, X, NAME], &["c/providers/inst/awsprov_templates.json"]),
        case(PLACES, &[C, D, X, ("PROVIDER_NAME", "inst")], &["c/providers/inst/awsprov_templates.json"]),
        case(PLACES, &[C, D, X], &["d/conf/awsprov_templates.json"]),
        case(PLACES, &[D, X, NAME], &["d/conf/awsprov_templates.json"]),
        case(PLACES, &[X, NAME], &["x/ohfp/awsprov_templates.json"]),
        case(PLACES, &[NAME], &["home/.config/ohfp/awsprov_templates.json"]),
        case(
            PLACES,
            &[("OHFP_CONFIG_DIR", ""), ("HF_PROVIDER_CONFDIR", ""), X],
            &["x/ohfp/awsprov_templates.json"],
        ),
        case(PLACES, &[("OHFP_CONFIG_DIR", "a/")], &["a/awsprov_templates.json"]),
        case(PLACES, &[("OHFP_CONFIG_DIR", "./a")], &["a/awsprov_templates.json"]),
        // LSF's directory has a `conf` in it, or is one.
        case(PLACES, &[("PRO_CONF_DIR", "@/d/conf")], &["d/conf/awsprov_templates.json"]),
        // The user's directory counts where it exists; relative ones are not allowed there.
        case(PLACES, &[("XDG_CONFIG_HOME", "@/nowhere")], &[]),
        case(PLACES, &[("XDG_CONFIG_HOME", "x")], &[]),
        case(PLACES, &[("HOME", "@/nowhere")], &[]),
        // A directory that is named and has nothing is not passed over.
        case(PLACES, &[("OHFP_CONFIG_DIR", "@/nowhere"), B], &[]),
        case(PLACES, &[("HF_PROVIDER_CONFDIR", "@"), C, NAME], &[]),
        case(PLACES, &[C, ("HF_PROVIDER_NAME", "missing"), D], &[]),
    ]);
}

#[test]
fn the_option_comes_first() {
    let with = |arguments, found| Case {
        files: &[
            "a/awsprov_templates.json",
            "b/awsprov_templates.json",
            "b/config.json",
            "e/other.json",
            "e/east_templates.json",
            "e/templates.json",
        ],
        variables: &[A],
        arguments,
        found,
    };
    check(&[
        with(&["--config", "@/b"], &["b/awsprov_templates.json"]),
        with(&["--config=b/"], &["b/awsprov_templates.json"]),
        with(&["--config", "b/config.json"], &["b/awsprov_templates.json"]),
        // A file of another name is the configuration of its directory.
        with(&["--config", "@/e/other.json"], &["e/east_templates.json", "e/templates.json"]),
        with(&["--config", "e"], &["e/templates.json"]),
        with(&["--config", "@/nowhere"], &[]),
    ]);
}

/// The peer's files as they are, and each file with a byte order mark.
#[test]
fn other_brokers_files_and_byte_order_marks() {
    let config = r#"{"version": "2.0.0", "scheduler": {"type": "default", "config_root": "$ORB_CONFIG_DIR"},
        "provider": {"selection_policy": "FIRST_AVAILABLE", "providers": [{"name": "aws_us-east-1", "type": "aws",
        "enabled": true, "priority": 10, "handlers": {}, "template_defaults": {"image_id": "ami-1"}}]},
        "storage": {"strategy": "json", "json_strategy": {"storage_type": "single_file"}}}"#;
    let templates = r#"[{"template_id": "t1", "max_instances": 5, "machine_types": {"m5.large": 1}, "price_type": "spot",
        "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"], "tags": {"team": "x", "env": "y"}, "provider_api": "EC2Fleet"}]"#;
    let [marked_config, marked_templates] = [config, templates].map(|text| format!("\u{feff}{text}"));
    let plain = Sandbox::with_files(&[("config.json", config), ("aws_templates.json", templates)]);
    let marked = Sandbox::with_files(&[
        ("config.json", &marked_config),
        ("aws_templates.json", &marked_templates),
        ("awsprov_config.json", "\u{feff}{\"AWS_REGION\": \"eu-west-1\"}"),
    ]);
    let line = ["templates", "list", "--scheduler", "hostfactory"];
    let expected = r#"{"templateId":"t1","maxNumber":5,"vmTypes":{"m5.large":1},"priceType":"spot","subnetId":["subnet-1"],"securityGroupIds":["sg-1"],"instanceTags":"team=x;env=y","providerApi":"EC2Fleet","imageId":"ami-1","attributes":{"type":["String","X86_64"],"ncpus":["Numeric","2"],"nram":["Numeric","8192"],"ncores":["Numeric","1"]}}"#;
    for sandbox in [&plain, &marked] {
        let answer: Value =
            serde_json::from_slice(&sandbox.run("ohfp-live", &line).stdout).unwrap_or_default();
        assert_eq!(answer.pointer("/templates/0").map(Value::to_string).as_deref(), Some(expected));
        // What has no effect is said, not refused.
        let built = sandbox.build();
        for name in [
            "`handlers`",
            "`scheduler.config_root`",
            "`storage.json_strategy`",
            "\"json\" is read as \"sqlite\"",
        ] {
            assert!(built.stderr.contains(name), "{name} {built:?}");
        }
    }
    let shown = marked.run("ohfp-live", &["providers", "show"]).text();
    assert!(shown.contains("\"AWS_REGION\": \"eu-west-1\""), "{shown}");
}
