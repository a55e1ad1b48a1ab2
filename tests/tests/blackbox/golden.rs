//! Golden outputs: one small configuration, every kind of answer in every format, byte for byte.
//!
//! A difference here is a change that users and their scripts will see. After review:
//! `UPDATE_GOLDEN=1 cargo xtask test`.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test that cannot run must say so")]

use ohfp_tests::{Sandbox, golden, repository};
use serde_json::{Value, json};

/// File in `tests/golden`, command line.
const CASES: &[(&str, &str)] = &[
    ("help.txt", "--help"),
    ("help-short.txt", "-h"),
    ("version.txt", "--version"),
    ("templates-help.txt", "help templates"),
    ("templates-list-help.txt", "templates list --help"),
    ("getAvailableTemplates-help.txt", "help getAvailableTemplates"),
    ("templates-list.json", "templates list"),
    ("templates-list.yaml", "templates list --format yaml"),
    ("templates-list-table.txt", "templates list --format table"),
    ("templates-list-table-long.txt", "templates list --format table --long"),
    ("templates-list-list.txt", "templates list --format list"),
    ("templates-list-list-long.txt", "templates list --format list --long"),
    ("templates-page.json", "templates list --limit 2 --offset 1"),
    ("templates-page-table.txt", "templates list --limit 2 --offset 1 --format table"),
    ("templates-show.json", "templates show 4-mixed-paused"),
    ("templates-show.yaml", "templates show 4-mixed-paused --format yaml"),
    ("templates-show-table.txt", "templates show 4-mixed-paused --format table"),
    ("templates-show-list.txt", "templates show 4-mixed-paused --format list"),
    ("config-show.json", "config show"),
    ("config-show.yaml", "config show --format yaml"),
    ("config-show-table.txt", "config show --format table"),
    ("config-show-list.txt", "config show --format list"),
    ("providers-list.json", "providers list"),
    ("providers-list-table.txt", "providers list --format table"),
    ("providers-show.json", "providers show"),
    ("providers-show.yaml", "providers show --format yaml"),
    ("scheduler-list.json", "scheduler list"),
    ("scheduler-show.yaml", "scheduler show --format yaml"),
    ("storage-list-table.txt", "storage list --format table"),
    ("getAvailableTemplates.json", "getAvailableTemplates -f in.json"),
];

/// Styled forms, with `CLICOLOR_FORCE=1`.
const STYLED: &[(&str, &str)] = &[
    ("help-styled.txt", "--help"),
    ("templates-list-table-styled.txt", "templates list --format table"),
    ("templates-show-table-styled.txt", "templates show 4-mixed-paused --format table"),
];

fn prepared() -> Sandbox {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    sandbox.input("in.json", "{}");
    sandbox
}

fn answer(sandbox: &Sandbox, line: &str) -> Vec<u8> {
    let ended = sandbox.runtime_alone(&line.split(' ').collect::<Vec<_>>());
    assert!(ended.code == 0 && ended.stderr.is_empty(), "{line}: {ended:?}");
    ended.stdout
}

