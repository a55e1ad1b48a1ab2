//! Orphans: unacknowledged requests, and machines that appear after their request is over. The next invocation
//! releases them once a timeout has passed. All cases share that wait.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs::OpenOptions;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use ohfp_tests::grid::{Grid, TEMPLATE, hosts, text, wanted};
use serde_json::json;

/// Host Factory gave up waiting: the other end of the pipe is closed.
fn unheard(grid: &Grid, count: u64) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = grid.operation("in.json", "requestMachines", &wanted(TEMPLATE, count));
    let ended = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait().unwrap();
    assert_eq!(ended.code(), Some(0), "a reader that has gone is no failure");
}

/// The newest request's id.
fn newest(grid: &Grid) -> String {
    text(&grid.command(&["requests", "list", "--limit", "1"])["requests"][0]["requestId"])
}

#[test]
fn unacknowledged_requests_are_released() {
    let settings = json!({ "request": { "unacknowledged_timeout_seconds": 1 } });
    // Told, and not told, in several ways.
    let told = Grid::new(&json!({}), &settings);
    let kept = told.request(TEMPLATE, 2);
    let closed = Grid::new(&json!({}), &settings);
    unheard(&closed, 3);
    let full = Grid::new(&json!({}), &settings);
    let mut command = full.operation("in.json", "requestMachines", &wanted(TEMPLATE, 3));
    let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut child = command.stdout(file).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    // A later poll acknowledges the request.
    let asked = Grid::new(&json!({}), &settings);
    unheard(&asked, 1);
    let found = newest(&asked);
    assert_eq!(asked.settled(&found)["status"], "complete");
    // Those that do not come up in time are not known either.
    let starting = Grid::new(&json!({ "boot": { "seconds": 3_600 } }), &settings);
    unheard(&starting, 2);
    // The answer of the launch was lost too.
    let unknown = Grid::new(&json!({ "launch": { "unknown_probability": 1 } }), &settings);
    unheard(&unknown, 2);
    // Accepted, and over before the machines come.
    let late = Grid::new(
        &json!({ "launch": { "late_probability": 1, "late_seconds": 3 } }),
        &json!({ "request": { "fulfillment_timeout_seconds": 1 } }),
    );
    let overdue = late.request(TEMPLATE, 2);
    assert_eq!(late.settled(&overdue)["status"], "complete_with_error");
    for (grid, live) in [(&told, 2), (&closed, 3), (&full, 3), (&asked, 1), (&starting, 2), (&unknown, 2)] {
        grid.answer("getReturnRequests", &json!({}));
        assert_eq!(grid.live(), live, "it is too early to release anything");
    }
    assert_eq!(late.live(), 0);

    // Nothing is looked after more often than every ten seconds.
    thread::sleep(Duration::from_secs(11));
    assert_eq!(late.live(), 2, "they came late");
    for grid in [&closed, &full, &starting, &unknown, &late] {
        grid.until_live(0);
        assert_eq!(grid.reclaims(&json!({})), [], "what was never told was not taken");
    }
    let status = late.status(&overdue);
    assert_eq!(status["status"], "complete_with_error");
    let machines = status["machines"].as_array().unwrap();
    assert!(machines.iter().all(|machine| machine["result"] == "fail"), "{status}");
    for grid in [&closed, &full, &unknown] {
        let status = grid.settled(&newest(grid));
        assert!(text(&status["machines"][0]["message"]).contains("did not receive the id"), "{status}");
    }
    for (grid, id, count) in [(&told, &kept, 2), (&asked, &found, 1)] {
        grid.answer("getReturnRequests", &json!({}));
        let status = grid.status(id);
        assert_eq!((&status["status"], hosts(&status).len()), (&json!("complete"), count));
        assert_eq!(grid.live(), count as u64);
    }
}
