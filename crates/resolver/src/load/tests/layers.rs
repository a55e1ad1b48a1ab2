//! Which layer's value counts, where findings in a layer point, and what two files at one place are.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Directory, GIVEN, one};
use crate::load::load_with_problems;
use crate::resolved::Origin;
use crate::source::environment::Environment;

/// A directory with files in directories, and a template file.
fn site(files: &[(&str, &str)]) -> Directory {
    let directory = Directory::new(&[("awsprov_templates.json", &one(GIVEN))]);
    for (name, content) in files {
        let path = directory.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    directory
}

fn value(
    directory: &Directory,
    config: Option<&str>,
    variables: &[(&str, &str)],
    key: &str,
) -> (Value, String) {
    let origin = Origin { root: directory.0.clone(), config_file: config.map(|name| directory.0.join(name)) };
    let env: Environment = variables.iter().copied().collect();
    let resolved = load_with_problems(&origin, &env).unwrap();
    let setting = resolved.settings.entries().find(|setting| setting.key == key).unwrap();
    (setting.value.clone(), setting.source.to_string())
}

/// Each further layer goes before those below it; a key that it does not set is theirs.
#[test]
fn the_highest_layer_that_sets_a_key_counts() {
    let mut files = vec![(
        "etc/config.json",
        r#"{"template": {"max_number": 1}, "request": {"return_timeout_seconds": 11}}"#,
    )];
    let (root, key) = (site(&[]), "template.max_number");
    let system = root.0.join("etc");
    let system = [("OHFP_SYSTEM_CONFIG_DIR", system.to_str().unwrap())];
    let write = |files: &[(&str, &str)]| {
        for (name, content) in files {
            let path = root.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    };
    write(&files);
    assert_eq!(value(&root, None, &system, key), (Value::from(1), "etc/config.json:1".to_owned()));
    for (name, content, number) in [
        ("config.yaml", "# first\ntemplate:\n  max_number: 2\n", 2),
        ("config.d/10-a.toml", "[template]\nmax_number = 3\n", 3),
        ("config.d/20-b.json", "{\"template\":\n{\"max_number\": 4}}", 4),
    ] {
        files.push((name, content));
        write(&files);
        let line = content.lines().position(|line| line.contains("max_number")).unwrap() + 1;
        assert_eq!(value(&root, None, &system, key), (Value::from(number), format!("{name}:{line}")));
    }
    write(&[("named.toml", "template.max_number = 5\n")]);
    assert_eq!(value(&root, Some("named.toml"), &system, key), (Value::from(5), "named.toml:1".to_owned()));
    let variables = [system[0], ("OHFP_TEMPLATE__MAX_NUMBER", "6")];
    let by_variable = (Value::from(6), "$OHFP_TEMPLATE__MAX_NUMBER".to_owned());
    assert_eq!(value(&root, Some("named.toml"), &variables, key), by_variable);
    let below = (Value::from(11), "etc/config.json:1".to_owned());
    assert_eq!(value(&root, Some("named.toml"), &variables, "request.return_timeout_seconds"), below);
}

/// A name that is another one of a key is that key, in whichever layer.
#[test]
fn other_names_of_a_key_keep_their_layer() {
    let site = site(&[
        (
            "config.json",
            r#"{"storage": {"strategy": "sqlite"}, "performance": {"lazy_loading": {"background_loading": {"thread_pool_size": 3}}}}"#,
        ),
        ("config.d/a.yaml", "performance:\n  background_loading:\n    thread_pool_size: 5\n"),
    ]);
    let key = "performance.lazy_loading.background_loading.thread_pool_size";
    assert_eq!(value(&site, None, &[], key), (Value::from(5), "config.d/a.yaml:3".to_owned()));
}

#[test]
fn findings_point_into_the_layer() {
    let check = |files: &[(&str, &str)], variables: &[(&str, &str)], wanted: &[&str]| {
        assert_eq!(site(files).lines(variables), wanted, "{files:?} {variables:?}");
    };
    check(
        &[("config.yaml", "scheduler:\n  type: hostfactry\n")],
        &[],
        &[
            "error: config.yaml:2:9: `scheduler.type` must be one of `hostfactory`, `default`, not \"hostfactry\"",
        ],
    );
    check(
        &[("config.toml", "[template]\nmax_number = \"5\"\n")],
        &[],
        &["warning: config.toml:2:14: `template.max_number` is written as \"5\"; it is read as 5"],
    );
    check(
        &[("config.json", "{\"a\": 1,\n\"a\": 2}"), ("config.d/x.json", "{\"sceduler\": {}}")],
        &[],
        &[
            "warning: config.json:2:1: `a` is not a known key and is ignored",
            "warning: config.d/x.json:1:2: `sceduler` is not a known key and is ignored (did you mean `scheduler`?)",
            "warning: config.json:2:1: `a` appears twice; the last one counts",
        ],
    );
    check(
        &[("config.yaml", "a: 1\na: 2\n")],
        &[],
        &["error: config.yaml:2:1: `a` appears twice; the first one is in line 1"],
    );
    check(
        &[("config.json", "{}"), ("config.d/x.toml", "a = \n")],
        &[],
        &["error: config.d/x.toml:1:5: string values must be quoted, expected literal string"],
    );
    check(
        &[("config.yaml", "- 1\n")],
        &[],
        &["error: config.yaml:1:1: expected an object that holds settings, like {\"scheduler\": …}"],
    );
    check(
        &[],
        &[("OHFP_SCHEDULER__TYPE", "hostfactry")],
        &[
            "error: $OHFP_SCHEDULER__TYPE: `scheduler.type` must be one of `hostfactory`, `default`, not \"hostfactry\"",
        ],
    );
    check(&[], &[("OHFP_REQUEST__MAX_MACHINES_PER_REQUEST", "5")], &[]);
}

#[test]
fn two_formats_of_one_file() {
    let hint = "are one file in two formats";
    let found = site(&[("config.yaml", "{}"), ("config.toml", "")]).lines(&[]);
    assert_eq!(found, [format!("error: `config.yaml` and `config.toml` {hint}")]);
    let found = site(&[("config.d/a.yaml", "{}"), ("config.d/a.json", "{}")]).lines(&[]);
    assert_eq!(found, [format!("error: `config.d/a.json` and `config.d/a.yaml` {hint}")]);
    // `config.json` has always been read alone: what it says stays in force.
    let both = site(&[("config.json", r#"{"template": {"max_number": 7}}"#), ("config.yaml", "{}")]);
    assert_eq!(both.lines(&[]), [format!("error: `config.json` and `config.yaml` {hint}")]);
    assert_eq!(value(&both, None, &[], "template.max_number").0, 7);
    assert!(both.resolve(&[]).unwrap().templates().is_ok());
}

/// A reference that cannot be expanded stops only what needs it.
#[test]
fn unset_variables_are_errors_of_their_part() {
    let hint = |path: &str| format!("`{path}` refers to the environment variable NOPE, which is not set");
    let directory = site(&[(
        "config.yaml",
        "storage: {sql_strategy: {name: $NOPE}}\nprovider:\n  providers:\n  - name: a\n    type: sim\n  - name: b\n    type: aws\n    config:\n      region: ${NOPE}\n",
    )]);
    assert_eq!(
        directory.lines(&[]),
        [
            format!("error: config.yaml:1:32: {}", hint("storage.sql_strategy.name")),
            format!("error: config.yaml:9:15: {}", hint("provider.providers.1.config.region")),
        ]
    );
    let resolved = directory.resolve(&[]).unwrap();
    assert!(resolved.settings.database_name().is_err() && resolved.settings.scheduler().is_ok());
    let problems = |at: usize| resolved.providers[at].problems(&["config"]).len();
    assert_eq!((problems(0), problems(1)), (0, 1));
    assert_eq!(directory.lines(&[("NOPE", "x")]), Vec::<String>::new());
}

/// The trail has the directory of further files, so that a file that appears in it is noticed.
#[test]
fn the_directory_of_further_files_is_an_input() {
    let directory = site(&[("config.json", "{}"), ("config.d/a.json", "{}"), ("config.d/.hidden.json", "{")]);
    let trail = directory.load(&[]).unwrap().trail;
    let is_there = |name: &str| trail.files.iter().any(|file| file.path.ends_with(name));
    assert!(is_there("config.d") && is_there("config.d/a.json") && !is_there(".hidden.json"));
    assert!(trail.confirmed().is_some());
    fs::write(directory.0.join("config.d/.other.swp"), "").unwrap();
    assert!(trail.confirmed().is_some(), "an editor's file says nothing");
    fs::write(directory.0.join("config.d/b.json"), "{}").unwrap();
    assert!(trail.confirmed().is_none());
    assert!(Path::new(&directory.0).join("config.d").is_dir());
}
