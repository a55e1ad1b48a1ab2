//! `--timings` and `PERFORMANCE_DEBUG`: where the time goes, of every command, beside an answer that is the same.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run must say so")]

use std::collections::BTreeSet;
use std::fs;

use ohfp_tests::grid::{Grid, TEMPLATE, wanted};
use ohfp_tests::{Ended, command_paths, program};
use serde_json::{Value, json};

/// The report on the last line of standard error.
fn report(ended: &Ended) -> Value {
    let line = ended.stderr.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// The names of all phases, with the time of those at the top.
fn phases(report: &Value) -> (BTreeSet<String>, f64) {
    fn collect(phases: &Value, names: &mut BTreeSet<String>) {
        for phase in phases.as_array().unwrap() {
            names.insert(phase["phase"].as_str().unwrap().to_owned());
            if let Some(parts) = phase.get("phases") {
                collect(parts, names);
            }
        }
    }
    let mut names = BTreeSet::new();
    collect(&report["phases"], &mut names);
    let tops = report["phases"].as_array().unwrap().iter();
    (names, tops.map(|phase| phase["wall_ms"].as_f64().unwrap()).sum())
}

fn grid() -> Grid {
    Grid::new(&json!({}), &json!({}))
}

#[test]
fn every_command_tells_where_its_time_goes() {
    let grid = grid();
    grid.machines(TEMPLATE, 1);
    let ask = |words: &str, more: &[&str], expected: &[&str]| {
        let words: Vec<&str> = words.split(' ').chain(more.iter().copied()).collect();
        let plain = grid.sandbox.run("ohfp", &words);
        let timed = grid.sandbox.run("ohfp", &[&words[..], &["--timings=json"]].concat());
        assert_eq!((timed.code, timed.text()), (plain.code, plain.text()), "{words:?}");
        let report = report(&timed);
        let (names, sum) = phases(&report);
        for phase in ["runtime", "exec", "arguments"].iter().chain(expected) {
            assert!(names.contains(*phase), "{words:?} lacks {phase}: {report}");
        }
        let wall = report["wall_ms"].as_f64().unwrap();
        // What stands at the top follows one after the other; rounding may add a thousandth for each.
        assert!(sum <= wall + 0.01, "{words:?}: {sum} of {wall}");
        assert!(report["cpu_ms"].as_f64().unwrap() > 0.0, "{report}");
        assert!(report["page_faults"].as_u64().unwrap() > 0, "{report}");
    };
    ask("templates list", &[], &["answer", "load", "resolve", "render", "write"]);
    ask("config show", &[], &["load", "resolve"]);
    ask("machines list", &[], &["load", "settings", "StoragePort", "open store", "render", "write"]);
    ask("requests list", &["--format", "table"], &["open store"]);
    ask("storage health", &[], &["open store"]);
    ask("getReturnRequests -d {}", &[], &["provider sim: describe", "render"]);
    ask("completions bash", &[], &["answer", "write"]);
    ask("templates show missing", &[], &["resolve"]);
}

#[test]
fn changes_tell_of_the_store_and_the_provider() {
    let grid = grid();
    let line = wanted(TEMPLATE, 2).to_string();
    let ended = grid.sandbox.run("ohfp", &["requestMachines", "-d", &line, "--timings=json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let (names, _) = phases(&report(&ended));
    for phase in ["TemplateService", "wait for lock", "commit", "provider sim: launch", "after the answer"] {
        assert!(names.contains(phase), "{phase}: {names:?}");
    }
}

#[test]
fn people_get_a_table() {
    let mut grid = grid();
    let check = |ended: &Ended| {
        let lines: Vec<&str> = ended.stderr.lines().collect();
        let head =
            lines.iter().position(|line| line.starts_with("PHASE")).unwrap_or_else(|| panic!("{ended:?}"));
        assert!(lines[head].contains("WALL ms") && lines[head + 1].starts_with("runtime"), "{ended:?}");
        assert!(lines.last().unwrap().starts_with("total"), "{ended:?}");
    };
    let plain = grid.sandbox.run("ohfp", &["templates", "list"]);
    assert_eq!(plain.stderr, "");
    for words in
        [&["templates", "list"][..], &["machines", "list"], &["--help"], &["--version"], &["nonsense"]]
    {
        check(&grid.sandbox.run("ohfp", &[words, &["--timings"]].concat()));
    }
    // The runtime leaves the answer to the program that can tell.
    grid.sandbox.set("PERFORMANCE_DEBUG", "true");
    let ended = grid.sandbox.run("ohfp", &["templates", "list"]);
    assert_eq!(ended.text(), plain.text());
    check(&ended);
}

#[test]
fn a_trace_is_a_file_that_others_open() {
    let grid = grid();
    let directory = grid.sandbox.root();
    let mut command = grid.sandbox.command(program("ohfp"));
    command.args(["machines", "list", "--timings=trace"]).current_dir(&directory);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let names =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let traces: Vec<String> = names.filter(|name| name.starts_with("ohfp-trace-")).collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains(&traces[0]), "{output:?}");
    let trace: Value = serde_json::from_slice(&fs::read(directory.join(&traces[0])).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let complete: Vec<&str> = events
        .iter()
        .filter(|event| event["ph"] == "X" && event["dur"].is_number() && event["ts"].is_number())
        .map(|event| event["name"].as_str().unwrap())
        .collect();
    assert!(
        complete.contains(&"runtime") && complete.contains(&"exec") && complete.contains(&"open store"),
        "{complete:?}"
    );
}

#[test]
fn an_unknown_form_is_named_with_those_there_are() {
    let ended = grid().sandbox.run("ohfp", &["machines", "list", "--timings=xml"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    for word in ["xml", "text", "json", "trace"] {
        assert!(ended.stderr.contains(word), "{word}: {ended:?}");
    }
}

#[test]
fn settings_ask_for_the_table_and_for_the_log() {
    for (settings, table, logged) in [
        (json!({}), false, false),
        (json!({ "performance": { "lazy_loading": { "debug_timing": true } } }), true, false),
        (json!({ "logging": { "performance_timing": true } }), false, true),
    ] {
        let grid = Grid::new(&json!({}), &settings);
        // The second is what the snapshot could answer.
        for words in [&["machines", "list"][..], &["templates", "list"]] {
            grid.sandbox.build();
            let _ = fs::remove_file(grid.log());
            let ended = grid.sandbox.run("ohfp", words);
            assert_eq!(ended.stderr.contains("PHASE"), table, "{settings} {words:?}: {ended:?}");
            let log = fs::read_to_string(grid.log()).unwrap_or_default();
            assert_eq!(log.contains(r#""timings":"#), logged, "{settings} {words:?}: {log}");
        }
    }
}

/// The runtime's half and the live program's: one ends where the other begins, and both have cost something. What was not
/// handed over has one half.
#[test]
fn both_halves_are_told_apart() {
    let mut grid = grid();
    let tops = |grid: &Grid, program: &str| -> Vec<Value> {
        let report = report(&grid.sandbox.run(program, &["machines", "list", "--timings=json"]));
        report["phases"].as_array().unwrap().clone()
    };
    let names = |phases: &[Value]| -> Vec<String> {
        phases.iter().take(2).map(|phase| phase["phase"].as_str().unwrap().to_owned()).collect()
    };
    let halves = tops(&grid, "ohfp");
    assert_eq!(names(&halves), ["runtime", "exec"]);
    let number = |half: usize, name: &str| halves[half][name].as_f64().unwrap();
    let end = number(0, "began_ms") + number(0, "wall_ms");
    assert!((end - number(1, "began_ms")).abs() < 0.002, "{halves:?}");
    for half in [0, 1] {
        for name in ["wall_ms", "cpu_ms", "page_faults"] {
            assert!(number(half, name) > 0.0, "{half} {name}: {halves:?}");
        }
    }
    assert_eq!(names(&tops(&grid, "ohfp-live")), ["exec", "arguments"]);
    // An inherited reading is of another process.
    grid.sandbox.set("OHFP_HANDED_OVER", "0".repeat(64));
    assert_eq!(names(&tops(&grid, "ohfp-live")), ["exec", "arguments"]);
    assert_eq!(names(&tops(&grid, "ohfp")), ["runtime", "exec"]);
}

/// The program that follows gets the variables as they are; one more only where the time is asked for.
#[test]
fn a_reading_is_handed_over_to_those_who_ask_only() {
    let mut grid = grid();
    grid.sandbox.build();
    grid.sandbox.set("OHFP_LIVE", "/usr/bin/env");
    let variables = |grid: &Grid, words: &[&str]| {
        let ended = grid.sandbox.run("ohfp", words);
        let text = ended.text() + &ended.stderr;
        text.lines().filter(|line| line.starts_with("OHFP_HANDED_OVER=")).count()
    };
    // `env` lists its variables where it has no arguments.
    assert_eq!(variables(&grid, &[]), 0);
    grid.sandbox.set("PERFORMANCE_DEBUG", "1");
    assert_eq!(variables(&grid, &[]), 1);
    grid.sandbox.set("OHFP_HANDED_OVER", "inherited");
    assert_eq!(variables(&grid, &[]), 1);
    for number in 0..600 {
        grid.sandbox.set(&format!("MANY_{number}"), "x");
    }
    // More than are copied: handed over as they are.
    assert_eq!(variables(&grid, &[]), 1);
}

/// Whatever the command, and however it ends: the phases at the top begin with the process and follow one another, and the
/// parts of a phase cost no more than the whole.
#[test]
fn every_command_of_the_tree_tells() {
    fn check(outer: &Value, began: f64) -> Result<(), String> {
        let Some(parts) = outer.get("phases").and_then(Value::as_array) else { return Ok(()) };
        let number = |phase: &Value, name: &str| phase[name].as_f64().unwrap();
        let mut end = began;
        // Other threads do their part meanwhile.
        for part in parts.iter().filter(|part| part["thread"] == 0) {
            // Three rounded numbers, and nothing between the phases.
            if number(part, "began_ms") < end - 2.0 * ROUNDED {
                return Err(format!("{part} begins before {end}"));
            }
            end = number(part, "began_ms") + number(part, "wall_ms");
            check(part, number(part, "began_ms"))?;
        }
        for (cost, rounded) in
            [("wall_ms", ROUNDED), ("cpu_ms", ROUNDED), ("page_faults", 0.0), ("allocations", 0.0)]
        {
            let parts = parts.iter().filter(|part| part["thread"] == 0);
            let (mut sum, mut slack) = (0.0, rounded);
            for part in parts {
                sum += number(part, cost);
                slack += rounded;
            }
            if sum > number(outer, cost) + slack {
                return Err(format!("{cost}: {sum} in the parts of {outer}"));
            }
        }
        Ok(())
    }
    /// Times are told to a thousandth.
    const ROUNDED: f64 = 0.001;

    let grid = grid();
    let paths = command_paths(&grid.sandbox);
    assert!(paths.len() > 30, "{paths:?}");
    // `snapshot` becomes another program.
    for path in paths.iter().filter(|path| path.first().is_none_or(|group| group != "snapshot")) {
        let words: Vec<&str> = path.iter().map(String::as_str).chain(["--timings=json"]).collect();
        let report = report(&grid.sandbox.run("ohfp", &words));
        let first = &report["phases"][0];
        assert_eq!(
            (first["phase"].as_str(), first["began_ms"].as_f64()),
            (Some("runtime"), Some(0.0)),
            "{words:?}"
        );
        assert_eq!(check(&report, 0.0), Ok(()), "{words:?}");
    }
}
