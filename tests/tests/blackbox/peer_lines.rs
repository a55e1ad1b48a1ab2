//! Command lines of Open Resource Broker's documentation: each is understood and does what it says, or is refused for a
//! reason that is named.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::fs;

use ohfp_tests::grid::{Grid, TEMPLATE};
use ohfp_tests::{Ended, expect_none, repository};
use serde_json::{Value, json};

/// What stands for a name of the data, by the site.
fn names(grid: &Grid) -> Vec<(&'static str, String)> {
    let machines = grid.machines(TEMPLATE, 4);
    let done = grid.request(TEMPLATE, 1);
    let host = ohfp_tests::grid::hosts(&grid.settled(&done));
    let ret = grid.give_back(&host);
    grid.settled(&ret);
    let file = |name: &str, input: Value| grid.sandbox.input(name, input.to_string()).display().to_string();
    // Slow from now on, so that it stays open.
    grid.change_cloud(&json!({ "boot": { "seconds": 3_600 } }));
    let open = grid.request(TEMPLATE, 1);
    grid.change_cloud(&json!({}));
    vec![
        ("$OPEN", open),
        ("$DONE", done.clone()),
        ("$STATUS", file("status.json", json!({ "requests": [{ "requestId": done }] }))),
        ("$RETURN", file("return.json", json!({ "machines": [{ "name": machines[3].name }] }))),
        ("$RET", ret),
        ("$REQ", file("request.json", json!({ "template": { "templateId": TEMPLATE, "machineCount": 1 } }))),
        ("$IN", file("in.json", json!({}))),
        ("$M", machines[0].id.clone()),
        ("$N", machines[1].id.clone()),
        ("$H", machines[2].name.clone()),
    ]
}

/// What is wrong with an answer.
fn fault(ended: &Ended, code: i32, answer: &str) -> Option<String> {
    if ended.code != code {
        return Some(format!("exit code {} instead of {code}", ended.code));
    }
    if let Some(part) = answer.strip_prefix("err ") {
        let is_usage = code == 2 && !ended.stdout.is_empty();
        return (is_usage || !ended.stderr.contains(part)).then(|| format!("no {part:?} on standard error"));
    }
    if let Some(part) = answer.strip_prefix("text ") {
        return (!ended.text().contains(part)).then(|| format!("no {part:?}"));
    }
    if answer == "-" {
        return None;
    }
    let Ok(document) = serde_json::from_slice::<Value>(&ended.stdout) else {
        return Some("no JSON".to_owned());
    };
    answer.split(' ').find_map(|member| {
        let (name, kind) = member.split_once(':').unwrap();
        let value = &document[name];
        let fits = match kind {
            "list" => value.is_array(),
            "text" => value.is_string(),
            "bool" => value.is_boolean(),
            "number" => value.is_number(),
            "object" => value.is_object(),
            other => panic!("{other} is no kind"),
        };
        (!fits).then(|| format!("`{name}` is {value}, not a {kind}"))
    })
}

#[test]
fn each_is_understood() {
    let grid = Grid::new(&json!({}), &json!({}));
    let names = names(&grid);
    let text = fs::read_to_string(repository().join("tests/fixtures/peer/lines.txt")).unwrap();
    let (mut faults, mut count) = (Vec::new(), 0);
    for row in text.lines().filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let [line, code, answer] = row.split(" | ").collect::<Vec<_>>()[..] else { panic!("{row}") };
        let filled = |word: &str| {
            let found = names.iter().find(|(name, _)| *name == word);
            found.map_or_else(|| word.to_owned(), |(_, value)| value.clone())
        };
        let words: Vec<String> = line.split(' ').map(filled).collect();
        let ended = grid.sandbox.run("ohfp", &words);
        count += 1;
        faults.extend(
            fault(&ended, code.parse().unwrap(), answer).map(|fault| format!("{line}: {fault}: {ended:?}")),
        );
    }
    assert!(count >= 150, "{count}");
    expect_none(&faults, count);
}
