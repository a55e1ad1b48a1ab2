//! `getReturnRequests`: the machines that the cloud took or is about to take, and no others.

use ohfp_tests::grid::{Grid, Host, SPOT, TEMPLATE, hosts, text};
use serde_json::{Value, json};

/// Host Factory's list of what it knows, in the forms that it may have.
fn forms(known: &[Host]) -> [Value; 3] {
    let list =
        |entry: &dyn Fn(&Host) -> Value| json!({ "machines": known.iter().map(entry).collect::<Vec<_>>() });
    [
        json!({}),
        list(&|host| json!({ "name": host.name, "machineId": host.id })),
        list(&|host| json!({ "name": host.name })),
    ]
}

fn at_once(hosts: &[&Host]) -> Vec<(String, u64)> {
    let mut named: Vec<_> = hosts.iter().map(|host| (host.name.clone(), 0)).collect();
    named.sort();
    named
}

#[test]
fn healthy_machines_are_left_alone() {
    let grid = Grid::new(&json!({}), &json!({}));
    assert_eq!(grid.reclaims(&json!({})), [], "there is no state yet");
    let mut known = grid.machines(TEMPLATE, 3);
    known.extend(grid.machines(SPOT, 2));
    for input in forms(&known).iter().chain(&[json!({ "machines": [] }), json!({ "machines": null })]) {
        assert_eq!(grid.reclaims(input), [], "{input}");
    }
    assert_eq!(grid.live(), 5);
}

#[test]
fn machines_that_the_cloud_took_are_told_until_they_are_given_back() {
    let grid = Grid::new(&json!({}), &json!({}));
    let known = grid.machines(TEMPLATE, 4);
    grid.command(&["sim", "reclaim", &known[1].id, "--grace", "0"]);
    grid.command(&["sim", "fail", &known[2].name]);
    for input in forms(&known) {
        for _ in 0..2 {
            assert_eq!(grid.reclaims(&input), at_once(&[&known[1], &known[2]]), "{input}");
        }
    }
    // Host Factory gives back what it was told: the machines are gone, and that is fine.
    let id = grid.give_back(&known[1..2]);
    assert_eq!(grid.settled(&id)["status"], "complete");
    for input in forms(&known) {
        assert_eq!(grid.reclaims(&input), at_once(&[&known[2]]), "{input}");
    }
    grid.settled(&grid.give_back(&known[2..3]));
    assert_eq!(grid.reclaims(&json!({})), []);
    assert_eq!(grid.live(), 2);
}

#[test]
fn an_announced_end_is_told_with_the_time_left() {
    let grid = Grid::new(&json!({}), &json!({}));
    let known = grid.machines(SPOT, 2);
    grid.command(&["sim", "reclaim", &known[0].name, "--grace", "1000"]);
    for input in forms(&known) {
        let told = grid.reclaims(&input);
        assert_eq!((told.len(), &told[0].0), (1, &known[0].name), "{input}");
        assert!((900..=1_000).contains(&told[0].1), "{told:?}");
    }
    // It still works until then.
    assert_eq!(grid.live(), 2);
    let id = grid.give_back(&known[..1]);
    assert_eq!(grid.reclaims(&json!({})), []);
    assert_eq!(grid.settled(&id)["status"], "complete");
    assert_eq!(grid.live(), 1);
}

