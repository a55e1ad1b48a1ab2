//! Machines given back: however they are named, each is ended once, and no other one is.
//!
//! A return is idempotent: a machine that is gone, unknown, or already returned by another caller is no error.
#![expect(
    clippy::type_complexity,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::collections::BTreeSet;
use std::thread;

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

/// A person who names machines is told what happens, and not Host Factory's words.
#[test]
fn a_person_is_told_in_words_of_a_person() {
    let grid = Grid::new(&json!({}), &json!({}));
    let hosts = grid.machines(TEMPLATE, 3);
    let back = |names: &[&str]| grid.command(&[&["machines", "return"], names].concat());
    let one = back(&[&hosts[0].id]);
    assert_eq!(one["message"], "return accepted: 1 machine is terminating");
    let two = back(&[&hosts[1].id, &hosts[2].name]);
    assert_eq!(two["message"], "return accepted: 2 machines are terminating");
    assert_eq!(grid.settled(&text(&one["requestId"]))["status"], "complete");
    let again = back(&[&hosts[0].id]);
    assert_eq!(again["message"], "return accepted: all of these machines are terminated already");
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
    let cases: [(&dyn Fn(&Host, &Host) -> Value, &[usize]); 22] = [
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
        // An id that no provider has decides: the host of that name is another machine by now.
        (&|a, _| json!([{ "name": a.name, "machineId": "i-00000000000000000" }]), &[]),
        (&|a, _| json!([{ "name": short(a), "machineId": "i-00000000000000000" }]), &[]),
        // Known by its id alone: a host may have been renamed.
        (&|a, _| json!([{ "name": "renamed.example.com", "machineId": a.id }]), &[0]),
        // Host names have no case, and one without its domain is the host that it is the first label of.
        (&|a, _| json!([{ "name": a.name.to_uppercase() }]), &[0]),
        (&|_, b| json!([{ "name": short(b) }]), &[1]),
        (&|_, b| json!([{ "name": short(b).to_uppercase(), "machineId": b.id }]), &[1]),
        (&|a, _| json!([{ "name": short(a) }, { "name": a.name }, { "machineId": a.id }]), &[0]),
        (&|a, _| json!([{ "name": short(a).rsplit_once('-').unwrap().0 }]), &[]),
        (&|a, _| json!([{ "name": format!("{}.example.com", short(a)) }]), &[]),
        (&|_, _| json!([{ "name": "stranger.example.com", "machineId": "i-00000000000000000" }]), &[]),
        (&|_, _| json!([{ "name": "\u{fc}\u{1f5a5}'; DROP TABLE machine; --" }]), &[]),
    ];
    for (way, (machines, ends)) in cases.into_iter().enumerate() {
        check(&grid, way, machines, ends);
    }
}

/// A host name as LSF has it where it strips domains.
fn short(host: &Host) -> &str {
    host.name.split('.').next().unwrap()
}

/// Where id and name mean two machines, neither is ended, and the scheduler does not forget them.
#[test]
fn two_machines_in_one_are_refused() {
    let grid = Grid::new(&json!({}), &json!({}));
    let hosts = grid.machines(TEMPLATE, 3);
    for way in 0..2 {
        let input = json!({ "machines": [{ "name": hosts[0].name, "machineId": hosts[1].id }] });
        let message = refused(&call(&grid, way, &input));
        assert!(message.contains(&hosts[0].name) && message.contains(&hosts[1].id), "{message}");
        assert_eq!(grid.live(), 3);
    }
    // What else is returned with them is ended.
    let mixed = json!({ "machines": [
        { "name": hosts[0].name, "machineId": hosts[1].id }, { "name": hosts[2].name }
    ] });
    refused(&call(&grid, 1, &mixed));
    grid.until_live(2);
    let left = grid.command(&["sim", "list"])["machines"].as_array().unwrap().clone();
    let running = left.iter().filter(|machine| machine["status"] == "running");
    assert_eq!(running.count(), 2, "{left:?}");
}

/// A new store, as after the old one was lost, with what an export has.
fn replace_store(grid: &Grid, export: &str) {
    std::fs::remove_dir_all(grid.work()).unwrap();
    std::fs::create_dir(grid.work()).unwrap();
    grid.command(&["storage", "init"]);
    let file = grid.sandbox.input("export.json", export);
    grid.command(&["storage", "import", file.to_str().unwrap()]);
}

/// Hosts of two providers may have the same short name, and then it means neither.
#[test]
fn a_short_name_of_two_hosts_is_refused() {
    let grid = Grid::new(&json!({}), &json!({}));
    let one = grid.machines(TEMPLATE, 1).remove(0);
    grid.change_cloud(&json!({ "network": { "domain": "other.internal", "block": "10.1.0.0/24" } }));
    grid.machines(TEMPLATE, 1);
    let machines = grid.command(&["machines", "list"])["machines"].clone();
    // The addresses differ, so the hosts are renamed in an export to what two networks could have.
    let export = String::from_utf8(grid.sandbox.run("ohfp", &["storage", "export", "-"]).stdout).unwrap();
    let mut other = machines.as_array().unwrap().iter().map(|machine| text(&machine["name"]));
    let other = other.find(|name| *name != one.name).unwrap();
    let renamed = format!("{}.other.internal", short(&one));
    replace_store(&grid, &export.replace(&other, &renamed));

    let message = refused(&call(&grid, 1, &json!({ "machines": [{ "name": short(&one) }] })));
    assert!(message.contains(&one.name) && message.contains(&renamed), "{message}");
    let by_hand = grid.sandbox.run("ohfp", &["machines", "return", short(&one)]);
    assert!(by_hand.code == 1 && by_hand.stderr.contains(&renamed), "{by_hand:?}");
    let known = json!({ "machines": [{ "name": short(&one) }] });
    assert_eq!(grid.reclaims(&known), [], "a host that may be alive is given up");
    assert_eq!(grid.live(), 2);
    grid.settled(&text(
        &grid.answer("requestReturnMachines", &json!({ "machines": { "name": one.name } }))["requestId"],
    ));
    assert_eq!(grid.live(), 1);
}

