//! Waiting, as a person sees it: a bar on a terminal, lines elsewhere, and a terminal that is left as it was.
#![expect(clippy::type_complexity, reason = "a test that cannot run must say so")]

use ohfp_tests::grid::{Grid, TEMPLATE};
use ohfp_tests::{Ended, c_program, ended, program};
use serde_json::{Value, json};

fn grid() -> Grid {
    Grid::new(&json!({}), &json!({}))
}

fn run(grid: &Grid, line: &str) -> Ended {
    grid.sandbox.run("ohfp", &line.split(' ').collect::<Vec<_>>())
}

/// What `ohfp` writes to a terminal as its standard error; its answer goes into a file.
fn on_terminal(grid: &Grid, variables: &[(&str, &str)], before: &[&str], line: &str) -> (String, Value) {
    let tool = c_program("terminal", &grid.sandbox.path);
    let answer = grid.sandbox.path.join("answer");
    let mut command = grid.sandbox.command(tool);
    command.arg("2").args(before).arg(program("ohfp")).args(line.split(' ')).arg("--output").arg(&answer);
    let ended = ended(command.envs(variables.iter().copied()));
    let answer = std::fs::read(answer).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    (ended.text(), answer.unwrap_or_default())
}

#[test]
fn lines_without_a_terminal() {
    let grid = grid();
    let ended = run(&grid, &format!("machines request {TEMPLATE} 3 --wait"));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.stderr.starts_with("ohfp: ") && ended.stderr.contains("of 3 machines running"),
        "{ended:?}"
    );
    assert!(!ended.stderr.contains(['\r', '\x1b']), "{ended:?}");
    let back = run(&grid, "machines return --all --yes --wait");
    assert!(back.code == 0 && back.stderr.contains("of 3 machines gone"), "{back:?}");
}

#[test]
fn a_bar_on_a_terminal() {
    let line = format!("machines request {TEMPLATE} 2 --wait");
    let cases: [(&[(&str, &str)], bool, bool); 4] = [
        (&[("TERM", "xterm")], true, true),
        (&[("TERM", "xterm"), ("NO_COLOR", "1")], true, false),
        (&[("TERM", "dumb")], false, false),
        (&[], false, false),
    ];
    for (variables, bar, colors) in cases {
        let (seen, answer) = on_terminal(&grid(), variables, &[], &line);
        assert_eq!(answer["requests"][0]["status"], "complete", "{variables:?}: {seen:?}");
        assert_eq!(
            (seen.contains("\x1b[2K"), seen.contains("\x1b[32m")),
            (bar, colors),
            "{variables:?}: {seen:?}"
        );
        assert!(seen.contains("of 2 machines running"), "{variables:?}: {seen:?}");
        if bar {
            // Taken away at the end.
            assert!(seen.ends_with("\r\x1b[2K"), "{seen:?}");
        }
    }
}

/// Ctrl-C leaves a terminal as it was: nothing hidden, no color left on.
#[test]
fn an_interrupted_wait_leaves_the_terminal_as_it_was() {
    let grid = Grid::new(&json!({ "boot": { "seconds": 60 } }), &json!({}));
    let line = format!("machines request {TEMPLATE} 2 --wait");
    let interrupted = ["timeout", "-s", "INT", "2"];
    let (seen, answer) = on_terminal(&grid, &[("TERM", "xterm")], &interrupted, &line);
    assert_eq!(answer, Value::Null, "it was not finished");
    assert!(seen.contains("\x1b[2K") && !seen.contains("\x1b[?"), "{seen:?}");
    for piece in seen.split("\x1b[32m").skip(1) {
        assert!(piece.contains("\x1b[0m"), "{seen:?}");
    }
    // The request goes on, and is known.
    let requests = grid.command(&["requests", "list"])["requests"].clone();
    let id = requests[0]["requestId"].as_str().unwrap();
    assert!(seen.contains(id), "the request's id was on the screen: {seen:?}");
    assert_eq!(requests.as_array().unwrap().len(), 1);
    assert_eq!(grid.status(id)["status"], "running");
}

/// A list shows what is recorded. A person is told how old that is; a program is told nothing beside the list.
#[test]
fn recorded_states_are_said_to_be_recorded() {
    let grid = grid();
    grid.request(TEMPLATE, 2);
    for (list, asks) in [
        ("machines list --cached", "machines status --all"),
        ("requests list --cached", "requests status --all"),
    ] {
        let (seen, answer) = on_terminal(&grid, &[("TERM", "xterm")], &[], list);
        assert!(
            seen.contains("recorded") && seen.contains(" ago") && seen.contains(asks),
            "{list}: {seen:?}"
        );
        assert!(answer.is_object(), "{list}");
        let piped = run(&grid, list);
        assert!(piped.code == 0 && piped.stderr.is_empty(), "{piped:?}");
        let (seen, _) = on_terminal(&grid, &[("TERM", "xterm")], &[], &format!("{list} --template-id none"));
        assert_eq!(seen, "", "nothing is shown, so nothing is old");
    }
}

/// Lists ask the provider, and record what it says. One that takes longer than a second is not waited for.
#[test]
fn lists_show_what_a_quick_provider_says() {
    let latency =
        |millis: u64| json!({ "boot": { "seconds": 1 }, "latency": { "describe_milliseconds": millis } });
    let grid = Grid::new(&latency(0), &json!({}));
    let ended = grid.machines(TEMPLATE, 2)[0].id.clone();
    grid.command(&["sim", "fail", &ended]);
    grid.request(TEMPLATE, 1);
    let states = |command: &str, field: &str| -> Vec<String> {
        let list = grid.command(&command.split(' ').collect::<Vec<_>>());
        let entries = list.as_object().unwrap().values().next().unwrap().as_array().unwrap();
        let mut states: Vec<String> =
            entries.iter().map(|one| one[field].as_str().unwrap().to_owned()).collect();
        states.sort();
        states
    };
    let requests = |options: &str| states(&format!("requests list{options}"), "state");
    let machines = |options: &str| states(&format!("machines list{options}"), "status");

    grid.change_cloud(&latency(30_000));
    let recorded = ["pending", "running", "running"];
    for options in [" --cached", ""] {
        assert_eq!(requests(options), ["complete", "started"], "{options}");
        assert_eq!(machines(options), recorded, "{options}");
    }
    for list in ["machines list", "requests list"] {
        let (seen, _) = on_terminal(&grid, &[("TERM", "xterm")], &[], list);
        assert!(seen.contains("recorded"), "{list}: {seen:?}");
    }
    grid.change_cloud(&latency(100));
    assert_eq!(machines(" --cached"), recorded);
    assert_eq!(machines(""), ["running", "running"]);
    assert_eq!(machines(" --cached"), ["running", "running"], "it is recorded");
    assert_eq!(requests(" --cached"), ["complete", "started"]);
    assert_eq!(requests(""), ["complete", "complete"]);
    assert_eq!(requests(" --cached"), ["complete", "complete"], "it is recorded");
    for list in ["machines list", "requests list"] {
        let (seen, _) = on_terminal(&grid, &[("TERM", "xterm")], &[], list);
        assert_eq!(seen, "", "{list} is of now");
    }
}
