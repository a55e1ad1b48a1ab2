//! One wrong template: it is refused where the whole is checked, and the others go on being answered as long as they
//! are what was published. What was not published is not offered.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs;

use ohfp_tests::{Sandbox, ended, program};
use serde_json::Value;

const FILE: &str = "templates.json";

fn template(id: &str, fields: &str) -> String {
    format!(r#"{{"templateId": "{id}", "maxNumber": 5, "vmType": "m5.large"{fields}}}"#)
}

fn catalog(templates: &[String]) -> String {
    format!("[{}]", templates.join(",\n"))
}

fn sandbox(templates: &[String], config: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_files(&[(FILE, &catalog(templates)), ("config.json", config)]);
    sandbox.set("HF_PROVIDER_LOGDIR", sandbox.path.join("log"));
    sandbox.set("OHFP_STATE_DIR", sandbox.path.join("state"));
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
    fs::create_dir_all(sandbox.path.join("log")).unwrap();
    sandbox.input("in.json", "{}");
    sandbox.build();
    sandbox
}

/// The ids that Host Factory is told; `Err` with the message where it is told an error.
fn offered(sandbox: &Sandbox) -> Result<Vec<String>, String> {
    let ended = sandbox.run("ohfp", &["getAvailableTemplates", "-f", "in.json"]);
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
    if ended.code != 0 {
        return Err(answer["message"].as_str().unwrap().to_owned());
    }
    let ids = answer["templates"].as_array().unwrap().iter();
    Ok(ids.map(|template| template["templateId"].as_str().unwrap().to_owned()).collect())
}

const SIM: &str = r#"{"provider": {"type": "sim"}}"#;

#[test]
fn unchanged_templates_go_on() {
    let before = [template("a", ""), template("b", r#", "iops": 500"#), template("c", "")];
    for config in [SIM, r#"{"provider": {"type": "sim"}, "scheduler": {"type": "default"}}"#] {
        let is_hf = config == SIM;
        let check = |what: &str, templates: &[String], expected: Result<&[&str], &str>| {
            let sandbox = sandbox(&before, config);
            sandbox.write(FILE, catalog(templates));
            let found = if is_hf {
                offered(&sandbox)
            } else {
                let ended = sandbox.run("ohfp", &["templates", "list"]);
                let answer: Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
                match answer["templates"].as_array() {
                    Some(all) => {
                        Ok(all.iter().map(|one| one["template_id"].as_str().unwrap().to_owned()).collect())
                    }
                    None => Err(ended.stderr),
                }
            };
            match (&found, expected) {
                (Ok(ids), Ok(expected)) => assert_eq!(ids, expected, "{what}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{what}: {message}"),
                _ => panic!("{what}: {found:?}"),
            }
        };
        let broken = template("b", r#", "iops": "many""#);
        check("b is broken", &[template("a", ""), broken.clone(), template("c", "")], Ok(&["a", "c"]));
        check(
            "a has changed, too",
            &[template("a", r#", "x": 1"#), broken.clone(), template("c", "")],
            Ok(&["c"]),
        );
        check("d is new", &[template("a", ""), broken.clone(), template("d", "")], Ok(&["a"]));
        check("c is there twice", &[template("a", ""), template("c", ""), template("c", "")], Ok(&["a"]));
        check("no object", &[template("a", ""), "5".to_owned()], Ok(&["a"]));
        check("nothing is left", &[broken], Err("`iops` of template `b`"));
        check("the file is broken", &[template("a", ""), "{".to_owned()], Err("templates.json:"));
    }
}

/// With an error in what all templates depend on, none is answered.
#[test]
fn an_error_in_the_defaults_stops_all() {
    let sandbox = sandbox(&[template("a", "")], SIM);
    sandbox.write("config.json", r#"{"provider": {"type": "sim"}, "template": {"max_number": "x"}}"#);
    assert!(offered(&sandbox).unwrap_err().contains("template.max_number"));
}

/// Requests, commands, checks and the log, while one template is wrong; and after it is right again.
#[test]
fn what_is_told_while_a_template_is_wrong() {
    let sandbox = sandbox(&[template("a", ""), template("b", "")], SIM);
    sandbox
        .write(FILE, catalog(&[template("a", ""), template("b", r#", "iops": "many""#), template("n", "")]));
    assert_eq!(offered(&sandbox), Ok(vec!["a".to_owned()]));
    let request = |id: &str| sandbox.run("ohfp", &["machines", "request", id, "1", "--dry-run"]);
    assert_eq!(request("a").code, 0, "{:?}", request("a"));
    for (id, part) in [("b", "`iops` of template `b`"), ("n", "template `n` is not offered")] {
        let refused = request(id);
        assert!(refused.code == 1 && refused.stderr.contains(part), "{id}: {refused:?}");
    }
    let shown = sandbox.run("ohfp", &["templates", "show", "a"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let validated = sandbox.run("ohfp", &["templates", "validate"]);
    assert!(validated.code == 1 && validated.text().contains("`iops` of template `b`"), "{validated:?}");
    let built = ended(sandbox.command(program("ohfp-snapshot")).arg("build"));
    assert_eq!(built.code, 1, "{built:?}");
    let diagnosed = sandbox.run("ohfp", &["doctor"]);
    for part in ["`iops` of template `b`", "1 template is answered as it was published"] {
        assert!(diagnosed.text().contains(part), "{diagnosed:?}");
    }
    let files = fs::read_dir(sandbox.path.join("log")).unwrap();
    let log: String = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let line = log.lines().find(|line| line.contains("as they were published")).unwrap_or_default();
    assert!(line.contains("WARN") && line.contains("`iops` of template `b`"), "{log}");

    sandbox.write(FILE, catalog(&[template("a", ""), template("b", ""), template("n", "")]));
    assert_eq!(offered(&sandbox), Ok(vec!["a".to_owned(), "b".to_owned(), "n".to_owned()]));
    assert_eq!(sandbox.runtime_alone(&["templates", "list"]).code, 0);
}
