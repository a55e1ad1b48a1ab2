//! The life of a request for machines, as Host Factory follows it: running, then complete, with machines that
//! it can use.
//!
//! That each answer keeps to the contract, field by field, is checked wherever a test gets one.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use ohfp_tests::grid::{Grid, LIMITED, SPOT, TEMPLATE, hosts, text};
use serde_json::{Value, json};

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The values of a field, each once.
fn each(status: &Value, field: &str) -> BTreeSet<String> {
    status["machines"].as_array().unwrap().iter().map(|machine| text(&machine[field])).collect()
}

fn words<const N: usize>(words: [&str; N]) -> BTreeSet<String> {
    words.map(str::to_owned).into()
}

#[test]
fn requests_complete_with_exactly_their_machines() {
    let grid = Grid::new(&json!({}), &json!({}));
    let mut all = BTreeSet::new();
    for (template, count, types, price, tags) in [
        (TEMPLATE, 1, words(["m6i.large"]), "ondemand", "team=x"),
        (TEMPLATE, 100, words(["m6i.large"]), "ondemand", "team=x"),
        (LIMITED, 5, words(["m6i.large"]), "ondemand", ""),
        (SPOT, 4, words(["m5.xlarge", "m6i.large"]), "spot", ""),
    ] {
        let before = seconds();
        let id = grid.request(template, count);
        let after = seconds();
        let status = grid.settled(&id);
        assert_eq!((&status["requestId"], &status["status"]), (&json!(id), &json!("complete")));
        assert_eq!(each(&status, "result"), words(["succeed"]), "{status}");
        assert_eq!(each(&status, "status"), words(["running"]), "{status}");
        assert_eq!(each(&status, "priceType"), words([price]), "{status}");
        assert_eq!(each(&status, "instanceType"), types, "{status}");
        assert_eq!(each(&status, "instanceTags"), words([tags]), "{status}");
        assert_eq!(each(&status, "privateIpAddress").len() as u64, count, "{status}");
        for machine in status["machines"].as_array().unwrap() {
            let launched = machine["launchtime"].as_u64().unwrap();
            assert!((before..=after).contains(&launched), "{launched}: {before} to {after}");
            // The name resolves to the address: both are of the same machine.
            let address = text(&machine["privateIpAddress"]).replace('.', "-");
            assert_eq!(machine["name"], format!("ip-{address}.sim.internal"));
            assert_eq!(machine["publicIpAddress"], Value::Null);
        }
        let found = hosts(&status);
        assert_eq!(found.len() as u64, count);
        assert!(found.into_iter().all(|host| all.insert(host)), "a machine belongs to two requests");
        assert_eq!(grid.live(), all.len() as u64);
        assert_eq!(grid.status(&id), status, "an answer about what is over changes");
    }
}

#[test]
fn machines_that_start_are_not_ready() {
    let cloud = json!({ "boot": { "seconds": 3_600 }, "network": { "public_block": "198.18.0.0/16" } });
    let grid = Grid::new(&cloud, &json!({}));
    let id = grid.request(TEMPLATE, 3);
    for _ in 0..2 {
        let status = grid.status(&id);
        assert_eq!(status["status"], "running");
        assert_eq!(each(&status, "result"), words(["executing"]));
        assert_eq!(each(&status, "status"), words(["pending"]));
        assert_eq!(hosts(&status).len(), 3);
    }
    assert_eq!(grid.reclaims(&json!({})), []);
}

#[test]
fn public_addresses_are_told_where_there_are_some() {
    let grid = Grid::new(&json!({ "network": { "public_block": "198.18.0.0/16" } }), &json!({}));
    let status = grid.settled(&grid.request(TEMPLATE, 2));
    let public = each(&status, "publicIpAddress");
    assert_eq!(public.len(), 2);
    assert!(public.iter().all(|address| address.starts_with("198.18.")), "{public:?}");
}

/// Requests and returns may be asked for together, in any order, also twice.
#[test]
fn answers_come_in_the_order_asked() {
    let grid = Grid::new(&json!({}), &json!({}));
    let (first, second) = (grid.request(TEMPLATE, 1), grid.request(TEMPLATE, 2));
    let machines = hosts(&grid.settled(&first));
    grid.settled(&second);
    let back = grid.give_back(&machines);
    grid.settled(&back);
    let odd = "../../etc/passwd";
    let unknown = "ret-0190c7a2-9a44-7d02-b5f0-6d1f0c9e8b21";
    let expected = [
        (second.as_str(), "complete", 2),
        (&back, "complete", 1),
        (odd, "complete_with_error", 0),
        (&first, "complete", 1),
        (&second, "complete", 2),
        (unknown, "complete_with_error", 0),
        (&back, "complete", 1),
    ];
    let input: Vec<Value> = expected.iter().map(|(id, ..)| json!({ "requestId": id })).collect();
    let answer = grid.answer("getRequestStatus", &json!({ "requests": input }));
    let told: Vec<(&str, &str, usize)> = answer["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| {
            let word = |field: &str| request[field].as_str().unwrap();
            (word("requestId"), word("status"), hosts(request).len())
        })
        .collect();
    assert_eq!(told, expected);
}

/// IBM prints a single object where Host Factory sends a list; an input without any id is an error.
#[test]
fn questions_of_every_form() {
    let grid = Grid::new(&json!({}), &json!({}));
    let id = grid.request(TEMPLATE, 1);
    grid.settled(&id);
    let forms = [
        json!({ "requests": { "requestId": id } }),
        json!({ "requests": [{ "requestId": id, "more": null }], "rc_account": "default" }),
        json!({ "requests": [{ "request_id": id }] }),
    ];
    for form in forms {
        let answer = grid.answer("getRequestStatus", &form);
        assert_eq!(answer["requests"].as_array().unwrap().len(), 1, "{form}");
        assert_eq!(answer["requests"][0]["status"], "complete", "{form}");
    }
    for (form, says) in [
        (json!({}), "`requests` is missing"),
        (json!({ "requests": null }), "`requests` is missing"),
        (json!({ "requests": [{}] }), "`requests[0].requestId` is missing"),
        (json!({ "requests": [{ "requestId": id }, { "requestId": null }] }), "`requests[1].requestId`"),
        (json!({ "requests": [{ "requestId": 7 }] }), "`requests[0].requestId` must be"),
        (json!({ "requests": [id] }), "`requests[0]` must be an object"),
        (json!({ "requests": "all" }), "`requests` must be a list"),
    ] {
        let message = grid.refusal("getRequestStatus", &form);
        assert!(message.contains(says), "{form}: {message}");
    }
}

/// What the cloud ends after a request was complete does not make the request a failure; the machine is.
#[test]
fn a_machine_lost_later_is_told() {
    let grid = Grid::new(&json!({}), &json!({}));
    let id = grid.request(TEMPLATE, 3);
    let machines = hosts(&grid.settled(&id));
    grid.command(&["sim", "fail", &machines[1].name]);
    let status = grid.status(&id);
    assert_eq!(status["status"], "complete");
    let told: Vec<(String, String)> = status["machines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|machine| (text(&machine["result"]), text(&machine["status"])))
        .collect();
    let expected = [("succeed", "running"), ("fail", "terminated"), ("succeed", "running")];
    assert_eq!(told, expected.map(|(result, status)| (result.to_owned(), status.to_owned())));
    // Its last address and name are still known.
    assert_eq!(hosts(&status), machines);
    assert_ne!(status["machines"][1]["privateIpAddress"], "");
}
