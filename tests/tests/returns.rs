//! Machines given back: however they are named, each is ended once, and no other one is.
//!
//! A return is idempotent: what is gone, unknown, or given back by somebody else is no error.
#![allow(
    clippy::type_complexity,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use ohfp_tests::grid::{Grid, Host, TEMPLATE, answered, document, hosts, refused, text};
use ohfp_tests::{Ended, ended, program};
use serde_json::{Value, json};

/// The ways to call an operation; all must do the same.
fn call(grid: &Grid, way: usize, input: &Value) -> Ended {
    let operation = "requestReturnMachines";
    let command = |words: &[&str]| {
        let mut command = grid.sandbox.command(program("ohfp"));
        command.args(words).args(["-d", &input.to_string()]);
        command
    };
    ended(&mut match way % 4 {
        0 => grid.script("in.json", operation, input),
        1 => grid.operation("in.json", operation, input),
        2 => command(&[operation]),
        _ => command(&["machines", "return"]),
    })
}

/// A return of `machines` of the two hosts of a fresh request ends those hosts with these numbers.
fn check(grid: &Grid, way: usize, machines: &dyn Fn(&Host, &Host) -> Value, ends: &[usize]) {
    let before = grid.live();
    let made = grid.request(TEMPLATE, 2);
    let found = hosts(&grid.settled(&made));
    let input = json!({ "machines": machines(&found[0], &found[1]) });
    let answer = answered("requestReturnMachines", &call(grid, way, &input));
    let message = if ends.is_empty() { "No Active VM." } else { "Delete VM success." };
    assert_eq!(answer["message"], message, "{input}");

    let status = grid.settled(&text(&answer["requestId"]));
    assert_eq!(status["status"], "complete", "{input}: {status}");
    let ended: BTreeSet<Host> = hosts(&status).into_iter().collect();
    assert_eq!(ended, ends.iter().map(|at| found[*at].clone()).collect(), "{input}");
    for machine in status["machines"].as_array().unwrap() {
        assert_eq!((&machine["result"], &machine["status"]), (&json!("succeed"), &json!("terminated")));
    }
    assert_eq!(grid.live(), before + 2 - ends.len() as u64, "{input}");
    let status = grid.status(&made);
    assert_eq!(status["status"], "complete", "a return changes how the request ended: {status}");
    for (at, machine) in status["machines"].as_array().unwrap().iter().enumerate() {
        let expected = if ends.contains(&at) { "terminated" } else { "running" };
        assert_eq!(machine["status"], expected, "{input}: {status}");
    }
    assert_eq!(grid.reclaims(&json!({})), [], "{input}: what was given back was not taken");
}

#[test]
fn machines_are_named_in_every_way() {
    let grid = Grid::new(&json!({}), &json!({}));
    let cases: [(&dyn Fn(&Host, &Host) -> Value, &[usize]); 16] = [
        (&|a, _| json!([{ "name": a.name, "machineId": a.id }]), &[0]),
        (&|a, _| json!([{ "name": a.name }]), &[0]),
        (&|a, _| json!([{ "name": a.name, "machineId": null }]), &[0]),
        (&|_, b| json!([{ "machineId": b.id }]), &[1]),
        (&|_, b| json!([{ "name": "", "machineId": b.id }]), &[1]),
        (&|a, b| json!([{ "name": a.name }, { "name": b.name }]), &[0, 1]),
        // The form on IBM's page.
        (&|_, b| json!({ "name": b.name }), &[1]),
        (&|a, _| json!({ "name": a.name, "machineId": a.id, "more": [1] }), &[0]),
        (&|a, _| json!([{ "name": a.name }, { "name": a.name }, { "machineId": a.id }]), &[0]),
        (&|a, _| json!([{ "name": "stranger.example.com" }, { "name": a.name }]), &[0]),
        (&|_, b| json!([{ "machineId": "i-00000000000000000" }, { "machineId": b.id }]), &[1]),
        // Known by its name alone: the id is somebody else's idea.
        (&|a, _| json!([{ "name": a.name, "machineId": "i-00000000000000000" }]), &[0]),
        // Known by its id alone: a host may have been renamed.
        (&|a, _| json!([{ "name": "renamed.example.com", "machineId": a.id }]), &[0]),
        // Two different machines in one: neither is meant for sure.
        (&|a, b| json!([{ "name": a.name, "machineId": b.id }]), &[]),
        (&|_, _| json!([{ "name": "stranger.example.com", "machineId": "i-00000000000000000" }]), &[]),
        (&|_, _| json!([{ "name": "\u{fc}\u{1f5a5}'; DROP TABLE machine; --" }]), &[]),
    ];
    for (way, (machines, ends)) in cases.into_iter().enumerate() {
        check(&grid, way, machines, ends);
    }
}

