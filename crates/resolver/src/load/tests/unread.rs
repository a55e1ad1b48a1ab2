//! Files that look like configuration and are not read.

use std::fs;

use super::Directory;

const A: &str = r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}]"#;
const A_AND_B: &str = r#"{"templates": [{"templateId": "a", "maxNumber": 5, "vmType": "m5.large"},
    {"template_id": "b", "max_instances": 1, "instance_type": "m5.large"}]}"#;
const SIM: &str = r#"{"provider": {"type": "sim"}}"#;

fn check(others: &[(&str, &str)], variables: &[(&str, &str)], wanted: &[&str]) {
    let files = [&[("awsprov_templates.json", A), ("config.json", SIM)], others].concat();
    let directory = Directory::new(&files);
    let lines: Vec<String> = wanted.iter().map(|line| format!("warning: {line}")).collect();
    assert_eq!(directory.lines(variables), lines, "{others:?}");
}

#[test]
fn template_files() {
    let read = "this is not read: `awsprov_templates.json` is;";
    check(
        &[("templates.json", A_AND_B)],
        &[],
        &[&format!(
            "templates.json: {read} its templates `b` are not offered, and it would change `a.maxNumber`"
        )],
    );
    check(
        &[("aws_templates.json", A)],
        &[],
        &[&format!("aws_templates.json: {read} it would change nothing")],
    );
    check(
        &[("templates.yaml", "a: b")],
        &[],
        &[&format!("templates.yaml: {read} its templates are not offered")],
    );
    // The one of the instance goes before the sample.
    let own = "xprov_templates.json";
    let sample =
        "awsprov_templates.json: this is not read: `xprov_templates.json` is; it would change nothing";
    check(&[(own, A)], &[("HF_PROVIDER_NAME", "x")], &[sample]);
    // Other instances may have theirs in the same directory; a person is told.
    check(&[(own, A)], &[("HF_PROVIDER_NAME", "y")], &[]);
    check(&[(own, A)], &[], &[&format!("{own}: {read} it would change nothing")]);
}

#[test]
fn settings() {
    let alone = "this is not read: settings are read from `config.json`, `config.yaml` or `config.toml`, and from \
                 `config.d`;";
    check(
        &[("config.yml", "provider: {}")],
        &[],
        &[&format!("config.yml: {alone} what it sets is not in force")],
    );
    check(
        &[("config.local.json", r#"{"provider": {"type": "aws"}, "logging": {"level": "info"}}"#)],
        &[],
        &[&format!("config.local.json: {alone} it would change `provider.type`")],
    );
    check(
        &[("default_config.json", SIM)],
        &[],
        &[&format!("default_config.json: {alone} it would change nothing")],
    );
    check(
        &[("xprov_config.json", r#"{"AWS_REGION": "r"}"#)],
        &[],
        &[
            "xprov_config.json: this is not read: files of other formats and names are not; it would change `AWS_REGION`",
        ],
    );
    for ignored in
        [".config.json.swp", "config.json.bak", "config.json~", "README.md", "notes.json", "boot.sh"]
    {
        check(&[(ignored, "{}")], &[], &[]);
    }
}

#[test]
fn directories_of_parts() {
    let directory = Directory::new(&[("awsprov_templates.json", A), ("config.json", SIM)]);
    fs::create_dir(directory.0.join("conf.d")).unwrap();
    let line =
        |held: &str| format!("warning: conf.d: this is not read: no directory of parts is read; {held}");
    assert_eq!(directory.lines(&[]), [line("it is empty")]);
    for name in ["20-b.json", "10-a.json"] {
        fs::write(directory.0.join("conf.d").join(name), "{}").unwrap();
    }
    assert_eq!(directory.lines(&[]), [line("it holds `10-a.json`, `20-b.json`")]);
}

#[test]
fn parts_of_other_endings() {
    let directory = Directory::new(&[("awsprov_templates.json", A), ("config.json", SIM)]);
    fs::create_dir(directory.0.join("config.d")).unwrap();
    for name in ["10.yml", "20.jsonc", "30.yaml", "README.md", ".40.yml", "50.yml~"] {
        fs::write(directory.0.join("config.d").join(name), "{}").unwrap();
    }
    let line = |name: &str, differs: &str| {
        format!(
            "warning: config.d/{name}: this is not read: of `config.d`, files whose names end in `.json`, `.yaml` or \
             `.toml` are; {differs}"
        )
    };
    let nothing = "it would change nothing";
    assert_eq!(directory.lines(&[]), [line("10.yml", nothing), line("20.jsonc", nothing)]);
    fs::write(directory.0.join("config.d/10.yml"), "logging: {level: DEBUG}\n").unwrap();
    assert_eq!(
        directory.lines(&[]),
        [line("10.yml", "what it sets is not in force"), line("20.jsonc", nothing)]
    );
}
