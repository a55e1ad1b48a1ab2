//! `templates create`, `update`, `replace`, `delete`, `validate`, `render`, `generate`, `refresh` and `diff`: what they
//! change in the files, what they refuse, and that the change is answered.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs;

use ohfp_tests::{Sandbox, ended, program};
use serde_json::Value;

const FILE: &str = "awsprov_templates.json";
const CONFIG: &str = r#"{"provider": {"type": "sim"}, "snapshot": {"refresh": "auto"}}"#;
const CATALOG: &str = r#"{
  "note":   "kept as it is",
  "templates": [
    {
      "templateId": "small",
      "maxNumber": 5,
      "instance_type": "m5.large",
      "x": 1.50
    },
    { "templateId": "large", "maxNumber": 2, "vmType": "m5.4xlarge" }
  ]
}
"#;

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::with_files(&[(FILE, CATALOG), ("config.json", CONFIG)]);
    sandbox.set("OHFP_STATE_DIR", sandbox.path.join("state"));
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
    sandbox
}

fn file(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.root().join(FILE)).unwrap()
}

/// A command with an input file: its answer, and the template file afterwards. The rest of the file is as it was, and
/// the change is in the snapshot: the runtime answers it alone.
fn changed(sandbox: &Sandbox, line: &str, input: (&str, &str), expected: &str) -> Value {
    sandbox.input(input.0, input.1);
    sandbox.build();
    let dry = sandbox.line(&format!("{line} --dry-run"));
    assert_eq!((dry.code, dry.document()["dryRun"].as_bool()), (0, Some(true)), "{line}: {dry:?}");
    assert_eq!(file(sandbox), CATALOG, "{line} --dry-run");
    let done = sandbox.line(line);
    assert_eq!(done.code, 0, "{line}: {done:?}");
    assert_eq!(file(sandbox), expected, "{line}");
    let answer = done.document();
    assert_eq!(answer["snapshot"], "published", "{answer}");
    assert_eq!(answer["changes"], dry.document()["changes"], "{line}");
    let runtime = sandbox.runtime_alone(&["templates", "list"]);
    assert_eq!((runtime.code, &runtime), (0, &sandbox.run("ohfp-live", &["templates", "list"])), "{line}");
    let beside: Vec<String> = fs::read_dir(sandbox.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| ![FILE, "config.json"].contains(&name.as_str()))
        .collect();
    assert_eq!(beside, Vec::<String>::new(), "{line}");
    answer
}

#[test]
fn a_template_is_created() {
    let expected = CATALOG.replace(
        "\"m5.4xlarge\" }\n",
        "\"m5.4xlarge\" },\n    {\n      \"template_id\": \"new\",\n      \"max_instances\": 3,\n      \"machine_types\": {\"m5.large\": 2},\n      \"y\": 2.50\n    }\n",
    );
    let yaml = "template_id: new\nmax_instances: 3\nmachine_types: {m5.large: 2}\ny: 2.50\n";
    let answer = changed(&sandbox(), "templates create --file new.yaml", ("new.yaml", yaml), &expected);
    assert_eq!((answer["templateId"].as_str(), answer["status"].as_str()), (Some("new"), Some("created")));
    let list = r#"{"templates": [{"templateId": "b1", "maxNumber": 1, "vmType": "m5.large"}, {"templateId": "b2", "maxNumber": 1, "vmType": "m5.large"}]}"#;
    let sandbox = sandbox();
    sandbox.input("list.json", list);
    let done = sandbox.line("templates create -f list.json");
    assert_eq!(done.document()["templates"], serde_json::json!(["b1", "b2"]), "{done:?}");
    assert_eq!(sandbox.line("templates list").document()["templates"].as_array().unwrap().len(), 4);
}