/// Spot machines are announced and taken by the cloud itself.
#[test]
fn spot_machines_are_taken() {
    let cloud = json!({ "spot": {
        "reclaim_probability": 1, "reclaim_after_seconds": 1_000, "notice_seconds": 1_000
    } });
    let grid = Grid::new(&cloud, &json!({}));
    let (spot, other) = (grid.machines(SPOT, 2), grid.machines(TEMPLATE, 2));
    assert_eq!(other.len(), 2);
    let told = grid.reclaims(&json!({}));
    let mut names: Vec<&String> = spot.iter().map(|host| &host.name).collect();
    names.sort();
    assert_eq!(told.iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
    assert!(told.iter().all(|(_, seconds)| (900..=1_000).contains(seconds)), "{told:?}");
}

#[test]
fn own_returns_are_never_told() {
    let grid = Grid::new(&json!({ "release": { "seconds": 0.6 } }), &json!({}));
    let known = grid.machines(TEMPLATE, 2);
    let id = grid.give_back(&known);
    for input in forms(&known) {
        assert_eq!(grid.reclaims(&input), [], "while they go: {input}");
    }
    grid.settled(&id);
    for input in forms(&known) {
        assert_eq!(grid.reclaims(&input), [], "once they are gone: {input}");
    }
}

/// Host Factory may know hosts that we do not: if the cloud has none of that name, they are gone.
#[test]
fn unknown_hosts_are_gone() {
    let grid = Grid::new(&json!({}), &json!({}));
    let known = grid.machines(TEMPLATE, 1);
    let input = json!({ "machines": [
        { "name": "gone.example.com" },
        { "name": known[0].name, "machineId": known[0].id },
        { "name": "gone.example.com", "machineId": "i-00000000000000000" },
        { "name": "gone.example.com" },
    ] });
    assert_eq!(grid.reclaims(&input), [("gone.example.com".to_owned(), 0)]);
    // One object instead of a list; only the id.
    assert_eq!(grid.reclaims(&json!({ "machines": { "name": "gone" } })), [("gone".to_owned(), 0)]);
    let by_id = grid.answer("getReturnRequests", &json!({ "machines": { "machineId": "i-1" } }));
    assert_eq!(text(&by_id["requests"][0]["machine"]), "i-1");
    assert_eq!(grid.live(), 1);
}

/// Hosts are told by the name that was asked, whatever its case and with or without its domain.
#[test]
fn the_answer_has_the_name_that_was_asked() {
    let grid = Grid::new(&json!({}), &json!({}));
    let known = grid.machines(TEMPLATE, 2);
    grid.command(&["sim", "fail", &known[0].id]);
    let short = |host: &Host| host.name.split('.').next().unwrap().to_owned();
    let (gone, alive) = (short(&known[0]), short(&known[1]));
    for name in [known[0].name.to_uppercase(), gone.clone(), gone.to_uppercase()] {
        let input = json!({ "machines": [{ "name": name }, { "name": alive }] });
        assert_eq!(grid.reclaims(&input), [(name.clone(), 0)], "{input}");
        let input = json!({ "machines": [{ "name": name, "machineId": known[0].id }] });
        assert_eq!(grid.reclaims(&input), [(name.clone(), 0)], "{input}");
    }
}

/// Clouds use addresses again. The name of a machine that has gone is not told while another one has it: the
/// scheduler would give up the one that lives.
#[test]
fn the_successor_of_a_host_is_not_given_up() {
    let grid = Grid::new(&json!({ "network": { "block": "10.0.0.0/28" } }), &json!({}));
    // Eleven addresses are usable.
    let first = grid.machines(TEMPLATE, 11);
    grid.command(&["sim", "fail", &first[0].id]);
    assert_eq!(grid.reclaims(&json!({})), at_once(&[&first[0]]));
    let second = grid.machines(TEMPLATE, 1);
    assert_eq!(second[0].name, first[0].name, "set-up: the address is used again");
    let old = json!({ "name": first[0].name, "machineId": first[0].id });
    let new = json!({ "name": first[0].name, "machineId": second[0].id });
    let stranger = json!({ "name": first[0].name, "machineId": "i-00000000000000000" });
    for machines in
        [json!([old]), json!([new]), json!([old, new]), json!([stranger]), json!({ "name": first[0].name })]
    {
        assert_eq!(grid.reclaims(&json!({ "machines": machines })), [], "{machines}");
    }
    assert_eq!(grid.reclaims(&json!({})), []);
    // The old one is returned without harm, and a name means the one that lives.
    grid.answer("requestReturnMachines", &json!({ "machines": [old] }));
    assert_eq!(grid.live(), 11);
    let log = std::fs::read_to_string(grid.log()).unwrap();
    assert!(log.contains("has this name now"), "a disagreement is logged: {log}");
    grid.answer("requestReturnMachines", &json!({ "machines": { "name": first[0].name } }));
    grid.until_live(10);
}

/// A host that is named twice, or by name and by id, is told once.
#[test]
fn nothing_is_told_twice() {
    let grid = Grid::new(&json!({}), &json!({}));
    let known = grid.machines(TEMPLATE, 2);
    grid.command(&["sim", "fail", &known[0].id]);
    let (name, id) = (&known[0].name, &known[0].id);
    let input = json!({ "machines": [
        { "name": name }, { "machineId": id }, { "name": name, "machineId": id }, { "name": name },
        { "name": known[1].name },
    ] });
    assert_eq!(grid.reclaims(&input), at_once(&[&known[0]]));
}

/// What never came up is of no interest to anybody but a scheduler that believes in it.
#[test]
fn machines_that_failed_to_start_are_reported_to_schedulers_that_list_them() {
    let grid = Grid::new(&json!({ "boot": { "failure_probability": 1 } }), &json!({}));
    let id = grid.request(TEMPLATE, 1);
    let known = hosts(&grid.settled(&id));
    let [all, both, name] = forms(&known);
    assert_eq!(grid.reclaims(&all), []);
    for input in [both, name] {
        assert_eq!(grid.reclaims(&input), at_once(&[&known[0]]), "{input}");
    }
}

#[test]
fn wrong_questions_are_refused() {
    let grid = Grid::new(&json!({}), &json!({}));
    for (input, says) in [
        (json!({ "machines": "all" }), "`machines` must be a list"),
        (json!({ "machines": ["x"] }), "`machines[0]` must be an object"),
        (json!({ "machines": [{ "name": 1 }] }), "`machines[0].name` must be"),
        (json!({ "machines": [{}] }), "`machines[0].name` is missing"),
    ] {
        let message = grid.refusal("getReturnRequests", &input);
        assert!(message.contains(says), "{input}: {message}");
    }
}

/// The command for people tells the same.
#[test]
fn the_command_agrees() {
    let grid = Grid::new(&json!({}), &json!({}));
    let known = grid.machines(TEMPLATE, 2);
    grid.command(&["sim", "fail", &known[0].name]);
    for input in forms(&known) {
        let text = input.to_string();
        let mut words = vec!["requests", "list-returns"];
        if input != json!({}) {
            words.extend(["-d", &text]);
        }
        assert_eq!(grid.command(&words), grid.answer("getReturnRequests", &input), "{input}");
    }
    let plain = grid.command(&["requests", "list-returns", "--scheduler", "default"]);
    let told = (&plain["requests"][0]["machine_id"], &plain["requests"][0]["grace_period"]);
    assert_eq!(told, (&json!(known[0].id), &json!(0)));
}
