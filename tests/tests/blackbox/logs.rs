//! The log: JSON lines that many processes write at once, as much as was asked for, and no secrets in it.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::thread;

use ohfp_tests::ended;
use ohfp_tests::grid::{Grid, TEMPLATE, answered, hosts, text, wanted};
use serde_json::{Value, json};

/// All log files, the current one and those that were renamed.
fn files(grid: &Grid) -> Vec<PathBuf> {
    let entries = fs::read_dir(grid.sandbox.path.join("log")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Every line of every file; each must be one whole event.
fn events(grid: &Grid) -> Vec<Value> {
    let mut events = Vec::new();
    for file in files(grid) {
        let content = fs::read_to_string(&file).unwrap();
        assert!(content.is_empty() || content.ends_with('\n'), "{} ends amid a line", file.display());
        for line in content.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            for field in ["timestamp", "level", "message"] {
                assert!(event[field].is_string(), "{field} is missing: {line}");
            }
            events.push(event);
        }
    }
    events
}

fn levels(grid: &Grid) -> BTreeSet<String> {
    events(grid).iter().map(|event| text(&event["level"])).collect()
}

#[test]
fn events_tell_what_was_done() {
    let grid = Grid::new(&json!({}), &json!({}));
    let id = grid.request(TEMPLATE, 2);
    let machines = hosts(&grid.settled(&id));
    grid.command(&["sim", "fail", &machines[0].id]);
    grid.reclaims(&json!({}));
    let back = grid.give_back(&machines);
    let refusal = grid.refusal("requestMachines", &wanted("nosuch", 1));
    let events = events(&grid);
    let find = |message: &str| -> &Value {
        let found = events.iter().find(|event| event["message"] == message);
        found.unwrap_or_else(|| panic!("{message}: {events:?}"))
    };
    let requested = find("machines requested");
    assert_eq!((&requested["request"], &requested["count"]), (&json!(id), &json!(2)));
    assert_eq!((&requested["template"], &requested["provider"]), (&json!(TEMPLATE), &json!("sim")));
    assert_eq!(find("machines returned")["request"], json!(back));
    assert_eq!(find("reclaimed")["machine"], json!(machines[0].name));
    let failed = find("the operation failed");
    assert_eq!((&failed["level"], &failed["error"]), (&json!("ERROR"), &json!(refusal)));
}

/// Each operation says what it has decided, and with `TRACE` what it had to decide upon.
#[test]
fn decisions_are_told_to_those_who_debug() {
    for (level, expected) in [("DEBUG", false), ("TRACE", true)] {
        let grid = Grid::new(&json!({}), &json!({ "logging": { "level": level } }));
        let told = |what: &str, messages: &[&str]| {
            let lines = events(&grid);
            for message in messages {
                let line = lines.iter().find(|line| line["message"] == *message);
                assert!(line.is_some_and(|line| line["level"] == "DEBUG"), "{what}: {message}: {lines:?}");
            }
            for file in files(&grid) {
                fs::remove_file(file).unwrap();
            }
            lines
        };
        let id = grid.request(TEMPLATE, 1);
        let requested = told(
            "requestMachines",
            &["the settings are read from the files", "a provider is chosen", "the answer is ready"],
        );
        let traced =
            requested.iter().any(|line| line["level"] == "TRACE" && line["message"] == "a candidate");
        assert_eq!(traced, expected, "{level}: {requested:?}");
        let machines = hosts(&grid.settled(&id));
        told("getRequestStatus", &["the result cache is looked into", "the answer is ready"]);
        grid.reclaims(&json!({}));
        told("getReturnRequests", &["the answer is ready"]);
        grid.give_back(&machines);
        told("requestReturnMachines", &["the answer is ready"]);
        grid.command(&["templates", "list", "--no-snapshot"]);
        let listed =
            told("templates list", &["the templates are read from the files", "the answer is ready"]);
        let read = listed.iter().find(|line| line["templates"].is_number()).unwrap();
        assert!(text(&read["configuration"]).starts_with('/') && read["rule"].is_string(), "{read}");
    }
}

/// Host Factory's level goes before the configuration's where that accepts it; neither disturbs the answer.
#[test]
fn levels_are_obeyed() {
    let info = ["ERROR", "INFO"];
    for (configured, variable, expected) in [
        (None, None, &info[..]),
        (Some("ERROR"), None, &["ERROR"]),
        (Some("ERROR"), Some("LOG_INFO"), &info),
        (Some("INFO"), Some("LOG_ERROR"), &["ERROR"]),
        (None, Some("LOG_CRITICAL"), &["ERROR"]),
        (Some("warning"), Some(""), &["ERROR"]),
        // A word that means no level is not Host Factory's, and no reason to fail.
        (None, Some("LOUD"), &info),
    ] {
        let mut settings = json!({ "logging": { "accept_propagated_setting": true } });
        if let Some(level) = configured {
            settings["logging"]["level"] = json!(level);
        }
        let mut grid = Grid::new(&json!({}), &settings);
        if let Some(level) = variable {
            grid.sandbox.set("HF_LOGLEVEL", level);
        }
        grid.request(TEMPLATE, 1);
        grid.refusal("requestMachines", &wanted("nosuch", 1));
        let expected: BTreeSet<String> = expected.iter().map(|level| (*level).to_owned()).collect();
        assert_eq!(levels(&grid), expected, "{configured:?} {variable:?}");
    }
    let mut grid = Grid::new(&json!({}), &json!({ "logging": { "accept_propagated_setting": true } }));
    for level in ["LOG_TRACE", "LOG_DEBUG", "TRACE"] {
        grid.sandbox.set("HF_LOGLEVEL", level);
        grid.sandbox.set("PERFORMANCE_LOG_LEVEL", "TRACE");
        let ended = grid.ask("requestMachines", &wanted(TEMPLATE, 1));
        assert_eq!(ended.stderr, "", "{level}");
        answered("requestMachines", &ended);
    }
    events(&grid);
}

#[test]
fn logs_go_where_they_are_asked_for() {
    let mut grid = Grid::new(&json!({}), &json!({}));
    grid.request(TEMPLATE, 1);
    assert_eq!(files(&grid), [grid.log()]);
    let elsewhere = grid.sandbox.path.join("other logs/deep");
    grid.sandbox.unset("HF_PROVIDER_LOGDIR");
    grid.sandbox.set("HF_LOGDIR", &elsewhere);
    grid.request(TEMPLATE, 1);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 1);
    // A log that cannot be written is no reason to fail.
    grid.sandbox.set("HF_LOGDIR", "/proc/nosuch");
    assert_eq!(grid.ask("requestMachines", &wanted(TEMPLATE, 1)).stderr, "");
    assert_eq!(grid.live(), 3);
}

