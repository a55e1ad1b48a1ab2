//! Nothing vanishes: a template that is left out, and a `maxNumber` that is not the file's, are told
//! wherever someone looks at the catalog.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs;

use ohfp_tests::{Sandbox, c_program, ended, expect_none, program};
use serde_json::Value;

const FILE: &str = "awsprov_templates.json";
const GOOD: &str = r#"{"templateId": "good", "maxNumber": 7, "vmType": "m5.large"}"#;

/// Templates that are left out, and what the reason names.
const LEFT_OUT: &[(&str, &[&str])] = &[
    (r#""launchTemplateId": "lt-1""#, &["machine type", "launch template", "`ncpus`"]),
    (r#""vmTypez": {"m5.large": 1}"#, &["`vmTypez`", "`vmTypes`"]),
    (r#""VMTYPE": "m5.large""#, &["`VMTYPE`", "`vmType`"]),
    (r#""vmType": "zz9.large""#, &["`zz9.large`", "not known"]),
    (r#""vmType": "m5.lrage, zz9.large""#, &["`m5.lrage`", "`zz9.large`"]),
    (
        r#""abisInstanceRequirements": {"MemoryMiB": {"Min": 1}}"#,
        &["`abisInstanceRequirements`", "`VCpuCount`"],
    ),
    (r#""attributes": {"ncpus": 2}"#, &["`type`", "`nram`"]),
];

fn small(fields: &str) -> String {
    format!(r#"{{"templateId": "small", "maxNumber": 7, {fields}}}"#)
}

fn sandbox(templates: &[&str]) -> Sandbox {
    let mut sandbox =
        Sandbox::with_files(&[(FILE, &format!("[{}]", templates.join(","))), ("config.json", "{}")]);
    sandbox.set("HF_PROVIDER_LOGDIR", sandbox.path.join("log"));
    sandbox.set("OHFP_STATE_DIR", sandbox.path.join("state"));
    fs::create_dir_all(sandbox.path.join("log")).unwrap();
    sandbox.input("in.json", "{}");
    sandbox.input("request.json", r#"{"template": {"templateId": "small", "machineCount": 1}}"#);
    sandbox
}

fn log(sandbox: &Sandbox) -> String {
    let files = fs::read_dir(sandbox.path.join("log")).unwrap();
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap_or_default()).collect()
}

fn lacks(text: &str, words: &[&str]) -> Vec<String> {
    let lacking = words.iter().filter(|word| !text.contains(*word));
    lacking.map(|word| format!("{word} in {text}")).collect()
}

#[test]
fn the_reason_is_told_wherever_it_is_asked_for() {
    let mut faults = Vec::new();
    let mut cases = 0;
    for (fields, words) in LEFT_OUT {
        let sandbox = sandbox(&[GOOD, &small(fields)]);
        let mut named = vec!["`small`", "left out, because"];
        named.extend(*words);
        let mut check = |what: &str, good: bool, text: &str, words: &[&str]| {
            cases += 1;
            let lacking = lacks(text, words);
            if !good || !lacking.is_empty() {
                faults.push(format!("{fields}: {what}: {lacking:?}"));
            }
        };
        let offered = sandbox.run("ohfp", &["getAvailableTemplates", "-f", "in.json"]);
        check("offered", offered.code == 0 && !offered.text().contains("small"), "", &[]);
        let logged = log(&sandbox);
        let line = logged.lines().find(|line| line.contains("WARN") && line.contains("`small`"));
        check("log", true, line.unwrap_or_default(), &named);
        let shown = sandbox.run("ohfp", &["templates", "show", "small"]);
        check("show", shown.code == 1, &shown.stderr, &named);
        let asked = sandbox.run("ohfp", &["requestMachines", "-f", "request.json"]);
        check("request", asked.code == 1, &asked.text().replace('\\', ""), &named);
        let asked = sandbox.run("ohfp", &["machines", "request", "small", "1", "--dry-run"]);
        check("dry run", asked.code == 1, &asked.stderr, &named);
        let validated = sandbox.run("ohfp", &["templates", "validate"]);
        let report: Value = serde_json::from_slice(&validated.stdout).unwrap();
        let told = report["leftOut"][0] == "small" && report["valid"] == false;
        check("validate", validated.code == 1 && told, &report["findings"].to_string(), &named);
        let diagnosed = sandbox.run("ohfp", &["doctor"]);
        check("doctor", true, &diagnosed.text(), &named);
        for lenient in [&["templates", "validate", "--lenient"][..], &["config", "validate"]] {
            let validated = sandbox.run("ohfp", lenient);
            check("lenient", validated.code == 0, &validated.text(), &named);
        }
        // Alone, it is an error that names it: Host Factory drops a provider that offers nothing.
        sandbox.write(FILE, format!("[{}]", small(fields)));
        let alone = sandbox.run("ohfp", &["getAvailableTemplates", "-f", "in.json"]);
        check("alone", alone.code == 1, &alone.text(), &named);
    }
    expect_none(&faults, cases);
}

/// Each form of the list, from the files and from the snapshot: at a terminal with a note, elsewhere
/// without, and with the same document.
#[test]
fn lists_have_a_note_at_a_terminal() {
    let left_out = small(LEFT_OUT[0].0);
    let mut faults = Vec::new();
    let mut cases = 0;
    for (templates, note) in
        [(vec![GOOD, &left_out], Some("1 template is left out: `small`")), (vec![GOOD], None)]
    {
        let sandbox = sandbox(&templates);
        sandbox.build();
        let terminal = c_program("terminal", &sandbox.path);
        for line in [
            "templates list",
            "template list --format table",
            "templates list --format list --long",
            "templates list --limit 1 --format yaml",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let plain = sandbox.runtime_alone(&words);
            if plain.code != 0 || !plain.stderr.is_empty() {
                faults.push(format!("{line}: {plain:?}"));
            }
            for name in ["ohfp", "ohfp-live"] {
                cases += 1;
                let mut command = sandbox.command(&terminal);
                let seen = ended(command.arg("2").arg(program(name)).args(&words)).text();
                let document = String::from_utf8_lossy(&plain.stdout).into_owned();
                let expected = note.map_or(String::new(), |note| {
                    format!("ohfp: note: {note}; `ohfp templates validate` gives the reasons\n")
                });
                if seen.replacen(&expected, "", 1) != document || !seen.contains(&expected) {
                    faults.push(format!("{name} {line}: {seen}"));
                }
            }
        }
        // What is not a list has no note, and stays the runtime's.
        for line in ["templates show good", "config show"] {
            let words: Vec<&str> = line.split(' ').collect();
            let mut command = sandbox.command(&terminal);
            command.arg("12").arg(program("ohfp")).args(&words).env("OHFP_LIVE", "/nonexistent");
            let seen = ended(&mut command);
            cases += 1;
            if seen.code != 0 || seen.text().contains("note:") {
                faults.push(format!("{line}: {seen:?}"));
            }
        }
    }
    expect_none(&faults, cases);
}

/// The file says 2, answers say 7, and validate, doctor and lists say so.
#[test]
fn a_held_number_is_told() {
    let sandbox = sandbox(&[GOOD]);
    sandbox.build();
    sandbox.write(FILE, format!("[{}]", GOOD.replace('7', "2")));
    let terminal = c_program("terminal", &sandbox.path);
    let mut faults = Vec::new();
    for turn in ["from the files", "from the snapshot made anew"] {
        let mut command = sandbox.command(&terminal);
        let seen = ended(command.arg("2").arg(program("ohfp")).args(["templates", "list"])).text();
        let words =
            ["\"maxNumber\": 7", "note: maxNumber as published, which is more than in the file: `good`"];
        faults.extend(lacks(&seen, &words).into_iter().map(|fault| format!("{turn}: {fault}")));
        let validated = sandbox.run("ohfp", &["templates", "validate"]);
        let words =
            ["`maxNumber` of template `good` is 2 in the file and 7 as published", "--allow-lower-max"];
        faults.extend(lacks(&validated.text(), &words).into_iter().map(|fault| format!("{turn}: {fault}")));
        assert_eq!(validated.code, 0, "{validated:?}");
        let diagnosed = sandbox.run("ohfp", &["doctor"]);
        faults.extend(
            lacks(&diagnosed.text(), &words).into_iter().map(|fault| format!("{turn}: doctor: {fault}")),
        );
    }
    expect_none(&faults, 12);
    let allowed =
        ended(sandbox.command(program("ohfp-snapshot")).args(["build", "--quiet", "--allow-lower-max"]));
    assert_eq!(allowed.code, 0, "{allowed:?}");
    let validated = sandbox.run("ohfp", &["templates", "validate"]);
    assert!(!validated.text().contains("published"), "{validated:?}");
}

/// An id that no template can have is refused without reading the catalog, and cut in the message.
#[test]
fn impossible_ids() {
    let sandbox = sandbox(&[GOOD]);
    for id in ["x".repeat(65), "a b".to_owned(), "g".repeat(1 << 20), String::new()] {
        let input = serde_json::json!({ "template": { "templateId": id, "machineCount": 1 } }).to_string();
        sandbox.input("long.json", input);
        let asked = sandbox.run("ohfp", &["requestMachines", "-f", "long.json"]);
        assert!(asked.code == 1 && asked.stdout.len() < 400, "{asked:?}");
    }
}
