//! How many machines there may be: `maxNumber`, the largest request, the cloud's capacity. Exact at every
//! moment, also after machines have gone.

use ohfp_tests::grid::{Grid, LIMITED, NONE, SPOT, TEMPLATE, UNITS, hosts, text, wanted};
use serde_json::{Value, json};

/// Refused, with a reason that has all of this, and nothing is recorded or made.
fn refused(grid: &Grid, template: &str, count: u64, says: &[&str]) {
    let (live, known) = (grid.live(), grid.command(&["requests", "list"]));
    let message = grid.refusal("requestMachines", &wanted(template, count));
    assert!(says.iter().all(|part| message.contains(part)), "{template} × {count}: {message}");
    let ended = grid.sandbox.run("ohfp", &["machines", "request", template, &count.to_string()]);
    assert!(ended.code == 1 && ended.stdout.is_empty(), "{ended:?}");
    assert!(says.iter().all(|part| ended.stderr.contains(part)), "{ended:?}");
    let ended = grid.sandbox.run("ohfp", &["machines", "request", template, &count.to_string(), "--dry-run"]);
    assert!(ended.code == 1 && says.iter().all(|part| ended.stderr.contains(part)), "{ended:?}");
    assert_eq!((grid.live(), grid.command(&["requests", "list"])), (live, known), "{template} × {count}");
}

#[test]
fn a_template_has_no_more_than_its_maximum() {
    let grid = Grid::new(&json!({}), &json!({}));
    refused(&grid, LIMITED, 6, &["`five`", "allows 5 machines", "0 exist", "6 more"]);
    let machines = grid.machines(LIMITED, 3);
    refused(&grid, LIMITED, 3, &["allows 5 machines", "3 exist"]);
    grid.machines(LIMITED, 2);
    refused(&grid, LIMITED, 1, &["allows 5 machines", "5 exist"]);
    // Another template has its own.
    grid.machines(TEMPLATE, 7);
    grid.settled(&grid.give_back(&machines[..1]));
    refused(&grid, LIMITED, 2, &["4 exist"]);
    grid.machines(LIMITED, 1);
    // What the cloud takes makes room too, once that is known.
    grid.command(&["sim", "fail", &machines[1].name]);
    grid.reclaims(&json!({}));
    grid.machines(LIMITED, 1);
    refused(&grid, LIMITED, 1, &["5 exist"]);
    assert_eq!(grid.live(), 12);
    grid.machines(SPOT, 20);
    refused(&grid, SPOT, 1, &["`spot`", "20 exist"]);
}

/// Where machines are worth more than one, requests, limits and answers count units.
#[test]
fn spot_capacity_is_counted_in_units() {
    let grid = Grid::new(&json!({}), &json!({}));
    for (asked, machines, units) in [(4, 1, 4), (8, 2, 12), (12, 2, 12), (1, 1, 4)] {
        let id = grid.request(UNITS, asked);
        let status = grid.settled(&id);
        assert_eq!((&status["status"], &status["message"]), (&json!("complete"), &json!("")), "{asked}");
        assert_eq!(hosts(&status).len(), machines, "{asked} units: {status}");
        let shown = grid.command(&["machines", "list", "--request-id", &id, "--scheduler", "default"]);
        let worth =
            shown["machines"].as_array().unwrap().iter().map(|machine| machine["units"].as_u64().unwrap());
        assert_eq!(worth.sum::<u64>(), units, "{shown}");
    }
    // 32 of 40 exist.
    refused(&grid, UNITS, 9, &["`units` allows 40 units", "32 exist", "9 more"]);
    let rehearsal = grid.command(&["machines", "request", UNITS, "8", "--dry-run"]);
    assert_eq!(rehearsal["existing"], 32);
    let waiting = grid.sandbox.run("ohfp", &["machines", "request", UNITS, "8", "--wait"]);
    assert!(waiting.code == 0 && waiting.stderr.contains("of 8 units running"), "{waiting:?}");
    // A fleet may exceed its target by less than its largest machine, so it may exceed the limit too.
    refused(&grid, UNITS, 1, &["44 exist"]);
}

/// Fewer units than requested are not complete, and the message counts them.
#[test]
fn missing_units_are_told() {
    let cloud = json!({ "capacity": { "total": 2 } });
    let grid = Grid::new(&cloud, &json!({}));
    let status = grid.settled(&grid.request(UNITS, 24));
    assert_eq!((&status["status"], hosts(&status).len()), (&json!("complete_with_error"), 2));
    let message = text(&status["message"]);
    assert!(message.starts_with("12 of 24 units: InsufficientInstanceCapacity"), "{message}");
    let none = grid.settled(&grid.request(UNITS, 4));
    assert!(text(&none["message"]).starts_with("0 of 4 units: "), "{none}");
}