/// The only provider that could have an unknown machine cannot be asked: nothing is known of the machine, so
/// the scheduler must not forget it. What is known is returned all the same.
#[test]
fn unknown_machines_are_not_gone_while_a_provider_cannot_be_asked() {
    let grid = Grid::new(&json!({}), &json!({}));
    let host = grid.machines(TEMPLATE, 1).remove(0);
    let aws = json!({ "provider": { "providers": [
        { "name": "sim", "type": "sim", "enabled": false, "config": { "release": { "seconds": 0.05 } } },
        { "name": "aws", "type": "aws", "config": { "region": "us-east-1" } },
    ] } });
    grid.sandbox.write("config.json", aws.to_string());
    let stranger = json!({ "name": "ip-10-9-9-9.ec2.internal", "machineId": "i-0e90ecb3228822f6f" });
    for machines in [json!([stranger]), json!({ "name": "ip-10-9-9-9.ec2.internal" })] {
        let input = json!({ "machines": machines });
        for operation in ["requestReturnMachines", "getReturnRequests"] {
            let message = grid.refusal(operation, &input);
            assert!(message.contains("ip-10-9-9-9.ec2.internal") && message.contains("aws"), "{message}");
        }
    }
    let requests = grid.command(&["requests", "list", "--type", "return"]);
    assert_eq!(requests["requests"], json!([]), "a return of nothing is left behind");
    let known = json!({ "name": host.name, "machineId": host.id });
    let message = grid.refusal("requestReturnMachines", &json!({ "machines": [stranger, known] }));
    assert!(message.contains("i-0e90ecb3228822f6f") && !message.contains(&host.id), "{message}");
    // It is being ended; its provider was told.
    let entry = grid.command(&["machines", "show", &host.id]);
    assert!(entry["returnRequestId"].is_string(), "{entry}");
    grid.answer("requestReturnMachines", &json!({ "machines": [known] }));
}

/// A machine that exists in the cloud and not in the store, as after history was cleared, is ended by its id.
#[test]
fn machines_that_only_the_provider_knows_are_ended() {
    let grid = Grid::new(&json!({}), &json!({}));
    let hosts = grid.machines(TEMPLATE, 3);
    // The cloud of the simulated provider remembers in the same file; only what ohfp knows is forgotten.
    let export = grid.sandbox.run("ohfp", &["storage", "export", "-"]);
    let mut document: Value = serde_json::from_slice(&export.stdout).unwrap();
    for table in ["requests", "machines", "members"] {
        document[table] = json!([]);
    }
    replace_store(&grid, &document.to_string());
    assert_eq!((grid.live(), grid.command(&["machines", "list"])["machines"].clone()), (3, json!([])));

    let ask = |machines: Value| json!({ "machines": machines });
    let all: Vec<Value> =
        hosts.iter().map(|host| json!({ "name": short(host), "machineId": host.id })).collect();
    assert_eq!(grid.reclaims(&ask(json!(all))), [], "the cloud has them");
    for (machine, message, left) in [
        (json!({ "name": hosts[0].name, "machineId": "i-00000000000000000" }), "No Active VM.", 3),
        (json!({ "name": hosts[0].name, "machineId": hosts[0].id }), "Delete VM success.", 2),
        (json!({ "name": "renamed", "machineId": hosts[1].id }), "Delete VM success.", 1),
        (json!({ "name": short(&hosts[2]) }), "Delete VM success.", 0),
        (json!({ "name": short(&hosts[2]) }), "No Active VM.", 0),
    ] {
        let answer = grid.answer("requestReturnMachines", &ask(machine.clone()));
        assert_eq!(answer["message"], message, "{machine}");
        assert_eq!(grid.settled(&text(&answer["requestId"]))["status"], "complete", "{machine}");
        grid.until_live(left);
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

/// For people: an unknown machine is an error, and nothing is changed.
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
    assert_eq!(same["message"], "return accepted: all of these machines are terminated already");
    let rest = grid.command(&["machines", "return", "--request-id", &id, "--wait"]);
    assert_eq!(hosts(&rest["requests"][0]), machines[1..]);
    assert_eq!(grid.live(), 0);
    let none = grid.sandbox.run("ohfp", &["machines", "return", "--all", "--yes"]);
    assert!(none.code == 1 && none.stderr.contains("no machine to return"), "{none:?}");
    grid.machines(TEMPLATE, 2);
    let all = grid.sandbox.run("ohfp", &["machines", "return", "--all", "--yes"]);
    grid.settled(&text(&document(&all)["requestId"]));
    assert_eq!(grid.live(), 0);
}