fn parsed(sandbox: &Sandbox, line: &str) -> Value {
    let bytes = answer(sandbox, line);
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn check(sandbox: &Sandbox, cases: &[(&str, &str)]) {
    for (name, line) in cases {
        golden(name, &answer(sandbox, line));
    }
}

#[test]
fn outputs() {
    check(&prepared(), CASES);
}

#[test]
fn styled_outputs() {
    let mut sandbox = prepared();
    sandbox.set("CLICOLOR_FORCE", "1");
    check(&sandbox, STYLED);
}

/// A golden file that no case writes is never checked.
#[test]
fn every_golden_file_has_its_case() {
    for entry in std::fs::read_dir(repository().join("tests/golden")).unwrap() {
        let entry = entry.unwrap();
        // Directories belong to the tests of their name.
        if entry.file_type().unwrap().is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        assert!(
            CASES.iter().chain(STYLED).any(|(known, _)| *known == name),
            "tests/golden/{name} has no case"
        );
    }
}

/// The templates of the fixture as Host Factory must get them, written by hand: attributes typed,
/// completed from the table of machine types where the file is silent, everything else untouched.
fn expected_attributes() -> Vec<Value> {
    let typed = |kind: &str, ncpus: &str, nram: &str, ncores: &str| json!({ "type": ["String", kind], "ncpus": ["Numeric", ncpus], "nram": ["Numeric", nram], "ncores": ["Numeric", ncores] });
    let mut given = typed("X86_64", "2", "8000", "1");
    given["rank"] = json!(["Numeric", "10"]);
    given["priceInfo"] = json!([
        "String",
        "price:0.096,billingTimeUnitType:prorated_hour,billingTimeUnitNumber:1,billingRoundoffType:unit"
    ]);
    let mut mixed = typed("X86_64", "2", "4096", "1");
    mixed["zone"] = json!(["String", "eu-west-1a"]);
    vec![given, typed("AARCH64", "8", "16384", "1"), mixed, typed("X86_64", "4", "32768", "1")]
}

/// The list holds what the file says, in its order, and every way to ask gives the same templates.
#[test]
fn templates_are_those_of_the_file() {
    let sandbox = prepared();
    let source = std::fs::read(sandbox.root().join("awsprov_templates.json")).unwrap();
    let source: Value = serde_json::from_slice(&source).unwrap();
    let source = source["templates"].as_array().unwrap();
    let list = parsed(&sandbox, "templates list");
    let listed = list["templates"].as_array().unwrap();
    assert_eq!(listed.len(), source.len());
    for ((listed, source), attributes) in listed.iter().zip(source).zip(expected_attributes()) {
        let id = source["templateId"].as_str().unwrap();
        for (name, value) in source.as_object().unwrap().iter().filter(|(name, _)| *name != "attributes") {
            assert_eq!(&listed[name], value, "{id}.{name}");
        }
        assert_eq!(listed["attributes"], attributes, "{id}");
        assert_eq!(
            listed.as_object().unwrap().len(),
            source.as_object().unwrap().len() + usize::from(source.get("attributes").is_none())
        );
        assert_eq!(&parsed(&sandbox, &format!("templates show {id}")), listed, "{id}");
    }
    assert_eq!(parsed(&sandbox, "getAvailableTemplates -f in.json"), list);
    let page = parsed(&sandbox, "templates list --limit 2 --offset 1");
    assert_eq!(page["templates"].as_array().unwrap()[..], listed[1..3]);
}

#[test]
fn documents_say_what_is_configured() {
    let sandbox = prepared();
    let config = parsed(&sandbox, "config show");
    for (pointer, expected) in [
        ("/scheduler/type", json!("hostfactory")),
        ("/request/max_machines_per_request", json!(250)),
        ("/provider/active_provider", json!("aws-prod")),
        ("/provider/providers/1/name", json!("rehearsal")),
        ("/storage/strategy", json!("sqlite")),
        ("/snapshot/refresh", json!("auto")),
    ] {
        assert_eq!(config.pointer(pointer), Some(&expected), "{pointer} of {config:#}");
    }
    let provider = parsed(&sandbox, "providers show");
    assert_eq!((&provider["name"], &provider["default"]), (&json!("aws-prod"), &json!(true)));
    assert_eq!(provider["config"]["AWS_ENDPOINT_URL"], "https://ec2.example");
    assert_eq!(provider["config"]["AWS_REGION"], "eu-west-1");
    assert_eq!(parsed(&sandbox, "providers show rehearsal")["enabled"], false);
    let active = |command: &str, list: &str| -> Vec<String> {
        let document = parsed(&sandbox, command);
        let rows = document[list].as_array().unwrap().iter().filter(|row| row["active"] == true);
        rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(active("scheduler list", "schedulers"), ["hostfactory"]);
    assert_eq!(active("storage list", "strategies"), ["sqlite"]);
}
