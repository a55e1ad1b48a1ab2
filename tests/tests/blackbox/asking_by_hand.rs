//! A person asks the store of Host Factory's instance, or is told that another one is asked.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs;

use ohfp_tests::grid::{Grid, TEMPLATE, document};
use ohfp_tests::{Ended, Sandbox};
use serde_json::json;

/// A site whose instance `grid` has a machine, and a person without any of Host Factory's variables but `HF_CONFDIR`.
fn site() -> (Grid, Sandbox) {
    let mut grid = Grid::new(&json!({}), &json!({}));
    grid.request(TEMPLATE, 1);
    let top = grid.sandbox.path.join("top");
    fs::create_dir_all(top.join("providers")).unwrap();
    let listed = json!({ "version": 2, "providers": [
        { "name": "other", "enabled": 1, "plugin": "x" },
        { "name": "grid", "enabled": 1, "plugin": "ohfp", "confPath": grid.sandbox.root(),
          "workPath": "${HF_WORKDIR}/work/", "logPath": "${HF_LOGDIR}/" },
    ]});
    fs::write(top.join("providers/hostProviders.json"), listed.to_string()).unwrap();
    let mut person = Sandbox::empty();
    person.set("HF_CONFDIR", &top);
    person.set("HF_WORKDIR", &grid.sandbox.path);
    person.set("HF_LOGDIR", grid.sandbox.path.join("log"));
    grid.sandbox.unset("OHFP_CONFIG_DIR");
    (grid, person)
}

fn machines(answer: &Ended) -> usize {
    assert_eq!(answer.code, 0, "{answer:?}");
    document(answer)["machines"].as_array().unwrap().len()
}

#[test]
fn an_instance_is_asked_by_its_name() {
    let (grid, mut person) = site();
    let listed = person.run("ohfp", &["machines", "list", "--instance", "grid"]);
    assert_eq!((machines(&listed), listed.stderr.as_str()), (1, ""));
    let place = document(&person.run("ohfp", &["--instance=grid", "storage", "show"]));
    assert_eq!(place["path"], json!(grid.work().join("ohfp.db")));
    // Its log, too.
    fs::remove_file(grid.log()).unwrap();
    let requested = person.run("ohfp", &["machines", "request", TEMPLATE, "1", "--instance", "grid"]);
    assert!(requested.code == 0 && grid.log().exists(), "{requested:?}");
    // What names another place by a variable does not count beside it.
    person.set("OHFP_STATE_DIR", person.path.join("home"));
    assert_eq!(machines(&person.run("ohfp", &["machines", "list", "--instance", "grid"])), 2);
    assert_eq!(fs::read_dir(person.path.join("home")).unwrap().count(), 0);
}

#[test]
fn a_state_directory_is_named() {
    let (grid, mut person) = site();
    let (config, work) = (grid.sandbox.root(), grid.work());
    let words =
        ["machines", "list", "--config", config.to_str().unwrap(), "--state-dir", work.to_str().unwrap()];
    let listed = person.run("ohfp", &words);
    assert_eq!((machines(&listed), listed.stderr.as_str()), (1, ""));
    person.set("OHFP_STATE_DIR", person.path.join("home"));
    assert_eq!(machines(&person.run("ohfp", &words)), 1);
}

#[test]
fn another_store_is_named() {
    let (grid, person) = site();
    let config = grid.sandbox.root();
    for command in [&["machines", "list"][..], &["requests", "list"], &["storage", "health"]] {
        let answer = person.run("ohfp", &[&["--config", config.to_str().unwrap()], command].concat());
        let place = person.path.join("home/.local/state/ohfp");
        assert!(answer.code == 0 && answer.stderr.contains(place.to_str().unwrap()), "{answer:?}");
    }
    // No store has a part in these.
    for command in [&["templates", "list"][..], &["config", "show"]] {
        let answer = person.run("ohfp", &[&["--config", config.to_str().unwrap()], command].concat());
        assert!(answer.code == 0 && answer.stderr.is_empty(), "{answer:?}");
    }
}

/// Options that cannot be followed, and what is said.
#[test]
fn mistakes_are_explained() {
    let (grid, mut person) = site();
    let state = person.path.join("nosuch");
    let mut check = |unset: Option<&str>, words: &[&str], said: &[&str]| {
        if let Some(name) = unset {
            person.unset(name);
        }
        let answer = person.run("ohfp", words);
        let right = answer.code == 1 && answer.stdout.is_empty();
        assert!(right && said.iter().all(|part| answer.stderr.contains(part)), "{words:?}: {answer:?}");
    };
    let list = ["machines", "list", "--instance"];
    check(None, &[&list[..], &["gird"]].concat(), &["there is no instance `gird`", "`grid`"]);
    check(
        None,
        &["machines", "list", "--state-dir", state.to_str().unwrap()],
        &["is no directory", "--state-dir"],
    );
    check(
        Some("HF_WORKDIR"),
        &[&list[..], &["grid"]].concat(),
        &["HF_WORKDIR, which is not set", "hostProviders.json"],
    );
    let file = grid.sandbox.path.join("top/providers/hostProviders.json");
    fs::write(&file, "{").unwrap();
    check(None, &[&list[..], &["grid"]].concat(), &["cannot read the instances"]);
    fs::remove_file(&file).unwrap();
    check(None, &[&list[..], &["grid"]].concat(), &["hostProviders.json", "HF_CONFDIR"]);
    check(Some("HF_CONFDIR"), &[&list[..], &["grid"]].concat(), &["--instance needs HF_CONFDIR"]);
    // For Host Factory the message is the document.
    let answer = person.run("ohfp", &["getReturnRequests", "-d", "{}", "--instance", "grid"]);
    assert!(answer.code == 1 && answer.text().contains("--instance needs HF_CONFDIR"), "{answer:?}");
}

#[test]
fn templates_of_another_instance_are_named() {
    let sandbox = Sandbox::with_files(&[("awsinstprov_templates.json", r#"{"templates": []}"#)]);
    let answer = sandbox.run("ohfp", &["templates", "list"]);
    assert!(answer.code == 1 && answer.stderr.contains("awsinstprov_templates.json"), "{answer:?}");
    assert!(answer.stderr.contains("--instance awsinst"), "{answer:?}");
}
