//! Requests that do not get what they ask for: what Host Factory is told, and that nothing is left behind.
//!
//! A cloud that cannot be reached is an error that Host Factory asks about again; a cloud that has too little
//! is an answer; and a cloud that says nothing is neither.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::thread;
use std::time::Duration;

use ohfp_tests::grid::{Grid, LIMITED, SPOT, TEMPLATE, hosts, text, wanted};
use serde_json::{Value, json};

fn results(status: &Value, result: &str) -> u64 {
    let machines = status["machines"].as_array().unwrap();
    machines.iter().filter(|machine| machine["result"] == result).count() as u64
}

/// A request of `count` ends with `good` machines that can be used and `bad` ones that cannot, and says why.
fn check(cloud: &Value, template: &str, count: u64, (good, bad): (u64, u64), says: &[&str]) {
    let grid = Grid::new(cloud, &json!({}));
    let id = grid.request(template, count);
    let status = grid.settled(&id);
    assert_eq!(status["status"], "complete_with_error", "{cloud}: {status}");
    assert_eq!((results(&status, "succeed"), results(&status, "fail")), (good, bad), "{cloud}: {status}");
    let message = text(&status["message"]);
    assert!(says.iter().all(|part| message.contains(part)), "{cloud}: {message}");
    assert_eq!(grid.live(), good, "{cloud}");
    assert_eq!(grid.status(&id), status, "{cloud}: an answer about what is over changes");
    // What was never delivered is no machine that the cloud took back.
    assert_eq!(grid.reclaims(&json!({})), [], "{cloud}");
}

#[test]
fn too_few_machines() {
    let internal = "Internal error on launch";
    check(
        &json!({ "boot": { "failure_probability": 1 } }),
        TEMPLATE,
        3,
        (0, 3),
        &["0 of 3 machines", "3 × ", internal],
    );
    check(
        &json!({ "capacity": { "total": 3 } }),
        TEMPLATE,
        5,
        (3, 0),
        &["3 of 5 machines", "InsufficientInstanceCapacity", "all 3 machines exist"],
    );
    check(
        &json!({ "capacity": { "by_type": { "m6i.large": 1, "m5.xlarge": 2 } } }),
        SPOT,
        4,
        (3, 0),
        &["3 of 4 machines", "no more m6i.large, m5.xlarge"],
    );
    check(
        &json!({ "network": { "block": "10.0.0.0/28" } }),
        TEMPLATE,
        13,
        (11, 0),
        &["11 of 13 machines", "InsufficientFreeAddressesInSubnet"],
    );
}

#[test]
fn no_machine_at_all() {
    check(
        &json!({ "capacity": { "total": 0 } }),
        TEMPLATE,
        2,
        (0, 0),
        &["0 of 2 machines", "InsufficientInstanceCapacity"],
    );
    check(
        &json!({ "launch": { "no_capacity_probability": 1 } }),
        TEMPLATE,
        2,
        (0, 0),
        &["InsufficientInstanceCapacity"],
    );
    check(
        &json!({ "launch": { "refused_probability": 1 } }),
        TEMPLATE,
        2,
        (0, 0),
        &["`sim` refuses a launch"],
    );
}

/// Some of the machines do not come up: the numbers in the reason are those of the machines.
#[test]
fn some_machines_fail_to_start() {
    let grid = Grid::new(&json!({ "boot": { "failure_probability": 0.5 } }), &json!({}));
    let status = grid.settled(&grid.request(TEMPLATE, 40));
    let (good, bad) = (results(&status, "succeed"), results(&status, "fail"));
    assert_eq!(good + bad, 40, "{status}");
    assert!(good > 0 && bad > 0, "{status}");
    let message = text(&status["message"]);
    assert!(message.starts_with(&format!("{good} of 40 machines: {bad} × ")), "{message}");
    assert_eq!(status["status"], "complete_with_error");
    assert_eq!(grid.live(), good);
}

/// Nothing was made, so it is a failure that Host Factory asks about again, and nothing is left of it: no
/// request that runs, no machine, no share of the template's limit.
#[test]
fn an_unreachable_cloud_is_asked_again() {
    let grid = Grid::new(&json!({ "launch": { "unreachable_probability": 1 } }), &json!({}));
    for _ in 0..3 {
        let message = grid.refusal("requestMachines", &wanted(LIMITED, 4));
        assert!(message.contains("`sim` is not reached"), "{message}");
    }
    assert_eq!(grid.command(&["requests", "status", "--all"])["requests"], json!([]));
    let listed = grid.command(&["requests", "list"]);
    for request in listed["requests"].as_array().unwrap() {
        assert_eq!(request["state"], "failed", "{request}");
    }
    assert_eq!(grid.live(), 0);
    grid.change_cloud(&json!({}));
    assert_eq!(grid.machines(LIMITED, 5).len(), 5);
}