#[test]
fn fields_are_updated_and_templates_replaced_and_deleted() {
    let update = r#"{"maxNumber": 9, "vmType": "c5.large", "x": null, "attributes": {"rank": 7}}"#;
    let expected = CATALOG
        .replace("\"maxNumber\": 5", "\"maxNumber\": 9")
        .replace("\"m5.large\",\n      \"x\": 1.50", "\"c5.large\",\n      \"attributes\": {\"rank\": 7}");
    let answer = changed(&sandbox(), "templates update small --file u.json", ("u.json", update), &expected);
    let fields: Vec<&str> = answer["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["maxNumber", "vmType", "x", "attributes.rank"]);

    let whole = "templateId: large\nmaxNumber: 2\nvmType: c5.4xlarge\n";
    let expected = CATALOG.replace(
        r#"{ "templateId": "large", "maxNumber": 2, "vmType": "m5.4xlarge" }"#,
        "{\n      \"templateId\": \"large\",\n      \"maxNumber\": 2,\n      \"vmType\": \"c5.4xlarge\"\n    }",
    );
    changed(&sandbox(), "templates replace -t large -f w.yaml", ("w.yaml", whole), &expected);

    let expected = CATALOG
        .replace(",\n    { \"templateId\": \"large\", \"maxNumber\": 2, \"vmType\": \"m5.4xlarge\" }", "");
    for line in ["templates delete large --yes", "templates rm -t large --force"] {
        let sandbox = sandbox();
        sandbox.build();
        let done = sandbox.line(line);
        assert_eq!((done.code, file(&sandbox)), (0, expected.clone()), "{line}: {done:?}");
    }
}

/// What is refused, with its exit code and a part of the message; no file changes.
#[test]
fn what_is_refused_changes_nothing() {
    let sandbox = sandbox();
    sandbox.build();
    let check = |line: &str, input: &str, code: i32, message: &str| {
        sandbox.input("in.json", input);
        sandbox.input("in.yaml", input);
        let done = sandbox.line(line);
        assert_eq!(done.code, code, "{line} {input}: {done:?}");
        assert!(done.stderr.contains(message), "{line} {input}: {done:?}");
        assert_eq!(file(&sandbox), CATALOG, "{line} {input}");
    };
    let small = r#"{"templateId": "small", "maxNumber": 5, "vmType": "m5.large"}"#;
    check("templates create --file in.json", small, 1, "there is a template `small` already");
    check(
        "templates create --file in.json",
        r#"{"templateId": "a b", "maxNumber": 1}"#,
        1,
        "`templateId` must be",
    );
    check("templates create --file in.json", r#"{"maxNumber": 1}"#, 1, "has no `templateId`");
    check(
        "templates create --file in.json",
        r#"{"templateId": "n", "vmType": "m5.large"}"#,
        1,
        "no `maxNumber`",
    );
    check("templates create --file in.json", "{", 1, "in.json: EOF");
    check(
        "templates create --file in.yaml",
        "templateId: n\ntemplateId: m\n",
        1,
        "in.yaml:2:1: the key `templateId`",
    );
    check("templates create --file nowhere.json", "", 1, "cannot be read");
    check("templates create", "", 2, "--file");
    check("templates update smal --file in.json", "{}", 1, "did you mean `small`?");
    check(
        "templates update small --file in.json",
        r#"{"templateId": "large"}"#,
        1,
        "is about template `large`",
    );
    check("templates update small --file in.json", r#"{"iops": "many"}"#, 1, "`iops` of template `small`");
    check("templates update small --file in.json", "[]", 1, "expected an object");
    check("templates update small --file in.json", r#"{"maxNumber": 4}"#, 1, "lowered from 5 to 4");
    check(
        "templates replace small --file in.json",
        r#"{"templateId": "large"}"#,
        1,
        "is about template `large`",
    );
    check("templates delete nosuch --yes", "", 1, "there is no template `nosuch`");
    check("templates delete small", "", 1, "pass --yes");
    check("templates create --file in.json --validate-only", r#"{"templateId": "n"}"#, 1, "no `maxNumber`");
    let valid = sandbox.input("n.json", small.replace("small", "n"));
    let done =
        sandbox.run("ohfp", &["templates", "create", "--validate-only", "--file", valid.to_str().unwrap()]);
    assert_eq!((done.code, done.document()["status"].as_str()), (0, Some("valid")), "{done:?}");
    assert_eq!(file(&sandbox), CATALOG);
}

/// A lower limit is written and published where that is asked for, and only then.
#[test]
fn a_lower_limit_needs_its_option() {
    let sandbox = sandbox();
    sandbox.build();
    sandbox.input("in.json", r#"{"maxNumber": 4}"#);
    let done = sandbox.line("templates update small --file in.json --allow-lower-max");
    assert_eq!((done.code, done.document()["snapshot"].as_str()), (0, Some("published")), "{done:?}");
    let shown = sandbox.runtime_alone(&["templates", "show", "small"]);
    assert_eq!(shown.document()["maxNumber"], 4, "{shown:?}");
}

/// Other templates may be wrong: they neither keep one from being corrected, nor are they published.
#[test]
fn a_wrong_template_is_corrected_beside_another() {
    let sandbox = sandbox();
    sandbox.build();
    let broken = CATALOG
        .replace("\"maxNumber\": 5", "\"maxNumber\": -5")
        .replace("\"maxNumber\": 2", "\"maxNumber\": -2");
    sandbox.write(FILE, &broken);
    sandbox.input("in.json", r#"{"maxNumber": 5}"#);
    let done = sandbox.line("templates update small --file in.json");
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(file(&sandbox), broken.replace("-5", "5"));
    assert!(done.document()["snapshot"].as_str().unwrap().starts_with("not published: "), "{done:?}");
}

/// A change of a template of a chain goes to the file whose fields count; a removal to all of them.
#[test]
fn a_chain_of_files_is_edited_where_it_counts() {
    let own = r#"[{"templateId": "a", "vmType": "m5.large"}]"#;
    let all =
        r#"[{"templateId": "a", "maxNumber": 3}, {"templateId": "b", "maxNumber": 1, "vmType": "m5.large"}]"#;
    let sandbox = Sandbox::with_files(&[
        ("config.json", r#"{"provider": {"providers": [{"name": "east", "type": "sim"}]}}"#),
        ("east_templates.json", own),
        ("templates.json", all),
    ]);
    let read = |name: &str| fs::read_to_string(sandbox.root().join(name)).unwrap();
    sandbox.input("in.yaml", "maxNumber: 4\n");
    let done = sandbox.line("templates update a --file in.yaml");
    assert_eq!(done.code, 0, "{done:?}");
    let edited = r#"[{"templateId": "a", "vmType": "m5.large", "maxNumber": 4}]"#;
    assert_eq!((read("east_templates.json").as_str(), read("templates.json").as_str()), (edited, all));
    assert!(done.document()["alsoIn"][0].as_str().unwrap().ends_with("/templates.json"), "{done:?}");
    let done = sandbox.line("templates delete a --yes");
    assert_eq!(done.code, 0, "{done:?}");
    let left = r#"[{"templateId": "b", "maxNumber": 1, "vmType": "m5.large"}]"#;
    assert_eq!((read("east_templates.json").as_str(), read("templates.json").as_str()), ("[]", left));
}

/// A new template goes where most of them are, of files that have as many to the most specific one, or where it is told to.
#[test]
fn a_new_template_goes_where_the_others_are() {
    let many = r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}, {"templateId": "b", "maxNumber": 1, "vmType": "m5.large"}]"#;
    let one = r#"[{"templateId": "c", "maxNumber": 1, "vmType": "m5.large"}]"#;
    for (own, all, option, expected) in [
        (many, one, "", Ok("east_templates.json")),
        (one, many, "", Ok("templates.json")),
        (
            one,
            r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}]"#,
            "",
            Ok("east_templates.json"),
        ),
        (many, one, " --into templates.json", Ok("templates.json")),
        (one, many, " --into conf/east_templates.json", Ok("east_templates.json")),
        (one, many, " --into other.json", Err("name one of")),
    ] {
        let sandbox = Sandbox::with_files(&[
            ("config.json", r#"{"provider": {"providers": [{"name": "east", "type": "sim"}]}}"#),
            ("east_templates.json", own),
            ("templates.json", all),
        ]);
        sandbox.input("new.yaml", "{templateId: new, maxNumber: 1, vmType: m5.large}");
        let done = sandbox.line(&format!("templates create -f new.yaml{option}"));
        match expected {
            Ok(file) => {
                assert_eq!(done.code, 0, "{done:?}");
                assert!(done.document()["files"][0].as_str().unwrap().ends_with(file), "{option}: {done:?}");
                let listed = sandbox.line("templates show new");
                assert_eq!(listed.code, 0, "{listed:?}");
            }
            Err(part) => assert!(done.code == 1 && done.stderr.contains(part), "{done:?}"),
        }
    }
}

/// Processes that add templates at once all succeed, and none is lost.
#[test]
fn writers_take_turns() {
    let sandbox = sandbox();
    sandbox.build();
    let mut running = Vec::new();
    for number in 0..8 {
        let name = format!("{number}.json");
        sandbox
            .input(&name, format!(r#"{{"templateId": "t{number}", "maxNumber": 1, "vmType": "m5.large"}}"#));
        let mut command = sandbox.command(program("ohfp"));
        command.args(["templates", "create", "--file", &name]).stdout(std::process::Stdio::null());
        running.push(command.spawn().unwrap());
    }
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    let list = sandbox.line("templates list").document();
    assert_eq!(list["templates"].as_array().unwrap().len(), 10, "{list}");
}

#[test]
fn a_part_is_validated() {
    let sandbox = sandbox();
    sandbox.write(FILE, CATALOG.replace("\"maxNumber\": 2", "\"maxNumber\": -2"));
    let check = |line: &str, input: (&str, &str), code: i32, says: &str| {
        sandbox.input(input.0, input.1);
        let done = sandbox.line(line);
        assert_eq!(done.code, code, "{line}: {done:?}");
        assert!(done.text().contains(says) || done.stderr.contains(says), "{line}: {done:?}");
    };
    let none = ("x", "");
    check("templates validate", none, 1, "`maxNumber` of template `large`");
    check("templates validate --all", none, 1, "`maxNumber` of template `large`");
    check("templates validate small", none, 0, r#""valid": true"#);
    check("templates validate -t large", none, 1, "`maxNumber` of template `large`");
    check("templates validate small large", none, 1, "`maxNumber` of template `large`");
    check("templates validate smal", none, 1, "there is no template `smal`");
    let good = r#"{"templateId": "n", "maxNumber": 1, "vmType": "m5.large"}"#;
    check("templates validate --file n.json", ("n.json", good), 0, r#""valid": true"#);
    check("templates validate --file n.json", ("n.json", &format!("[{good},\n{good}]")), 1, "n.json:2:");
    let yaml = "templates:\n- templateId: n\n  maxNumber: 1\n  vmType: m5.large\n\n  iops: lots\n";
    check("templates validate --file n.yaml", ("n.yaml", yaml), 1, "n.yaml:6:");
    check("templates validate --file n.yaml", ("n.yaml", "a: [\n"), 1, "n.yaml:2:1:");
    check("templates validate small --file n.json", none, 2, "cannot be used with");
    let mut command = sandbox.command("/bin/sh");
    let line = format!("echo 'templateId: n' | '{}' templates validate --file -", program("ohfp").display());
    let done = ended(command.args(["-c", &line]));
    assert!(done.code == 1 && done.text().contains("standard input:1:"), "{done:?}");
}

#[test]
fn a_launch_is_rendered() {
    let sandbox = sandbox();
    let done = sandbox.line("templates render small --count 3");
    let answer = done.document();
    assert_eq!((answer["provider"].as_str(), answer["count"].as_u64()), (Some("sim"), Some(3)), "{done:?}");
    assert!(answer["calls"][0].as_str().unwrap().starts_with("launch 3 × m5.large"), "{answer}");
    let done = sandbox.line("templates render nosuch");
    assert_eq!(done.code, 1, "{done:?}");
    assert!(!sandbox.path.join("state").exists());
}

/// The command line chooses among providers of a template's own type.
#[test]
fn a_template_keeps_its_type_of_provider() {
    let sandbox = sandbox();
    sandbox.write(
        "config.json",
        r#"{"provider": {"providers": [{"name": "own", "type": "sim"}, {"name": "cloud", "type": "aws"}]}}"#,
    );
    sandbox.write(FILE, CATALOG.replace("\"maxNumber\": 2", "\"maxNumber\": 2, \"providerType\": \"aws\""));
    for line in ["templates render large", "machines request large 1 --dry-run"] {
        let refused = sandbox.line(&format!("{line} --provider-name own"));
        assert!(refused.code == 1, "{line}: {refused:?}");
        assert!(
            refused.stderr.contains("requires a provider of type `aws`, which `own` is not"),
            "{refused:?}"
        );
        let done = sandbox.line(&line.replace("large", "small --provider-name own"));
        assert_eq!(done.code, 0, "{line}: {done:?}");
    }
}

/// The examples load as they are: a directory of nothing else validates, and a simulated request for each is accepted.
#[test]
fn examples_are_generated() {
    let sandbox = sandbox();
    for (line, count) in [
        ("templates generate", 18),
        ("templates generate --provider-api ec2fleet --force --all-providers", 9),
    ] {
        let done = sandbox.line(line);
        assert_eq!(done.document()["templates"].as_array().unwrap().len(), count, "{done:?}");
        sandbox.write(FILE, &done.stdout);
        let valid = sandbox.line("templates validate");
        assert_eq!(
            (valid.code, valid.document()["templates"].as_u64()),
            (0, Some(count as u64)),
            "{valid:?}"
        );
        for template in done.document()["templates"].as_array().unwrap() {
            let id = template["templateId"].as_str().unwrap();
            let asked = sandbox.run("ohfp", &["machines", "request", id, "2", "--dry-run"]);
            assert_eq!(asked.code, 0, "{id}: {asked:?}");
        }
    }
    assert_eq!(sandbox.line("templates generate --provider-api Lambda").code, 2);
}

#[test]
fn the_files_are_read_again() {
    let sandbox = sandbox();
    sandbox.build();
    let refresh = |line: &str| sandbox.line(line).document();
    assert_eq!(refresh("templates refresh")["snapshot"], "unchanged");
    let edited = CATALOG.replace("\"large\"", "\"huge\"").replace("m5.large", "c5.large");
    sandbox.write(FILE, &edited);
    let answer = refresh("templates refresh --force");
    assert_eq!(answer["snapshot"], "published", "{answer}");
    let list = |name: &str| answer[name].to_string();
    assert_eq!(
        (list("added"), list("removed"), list("changed")),
        (r#"["huge"]"#.into(), r#"["large"]"#.into(), r#"["small"]"#.into())
    );
    sandbox.write(FILE, edited.replace("\"maxNumber\": 5", "\"maxNumber\": 1"));
    refresh("templates refresh");
    let shown = || sandbox.run("ohfp", &["templates", "show", "small"]).document()["maxNumber"].as_i64();
    assert_eq!(shown(), Some(5));
    assert_eq!(refresh("templates refresh --allow-lower-max")["snapshot"], "published");
    assert_eq!(shown(), Some(1));
    sandbox.write("config.json", CONFIG.replace("auto", "manual"));
    let answer = refresh("templates refresh");
    assert!(answer["snapshot"].as_str().unwrap().contains("snapshot.refresh is manual"), "{answer}");
}

#[test]
fn a_document_is_compared() {
    let sandbox = sandbox();
    let check = |input: &str, expected: &str| {
        sandbox.input("d.yaml", input);
        let done = sandbox.line("templates diff d.yaml");
        assert_eq!(done.code, 0, "{done:?}");
        let answer = done.document();
        let changes = answer["changes"].as_array().unwrap();
        let shown: Vec<String> = changes
            .iter()
            .map(|change| {
                format!(
                    "{}.{} {} {}",
                    change["templateId"].as_str().unwrap(),
                    change["field"].as_str().unwrap(),
                    change["before"],
                    change["after"]
                )
            })
            .collect();
        assert_eq!(shown.join("; "), expected, "{input}");
        assert_eq!(answer["differs"].as_bool(), Some(!expected.is_empty()));
    };
    check("{templateId: small, max_instances: 5, vmType: m5.large, x: 1.50}", "");
    check("{templateId: small, maxNumber: 6, vmType: m5.large}", "small.maxNumber 5 6; small.x 1.50 null");
    check(
        "[{templateId: small, maxNumber: 5, vmType: m5.large, x: 1.50}]",
        "large.templateId \"large\" null; large.maxNumber 2 null; large.vmType \"m5.4xlarge\" null",
    );
    check("{templateId: new}", "new.templateId null \"new\"");
    sandbox.input("d.yaml", "{templateId: small, maxNumber: 6, vmType: m5.large}");
    let shown = |line: &str| sandbox.line(&format!("templates diff d.yaml {line}"));
    let chosen = shown("--format csv --columns field,after --sort-by -field");
    assert_eq!(chosen.text(), "FIELD,AFTER\nx,\nmaxNumber,6\n", "{chosen:?}");
    let unknown = shown("--format table --columns nosuch");
    assert!(unknown.code == 2 && unknown.stderr.contains("no column `nosuch`"), "{unknown:?}");
}