#[test]
fn wrong_questions_end_nothing() {
    let grid = Grid::new(&json!({}), &json!({}));
    let host = grid.machines(TEMPLATE, 1).remove(0);
    for (input, says) in [
        (json!({}), "`machines` is missing"),
        (json!({ "machines": null }), "`machines` is missing"),
        (json!({ "machines": [] }), "`machines` is empty"),
        (json!({ "machines": host.name }), "`machines` must be a list"),
        (json!({ "machines": [host.name] }), "`machines[0]` must be an object"),
        (json!({ "machines": [{ "name": host.name }, {}] }), "`machines[1].name` is missing"),
        (json!({ "machines": [{ "name": host.name, "machineId": 7 }] }), "`machines[0].machineId` must be"),
        (json!({ "machines": [{ "name": host.name }, { "name": ["x"] }] }), "`machines[1].name` must be"),
    ] {
        for way in 0..2 {
            let message = refused(&call(&grid, way, &input));
            assert!(message.contains(says), "{input}: {message}");
        }
        let by_command = call(&grid, 3, &input);
        assert!(by_command.code == 1 && by_command.stdout.is_empty(), "{by_command:?}");
        assert!(by_command.stderr.contains(says), "{by_command:?}");
    }
    assert_eq!(grid.live(), 1);
    assert_eq!(grid.command(&["requests", "list", "--type", "return"])["requests"], json!([]));
}

#[test]
fn a_machine_is_given_back_again() {
    let grid = Grid::new(&json!({ "release": { "seconds": 0.6 } }), &json!({}));
    let machines = grid.machines(TEMPLATE, 2);
    let first = grid.give_back(&machines);
    // While it goes, and once it is gone.
    let second = grid.give_back(&machines);
    for id in [&first, &second] {
        let status = grid.settled(id);
        assert_eq!((&status["status"], hosts(&status)), (&json!("complete"), machines.clone()));
    }
    let input = json!({ "machines": [{ "name": machines[0].name }] });
    let third = grid.answer("requestReturnMachines", &input);
    assert_eq!(third["message"], "No Active VM.");
    assert_eq!(grid.status(&text(&third["requestId"]))["status"], "complete");
    assert_eq!(grid.live(), 0);
}

#[test]
fn many_give_the_same_machines_back_at_once() {
    let grid = Grid::new(&json!({}), &json!({}));
    let machines = grid.machines(TEMPLATE, 3);
    let input: Vec<Value> =
        machines.iter().map(|host| json!({ "name": host.name, "machineId": host.id })).collect();
    let input = json!({ "machines": input });
    let ids: BTreeSet<String> = thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|number| {
                let mut command =
                    grid.operation(&format!("in-{number}.json"), "requestReturnMachines", &input);
                scope.spawn(move || ended(&mut command))
            })
            .collect();
        calls
            .into_iter()
            .map(|call| text(&answered("requestReturnMachines", &call.join().unwrap())["requestId"]))
            .collect()
    });
    assert_eq!(ids.len(), 8);
    for id in &ids {
        let status = grid.settled(id);
        assert_eq!((&status["status"], hosts(&status)), (&json!("complete"), machines.clone()));
    }
    assert_eq!(grid.live(), 0);
}

/// A return that the provider did not take is told to it again, by whoever asks.
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
    assert_ne!(grid.status(&id)["status"], "running");
    assert_eq!(grid.live(), 0);
}

/// For people: a machine that nobody knows is a mistake, and nothing is done.
#[test]
fn commands_do_not_guess() {
    let grid = Grid::new(&json!({}), &json!({}));
    let id = grid.request(TEMPLATE, 3);
    let machines = hosts(&grid.settled(&id));
    for words in [vec!["machines", "return", "nosuch"], vec!["machines", "return", &machines[0].id, "nosuch"]]
    {
        let ended = grid.sandbox.run("ohfp", &words);
        assert!(ended.code == 1 && ended.stderr.contains("`nosuch`"), "{ended:?}");
    }
    let unconfirmed = grid.sandbox.run("ohfp", &["machines", "return", "--all"]);
    assert!(unconfirmed.code == 1 && unconfirmed.stderr.contains("--yes"), "{unconfirmed:?}");
    assert_eq!(grid.live(), 3);

    let one = grid.command(&["machines", "return", &machines[0].name, "--wait"]);
    assert_eq!(one["requests"][0]["status"], "complete", "{one}");
    let same = grid.command(&["machines", "return", "-m", &machines[0].id]);
    assert_eq!(same["message"], "No Active VM.");
    let rest = grid.command(&["machines", "return", "--request-id", &id, "--wait"]);
    assert_eq!(hosts(&rest["requests"][0]), machines[1..]);
    assert_eq!(grid.live(), 0);
    let none = grid.sandbox.run("ohfp", &["machines", "return", "--all", "--yes"]);
    assert!(none.code == 1 && none.stderr.contains("there is no machine to return"), "{none:?}");
    grid.machines(TEMPLATE, 2);
    let all = grid.sandbox.run("ohfp", &["machines", "return", "--all", "--yes"]);
    grid.settled(&text(&document(&all)["requestId"]));
    assert_eq!(grid.live(), 0);
}
