//! Requests that a fleet fulfils: machines that come after the launch was answered, and those that take the place of
//! others. Host Factory must be told all of them, and pay for none that it was not told.

use std::thread;
use std::time::Duration;

use ohfp_tests::grid::{Grid, TEMPLATE, UNITS, hosts, text, wanted};
use serde_json::{Value, json};

/// A cloud whose launches make a fleet of this kind: its first machine at once, the others one by one.
fn fleet(kind: &str, interval: f64) -> Value {
    json!({ "fleet": { "type": kind, "at_once": 1, "interval_seconds": interval } })
}

#[test]
fn machines_that_come_later_belong_to_their_request() {
    for kind in ["request", "maintain"] {
        let grid = Grid::new(&fleet(kind, 0.8), &json!({}));
        let id = grid.request(TEMPLATE, 4);
        let first = grid.status(&id);
        assert_eq!(first["status"], "running", "{kind}: {first}");
        let known = hosts(&first).len();
        assert!((1..4).contains(&known), "{kind}: {first}");
        let status = grid.settled(&id);
        assert_eq!(status["status"], "complete", "{kind}: {status}");
        let known = hosts(&status);
        assert_eq!((known.len(), grid.live()), (4, 4), "{kind}: {status}");
        // Those that came later are returned like those of the launch.
        assert_eq!(grid.settled(&grid.give_back(&known))["status"], "complete");
        assert_eq!(grid.live(), 0, "{kind}");
    }
}

/// A machine that fails while its request is open is made up for. Once the request is over nothing is: Host Factory
/// would never learn of the machine.
#[test]
fn machines_are_replaced_while_their_request_is_open_and_no_longer() {
    let grid = Grid::new(&fleet("maintain", 1.0), &json!({}));
    let id = grid.request(TEMPLATE, 3);
    let first = hosts(&grid.status(&id)).remove(0);
    grid.command(&["sim", "fail", &first.id]);
    let status = grid.settled(&id);
    assert_eq!(status["status"], "complete", "{status}");
    let machines = status["machines"].as_array().unwrap();
    let with = |result: &str| machines.iter().filter(|machine| machine["result"] == result).count();
    assert_eq!((with("succeed"), with("fail"), grid.live()), (3, 1, 3), "{status}");
    let kept = hosts(&status).into_iter().find(|host| host.id != first.id).unwrap();
    grid.command(&["sim", "fail", &kept.id]);
    for _ in 0..6 {
        thread::sleep(Duration::from_millis(400));
        grid.answer("getReturnRequests", &json!({}));
        grid.status(&id);
    }
    assert_eq!(grid.live(), 2, "a machine came that Host Factory does not know");
}

/// What has not come by the deadline is not waited for, and comes no more.
#[test]
fn a_fleet_that_is_too_slow_is_stopped_at_the_deadline() {
    let settings = json!({ "request": { "fulfillment_timeout_seconds": 2 } });
    let grid = Grid::new(&fleet("request", 1.2), &settings);
    let id = grid.request(TEMPLATE, 50);
    let status = grid.settled(&id);
    assert_eq!(status["status"], "complete_with_error", "{status}");
    let message = text(&status["message"]);
    assert!(message.contains("of 50 machines"), "{message}");
    let delivered = hosts(&status).len() as u64;
    assert!((1..=9).contains(&delivered), "{status}");
    for _ in 0..4 {
        thread::sleep(Duration::from_millis(700));
        grid.answer("getReturnRequests", &json!({}));
    }
    grid.until_live(delivered);
    assert_eq!(grid.status(&id), status);
}

/// The process that launched is not the one that polls, and a cancelled fleet leaves nothing behind.
#[test]
fn a_cancelled_fleet_makes_no_more_machines() {
    let grid = Grid::new(&fleet("maintain", 0.5), &json!({}));
    let id = grid.request(TEMPLATE, 30);
    assert!(!hosts(&grid.status(&id)).is_empty());
    grid.command(&["requests", "cancel", &id, "--yes"]);
    grid.until_live(0);
    thread::sleep(Duration::from_millis(1_200));
    grid.answer("getReturnRequests", &json!({}));
    assert_eq!(grid.live(), 0);
}

/// A weighted fleet is asked for units: machines of 4 and 8 come until there are enough.
#[test]
fn units_of_machines_that_come_later_are_counted() {
    let grid = Grid::new(&fleet("request", 0.1), &json!({}));
    let status = grid.settled(&grid.request(UNITS, 16));
    assert_eq!(status["status"], "complete", "{status}");
    let made = hosts(&status).len();
    assert!((2..=4).contains(&made), "{status}");
    // 16 of 40 units are used, so 28 more are too many.
    let refusal = grid.refusal("requestMachines", &wanted(UNITS, 28));
    assert!(refusal.contains("40 units") && refusal.contains("16 exist"), "{refusal}");
}
