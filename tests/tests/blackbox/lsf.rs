//! What LSF adds to requests, and what it is answered.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use ohfp_tests::grid::{Grid, TEMPLATE, hosts, text, wanted};
use serde_json::{Value, json};

const SECRET: &str = "hunter2-of-the-queue";

fn request(grid: &Grid, more: &Value) -> String {
    let mut question = wanted(TEMPLATE, 2);
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    text(&grid.answer("requestMachines", &question)["requestId"])
}

#[test]
fn machines_are_of_the_account_that_they_were_borrowed_for() {
    let grid = Grid::new(&json!({}), &json!({}));
    let id = request(&grid, &json!({ "rc_account": "projA" }));
    let status = grid.settled(&id);
    let each = |status: &Value, field: &str| -> Vec<Value> {
        status["machines"].as_array().unwrap().iter().map(|machine| machine[field].clone()).collect()
    };
    assert_eq!(each(&status, "rcAccount"), ["projA", "projA"]);
    // An m6i.large has two virtual processors.
    assert_eq!((each(&status, "ncores"), each(&status, "nthreads")), (vec![json!(2); 2], vec![json!(1); 2]));
    let back = grid.settled(&grid.give_back(&hosts(&status)));
    assert_eq!(each(&back, "rcAccount"), ["projA", "projA"], "{back}");
    assert_eq!(grid.command(&["requests", "show", &id])["rcAccount"], "projA");
    // None was given, or none that is one.
    for more in [json!({}), json!({ "rc_account": null }), json!({ "rc_account": [1] })] {
        let status = grid.settled(&request(&grid, &more));
        assert_eq!(each(&status, "rcAccount"), [Value::Null, Value::Null], "{more}");
    }
}

/// What machines shall be told is kept until they are launched, and shown in no answer.
#[test]
fn user_data_is_kept_as_long_as_it_is_needed() {
    let grid = Grid::new(&json!({ "launch": { "unknown_probability": 1 } }), &json!({}));
    let id = request(&grid, &json!({ "userData": { "queue": SECRET } }));
    let export = |grid: &Grid| {
        String::from_utf8(grid.sandbox.run("ohfp", &["storage", "export", "-"]).stdout).unwrap()
    };
    assert!(export(&grid).contains(SECRET), "a launch that is done again needs it");
    for words in
        [&["requests", "show", &id] as &[&str], &["requests", "list", "--long"], &["storage", "metrics"]]
    {
        let shown = grid.sandbox.run("ohfp", words);
        assert!(!shown.text().contains(SECRET), "{words:?}: {shown:?}");
    }
    assert_eq!(grid.settled(&id)["status"], "complete");
    assert!(!export(&grid).contains(SECRET), "the machines are there, and it is kept");
    let log = std::fs::read_to_string(grid.log()).unwrap();
    assert!(!log.contains(SECRET), "it is in the log");
}