/// Whether the launch was done is not known: the request runs until it is, and is never done twice.
#[test]
fn a_lost_answer_is_found_out() {
    let grid = Grid::new(&json!({ "launch": { "unknown_probability": 1 } }), &json!({}));
    let id = grid.request(TEMPLATE, 3);
    assert_eq!(grid.live(), 3, "the cloud has made them");
    assert_eq!(grid.command(&["requests", "show", &id])["state"], "recorded");
    let status = grid.settled(&id);
    assert_eq!((&status["status"], results(&status, "succeed")), (&json!("complete"), 3));
    assert_eq!(grid.live(), 3);
}

/// A cloud that is unreachable while a lost answer is being resolved may still have launched machines.
#[test]
fn a_lost_answer_outlives_an_outage() {
    let grid = Grid::new(&json!({ "launch": { "unknown_probability": 1 } }), &json!({}));
    let id = grid.request(LIMITED, 3);
    grid.change_cloud(&json!({ "launch": { "unreachable_probability": 1 } }));
    for _ in 0..2 {
        let status = grid.status(&id);
        assert_eq!((&status["status"], hosts(&status).len()), (&json!("running"), 0), "{status}");
    }
    let message = grid.refusal("requestMachines", &wanted(LIMITED, 3));
    assert!(message.contains("3 exist or are on their way"), "{message}");
    grid.change_cloud(&json!({}));
    let status = grid.settled(&id);
    assert_eq!((&status["status"], results(&status, "succeed")), (&json!("complete"), 3), "{status}");
    assert_eq!(grid.live(), 3);
}

/// Past its deadline a request gives up what has not come up, and releases it.
#[test]
fn deadlines_end_what_does_not_come_up() {
    let grid = Grid::new(
        &json!({ "boot": { "seconds": 3_600 } }),
        &json!({ "request": { "fulfillment_timeout_seconds": 1 } }),
    );
    let id = grid.request(TEMPLATE, 2);
    assert_eq!(grid.live(), 2);
    thread::sleep(Duration::from_secs(1));
    let status = grid.settled(&id);
    assert_eq!(status["status"], "complete_with_error");
    assert_eq!(results(&status, "fail"), 2, "{status}");
    assert_eq!(text(&status["message"]), "0 of 2 machines: 2 × did not come up before the deadline");
    grid.until_live(0);
    assert_eq!(grid.reclaims(&json!({})), []);
}

/// An unconfirmed launch is abandoned at the deadline, and its machines are released.
#[test]
fn deadlines_end_what_was_never_confirmed() {
    let grid = Grid::new(
        &json!({ "launch": { "unknown_probability": 1 } }),
        &json!({ "request": { "fulfillment_timeout_seconds": 1 } }),
    );
    let id = grid.request(TEMPLATE, 2);
    thread::sleep(Duration::from_secs(1));
    let status = grid.settled(&id);
    assert_eq!(status["status"], "complete_with_error");
    assert!(text(&status["message"]).contains("the launch was not confirmed in time"), "{status}");
    assert_eq!(results(&status, "succeed"), 0);
    grid.until_live(0);
}

/// A cloud that does not say what machines are doing has lost none of them.
#[test]
fn a_silent_cloud_changes_nothing() {
    let grid = Grid::new(&json!({}), &json!({}));
    let there = grid.machines(TEMPLATE, 2);
    let id = grid.request(TEMPLATE, 2);
    grid.change_cloud(&json!({ "describe": { "error_probability": 1 } }));
    for _ in 0..2 {
        let status = grid.status(&id);
        assert_eq!((&status["status"], results(&status, "executing")), (&json!("running"), 2), "{status}");
    }
    let known: Vec<Value> = there.iter().map(|host| json!({ "name": host.name })).collect();
    for input in [json!({}), json!({ "machines": known }), json!({ "machines": [{ "name": "stranger" }] })] {
        let message = grid.refusal("getReturnRequests", &input);
        assert!(message.contains("does not say what machines are doing"), "{message}");
    }
    grid.change_cloud(&json!({}));
    assert_eq!(grid.settled(&id)["status"], "complete");
    assert_eq!(grid.reclaims(&json!({})), []);
    assert_eq!(grid.live(), 4);
}

/// Machines that a cloud does not show at first are not lost.
#[test]
fn machines_that_are_not_seen_yet_are_waited_for() {
    let grid = Grid::new(&json!({ "describe": { "consistency_milliseconds": 600 } }), &json!({}));
    let id = grid.request(TEMPLATE, 2);
    assert_eq!(grid.status(&id)["status"], "running");
    assert_eq!(grid.reclaims(&json!({})), []);
    let status = grid.settled(&id);
    assert_eq!((&status["status"], results(&status, "succeed")), (&json!("complete"), 2));
}
