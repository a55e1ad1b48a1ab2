//! Which files and variables are looked at, and what that means.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ohfp_broker::ErrorKind;
use serde_json::Value;

use super::{Directory, GIVEN, one};
use crate::load::load;
use crate::resolved::Origin;
use crate::source::environment::Environment;
use crate::source::trail::FileState;

#[test]
fn files_are_looked_for_in_order() {
    let (mine, sample) = (one(GIVEN), one(&format!("\"x\": 1, {GIVEN}")));
    let check = |files: &[&str], config: &str, variables: &[(&str, &str)], trail: &[&str]| {
        let mut files: Vec<(&str, &str)> = files
            .iter()
            .map(|name| (*name, if name.starts_with("aws") { sample.as_str() } else { mine.as_str() }))
            .collect();
        let templates = files.clone();
        if !config.is_empty() {
            files.push(("config.json", config));
        }
        let directory = Directory::new(&files);
        let seen: Vec<String> = match directory.load(variables) {
            Ok(resolved) => resolved
                .trail
                .files
                .iter()
                // The same for every site: the system's directory and that of further files.
                .filter(|file| !file.path.ends_with("etc/ohfp") && !file.path.ends_with("config.d"))
                .map(|file| {
                    assert!(file.path.is_absolute());
                    let name = file.path.file_name().unwrap().to_str().unwrap();
                    format!("{}{name}", if file.state == FileState::Absent { "-" } else { "+" })
                })
                .collect(),
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(seen, trail, "{templates:?}");
    };
    check(
        &["awsprov_templates.json"],
        "",
        &[],
        &["-awsprov_config.json", "+awsprov_templates.json", "-config.json", "-config.toml", "-config.yaml"],
    );
    check(
        &["awsprov_templates.json", "xprov_templates.json"],
        "",
        &[("HF_PROVIDER_NAME", "x")],
        &[
            "-awsprov_config.json",
            "-config.json",
            "-config.toml",
            "-config.yaml",
            "-xprov_config.json",
            "+xprov_templates.json",
        ],
    );
    check(
        &["awsprov_templates.json"],
        "",
        &[("PROVIDER_NAME", "x")],
        &[
            "-awsprov_config.json",
            "+awsprov_templates.json",
            "-config.json",
            "-config.toml",
            "-config.yaml",
            "-xprov_config.json",
            "-xprov_templates.json",
        ],
    );
    check(
        &["templates.json"],
        "",
        &[],
        &[
            "-aws_templates.json",
            "-awsprov_config.json",
            "-awsprov_templates.json",
            "-config.json",
            "-config.toml",
            "-config.yaml",
            "-sim_templates.json",
            "+templates.json",
        ],
    );
    check(
        &["p_templates.json"],
        r#"{"provider": {"providers": [{"name": "p", "type": "sim"}, {"name": "q", "type": "aws", "enabled": false}]}}"#,
        &[],
        &[
            "-awsprov_config.json",
            "-awsprov_templates.json",
            "+config.json",
            "+p_templates.json",
            "-sim_templates.json",
            "-templates.json",
        ],
    );
}

#[test]
fn providers_follow_from_what_is_there() {
    let check = |files: &[(&str, &str)], variables: &[(&str, &str)], wanted: &str| {
        let directory = Directory::new(files);
        let resolved = directory.load(variables).unwrap();
        let [provider] = resolved.providers.as_slice() else { panic!("one provider") };
        assert!(provider.default);
        let shown = format!(
            "{} {} {} {}",
            provider.name,
            provider.kind,
            provider.source,
            Value::Object(provider.config.clone())
        );
        assert_eq!(shown, wanted);
    };
    let templates = one(GIVEN);
    let ibm = ("awsprov_templates.json", templates.as_str());
    let options = r#"{"AWS_REGION":"r"}"#;
    check(&[("templates.json", &templates)], &[], "sim sim default {}");
    check(&[ibm], &[], "aws aws default {}");
    check(&[ibm], &[("HF_PROVIDER_NAME", "x")], "x aws default {}");
    check(
        &[ibm, ("awsprov_config.json", options)],
        &[("HF_PROVIDER_NAME", "x")],
        &format!("x aws awsprov_config.json {options}"),
    );
    check(
        &[ibm, ("awsprov_config.json", "{}"), ("xprov_config.json", options)],
        &[("HF_PROVIDER_NAME", "x")],
        &format!("x aws xprov_config.json {options}"),
    );
    let config = r#"{"provider": {"providers": [{"name": "p", "type": "aws", "config": {"region": "$R"}}]}}"#;
    check(
        &[ibm, ("awsprov_config.json", options), ("config.json", config)],
        &[("R", "eu")],
        r#"p aws config.json:1 {"region":"eu","AWS_REGION":"r"}"#,
    );
}

#[test]
fn variables_are_recorded_whether_set_or_not() {
    let directory = Directory::new(&[
        ("awsprov_templates.json", &one(GIVEN)),
        ("config.json", r#"{"storage": {"sql_strategy": {"name": "$NAME-${NOPE:-x}"}}}"#),
    ]);
    let resolved = directory.load(&[("NAME", "n"), ("OTHER", "o")]).unwrap();
    assert_eq!(resolved.settings.database_name(), Ok("n-x"));
    let variables: Vec<String> =
        resolved.trail.variables.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    assert_eq!(
        variables,
        [
            "HF_PROVIDER_NAME=None",
            "NAME=Some(\"n\")",
            "NOPE=None",
            "OHFP_SNAPSHOT_REFRESH=None",
            "OHFP_SYSTEM_CONFIG_DIR=None",
            "ORB_LOG_LEVEL=None",
            "PROVIDER_NAME=None",
        ]
    );
    let lines = directory.lines(&[("HF_PROVIDER_NAME", "../x"), ("NAME", "n")]);
    assert_eq!(
        lines,
        ["error: the environment variable HF_PROVIDER_NAME must be a name without `/`, not ../x"]
    );
}

#[test]
fn all_errors_come_back_in_file_order() {
    let directory = Directory::new(&[
        ("config.json", r#"{"snapshot": {"refresh": 1}}"#),
        ("awsprov_config.json", r#"{"AWS_REGION": 1}"#),
        ("awsprov_templates.json", r#"[{"templateId": 1, "maxNumber": -9, "imageId": 2}]"#),
    ]);
    let places: Vec<String> =
        directory.lines(&[]).iter().map(|line| line.split(": ").nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        places,
        [
            "config.json:1:26",
            "awsprov_config.json:1:16",
            "awsprov_templates.json:1:17",
            "awsprov_templates.json:1:33",
            "awsprov_templates.json:1:48",
        ]
    );
}

#[test]
fn nothing_there_names_every_path() {
    let directory = Directory::new(&[]);
    assert_eq!(
        directory.lines(&[("HF_PROVIDER_NAME", "x")]),
        [
            "error: no template file in `ROOT`; looked for `xprov_templates.json`, `awsprov_templates.json`, `x_templates.json`, `aws_templates.json`, `templates.json`",
        ]
    );
    let errors = Directory(directory.0.join("nowhere")).load(&[]).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].hint_text().unwrap().contains("OHFP_CONFIG_DIR"));
    let origin = Origin { root: directory.0.clone(), config_file: Some(directory.0.join("my.json")) };
    let errors = load(&origin, &Environment::default()).unwrap_err();
    assert!(errors[0].summary().ends_with("my.json` does not exist"), "{}", errors[0]);
}

#[test]
fn what_is_not_a_file_is_refused_without_waiting() {
    let directory = Directory::new(&[]);
    fs::create_dir(directory.0.join("config.json")).unwrap();
    assert!(
        Command::new("mkfifo").arg(directory.0.join("awsprov_templates.json")).status().unwrap().success()
    );
    assert_eq!(
        directory.lines(&[]),
        ["error: `config.json` is a directory", "error: `awsprov_templates.json` is a named pipe",]
    );
    // Sparse: it takes no room.
    let directory = Directory::new(&[]);
    fs::File::create(directory.0.join("templates.json")).unwrap().set_len((1 << 30) + 1).unwrap();
    assert_eq!(
        directory.lines(&[]),
        ["error: `templates.json` is larger than 1 GiB, which no configuration is"]
    );
    assert_eq!(directory.load(&[]).unwrap_err()[0].kind(), ErrorKind::Input);
}

#[test]
fn a_file_is_stamped_as_it_was_read() {
    let content = one(GIVEN);
    let directory = Directory::new(&[("templates.json", &content)]);
    let path = directory.0.join("templates.json");
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + Duration::new(1_700_000_000, 5)).unwrap();
    let trail = directory.load(&[]).unwrap().trail;
    let file = trail.files.iter().find(|file| file.path == path).unwrap();
    let FileState::Present { size, mtime_ns, digest, .. } = file.state else { panic!("it is there") };
    assert_eq!(size, content.len() as u64);
    assert_eq!(mtime_ns, 1_700_000_000_000_000_005);
    assert_eq!(digest, xxhash_rust::xxh3::xxh3_128(content.as_bytes()));
    assert!(trail.files.is_sorted_by(|left, right| left.path < right.path));
}

#[test]
fn the_examples_load_without_a_finding() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let origin = Origin { root: examples, config_file: None };
    match load(&origin, &Environment::default()) {
        Ok(resolved) => {
            let warnings: Vec<String> = resolved.warnings.iter().map(ToString::to_string).collect();
            assert_eq!(warnings, Vec::<String>::new());
            assert!(!resolved.templates.is_empty());
        }
        Err(errors) => panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}
