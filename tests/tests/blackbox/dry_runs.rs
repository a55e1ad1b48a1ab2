//! What only looks changes nothing: not a byte of the state, and not a machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ohfp_tests::files_below;
use ohfp_tests::grid::{Grid, Host, LIMITED, SPOT, TEMPLATE, hosts, text};
use serde_json::{Value, json};

/// Every file below a directory with its content. SQLite's index of its write-ahead log is left out: the first
/// reader rebuilds it from the log, and it names the readers.
fn content(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files_below(directory);
    files.retain(|path, _| path.extension().is_none_or(|extension| extension != "db-shm"));
    files
}

fn sorted(machines: &[Host]) -> Vec<Host> {
    let mut machines = machines.to_vec();
    machines.sort();
    machines
}

#[test]
fn rehearsals_change_nothing() {
    let grid = Grid::new(&json!({}), &json!({}));
    let id = grid.request(TEMPLATE, 3);
    let machines = hosts(&grid.settled(&id));
    grid.change_cloud(&json!({ "boot": { "seconds": 3_600 } }));
    grid.sandbox.build();
    let unfinished = grid.request(SPOT, 2);
    let before = (content(&grid.work()), grid.live());
    assert!(before.0.keys().any(|path| path.ends_with("ohfp.db")), "{:?}", before.0.keys());
    let check = |words: &[&str]| -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--dry-run"]).collect();
        let answer = grid.command(&words);
        assert_eq!(answer["dryRun"], true, "{words:?}: {answer}");
        assert!(before == (content(&grid.work()), grid.live()), "{words:?} changes the state");
        answer
    };

    let plan = check(&["machines", "request", LIMITED, "2"]);
    let told = ["templateId", "machineCount", "provider", "existing", "maxNumber"].map(|field| &plan[field]);
    assert_eq!(told, [&json!("five"), &json!(2), &json!("sim"), &json!(0), &json!(5)]);
    assert!(text(&plan["steps"][0]).contains("2 × m6i.large"), "{plan}");
    let plan = check(&["machines", "request", "-t", TEMPLATE]);
    let told = ["existing", "maxNumber", "machineCount"].map(|field| &plan[field]);
    assert_eq!(told, [&json!(3), &json!(-1), &json!(1)]);
    let question = json!({ "template": { "templateId": SPOT, "machineCount": 3 } }).to_string();
    let plan = check(&["machines", "request", "-d", &question]);
    let steps: Vec<String> = plan["steps"].as_array().unwrap().iter().map(text).collect();
    let spread = ["launch 2 × m6i.large (spot)", "launch 1 × m5.xlarge (spot)"];
    assert!(spread.iter().zip(&steps).all(|(part, step)| step.starts_with(part)), "{steps:?}");

    let gone = check(&["machines", "return", &machines[0].name, "-m", &machines[1].id, &machines[0].id]);
    assert_eq!(hosts(&gone).len(), 2, "{gone}");
    assert_eq!(hosts(&check(&["machines", "return", "--request-id", &id])), sorted(&machines));
    assert_eq!(hosts(&check(&["machines", "return", "--all"])).len(), 5);
    let named = json!({ "machines": [{ "name": machines[2].name }, { "name": "nosuch" }] }).to_string();
    let gone = check(&["machines", "return", "-d", &named]);
    assert_eq!((hosts(&gone), &gone["unknown"]), (vec![machines[2].clone()], &json!(["nosuch"])));
    let cancelled = check(&["requests", "cancel", &unfinished]);
    assert_eq!((&cancelled["requestId"], hosts(&cancelled).len()), (&json!(unfinished), 2));
}

/// Questions about what is recorded do not write either.
#[test]
fn looks_change_nothing() {
    let grid = Grid::new(&json!({}), &json!({}));
    let id = grid.request(TEMPLATE, 2);
    let machine = hosts(&grid.settled(&id)).remove(0).name;
    let before = content(&grid.work());
    for words in [
        &["machines", "list"][..],
        &["machines", "list", "--filter", "name~ip"],
        &["machines", "show", &machine],
        &["requests", "list", "--format", "table"],
        &["requests", "show", &id],
        &["sim", "live"],
        &["sim", "list"],
        &["system", "health"],
        &["system", "status"],
        &["system", "metrics"],
        &["providers", "health"],
    ] {
        let ended = grid.sandbox.run("ohfp", words);
        assert_eq!(ended.code, 0, "{words:?}: {ended:?}");
        assert!(before == content(&grid.work()), "{words:?} changes the state");
    }
}

/// Where there is no state yet, none is made: not even its directory.
#[test]
fn looks_make_no_state() {
    for refresh in ["never", "manual"] {
        let mut grid = Grid::new(&json!({}), &json!({ "snapshot": { "refresh": refresh } }));
        let absent = grid.sandbox.path.join("no such/work");
        grid.sandbox.set("HF_PROVIDER_WORKDIR", &absent);
        for (words, says) in [
            (&["machines", "request", TEMPLATE, "2", "--dry-run"][..], "\"existing\": 0"),
            (&["machines", "list"], "\"machines\": []"),
            (&["requests", "list"], "\"requests\": []"),
            (&["sim", "live"], "\"live\": 0"),
            (&["sim", "list"], "\"machines\": []"),
            (&["providers", "health"], "\"healthy\": true"),
            (&["system", "health"], "\"checks\""),
        ] {
            let ended = grid.sandbox.run("ohfp", words);
            assert!(ended.code == 0 && ended.text().contains(says), "{words:?}: {ended:?}");
            assert!(!absent.exists(), "{words:?} makes {}", absent.display());
        }
        for words in [
            &["machines", "show", "x"][..],
            &["requests", "show", "x"],
            &["machines", "return", "x", "--dry-run"],
            &["requests", "cancel", "x", "--dry-run"],
        ] {
            let ended = grid.sandbox.run("ohfp", words);
            assert!(ended.code == 1 && ended.stdout.is_empty(), "{words:?}: {ended:?}");
            assert!(!absent.exists(), "{words:?} makes {}", absent.display());
        }
        // Nothing is known, and that is an answer.
        for (words, says) in [
            (&["requests", "status", "--all"][..], "\"requests\": []"),
            (&["requests", "list-returns"], "\"requests\": []"),
            (&["getReturnRequests", "-d", "{}"], "\"requests\": []"),
        ] {
            let ended = grid.sandbox.run("ohfp", words);
            assert!(ended.code == 0 && ended.text().contains(says), "{words:?}: {ended:?}");
        }
    }
}