/// Renaming a file that has grown too large loses no line, however many processes write at that moment.
#[test]
fn rotation_loses_nothing() {
    let accepting = json!({ "logging": { "accept_propagated_setting": true } });
    let mut grid = Grid::new(&json!({}), &accepting);
    grid.sandbox.set("HF_LOG_MAX_FILE_SIZE", "1");
    grid.sandbox.set("HF_LOG_MAX_ROTATE", "3");
    let log = grid.log();
    let line = |number: usize| {
        let filler = "x".repeat(1_000);
        format!(r#"{{"timestamp":"t","level":"INFO","message":"old","number":{number},"filler":"{filler}"}}"#)
    };
    let (mut told, rounds) = (BTreeSet::new(), 3);
    for round in 0..rounds {
        // Grown to its limit: the next process that logs renames it, and no other one.
        let mut content = fs::read_to_string(&log).unwrap_or_default();
        for number in 0..1_100 {
            content.push_str(&line(round * 1_100 + number));
            content.push('\n');
        }
        fs::write(&log, content).unwrap();
        let inputs = (0..8).map(|number| (format!("in-{number}.json"), wanted(TEMPLATE, 1)));
        let commands: Vec<_> =
            inputs.map(|(name, input)| grid.operation(&name, "requestMachines", &input)).collect();
        let ids: Vec<String> = thread::scope(|scope| {
            let running: Vec<_> =
                commands.into_iter().map(|mut command| scope.spawn(move || ended(&mut command))).collect();
            let ended = running.into_iter().map(|one| one.join().unwrap());
            ended.map(|ended| text(&answered("requestMachines", &ended)["requestId"])).collect()
        });
        told.extend(ids);
    }
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let mut logged = BTreeSet::new();
    for event in events(&grid) {
        *count.entry(text(&event["message"])).or_default() += 1;
        if event["message"] == "machines requested" {
            logged.insert(text(&event["request"]));
        }
    }
    assert_eq!(logged, told, "a line is lost");
    assert_eq!((count["machines requested"], count["old"]), (8 * rounds, 1_100 * rounds), "{count:?}");
    let names: Vec<String> =
        files(&grid).iter().map(|path| path.extension().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["log", "1", "2", "3"]);
    // The oldest goes when there are too many.
    fs::write(&log, line(0) + &"\n".repeat(2 << 20)).unwrap();
    grid.request(TEMPLATE, 1);
    assert_eq!(files(&grid).len(), 4);
    assert!(!fs::read_to_string(log.with_extension("log.3")).unwrap().contains("\"number\":1,"));
}

/// What is secret in the configuration is in no log, no answer and no file, at the most talkative level.
#[test]
fn secrets_stay_where_they_are() {
    const SECRET: &str = "hunter2";
    let settings = json!({
        "storage": { "sql_strategy": { "name": "x.db", "password": SECRET } },
        "logging": { "level": "TRACE" }
    });
    let mut grid = Grid::new(&json!({}), &settings);
    let aws = json!({
        "AWS_REGION": "us-east-1", "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_PROXY_HOST": format!("http://u:{SECRET}@p"), "AWS_PROXY_PORT": 1
    });
    grid.sandbox.write("awsprov_config.json", aws.to_string());
    grid.sandbox.set("HF_LOGLEVEL", "LOG_TRACE");
    grid.sandbox.set("PERFORMANCE_DEBUG", "true");
    grid.sandbox.set("AWS_SECRET_ACCESS_KEY", SECRET);
    let mut said = String::new();
    let mut ask = |operation: &str, input: &Value| {
        let ended = grid.ask(operation, input);
        said.push_str(&ended.text());
        said.push_str(&ended.stderr);
    };
    ask("requestMachines", &wanted(TEMPLATE, 2));
    ask("requestMachines", &wanted("nosuch", 2));
    ask("getRequestStatus", &json!({ "requests": [{ "requestId": "req-x" }] }));
    ask("getReturnRequests", &json!({}));
    ask("requestReturnMachines", &json!({ "machines": [{ "name": "x" }] }));
    for words in [&["system", "metrics"][..], &["system", "health"], &["config", "show"], &["doctor"]] {
        let ended = grid.sandbox.run("ohfp", words);
        said.push_str(&ended.text());
        said.push_str(&ended.stderr);
    }
    assert!(said.contains("machines"), "nothing was said");
    assert!(!said.contains(SECRET), "a secret is printed");
    for directory in [grid.work(), grid.sandbox.path.join("log")] {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let content = fs::read(&path).unwrap();
            let found = content.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
            assert!(!found, "a secret is in {}", path.display());
        }
    }
}
