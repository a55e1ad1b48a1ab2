//! Machines that do not go, or are given back before they are up.

use std::thread;
use std::time::Duration;

use ohfp_tests::grid::{Grid, TEMPLATE, hosts, text};
use serde_json::json;

/// A return that the provider did not accept is retried by the next poll.
#[test]
fn a_release_that_fails_is_done_again() {
    let grid = Grid::new(&json!({ "release": { "error_probability": 1 } }), &json!({}));
    let machines = grid.machines(TEMPLATE, 2);
    let id = grid.give_back(&machines);
    for _ in 0..2 {
        let status = grid.status(&id);
        assert_eq!(status["status"], "running", "{status}");
        assert!(text(&status["message"]).contains("does not take a release"), "{status}");
    }
    assert_eq!((grid.live(), grid.reclaims(&json!({}))), (2, Vec::new()));
    grid.change_cloud(&json!({}));
    let status = grid.settled(&id);
    assert_eq!((&status["status"], &status["message"]), (&json!("complete"), &json!("")));
    assert_eq!(grid.live(), 0);
}

/// What does not go is told after a while, with the machines that are still there.
#[test]
fn returns_have_deadlines() {
    let grid = Grid::new(
        &json!({ "release": { "slow_probability": 1, "slow_seconds": 3_600 } }),
        &json!({ "request": { "return_timeout_seconds": 1 } }),
    );
    let id = grid.give_back(&grid.machines(TEMPLATE, 2));
    let status = grid.status(&id);
    assert_eq!(status["status"], "running", "{status}");
    thread::sleep(Duration::from_secs(1));
    let status = grid.settled(&id);
    assert_eq!(status["status"], "complete_with_error");
    assert!(text(&status["message"]).contains("2 of 2 machines are still there"), "{status}");
    for machine in status["machines"].as_array().unwrap() {
        assert_eq!(
            (&machine["result"], &machine["message"]),
            (&json!("fail"), &json!("still shutting-down"))
        );
    }
}

/// A machine may be given back before it is up; its request does not wait for it any more.
#[test]
fn a_machine_that_starts_is_given_back() {
    let grid = Grid::new(&json!({ "boot": { "seconds": 3_600 } }), &json!({}));
    let id = grid.request(TEMPLATE, 2);
    let machines = hosts(&grid.status(&id));
    let back = grid.give_back(&machines);
    assert_eq!(grid.settled(&back)["status"], "complete");
    let status = grid.status(&id);
    // It has got none of them, and says why.
    assert_eq!(status["status"], "complete_with_error", "{status}");
    assert_eq!(status["message"], "0 of 2 machines: 2 × returned before it was up");
    for machine in status["machines"].as_array().unwrap() {
        assert_eq!(
            (&machine["result"], &machine["message"]),
            (&json!("fail"), &json!("returned before it was up"))
        );
    }
    let shown = grid.sandbox.run("ohfp", &["requests", "status", &id, "--format", "list"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    for line in ["succeeded: 0", "failed: 2", "status: complete_with_error"] {
        assert!(shown.lines().any(|shown| shown == line), "{shown}");
    }
    assert_eq!(grid.live(), 0);
}
