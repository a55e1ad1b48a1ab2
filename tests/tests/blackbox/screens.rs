//! What a person sees on a terminal: tables that fit it, marks and colors, and words where there is nothing to see.

use std::fs;

use ohfp_tests::grid::{Grid, TEMPLATE};
use ohfp_tests::terminal::{Step, on_terminal, screen};
use ohfp_tests::{Sandbox, golden, program};
use serde_json::{Value, json};

/// Files below `tests/golden/screens/COLUMNS`, and command lines.
const SCREENS: [(&str, &str); 6] = [
    ("templates-list.txt", "templates list"),
    ("templates-list-long.txt", "templates list --long"),
    ("templates-show.txt", "templates show third_spot"),
    ("providers-list.txt", "providers list"),
    ("config-show.txt", "config show"),
    ("scheduler-list.txt", "scheduler list --no-headers"),
];

#[test]
fn tables_fit_the_terminal() {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    for columns in [40, 80, 200] {
        for (file, line) in SCREENS {
            let shown = screen(&sandbox, columns, line);
            assert_eq!(shown.code, 0, "{line}: {shown:?}");
            golden(&format!("screens/{columns}/{file}"), &shown.stdout);
            let fits = |text: &str| text.chars().count() <= usize::from(columns);
            // A block of lines is the terminal's to wrap.
            let text = shown.text();
            let is_block = text.lines().next().is_some_and(|first| first.contains(": "));
            assert!(is_block || text.lines().all(fits), "{columns} {line}: {text}");
        }
    }
}

/// A named format is what it is in a pipe, apart from the width of tables.
#[test]
fn a_format_that_is_named_is_answered() {
    let mut sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    for line in ["templates list --json", "templates list -o yaml", "config show --format json", "--version"]
    {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(screen(&sandbox, 80, line).text(), sandbox.run("ohfp", &words).text(), "{line}");
    }
    for (format, part) in [
        ("csv", "TEMPLATE,TYPE,"),
        ("name", "third_spot\n"),
        ("table", "TEMPLATE  "),
        ("yaml", "templates:\n"),
    ] {
        let named = sandbox.run("ohfp", &["templates", "list", "-o", format]);
        assert!(named.code == 0 && named.text().contains(part), "{named:?}");
        sandbox.set("OHFP_FORMAT", format);
        for program in ["ohfp", "ohfp-live"] {
            assert_eq!(sandbox.run(program, &["templates", "list"]), named, "{format}");
        }
        // The command line decides, and a scheduler's operation is no person's.
        assert!(sandbox.run("ohfp", &["templates", "list", "--json"]).text().starts_with("{\"templates\""));
        let offered = sandbox.run("ohfp", &["getAvailableTemplates", "-d", "{}"]);
        assert!(offered.text().starts_with("{\"templates\""), "{offered:?}");
        sandbox.unset("OHFP_FORMAT");
    }
    sandbox.set("OHFP_FORMAT", "xml");
    let wrong = sandbox.run("ohfp", &["templates", "list"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("json, yaml, table"), "{wrong:?}");
}

#[test]
fn columns_order_and_headings_are_chosen() {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    let run = |line: &str| sandbox.run("ohfp", &line.split(' ').collect::<Vec<_>>());
    let chosen = run("templates list -o csv --columns max,template --sort-by -maxNumber");
    let text = chosen.text();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows[0], "MAX,TEMPLATE");
    let numbers: Vec<i64> = rows[1..].iter().filter_map(|row| row.split(',').next()?.parse().ok()).collect();
    assert!(numbers.is_sorted_by(|left, right| left >= right), "{text}");
    assert_eq!(
        run("providers list -o csv --no-headers --columns name").text().lines().next(),
        Some("aws-prod")
    );
    let unknown = run("providers list -o csv --columns nmae");
    assert!(unknown.code == 2 && unknown.stderr.contains("did you mean `name`?"), "{unknown:?}");
    let unknown = run("templates list --sort-by nosuch");
    assert!(unknown.code == 2 && unknown.stderr.contains("no field `nosuch`"), "{unknown:?}");
}