/// Starting machines count, and so does an unconfirmed launch; failed ones do not.
#[test]
fn what_is_on_its_way_counts() {
    let grid = Grid::new(&json!({ "boot": { "seconds": 3_600 } }), &json!({}));
    let id = grid.request(LIMITED, 5);
    refused(&grid, LIMITED, 1, &["5 exist or are on their way"]);
    grid.settled(&grid.give_back(&hosts(&grid.status(&id))));
    grid.change_cloud(&json!({ "launch": { "unknown_probability": 1 } }));
    let id = grid.request(LIMITED, 5);
    refused(&grid, LIMITED, 1, &["5 exist or are on their way"]);
    grid.settled(&grid.give_back(&hosts(&grid.settled(&id))));
    grid.change_cloud(&json!({ "boot": { "failure_probability": 1 } }));
    assert_eq!(grid.settled(&grid.request(LIMITED, 5))["status"], "complete_with_error");
    grid.change_cloud(&json!({}));
    grid.machines(LIMITED, 5);
}

#[test]
fn nothing_and_everything() {
    let grid = Grid::new(&json!({}), &json!({}));
    refused(&grid, NONE, 1, &["`none`", "maxNumber is 0"]);
    // Schedulers ask for hundreds at a time: only what the provider can launch at once is a limit.
    grid.machines(TEMPLATE, 300);
    refused(&grid, TEMPLATE, 10_001, &["at most 10000 machines"]);
    refused(&grid, TEMPLATE, 1 << 60, &["at most 10000 machines"]);
    assert_eq!(grid.live(), 300);
}

#[test]
fn the_largest_request_can_be_set() {
    for (most, more) in [(7, 8), (10_000, 10_001), (20_000, 10_001)] {
        let grid = Grid::new(&json!({}), &json!({ "request": { "max_machines_per_request": most } }));
        let message = grid.refusal("requestMachines", &wanted(TEMPLATE, more));
        assert!(message.contains(&format!("at most {}", most.min(10_000))), "{message}");
    }
    let grid = Grid::new(&json!({}), &json!({ "request": { "max_machines_per_request": 7 } }));
    assert_eq!(grid.machines(TEMPLATE, 7).len(), 7);
}

/// What is no number of machines is refused before anything is looked at.
#[test]
fn numbers_that_are_none() {
    let grid = Grid::new(&json!({}), &json!({}));
    let counts: [Value; 12] = [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(2.0),
        json!("two"),
        json!("0"),
        json!(""),
        json!(null),
        json!(true),
        json!([1]),
        json!({}),
        json!("1e2"),
    ];
    for count in &counts {
        let input = json!({ "template": { "templateId": TEMPLATE, "machineCount": count } });
        let message = grid.refusal("requestMachines", &input);
        assert!(message.contains("`template.machineCount`"), "{count}: {message}");
    }
    for (input, says) in [
        (json!({}), "`template` is missing"),
        (json!({ "template": null }), "`template` is missing"),
        (json!({ "template": "any" }), "`template` must be an object"),
        (json!({ "template": { "machineCount": 1 } }), "`template.templateId` is missing"),
        (json!({ "template": { "templateId": "", "machineCount": 1 } }), "`template.templateId`"),
        (json!({ "template": { "templateId": "ANY", "machineCount": 1 } }), "`ANY`"),
        (json!({ "template": { "templateId": "any ", "machineCount": 1 } }), "`any `"),
        (json!({ "template": { "templateId": "$(id)", "machineCount": 1 } }), "$(id)"),
    ] {
        let message = grid.refusal("requestMachines", &input);
        assert!(message.contains(says), "{input}: {message}");
    }
    assert_eq!((grid.live(), grid.command(&["requests", "list"])["requests"].clone()), (0, json!([])));
    // IBM's own plug-in reads a number in a text.
    let input = json!({ "template": { "templateId": TEMPLATE, "machineCount": "2" }, "rc_account": "x" });
    let id = text(&grid.answer("requestMachines", &input)["requestId"]);
    assert_eq!(hosts(&grid.settled(&id)).len(), 2);
}

/// The cloud is full, and has room again once machines have gone.
#[test]
fn capacity_comes_back() {
    let grid = Grid::new(&json!({ "capacity": { "total": 4 } }), &json!({}));
    let machines = grid.machines(TEMPLATE, 4);
    let status = grid.settled(&grid.request(TEMPLATE, 1));
    assert_eq!((&status["status"], hosts(&status).len()), (&json!("complete_with_error"), 0));
    grid.settled(&grid.give_back(&machines[..2]));
    let status = grid.settled(&grid.request(TEMPLATE, 3));
    assert_eq!((&status["status"], hosts(&status).len()), (&json!("complete_with_error"), 2));
    assert_eq!(grid.live(), 4);
}