/// Lists of the configuration are sorted in every format, and refuse a field that they do not have.
#[test]
fn lists_of_the_configuration_are_sorted() {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    let run = |line: &str| sandbox.run("ohfp", &line.split(' ').collect::<Vec<_>>());
    for list in ["providers", "scheduler", "storage"] {
        let names = |by: &str| -> Vec<String> {
            let sorted = run(&format!("{list} list --json --sort-by {by}"));
            let document: Value = serde_json::from_slice(&sorted.stdout).unwrap();
            let entries = document.as_object().unwrap().values().next().unwrap().as_array().unwrap();
            entries.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
        };
        let (up, mut down) = (names("name"), names("-NAME"));
        assert!(up.is_sorted(), "{list}: {up:?}");
        assert_eq!(
            run(&format!("{list} list -o name --sort-by -name")).text().lines().collect::<Vec<_>>(),
            down
        );
        down.reverse();
        assert_eq!(up, down, "{list}");
        for format in ["json", "yaml", "list", "table"] {
            let unknown = run(&format!("{list} list --format {format} --sort-by nosuch"));
            assert!(unknown.code == 2 && unknown.stderr.contains("no field `nosuch`"), "{list}: {unknown:?}");
        }
    }
}

#[test]
fn doctor_is_a_checklist() {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    let shown = screen(&sandbox, 80, "doctor").text();
    assert!(shown.contains("✓ program") && !shown.contains("FIELD"), "{shown}");
    fs::remove_file(sandbox.root().join("config.json")).unwrap();
    sandbox.write("config.json", "{");
    let shown = screen(&sandbox, 80, "doctor");
    assert!(shown.code == 1 && shown.text().contains("✗ ") && shown.text().contains("→ "), "{shown:?}");
}

#[test]
fn nothing_to_see_is_said() {
    let grid = Grid::new(&json!({}), &json!({}));
    for (line, said) in [
        ("machines list --format table", "no machines"),
        ("requests list -o csv", "no requests"),
        ("requests status --all --format list", "no open requests"),
    ] {
        let ended = grid.sandbox.run("ohfp", &line.split(' ').collect::<Vec<_>>());
        assert!(ended.code == 0 && ended.stderr.contains(said), "{line}: {ended:?}");
    }
    assert_eq!(grid.sandbox.run("ohfp", &["machines", "list"]).stderr, "");
    let shown = screen(&grid.sandbox, 80, "status").text();
    assert!(shown.contains("provider") && shown.contains("sim (sim)") && shown.contains("none"), "{shown}");
}

/// Ctrl-C ends a wait with the commands that go on from there, and the request is known.
#[test]
fn an_interrupted_wait_says_what_goes_on() {
    let grid = Grid::new(&json!({ "boot": { "seconds": 3_600 } }), &json!({}));
    let path = program("ohfp");
    let command = [path.to_str().unwrap(), "machines", "request", TEMPLATE, "2", "--timeout", "600"];
    let steps = [Step::Wait("waiting for req-"), Step::Wait("of 2 machines"), Step::Type("\u{3}")];
    let ended = on_terminal(&grid.sandbox, 100, &steps, &command);
    let text = ended.text();
    assert_eq!(ended.code, 130, "{ended:?}");
    let requests = grid.command(&["requests", "list"])["requests"].clone();
    let id = requests[0]["requestId"].as_str().unwrap();
    for part in [
        format!("{id} is still running"),
        format!("`ohfp requests watch {id}`"),
        format!("`ohfp requests cancel {id}`"),
    ] {
        assert!(text.contains(&part), "{part}: {text}");
    }
    assert_eq!(grid.status(id)["status"], "running");
    // Its beginning is enough where there is only one.
    let shown = grid.command(&["requests", "show", &id[..12]]);
    assert_eq!(shown["requestId"], id);
    let again = grid.request(TEMPLATE, 1);
    let common: String = id
        .chars()
        .zip(again.chars())
        .take_while(|(left, right)| left == right)
        .map(|(left, _)| left)
        .collect();
    let doubtful = grid.sandbox.run("ohfp", &["requests", "show", &common]);
    assert!(
        doubtful.code == 1 && doubtful.stderr.contains(id) && doubtful.stderr.contains(&again),
        "{doubtful:?}"
    );
}
